"""Text as it is compared, never as it is shown: folding, tokens, numbers and sentence boundaries of Arabic and English.

Nothing here is stored or displayed. A function that cuts text returns `Span`s into the text it was given.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from rag.schema import Span

if TYPE_CHECKING:
    from Stemmer import Stemmer

_TASHKEEL = re.compile("[\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u0640]")
_INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_FOLD = (("أ", "ا"), ("إ", "ا"), ("آ", "ا"), ("ٱ", "ا"), ("ى", "ي"), ("ة", "ه"), ("ؤ", "و"), ("ئ", "ي"), ("ک", "ك"), ("ی", "ي"))
# One word or number; an apostrophe inside belongs to it. Arabic writes its one-letter words together with the next one, a Latin name
# too: «وBing» is two words.
_WORD = re.compile("(?:(?![\u0620-\u06d3])[^\\W_])+(?:['\u2019](?:(?![\u0620-\u06d3])[^\\W_])+)*|[\u0620-\u06d3]+")
# The few that follow \d are digits to Unicode but not to regular expressions.
_DIGIT = re.compile(
    "[\\d\u1369-\u1371\u19da\u24f5-\u24fd\u24ff\u2776-\u277e\u2780-\u2788\u278a-\u2792"
    "\U00010a40-\U00010a43\U00010e60-\U00010e68\U00011052-\U0001105a]"
)
_ARABIC = re.compile("[\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")


def nfc(text: str) -> str:
    """The canonical composition that every stored text is in."""
    return unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """Fold what two spellings of one word may differ in: case, compatibility forms, tashkeel, tatweel, hamza carriers, final
    ya and ta marbuta, digits of any script to ASCII, invisible characters."""
    if text.isascii():
        return text.lower()  # nothing else is left to be folded
    text = unicodedata.normalize("NFKC", text)
    text = _TASHKEEL.sub("", _INVISIBLE.sub("", text))
    for letter, folded in _FOLD:  # one by one is fourteen times as fast as str.translate
        text = text.replace(letter, folded)
    return _DIGIT.sub(lambda match: str(unicodedata.digit(match[0])), text.casefold())


def unvowelled(text: str) -> str:
    """The text without tashkeel and tatweel, which embedders are seldom trained on."""
    return _TASHKEEL.sub("", text)


def words(text: str) -> list[str]:
    """The folded words of a text, in order."""
    return _WORD.findall(fold(text).replace("\u2019", "'"))


def word_spans(text: str) -> list[Span]:
    """Where each word of a text stands, in order; a decimal comma or point parts two words."""
    return [Span(*match.span()) for match in _WORD.finditer(text)]


@cache
def _stemmer(language: str) -> Stemmer:
    import Stemmer

    return Stemmer.Stemmer(language)


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The light stem of one folded word: Snowball's Arabic or English stemmer, by the word's own script."""
    if _ARABIC.search(word):
        return str(_stemmer("arabic").stemWord(_unprefixed(word)))
    if _LATIN.search(word):
        return str(_stemmer("english").stemWord(word.removesuffix("'s")))
    return word


def _unprefixed(word: str) -> str:
    """A folded word as the Arabic stemmer understands it: without a conjunction before the article, and after the article a
    final ه as the ة that it was («المكتبه» else keeps it, and no longer meets «مكتبه»)."""
    if word[:1] in ("و", "ف") and word[1:].startswith(("ال", "لل", "بال", "كال")):
        word = word[1:]
    if word.endswith("ه") and word.startswith(("ال", "لل", "بال", "كال")):
        return f"{word[:-1]}ة"
    return word


def stems(text: str) -> list[str]:
    """The stems of a text's words, in order."""
    return [stem(word) for word in words(text)]


