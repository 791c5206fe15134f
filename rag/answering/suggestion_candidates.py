"""Questions that a document may answer, made from its tree and from the wording of its sentences, in the document's language.

They are candidates: `rag.answering.suggestions` keeps those that are answered by the words they were made from. A question is made only
where its grammar is certain: the words of the document are moved, never inflected.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rag.answering.localization import localize_value
from rag.answering.name_mentions import named
from rag.answering.overview import placed_dates
from rag.answering.overview_statements import Statement, statements
from rag.answering.table_records import Records, measure_of, records_of
from rag.schema import Block, BlockKind, Document, Passage, Span
from rag.text.folding import fold, without_tashkeel
from rag.text.language import script
from rag.text.numbers import Kind, find_values
from rag.text.territories import territories
from rag.text.words import content_stems, words

_SHORTEST, _LONGEST = 10, 110
"""Least and most characters of a question."""
_MOST_WORDS = 9
"""Most words of what is asked about."""
_ROWS = 3
"""Rows of a table that are asked about."""
_COLUMNS = 4
"""Columns of a table that are asked about."""
_MOST_OF_EACH = 12
"""Most candidates of each kind in a document."""
_LONGEST_EVENT = 240
"""Most characters of a sentence that is asked for by its date."""
_LONGEST_DOCUMENT = 2_000_000
_NUMBER = re.compile(r"\s*(?:\(?\d{1,3}(?:\.\d{1,3})*[.):]?|[A-Za-z][.)]|[•*#-]+)\s+")
"""The number or bullet before a heading."""
_ABBREVIATION = re.compile(r"[A-Z]{2}|\d")
_NOT_PLAIN = re.compile(r"https?://|www\.|@|[|_{}<>\[\]\\\t\u00a9\ufffd]|\.{2,}|\d{7,}")

# --- English --------------------------------------------------------------------------------------------------------------

_SUBJECT = r"(?P<subject>[A-Z0-9][^,;:()\[\]\"“”?!]{2,70}?)"
_DEFINED = re.compile(rf"{_SUBJECT} (?P<be>is|are|was|were) (?:an?|the|one of) ")
_VALUED = re.compile(rf"{_SUBJECT} (?P<be>is|are|was|were) (?:about |around |approximately |nearly |over |at least |up to |only )?")
_DATED = re.compile(
    rf"{_SUBJECT} (?P<be>was|were) (?P<done>[a-z]+(?:ed|en|un|ilt|orn|ought|aught|ade|et|eld|aid|ut|ung|ost|ound))"
    r"(?P<more> (?:by|in|at|as|to|for) [^,;:.()\d]{2,50})? (?:on|in) "
)
_CLAUSE = frozenset("who which that when where if because as while although there what how why it they this these those not also".split())
"""Words in a subject after which its verb may not be that of the sentence."""
_PRONOUNS = frozenset("you your we our us i my me he his she her they their them this these that those".split())
_FUNCTION = frozenset("The A An All Each Every Some Most Our Your Its Their His Her My This These Any No One In On At For".split())
_HAPPENED = re.compile(r"(?P<on>(?:On|In|on|in|By|Since) )$")
_PLURAL = re.compile(r"(?:[a-z]{2,}[^sui\W]|[a-z]+ie|(?:ss|ch|sh|x)e)s$")
_OF = re.compile(r" (?:of|for|in|on|to|by|from|with|at|and) ")
_WILL = re.compile(r"\b(?:shall|will|must|may|should|can|would)\b")
_WITHIN = re.compile(r"(?:Within|In|At|From|By|Until|After|Before|On|With|Up to)\b")
_TERM = re.compile(r"(?:[a-z(]|(?:Any|An?|The|Each|Every|All)\b)")
"""The beginning of a definition after a colon."""
_LIST = re.compile(
    r"(?:(?:the|our|your|its) )?(?:following )?(?P<subject>[^:;,.()]{4,70}?)"
    r"(?: (?:are|were)(?P<done> [a-z]+(?:ed|en))?| include)?(?: (?:as follows|the following))?:"
)

# --- Arabic ---------------------------------------------------------------------------------------------------------------

_SUBJECT_AR = r"(?P<subject>[\u0621-\u064a][^،؛:()\[\]«»\"؟!.]{2,70}?)"
_DEFINED_AR = re.compile(rf"{_SUBJECT_AR} (?P<be>هو|هي) (?![\d٠-٩])")
_REACHED_AR = re.compile(
    r"(?P<verb>بلغ|بلغت|يبلغ|تبلغ) (?P<subject>[^،؛:()\[\]«»\"؟!.\d٠-٩]{3,70}?) (?:حوالي |نحو |قرابة |ما يقارب )?(?=[\d٠-٩])"
)
_WHEN_AR = re.compile(
    r"(?P<verb>[\u0621-\u064a]{3,9}) (?P<subject>[^،؛:()\[\]«»\"؟!.\d٠-٩]{3,60}?) (?:في |يوم |بتاريخ )?(?:عام |سنة |تاريخ |يوم )?"
)
_NO_VERB_AR = frozenset("في من على عن إلى منذ خلال بعد قبل حتى كان كانت وفي ومن هذا هذه كل بين مع عند لدى أما إن أن قد لقد".split())
_YEAR_AR = re.compile(r"(?:عام|سنة|العام)\s$")
_LIST_AR = re.compile(
    r"(?P<subject>(?:ال|[\u0621-\u064a]+ ال)[^:؛،.()]{3,60}?)"
    r"(?P<following> (?:هي|هو|كالتالي|كالآتي|كما يلي|ما يلي|ما يأتي|التالية|الآتية|التالي|الآتي))*\s*:"
)
_FIELD = re.compile(r"\s*(?:[•*-]\s+|\d{1,2}[.)]\s+)?(?P<label>[^\W\d_][^:؛;.,،؟?!()\"«»]{1,48}?)\s*:\s+(?P<value>\S.*)", re.DOTALL)
_NO_LABEL = frozenset(
    "note notes source sources example examples tip warning important see caution ملاحظه ملاحظات مثال المصدر تنبيه هام انظر".split()
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question, its language, the span of the document that should answer it, and what it was made from."""

    text: str
    language: str
    span: Span
    kind: str


