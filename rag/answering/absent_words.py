"""The words of a declined question that stand nowhere in the documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rag.answering.table_wording import is_filler
from rag.messages import say
from rag.retrieval.index import Index
from rag.text.clitics import split_prefix, without_article
from rag.text.folding import ARABIC_LETTER, LATIN_LETTER
from rag.text.names import names, unmatched_names
from rag.text.words import stem, stop_stems, word_spans, words

_MOST = 3
"""Words that are named."""
_LEAST_LETTERS = 3
"""Letters of a stem that is looked for inside other words."""
_LEAST_DIGITS = 4
_MOST_PASSAGES = 20_000
"""Passages of the largest collection whose list of words is searched."""
_MOST_WORDS = 30_000
"""Words and stems of the documents, at most, among which the Arabic spelling of a name is looked for."""
# What asks or refers and names nothing, beside function words. Folded.
_ASKING = frozenset(
    stem(word)
    for word in words(
        """many much far long often old big happen happened mean means meaning reason kind type way name called explain describe say said
        know think tell give show list find make made get got go went come came take took become became use used using good great new
        thing things people person someone anyone everyone something anything like there according mentioned document documents text
        file files article page question answer information details detail summary
        سبب اسباب طريقه معني نوع اسم يسمي تسمي اشرح وضح اخبرني اخبرنا تعرف تعرفين كام فين ازاي امتي ليه مين علاش واش كيفاش منين بشحال
        شحال وين ليش شو شنو ايش وش قديش اديش هيك يعني بتعرف حدث حصل يحدث تم يتم قال قالت يقول جري صار يصير يوجد توجد هناك شخص اشخاص شيء
        اشياء الوثيقه الوثائق وثائق المستند النص الملف الملفات المقال معلومات تفاصيل ملخص سؤال جواب"""
    )
)


def absent_words(question: str, index: Index) -> tuple[str, ...]:
    """Return up to three content words of a question, as it spells them, that no document has in any form.

    A word counts as absent if its stem is part of no word of the documents. Where documents of the other language could say it in their
    own words, only a name is called absent, if they spell it in no way either. Of a large collection none is named. Raises IndexCorrupt.
    """
    manifest = index.manifest()
    if manifest.passages > _MOST_PASSAGES:
        return ()
    languages = {language for language, count in manifest.languages.items() if count}
    found: list[str] = []
    for span in word_spans(question):
        if len(found) == _MOST:
            break
        written = span.of(question)
        forms = set(_forms(written)) if _says_something(written) and written not in found else set()
        if forms and not any(map(index.is_part_of_a_word, forms)):
            other = languages - {"ar" if ARABIC_LETTER.search(written) else "en"}
            if not other or written.isdigit() or _is_name_unknown(written, question, index):
                found.append(written)
    return tuple(found)


def absence(absent: Sequence[str], language: str) -> str:
    """Return the sentence that names the words that stand nowhere; "" for none."""
    if not absent:
        return ""
    quoted = [f"«{word}»" if language == "ar" else f"“{word}”" for word in absent]
    if len(quoted) == 1:
        return say("answer.absent", language, word=quoted[0])
    return say("answer.absent_several", language, words=("، " if language == "ar" else ", ").join(quoted))


def _says_something(written: str) -> bool:
    """Return whether a word of a question can be missed: a content word of some letters, or a number of some digits."""
    folded = words(written)
    if len(folded) != 1:
        return False
    if folded[0].isdigit():
        return len(folded[0]) >= _LEAST_DIGITS
    small = stop_stems() | _ASKING
    return not is_filler(folded[0]) and all(stem(form) not in small for form in (folded[0], *_bare(folded[0])))


def _forms(written: str) -> Iterator[str]:
    """Yield what a word is looked for by: the stems of what it can be without the letters and the article before it."""
    folded = words(written)[0]
    forms = {folded, *_bare(folded)}
    for form in forms | {stem(form) for form in forms}:
        core = without_article(form, _LEAST_LETTERS)
        if len(core) >= _LEAST_LETTERS:
            yield core


def _bare(word: str) -> Iterator[str]:
    for prefix, rest in split_prefix(word):
        if prefix and len(rest) >= _LEAST_LETTERS:
            yield rest


def _is_name_unknown(written: str, question: str, index: Index) -> bool:
    """Return whether a word is a name that the Arabic documents spell in no way; False if that is not certain."""
    if not LATIN_LETTER.search(written) or written not in names(question):
        return False
    spoken = index.vocabulary(_MOST_WORDS)
    arabic = " ".join(word for word in spoken or () if ARABIC_LETTER.search(word))
    return bool(arabic) and written in unmatched_names(question, arabic)