# Words so common that finding them says nothing. Folded forms; stems are compared, so inflections need no entry.
_STOP_EN = """a an and are as at be been but by can could did do does for from had has have he her his how i if in into is it
its me my no not of on or our out shall she should so some than that the their them then there these they this those to up us
was we were what when where which while who whom whose why will with would you your about any also please tell according"""
_STOP_AR = """في من الى على عن مع هذا هذه ذلك تلك التي الذي الذين ما ماذا من متى اين كيف لماذا لم لن لا هل كم اي ايه و ف ب ل ك
ان او ثم قد كان كانت يكون تكون هو هي هم هن انا انت نحن كل بعض بين بعد قبل عند حتى اذا لكن بل سوف ايضا غير منذ خلال حول وفق وفقا
لدى عليه عليها فيه فيها منه منها به بها له لها ذكر بحسب حسب ماهو ماهي وما وهل ومن ومتى وكم"""


@cache
def stop_stems() -> frozenset[str]:
    """Stems of the function words of both languages."""
    return frozenset(stem(word) for word in words(_STOP_EN + " " + _STOP_AR))


def content_stems(text: str) -> list[str]:
    """Stems of the words that carry meaning, in order."""
    stop = stop_stems()
    return [s for s in stems(text) if s not in stop]


def script(text: str) -> str:
    """ "ar" or "en" by which script has more letters, Latin names inside Arabic prose not outweighing it; "und" without letters.

    An Arabic letter counts one and a half: Arabic writes no short vowels, so the same content takes fewer letters.
    """
    arabic, latin = len(_ARABIC.findall(text)), len(_LATIN.findall(text))
    if arabic == latin == 0:
        return "und"
    return "ar" if 1.5 * arabic >= latin else "en"


# --- numbers --------------------------------------------------------------------------------------------------------------