_Maker = Callable[[Document, Statement], Iterator[Candidate]]
"""Makes the questions of one statement."""


def candidates(document: Document, passages: Sequence[Passage]) -> list[Candidate]:
    """Return the questions of a document, the likeliest to be answered first, of alternating kinds and spread over the document.

    One that two places of the document would give is left out, for it is not clear which of them is asked about.
    """
    if len(document.text) > _LONGEST_DOCUMENT:
        return []
    found = statements(document, passages)
    kinds: list[list[Candidate]] = [
        list(_question_headings(document)),
        list(_of_statements(document, found, _values)),
        list(_fields(document, found)),
        list(_of_statements(document, found, _dated)),
        list(_of_statements(document, found, _definition)),
        list(_lists(document)),
        list(_tables(document)),
        list(_of_statements(document, found, _persons)),
        list(_of_statements(document, found, _events)),
        list(_headings(document)),
    ]
    counts = Counter(" ".join(words(one.text)) for kind in kinds for one in kind)
    spread = [_spread([one for one in kind if counts[" ".join(words(one.text))] == 1 and _is_plain(one.text)]) for kind in kinds]
    ranked: list[Candidate] = []
    for place in range(_MOST_OF_EACH):
        ranked += [kind[place] for kind in spread if place < len(kind)]
    return ranked


def _spread(found: Sequence[Candidate]) -> list[Candidate]:
    """Return at most `_MOST_OF_EACH` candidates from all over a document, the first, the middle and so on before their neighbours."""
    step = max(len(found) / _MOST_OF_EACH, 1.0)
    kept = [found[int(place * step)] for place in range(min(len(found), _MOST_OF_EACH))]
    return [*kept[::3], *kept[1::3], *kept[2::3]]