_SCALES = {
    "thousand": 1e3, "k": 1e3, "million": 1e6, "mn": 1e6, "m": 1e6, "billion": 1e9, "bn": 1e9, "b": 1e9, "trillion": 1e12,
    "الف": 1e3, "الاف": 1e3, "مليون": 1e6, "ملايين": 1e6, "مليار": 1e9, "مليارات": 1e9, "بليون": 1e9, "تريليون": 1e12,
}  # fmt: skip
_UNITS_EN = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen""".split()
_WORD_NUMBERS = {word: float(n) for n, word in enumerate(_UNITS_EN)} | {
    "twenty": 20.0, "thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "seventy": 70.0, "eighty": 80.0,
    "ninety": 90.0, "hundred": 100.0, "dozen": 12.0,
    "صفر": 0.0, "واحد": 1.0, "اثنان": 2.0, "اثنين": 2.0, "ثلاث": 3.0, "ثلاثه": 3.0, "اربع": 4.0, "اربعه": 4.0, "خمس": 5.0,
    "خمسه": 5.0, "ست": 6.0, "سته": 6.0, "سبع": 7.0, "سبعه": 7.0, "ثمان": 8.0, "ثماني": 8.0, "ثمانيه": 8.0, "تسع": 9.0,
    "تسعه": 9.0, "عشر": 10.0, "عشره": 10.0, "عشرون": 20.0, "عشرين": 20.0, "ثلاثون": 30.0, "ثلاثين": 30.0, "اربعون": 40.0,
    "اربعين": 40.0, "خمسون": 50.0, "خمسين": 50.0, "ستون": 60.0, "ستين": 60.0, "سبعون": 70.0, "سبعين": 70.0, "ثمانون": 80.0,
    "ثمانين": 80.0, "تسعون": 90.0, "تسعين": 90.0, "مئه": 100.0, "مايه": 100.0, "ميه": 100.0, "مييه": 100.0,
    "اثنا": 2.0, "اثني": 2.0, "اثنتا": 2.0, "اثنتي": 2.0, "اثنتان": 2.0, "اثنتين": 2.0,
    "الفان": 2e3, "الفين": 2e3, "مليونان": 2e6, "مليونين": 2e6, "ملياران": 2e9, "مليارين": 2e9,
}  # fmt: skip
_HUNDREDS = ("ميه", "مايه")  # مئة and مائة, folded
_WORD_NUMBERS |= {f"{hundred[:-1]}{dual}": 200.0 for hundred in _HUNDREDS for dual in ("تان", "تين", "تا", "تي")}
_WORD_NUMBERS |= {
    f"{unit}{hundred}": _WORD_NUMBERS[unit] * 100.0 for unit in "ثلاث اربع خمس ست سبع ثمان ثماني تسع".split() for hundred in _HUNDREDS
}
_MONTHS = {
    month: float(n)
    for n, names in enumerate(
        [
            "january jan يناير", "february feb فبراير شباط", "march مارس اذار", "april apr ابريل نيسان", "may مايو ايار",
            "june jun يونيو حزيران", "july jul يوليو تموز", "august aug اغسطس اب", "september sep سبتمبر ايلول",
            "october oct اكتوبر", "november nov نوفمبر", "december dec ديسمبر",
        ],
        start=1,
    )
    for month in names.split()
}  # fmt: skip
_PER_CENT = re.compile(r"(?:في |ب)ال(?:مئه|مايه|ميه|مييه)|per cent")
_NUMBER = re.compile(r"\d+(?:[.,\u066b\u066c]\d+)*")
_NUMBER_AND_WORD = re.compile(_NUMBER.pattern + r"\s+[^\W\d_]+")
_ELEVEN = re.compile(r"\bاحدي?(?= عشر)")  # elsewhere «أحد» is somebody, or Sunday


def _value(digits: str) -> float:
    """The value of digits and separators: `50,000` and `50.000` are fifty thousand, `4.5` and `4,5` four and a half."""
    digits = digits.replace("\u066c", ",").replace("\u066b", ".")
    groups = re.split("[.,]", digits)
    if len(groups) > 1 and all(len(group) == 3 for group in groups[1:]) and len(groups[0]) <= 3 and groups[0] != "0":
        return float("".join(groups))
    if len(groups) == 2:
        return float(f"{groups[0]}.{groups[1]}")
    return float("".join(groups))


def numbers(text: str) -> dict[float, str]:
    """The values that a text states in digits, each with its written form; a scale word multiplies (`13 مليار`: 1.3e10)."""
    found: dict[float, str] = {}
    folded = fold(text)
    for match in _NUMBER.finditer(folded):
        value = _value(match.group())
        after = re.match(r"\s*([^\W\d_]+)", folded[match.end() :])
        scale = _SCALES.get(_bare_number_word(after.group(1))) if after else None
        # A bare letter is a scale only when it touches the digits (`5m`), else it begins a word.
        if scale and after and len(after.group(1)) == 1 and after.start(1) > 0:
            scale = None
        found.setdefault(value * scale if scale else value, match.group())
    return found


def _bare_number_word(word: str) -> str:
    """A number word without the conjunction or article that Arabic writes together with it («وثلاثين», «الخمسة»), and without
    the alef of the accusative («ألفًا», «مليونًا»)."""
    for prefix in ("", "و", "ال", "وال", "ب", "ل"):
        bare = word.removeprefix(prefix)
        if not prefix or bare != word:
            if bare in _WORD_NUMBERS or bare in _SCALES or bare in _MONTHS:
                return bare
            if (accusative := bare.removesuffix("ا")) in _WORD_NUMBERS or accusative in _SCALES:
                return accusative
    return word


def _spelled(text: str) -> list[list[float]]:
    """The numbers spelled out in words, each as the values of its parts and last its whole value.

    «ثلاث مئة وعشرون ألفًا» and "three hundred and twenty thousand" end in 320000.
    """
    found: list[list[float]] = []
    parts: list[float] = []
    total = current = 0.0

    def close() -> None:
        nonlocal parts, total, current
        if parts:
            found.append([*parts, total + current])
        parts, total, current = [], 0.0, 0.0

    text = _ELEVEN.sub("واحد", _PER_CENT.sub(" ", re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text)))
    for word in words(text):
        bare = _bare_number_word(word)
        if bare in _WORD_NUMBERS:
            value = _WORD_NUMBERS[bare]
            current = current * 100.0 if value == 100.0 and 0 < current < 10 else current + value
            parts.append(value)
        elif bare in _SCALES and len(bare) > 2:
            total += (current or 1.0) * _SCALES[bare]
            current = 0.0
            parts.append(_SCALES[bare])
        elif not (parts and word in ("and", "و")):  # "three hundred and twenty"
            close()
    close()
    return found


def stated_values(text: str) -> set[float]:
    """Every value that a text can be said to state: digits with and without scale, number words and their parts."""
    values = {_value(match.group()) for match in _NUMBER.finditer(fold(text))} | set(numbers(text))
    for spelled in _spelled(fold(text)):
        values.update(spelled)
    return values


def names_month(text: str) -> bool:
    """Whether a text names a month, by any of its Arabic or English names."""
    return any(_bare_number_word(word) in _MONTHS for word in words(text))


def values_claimed(text: str) -> set[float]:
    """The values that a sentence commits itself to: numbers in digits with their scale, and numbers spelled out above two."""
    folded = fold(text)
    spelled = {parts[-1] for parts in _spelled(_NUMBER_AND_WORD.sub(" ", _PER_CENT.sub(" ", folded)))}
    return set(numbers(text)) | {value for value in spelled if value > 2.0}


# --- sentences ------------------------------------------------------------------------------------------------------------

_ABBREVIATIONS = frozenset(
    """mr mrs ms dr prof sr jr st vs etc eg ie e.g i.e no nos vol art sec fig al inc ltd co corp dept est approx jan feb mar apr
    jun jul aug sep sept oct nov dec u.s u.k u.n a.m p.m gen col lt sgt rev hon د ا أ م ص ج هـ ق.م ت ط تحقيق أ.د""".split()
)
_CLOSERS = "\"'\u201d\u2019\u00bb)]}\u203a"
_TERMINAL = re.compile("(?:\\.{3,}|[.!?\u2026\u061f\u061b\u06d4])+[" + re.escape(_CLOSERS) + "]*")
_ITEM = re.compile("\\s*(?:[-*+#>|\u2022]|\\d{1,3}[.)])")
_CLAUSE = re.compile("[،,;:\u2014\u2013]\\s+|(?<!\\s)\\s+[\u2014\u2013-]\\s+")
_LAST_WORD = re.compile(r"\S+$")


def _ends_sentence(text: str, match: re.Match[str], last: int) -> bool:
    """Whether the marks at `match` end a sentence, not an abbreviation, an initial, a decimal, a version or a list number.

    `last` is where the text ends but for white space.
    """
    after = text[match.end() : match.end() + 1]
    if after and not after.isspace():
        # «؟» and «؛» often touch the next word in Arabic print; a full stop inside a token (3.5, U.S., x.com) does not end it,
        # unless it glues two Arabic words.
        return match.group()[0] in "\u061f\u061b\u06d4!?\u2026" or (
            _ARABIC.match(after) is not None and _ARABIC.match(text[match.start() - 1 : match.start()]) is not None
        )
    if match.group()[0] != "." or len(match.group().rstrip(_CLOSERS)) > 1:
        # Trailing dots in mid-sentence: "Then … it stopped" goes on in lower case.
        trailing = match.group()[0] in ".\u2026"
        return not (trailing and re.match(r"\s+[a-z]", text[match.end() : match.end() + 8]))
    before = _LAST_WORD.search(text, max(0, match.start() - 24), match.start())
    word = before.group().lstrip("([{\"'«\u201c\u2018") if before else ""
    if word.casefold() in _ABBREVIATIONS:
        # «د. سارة» and «Dr. Sara» go on; «… etc.» at the end of a paragraph does not.
        return match.end() >= last
    if len(word) == 1 and word.isalpha() and not _ARABIC.match(word) and word not in "I":
        return match.end() >= last
    # "1." or «١.» that opens a line numbers the item that follows.
    opens_line = text.rfind("\n", 0, match.start()) + 1
    return not (word.isdigit() and len(word) <= 3 and text[opens_line : match.start()].strip() == word)


def _line_ends(text: str) -> list[int]:
    """Where a line's end is a sentence's end: everywhere but where the text was wrapped to a width.

    A line was wrapped when the next line's first word would not have fitted in the longest line of the block, and most lines
    of the block were.
    """
    ends: list[int] = []
    for offset, lines in _blocks(text):
        width = max(len(line.rstrip()) for line in lines)
        hard: list[int] = []
        breaks: list[int] = []
        for line, following in zip(lines, [*lines[1:], ""], strict=True):
            offset += len(line)
            word = following.split(maxsplit=1)[:1]
            wrapped = (
                45 <= width <= 130
                and word
                and not _ITEM.match(following)
                and not line.startswith("#")
                and len(line.rstrip()) + 1 + len(word[0]) > width
            )
            if not wrapped:
                hard.append(offset)
            breaks.append(offset)
            offset += 1
        # In a list or a table the longest line looks wrapped, but most lines end where they like.
        ends += hard if 2 * (len(hard) - 1) < len(lines) - 1 else breaks
    return ends


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """The lines between blank ones, each block with its offset."""
    lines: list[str] = []
    offset = start = 0
    for line in [*text.split("\n"), ""]:
        if line.strip():
            start = start if lines else offset
            lines.append(line)
        elif lines:
            yield start, lines
            lines = []
        offset += len(line) + 1


def _trimmed(text: str, start: int, end: int) -> Span | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end) if end > start else None


def _clauses(text: str, span: Span, longest: int) -> list[Span]:
    """Cut a sentence that runs on at clause marks, then at spaces, into parts of at most about `longest` characters."""
    if len(span) <= longest:
        return [span]
    # The mark nearest the middle, so that no part is a fragment; a part under a quarter of the limit proves nothing alone.
    middle, least = (span.start + span.end) / 2, longest // 4
    cuts = [m.end() for m in _CLAUSE.finditer(text, span.start + least, span.end - least)]
    if not cuts and len(span) > 2 * longest:
        cuts = [m.end() for m in re.finditer(r"\s+", text[span.start : span.end])]
        cuts = [span.start + cut for cut in cuts if least <= cut <= len(span) - least]
        cuts = cuts or [span.start + len(span) // 2]  # one word of hundreds of characters
    if not cuts:
        return [span]
    cut = min(cuts, key=lambda c: abs(c - middle))
    parts = []
    for start, end in ((span.start, cut), (cut, span.end)):
        part = _trimmed(text, start, end)
        parts += _clauses(text, part, longest) if part else []
    return parts


def sentences(text: str, longest: int = 280) -> list[Span]:
    """The sentences of a text as spans, without the white space between them.

    Boundaries are `. ! ? … ؟ ؛ ۔` with the quotes that close after them, and line ends; not abbreviations, initials,
    decimals and list numbers. A sentence longer than `longest` characters is cut at clause marks.
    """
    last = len(text.rstrip())
    ends: set[int] = {match.end() for match in _TERMINAL.finditer(text) if _ends_sentence(text, match, last)}
    ends.update(_line_ends(text))
    ends.add(len(text))
    found: list[Span] = []
    start = 0
    for end in sorted(ends):
        span = _trimmed(text, start, end)
        if span and found and not any(character.isalnum() for character in span.of(text)):
            # A rule, a lone mark: nothing that could be quoted as evidence.
            found[-1:] = _clauses(text, Span(found[-1].start, span.end), longest)
        elif span:
            found += _clauses(text, span, longest)
        start = end
    return found