def _is_plain(text: str) -> bool:
    if not _SHORTEST <= len(text) <= _LONGEST or _NOT_PLAIN.search(text):
        return False
    return all(text.count(opening) == text.count(closing) for opening, closing in ("()", "«»", "“”", "[]")) and text.count('"') % 2 == 0


# --- headings and lists ---------------------------------------------------------------------------------------------------


def _section(blocks: Sequence[Block], at: int, length: int) -> Span:
    """Return what stands below a heading, up to the next one of its level or a higher one."""
    end = next(
        (block.span.start for block in blocks[at + 1 :] if block.kind is BlockKind.HEADING and block.level <= blocks[at].level), length
    )
    return Span(blocks[at].span.end, end)


def _question_headings(document: Document) -> Iterator[Candidate]:
    """Yield the headings, and short lines, that are questions themselves."""
    for at, block in enumerate(document.blocks[:-1]):
        text = " ".join(block.span.of(document.text).split())
        if (
            block.kind not in (BlockKind.HEADING, BlockKind.PARAGRAPH, BlockKind.ITEM)
            or text[-1:] not in ("?", "؟")
            or len(text) > _LONGEST
        ):
            continue
        if re.search(r"[.!?؟:].", text):
            continue
        asked = _NUMBER.sub("", text, count=1)
        span = _section(document.blocks, at, len(document.text)) if block.kind is BlockKind.HEADING else document.blocks[at + 1].span
        yield Candidate(asked, _language(asked), span, "heading")


def _headings(document: Document) -> Iterator[Candidate]:
    """Yield questions for what a heading names: "Admission requirements", «شروط القبول»."""
    for at, block in enumerate(document.blocks[:-1]):
        text = _NUMBER.sub("", " ".join(block.span.of(document.text).split()), count=1)
        following = document.blocks[at + 1]
        if block.kind is not BlockKind.HEADING or following.kind in (BlockKind.HEADING, BlockKind.CODE):
            continue
        spoken = text.split()
        if not 2 <= len(spoken) <= 6 or not all(word.replace("-", "").isalpha() for word in spoken):
            continue
        span = _section(document.blocks, at, len(document.text))
        if script(text) == "ar":
            if spoken[0] not in _NO_VERB_AR and any(word.startswith("ال") for word in spoken[1:]) and not spoken[0].startswith("ال"):
                yield Candidate(f"ما {text}؟", "ar", span, "topic")
        elif _names_several(text) and not spoken[0].endswith("ing") and spoken[0] not in _FUNCTION:
            yield Candidate(f"What are the {_lowered(document, text)}?", "en", span, "topic")


def _lists(document: Document) -> Iterator[Candidate]:
    """Yield questions for the items of a list, by the line that introduces it."""
    groups: dict[Span, list[Block]] = {}
    for block in document.blocks:
        if block.kind is BlockKind.ITEM and block.lead is not None:
            groups.setdefault(block.lead, []).append(block)
    for lead, items in groups.items():
        text = " ".join(without_tashkeel(lead.of(document.text)).split())
        span = Span(lead.start, items[-1].span.end)
        if len(items) < 2 or len(text.split()) > _MOST_WORDS + 3:
            continue
        if match := _LIST_AR.fullmatch(text):
            acts = match["following"] in (" ما يلي", " ما يأتي", " الآتي", " التالي") and not match["subject"].startswith("ال")
            yield Candidate(f"{'ماذا' if acts else 'ما'} {match['subject']}؟", "ar", span, "list")
        elif (match := _LIST.fullmatch(text[:1].lower() + text[1:])) and _names_several(match["subject"]):
            done = match["done"] or ""
            yield Candidate(f"Which {match['subject']} are{done}?" if done else f"What are the {match['subject']}?", "en", span, "list")


def _names_several(text: str) -> bool:
    """Return whether a line or heading is a noun in the plural: "fees for visitors", and not "you must bring"."""
    spoken = [word.lower() for word in text.split()]
    return _PLURAL.search(_OF.split(text.lower())[0]) is not None and not (_CLAUSE | _PRONOUNS).intersection(spoken)


def _fields(document: Document, found: Sequence[Statement]) -> Iterator[Candidate]:
    """Yield questions for labelled values: "Deposit: 500 dirhams", «الموعد النهائي: 3 مايو», and terms with their definitions."""
    for one in found:
        match = _FIELD.fullmatch(without_tashkeel(one.text)) if not one.is_row and not one.is_point else None
        if match is None:
            continue
        label, value = " ".join(match["label"].split()), match["value"]
        spoken = words(label)
        if not set(spoken).isdisjoint(_NO_LABEL) or not 1 <= len(spoken) <= 6 or len(label) < 4 or find_values(label):
            continue
        asked = _field_ar(label, value) if script(label) == "ar" else _field_en(document, label, value)
        if asked:
            yield Candidate(asked, _language(asked), one.span, "field")


def _field_ar(label: str, value: str) -> str:
    """Return the question for a labelled value; "" unless the label is a definite noun."""
    first, *rest = label.split()
    if first in _NO_VERB_AR or not (first.startswith("ال") or (rest and rest[0].startswith("ال"))):
        return ""
    amounts = [found for found in find_values(value) if found.kind is Kind.AMOUNT]
    if value.split()[0] in _NO_VERB_AR or fold(value).split()[0].endswith("انا"):  # «خلال 5 أيام», «مجانا»: how, not what
        return ""
    if len(value.split()) > 8:
        return f"ما المقصود بـ«{label}»؟"
    return f"بكم {label}؟" if amounts and first.startswith("خدم") else f"ما {label}؟"


def _field_en(document: Document, label: str, value: str) -> str:
    """Return the question for a labelled value; "" where the label is no noun that can be asked about."""
    spoken = label.split()
    stated = find_values(value)
    named = _is_name(document, spoken[0]) and (len(spoken) == 1 or any(word[:1].isupper() for word in spoken[1:]))
    if spoken[0] in _FUNCTION or spoken[-1].endswith("ed") or (_PRONOUNS | _CLAUSE).intersection(word.lower() for word in spoken):
        return ""
    if len(value.split()) > 8:
        return f"What does “{label}” mean?" if _TERM.match(value) and len(spoken) <= 4 else ""
    if (not stated and (named or len(spoken) > 3)) or not content_stems(label) or _WITHIN.match(value):
        return ""
    named = named or all(word[:1].isupper() for word in spoken)
    if any(found.kind is Kind.AMOUNT for found in stated) and named and len(spoken) > 1:
        return f"What amount is given for {label}?"
    be = "are" if _PLURAL.search(label.lower()) else "is"
    return f"What {be} the {_lowered(document, label)}?"


# --- tables ---------------------------------------------------------------------------------------------------------------


def _tables(document: Document) -> Iterator[Candidate]:
    """Yield questions for cells by the names of their row and column, and for the greatest value of a column."""
    for records in records_of(document):
        if records.key is None:
            continue
        columns = [at for at in range(len(records.columns)) if at != records.key and _names_a_column(records.columns[at])]
        step = max(len(records.rows) // _ROWS, 1)
        for place, at in enumerate(range(0, step * _ROWS, step)):
            if at >= len(records.rows) or not columns:
                break
            row = records.rows[at]
            column = columns[place % min(len(columns), _COLUMNS)]
            name, value = records.text(row, records.key), records.text(row, column)
            if value and 1 <= len(name.split()) <= 5 and (asked := _cell_question(document, records.columns[column], name)):
                yield Candidate(asked, _language(asked), row.span, "table")
        yield from _extremes(document, records, columns)


def _names_a_column(name: str) -> bool:
    return bool(name) and 1 <= len(name.split()) <= 4 and all(word.isalpha() for word in name.split()) and len(name) > 2


def _cell_question(document: Document, column: str, name: str) -> str:
    """Return a question for the cell of a row and a column; "" where the document's language leaves its grammar open."""
    if script(column) != script(name) and script(name) == "ar":
        return ""
    if script(column) == "ar":
        if territories(name):
            return f"ما {column} في {name}؟"
        bare = column.removeprefix("ال")
        return f"ما {bare} {name}؟" if len(column.split()) == 1 and column != bare and not name.startswith("ال") else ""
    be = "are" if _PLURAL.search(column.lower()) else "is"
    return f"What {be} the {_lowered(document, column)} of {name}?"


def _extremes(document: Document, records: Records, columns: Sequence[int]) -> Iterator[Candidate]:
    """Yield which row has the greatest value, for the first columns of values."""
    span = Span(records.rows[0].span.start, records.rows[-1].span.end)
    if records.key is None or not _names_a_column(key := records.columns[records.key]):
        return
    for column in columns[:_COLUMNS]:
        measure = measure_of(records, column)
        if measure is None or measure.is_time:
            continue
        name = records.columns[column]
        if script(key) == script(name) == "en":
            yield Candidate(f"Which {_lowered(document, key)} has the highest {_lowered(document, name)}?", "en", span, "greatest")
        elif script(key) == script(name) == "ar":
            has = "لها" if key.rstrip().endswith("ة") else "له"
            yield Candidate(f"أي {key.removeprefix('ال')} {has} أعلى {name.removeprefix('ال')}؟", "ar", span, "greatest")


# --- sentences ------------------------------------------------------------------------------------------------------------


def _of_statements(document: Document, found: Sequence[Statement], make: _Maker) -> Iterator[Candidate]:
    for one in found:
        if one.is_point:
            yield from make(document, one)


def _values(document: Document, one: Statement) -> Iterator[Candidate]:
    """Yield the question for a value that a sentence gives its subject: "The population of X was 5 million"."""
    text = without_tashkeel(one.text)
    if script(text) == "ar":
        match = _REACHED_AR.match(text.removeprefix("و"))
        if match and len(match["subject"].split()) <= _MOST_WORDS:
            yield Candidate(f"كم {match['verb']} {match['subject']}؟", "ar", one.span, "value")
        return
    match = _VALUED.match(text)
    if match and _is_subject(match["subject"]):
        value = next((value for value in find_values(text) if value.span.start == match.end()), None)
        if value is not None and value.kind in (Kind.AMOUNT, Kind.MEASURE, Kind.PERCENT, Kind.NUMBER, Kind.DATE) and not value.spelled:
            yield Candidate(f"What {match['be']} {_subject(document, match['subject'])}?", "en", one.span, "value")


def _dated(document: Document, one: Statement) -> Iterator[Candidate]:
    """Yield when something was done: "The bridge was opened on 3 May 1921", «تأسست الجامعة عام 1962»."""
    dates = {words.start for words, _ in placed_dates(one)}
    text = one.text
    if script(text) == "ar":
        for start in sorted(dates)[:1]:
            match = _WHEN_AR.fullmatch(text[:start])
            if match and match["verb"] not in _NO_VERB_AR and not match["verb"].startswith("ال") and len(match["subject"].split()) <= 6:
                subject = match["subject"].removesuffix(" في").strip()
                yield Candidate(f"متى {match['verb'].removeprefix('و')} {subject}؟", "ar", one.span, "date")
        return
    match = _DATED.match(text)
    if match and match.end() in dates and _is_subject(match["subject"]):
        yield Candidate(
            f"When {match['be']} {_subject(document, match['subject'])} {match['done']}{match['more'] or ''}?", "en", one.span, "date"
        )


def _definition(document: Document, one: Statement) -> Iterator[Candidate]:
    """Yield what the subject of a defining sentence is."""
    text = without_tashkeel(one.text)
    if script(text) == "ar":
        match = _DEFINED_AR.match(text)
        if match and len(match["subject"].split()) <= 5 and match["subject"].split()[0] not in _NO_VERB_AR:
            is_person = any(mention.is_person for mention in named(match["subject"]))
            yield Candidate(f"{'من' if is_person else 'ما'} {match['be']} {match['subject']}؟", "ar", one.span, "definition")
        return
    match = _DEFINED.match(text)
    if match is None or not _is_subject(match["subject"]) or len(match["subject"].split()) > 6:
        return
    subject = match["subject"]
    mentions = [mention for mention in named(one.text) if mention.span.start <= 4 and mention.span.end >= len(subject)]
    if any(mention.is_person for mention in mentions):
        yield Candidate(f"Who {match['be']} {subject}?", "en", one.span, "person")
        yield Candidate(f"من {'هو' if match['be'] in ('is', 'was') else 'هم'} {subject}؟", "ar", one.span, "person")
        return
    capitals = [word for word in subject.split() if word[:1].isupper()]
    if len(capitals) == len(subject.split()) in (2, 3) and not any(mention.is_sure for mention in mentions):
        yield Candidate(f"Who or what {match['be']} {subject}?", "en", one.span, "definition")
    else:
        yield Candidate(f"What {match['be']} {_subject(document, subject)}?", "en", one.span, "definition")
    if len(capitals) == len(subject.split()) == 1 and _is_name(document, subject):
        yield Candidate(f"ما {'هو' if match['be'] in ('is', 'was') else 'هي'} {subject}؟", "ar", one.span, "definition")


def _persons(document: Document, one: Statement) -> Iterator[Candidate]:
    """Yield who somebody is that a sentence names with a title or an act."""
    for mention in named(one.text):
        name = mention.span.of(one.text)
        if mention.is_person and len(name.split()) >= 2:
            if script(name) == "ar":
                yield Candidate(f"من هو {name}؟", "ar", one.span, "person")
            else:
                yield Candidate(f"Who is {name}?", "en", one.span, "person")
                yield Candidate(f"من هو {name}؟", "ar", one.span, "person")


def _events(document: Document, one: Statement) -> Iterator[Candidate]:
    """Yield what happened at a date, in both languages."""
    dates = list(placed_dates(one))
    if len(dates) != 1:
        return
    span, date = dates[0]
    values = [value for value in one.values if value.date == date and value.span.end == span.end]
    before = one.text[: span.start]
    if date.hijri or len(one.text) > _LONGEST_EVENT or _WILL.search(one.text):
        return
    day = date.day is not None and date.month is not None
    if script(one.text) == "ar":
        if day:
            yield Candidate(f"ماذا حدث في {span.of(one.text)}؟", "ar", one.span, "event")
            written = localize_value(values[0], one.text, "en") if values else None
            if written:
                yield Candidate(f"What happened on {written}?", "en", one.span, "event")
        return
    if day or (len(before) < 12 and _HAPPENED.search(before)):
        stated = " ".join(span.of(one.text).split())
        yield Candidate(f"What happened {'on' if day else 'in'} {stated}?", "en", one.span, "event")
        written = localize_value(values[0], one.text, "ar") if values and date.month else str(date.year)
        if written:
            yield Candidate(f"ماذا حدث {'في' if date.month else 'عام'} {written}؟", "ar", one.span, "event")


def _is_subject(text: str) -> bool:
    """Return whether words before a verb are its whole subject, and can be asked about."""
    spoken = text.split()
    return len(spoken) <= _MOST_WORDS and not _CLAUSE.intersection(word.lower() for word in spoken)


def _subject(document: Document, text: str) -> str:
    """Return the subject of a sentence as it stands inside one."""
    first = text.split()[0]
    if first in _FUNCTION or not _is_name(document, first):
        return text[:1].lower() + text[1:] if not first[1:2].isupper() else text
    return text


def _is_name(document: Document, word: str) -> bool:
    """Return whether a word at the beginning of a sentence keeps its capital: nowhere in the document it stands in lower case."""
    return re.search(rf"\b{re.escape(word.lower())}\b", document.text) is None


def _lowered(document: Document, text: str) -> str:
    """Return a label as it stands inside a sentence: abbreviations keep their capitals, and so do names unless every word has one."""
    spoken = text.split()
    titled = all(word[:1].isupper() for word in spoken if len(word) > 3)
    return " ".join(
        word if _ABBREVIATION.search(word) or (number and not titled and word[:1].isupper() and _is_name(document, word)) else word.lower()
        for number, word in enumerate(spoken)
    )


def _language(text: str) -> str:
    return "ar" if script(text) == "ar" else "en"
