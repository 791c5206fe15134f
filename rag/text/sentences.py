"""Sentence boundaries of Arabic and English, as spans."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag.schema import Span
from rag.text.clitics import without_proclitic
from rag.text.folding import ARABIC_LETTER, fold
from rag.text.numbers.lexicon import ORDINALS_AR, TENS_AR


def sentences(text: str, longest: int = 280) -> list[Span]:
    """Return the sentences of a text as spans, without the white space between them.

    Boundaries are `. ! ? … ؟ ؛ ۔` with the quotes and note marks that follow them, and line ends; not those of abbreviations, initials,
    decimals, addresses, dates, and of the number that a clause or an item begins with. A row of a table is one sentence, and a heading
    is never part of the next one. A sentence longer than `longest` characters is cut at clause marks.
    """
    ends = set(_terminal_ends(text))
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


# --- marks that end a sentence --------------------------------------------------------------------------------------------

_CLOSERS = "\"'\u201d\u2019\u00bb)]}\u203a"
_OPENERS = "([{\"'\u00ab\u201c\u2018\u2039*_"
_QUOTES = '"\u201d\u00bb\u203a'
_TERMINAL = re.compile(
    "(?:\\.{3,}|[.!?\u2026\u061f\u061b\u06d4])+"
    "[" + re.escape(_CLOSERS) + "]*"
    "(?:\\[\\d{1,3}\\]|[\u2070\u00b9\u00b2\u00b3\u2074-\u2079])*"  # the number of a note belongs to the sentence that it is put to
)
_LAST_WORD = re.compile(r"\S+$")
_NEXT_WORD = re.compile(r"\s+[\"'«“‘(\[*_]*([^\W\d_]+)")
_NEXT_DIGIT = re.compile(r"\s+[(#]?(?:\d|[ivxlIVXL]+\b)")
_REACH = 48
"""Characters before a full stop that can be the number of a clause."""

# Before a name; those in the second line only with a capital.
_TITLES = frozenset("mr mrs ms dr prof messrs mme".split())
_CAPITAL_TITLES = frozenset("st mt gen col lt sgt rev hon capt maj gov sen rep pres fr mgr eng".split())
_BEFORE_NUMBERS = frozenset(
    """no nos vol vols art arts sec secs fig figs p pp ch chap par para paras eq ex tel fax ext pt ed est jan feb mar apr jun jul aug sep
    sept oct nov dec""".split()
)
_GOING_ON = frozenset("vs v cf viz approx ca e.g i.e eg ie dept resp incl excl min max".split())
_MAY_END = frozenset("ltd inc co corp plc llc jr sr bros ave rd blvd al".split())
"""Abbreviations that end a sentence where a word follows that begins sentences."""
_STARTERS = frozenset(
    """the he she it they we i you this that these those there then but and so in on at a an if when while after before his her its their
    our my your no yes not all some many most however other others each one both for as to from with what who why how where another
    although because since meanwhile moreover nobody nothing everyone""".split()
)
_TITLES_AR = frozenset("د ا م ا.د".split())
_UNIT_LETTERS = frozenset("مغلكدرس")
_MAY_END_AR = frozenset("ثم لكن ولكن وقد كما اما وفي وكان وكانت وقال واضاف وهو وهي هذا هذه وهذا وهذه كذلك وذلك".split())
_ASKED = frozenset("قال قالت سال سالت صاح صاحت اجاب اجابت اضاف اضافت هتف رد ردت تساءل تساءلت صرخ همس علق".split())
"""What follows a quotation that is still part of its sentence."""
_WHEN = frozenset(
    """monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september october
    november december est gmt utc""".split()
)
_ORDINAL = "|".join(sorted(ORDINALS_AR, key=len, reverse=True))
_LABEL = re.compile(
    rf"""(?:
    (?:(?:ال)?(?:ماده|بند|فقره|فصل|باب|قسم|جدول|شكل|ملحق|قاعده|خطوه|سوال|مرحله|مبحث|مطلب|درس))\s*
        (?:\(?\d+(?:[./-]\d+)*\)?|ال(?:{_ORDINAL}|حادي|حاديه)(?:\sعشره?|\sوال(?:{"|".join(TENS_AR)}))?)
    |(?:article|section|clause|chapter|rule|part|schedule|appendix|annex|table|figure|item|step|question|paragraph|exhibit|lesson)\s
        \(?(?:\d+(?:\.\d+)*[a-z]?|[ivxl]+|[a-z])\)?
    |\(?\d{{1,3}}(?:\.\d{{1,3}})*\)?
    |[ivxl]{{1,6}}
    |[a-z]
    )""",
    re.VERBOSE,
)
"""The number of a clause or item, folded, that its text follows after a full stop."""


def _terminal_ends(text: str) -> Iterator[int]:
    """Yield where marks end a sentence."""
    last = len(text.rstrip())
    rows = _rows(text)
    row = next(rows, None)
    start = 0
    asked = False
    for match in _TERMINAL.finditer(text):
        while row is not None and row[1] <= match.start():
            row = next(rows, None)
        if row is not None and row[0] <= match.start():
            continue
        if _ends_sentence(text, match, start, asked, last):
            start = match.end()
            asked = match.group()[0] in "?؟"
            yield start


def _ends_sentence(text: str, match: re.Match[str], start: int, asked: bool, last: int) -> bool:
    """Return whether the marks at `match` end the sentence that began at `start`; `asked` if it follows a question, `last` is the text's
    end."""
    marks = match.group()
    after = text[match.end() : match.end() + 1]
    if after == "[" and marks == "!":
        return False  # a picture in Markdown
    if after and not after.isspace():
        # «؟» and «؛» often touch the next word in Arabic print; a full stop inside a token (3.5, U.S., x.com) does not end it,
        # unless it glues two Arabic words.
        return (marks[0] in "؟؛۔!?…" and not _in_address(text, match)) or _between_arabic_words(text, match)
    following = text[match.end() : match.end() + 32]
    word = match_word.group(1) if (match_word := _NEXT_WORD.match(following)) else ""
    if _goes_on_after_quotation(marks, word, text, match):
        return False
    if marks[0] != "." or (len(marks.rstrip(_CLOSERS)) > 1 and marks.startswith("..")):
        # Trailing dots in mid-sentence: "Then … it stopped" goes on in lower case.
        trailing = marks[0] in ".…"
        return not (trailing and word[:1].islower())
    if match.end() >= last:
        return True
    return not (_numbers_a_clause(text, match, start, asked) or _abbreviates(text, match, following, word))


def _in_address(text: str, match: re.Match[str]) -> bool:
    """Return whether a mark stands inside a link ("x.com/a?b=c")."""
    before = _LAST_WORD.search(text, max(0, match.start() - _REACH), match.start())
    return before is not None and re.search(r"/|www\.|@", before.group()) is not None and text[match.end()].isascii()


def _between_arabic_words(text: str, match: re.Match[str]) -> bool:
    """Return whether a full stop stands between two Arabic words of letters enough to be words: not in «ص.ب» or «د.سامي»."""
    if match.group() != ".":
        return (
            ARABIC_LETTER.match(text[match.end()]) is not None and ARABIC_LETTER.match(text[match.start() - 1 : match.start()]) is not None
        )
    before = re.search(r"[^\W\d_]*$", text[max(0, match.start() - 8) : match.start()])
    after = re.match(r"[^\W\d_]*", text[match.end() : match.end() + 8])
    one, other = (fold(found.group()) if found else "" for found in (before, after))
    if len(one) < 2 or len(other) < 2 or not ARABIC_LETTER.match(one) or not ARABIC_LETTER.match(other):
        return False
    return not (len(one) == 2 and without_proclitic(one, "ولب", 1) in _TITLES_AR)


def _goes_on_after_quotation(marks: str, word: str, text: str, match: re.Match[str]) -> bool:
    """Return whether a sentence goes on after a mark that ends a quotation ("Why?" he asked) or a name (Yahoo! was)."""
    quoted = any(quote in marks for quote in _QUOTES) or marks.endswith("'")
    if quoted and (word[:1].islower() and word.isascii()):
        return True
    if quoted and fold(word) in _ASKED:
        return True
    before = _LAST_WORD.search(text, max(0, match.start() - 24), match.start())
    return marks == "!" and word[:1].islower() and word.isascii() and before is not None and before.group()[:1].isupper()


def _numbers_a_clause(text: str, match: re.Match[str], start: int, asked: bool) -> bool:
    """Return whether a full stop follows the number of a clause or item («المادة 12. لا يجوز», "2. Close it"), or stands in a spaced
    date."""
    line = text.rfind("\n", max(start, match.start() - _REACH), match.start()) + 1
    begin = max(start, line)
    if text[match.start() - 1] in ")0123456789٠١٢٣٤٥٦٧٨٩" and _numbers_in_line(text, match):
        return True
    if match.start() - begin > _REACH:
        return False
    own = fold(text[begin : match.start()]).strip().lstrip("*_#>-•").strip()
    if not own or _LABEL.fullmatch(own) is None:
        return False
    if not own[-1].isdigit() and len(own) > 6 and _LABEL.match(fold(text[match.end() : match.end() + _REACH]).lstrip(), 0):
        following = fold(text[match.end() : match.end() + _REACH]).lstrip()
        if following[:4] == own[:4]:
            return False  # «الفقرة الأولى. الفقرة الثانية.»
    opens_line = begin in (line, 0)
    return opens_line or not (asked and own.isdigit())


_DAY, _DAY_MONTH = re.compile(r"(?<!\d)\d{1,2}$"), re.compile(r"(?<!\d)\d{1,2}\.\s\d{1,2}$")
_MONTH_YEAR, _YEAR = re.compile(r"\s\d{1,2}\.\s\d{4}(?!\d)"), re.compile(r"\s\d{4}(?!\d)")
_AFTER_COLON = re.compile(r":\s+\(?\d{1,2}\)?$")


def _numbers_in_line(text: str, match: re.Match[str]) -> bool:
    """Return whether a full stop after digits is within a spaced date (12. 5. 2024), or after a list's first number (Steps: 1. Open it)."""
    before, after = text[max(0, match.start() - _REACH) : match.start()], text[match.end() : match.end() + 12]
    day = _DAY.search(before) is not None and _MONTH_YEAR.match(after) is not None
    month = _DAY_MONTH.search(before) is not None and _YEAR.match(after) is not None
    return day or month or _AFTER_COLON.search(before) is not None


def _abbreviates(text: str, match: re.Match[str], following: str, word: str) -> bool:
    """Return whether a full stop is that of an abbreviation or initial in mid-sentence."""
    before = _LAST_WORD.search(text, max(0, match.start() - 24), match.start())
    written = before.group().lstrip(_OPENERS) if before else ""
    if not written or (not written[-1].isalpha() and written[-1] != "ـ"):
        return False
    starts = word[:1].isupper() and word.casefold() in _STARTERS
    if ARABIC_LETTER.match(written):
        return _abbreviates_arabic(text, match, fold(written), following, fold(word))
    name = written.casefold()
    if name in _TITLES or (name in _CAPITAL_TITLES and written[:1].isupper()):
        return True
    if name in _BEFORE_NUMBERS and _NEXT_DIGIT.match(following):
        return True
    if name in _GOING_ON:
        return not starts or name in ("vs", "v", "cf", "e.g", "i.e")
    if name == "etc":
        return bool(word) and word[:1].islower()
    if name in ("a.m", "p.m"):
        return not word[:1].isupper() or word.casefold() in _WHEN
    if name in _MAY_END or re.fullmatch(r"(?:[^\W\d_]{1,2}\.)+[^\W\d_]{1,2}", written):
        if name == "al" and word[:1].isupper():
            return False
        return not starts
    if name in ("kg", "km", "cm", "mm", "hr", "hrs", "mins", "secs", "sec", "ft", "lb", "lbs", "oz", "p", "pp"):
        return word[:1].islower()
    return len(written) == 1 and written != "I" and not starts


def _abbreviates_arabic(text: str, match: re.Match[str], name: str, following: str, word: str) -> bool:
    """Return whether a full stop is that of an Arabic abbreviation («د.», «ص.ب.»), which are single letters."""
    title = without_proclitic(name, "ولب", 1)
    bare = title if title in _TITLES_AR else name
    letters = bare.split(".")
    if not all(len(letter) <= 1 for letter in letters):
        return False
    if bare in _TITLES_AR and bare != "م":
        return True
    amount = bare in _UNIT_LETTERS and re.search(r"\d\s+\S+$", text[max(0, match.start() - 24) : match.start()]) is not None
    single_follows = re.match(r"\s+[^\W\d_]\.", following) is not None
    if amount and len(letters) == 1:
        return single_follows  # «5 م.» is five metres, «50 د. أ.» goes on
    if bare == "ه":
        return False
    return len(letters) == 1 or word not in _MAY_END_AR


# --- lines ----------------------------------------------------------------------------------------------------------------

BULLETS = "-*＊•▪●◦○■□◆◇►▸▹‣⁃➢✓✔❖✱✦·"
"""Signs that mark the items of lists; dashes and "+" do so only before a space."""
_BULLET = re.escape(BULLETS)
_ITEM = re.compile(
    rf"\s*(?:[{_BULLET}+#>|]|[–—]\s|\(?\d{{1,3}}[.)\-–]|\(?[A-Za-z]\)|\(?[أابتثجحخدهوزطيكلمنسعفصقر]\s?[)\-–]|(?:[=_~-]{{3,}})\s*$)"
)
_FIELD = re.compile(r"\s*[^\s:|]{1,24}(?: [^\s:|]{1,24}){0,3}:\s+\S")  # Name: value
_ROW = re.compile(r"[ \t]*\|[^\n]*\||[^\t\n]*[^\s][ ]*\t[ \t]*[^\s]")
_CLAUSE_LINE = re.compile(
    r"\s*(?:\*\*|__)?(?:(?:ال)?(?:مادة|بند|فصل|باب|قسم|ملحق)\s|(?:Article|Section|Chapter|Part|Appendix|Annex|Schedule)\s+[\dIVXL])"
)
_ENDS_LINE = ".!?…؟؛۔،,;:" + _CLOSERS


def _rows(text: str) -> Iterator[tuple[int, int]]:
    """Yield the lines that are rows of a table: cells between bars, or separated by tabs."""
    offset = 0
    for line in text.split("\n"):
        if _ROW.match(line):
            yield offset, offset + len(line)
        offset += len(line) + 1


def _line_ends(text: str) -> list[int]:
    """Where a line's end is a sentence's end: everywhere but where the text was wrapped to a width.

    A line was wrapped when the next line's first word would not have fitted in the longest line of the block, and most lines
    of the block were. A heading, a row or an item's neighbour is never wrapped.
    """
    ends: list[int] = []
    for offset, lines in _blocks(text):
        width = max(len(line.rstrip()) for line in lines)
        hard: list[int] = []
        breaks: list[int] = []
        sure: list[int] = []
        titled = _has_title(lines, width)
        for number, (line, following) in enumerate(zip(lines, [*lines[1:], ""], strict=True)):
            offset += len(line)
            word = following.split(maxsplit=1)[:1]
            apart = _stand_apart(line, following) or (titled and number == 0)
            wrapped = 45 <= width <= 130 and word and not apart and len(line.rstrip()) + 1 + len(word[0]) > width
            if apart:
                sure.append(offset)
            elif not wrapped:
                hard.append(offset)
            breaks.append(offset)
            offset += 1
        # In a list or a table the longest line looks wrapped, but most lines end where they like.
        mostly = 2 * (len(hard) - 1) < len(lines) - 1 - len(sure)
        if sure and len(lines) - len(sure) == 2 and lines[-1].lstrip()[:1].isupper():
            mostly = False  # below a heading, two lines that each begin like one
        ends += sure + hard if mostly else breaks
    return ends


def _stand_apart(line: str, following: str) -> bool:
    """Return whether a line and the next can't be of one sentence: rows, fields, an item below anything, anything below a heading."""
    fields = _FIELD.match(line) is not None and _FIELD.match(following) is not None
    table = _ROW.match(line) is not None or _ROW.match(following) is not None
    return fields or table or _ITEM.match(following) is not None or _is_heading(line, following)


def _has_title(lines: list[str], width: int) -> bool:
    """Return whether a block's first line is the title of the paragraph below it: short, without a mark at its end, and the paragraph with
    one."""
    first, last = lines[0].strip(), lines[-1].rstrip()
    return len(lines) > 2 and 2 * len(first) < width and first[-1] not in _ENDS_LINE and ":" not in first and last[-1] in ".!?؟…"


def _is_heading(line: str, following: str) -> bool:
    """Return whether a line is a heading by its looks: marked as one, in capitals, each word with a capital, or the name of a clause."""
    plain = line.strip()
    if plain.startswith("#"):
        return True
    if len(plain) > 4 and plain.startswith(("**", "__")) and plain.endswith(("**", "__")):
        return True
    plain = plain.strip("*_")
    if not plain or plain[-1] in _ENDS_LINE or ":" in plain or len(plain) > 120:
        return False
    if _CLAUSE_LINE.match(line) and len(plain) < 60:
        return True
    if not following.strip()[:1].isupper():
        return False
    words = re.findall(r"[^\W\d_]{4,}", plain)
    return len(words) >= 2 and all(word[0].isupper() for word in words)


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines between blank ones, each block with its offset."""
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


# --- sentences that run on ------------------------------------------------------------------------------------------------

_CLAUSE = re.compile("[،,;:\u2014\u2013]\\s+|(?<!\\s)\\s+[\u2014\u2013-]\\s+")
_CONNECTIVE = re.compile(
    r"\s(?=(?:ثم|لكن|ولكن|غير أن|إلا أن|حيث|إذ|كما|وقد|وكان|وكانت|وقال|وأضاف|وأكد|وذلك|وهو|وهي|فيما|بينما|وأن|ولم|ولا|وإن)\s"
    r"|(?:and|but|which|while|whereas|because|although|then|so|or)\s)"
)
_BRACKETS = {"(": ")", "[": "]", "«": "»", "“": "”"}


def _trimmed(text: str, start: int, end: int) -> Span | None:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(start, end) if end > start else None


def _clauses(text: str, span: Span, longest: int) -> list[Span]:
    """Cut a sentence that runs on at clause marks, then before connectives, then at spaces, into parts of at most about `longest`
    characters; inside brackets and quotation marks only where there is no other place."""
    if len(span) <= longest:
        return [span]
    # The mark nearest the middle, so that no part is a fragment; a part under a quarter of the limit proves nothing alone.
    middle, least = (span.start + span.end) / 2, longest // 4
    cuts = [m.end() for m in _CLAUSE.finditer(text, span.start + least, span.end - least)]
    if not cuts:
        cuts = [m.end() for m in _CONNECTIVE.finditer(text, span.start + least, span.end - least)]
    if not cuts and len(span) > 2 * longest:
        cuts = [m.end() for m in re.finditer(r"\s+", text[span.start : span.end])]
        cuts = [span.start + cut for cut in cuts if least <= cut <= len(span) - least]
        cuts = cuts or [span.start + len(span) // 2]  # one word of hundreds of characters
    if not cuts:
        return [span]
    outside = _outside(cuts, _bracketed(text, span)) if len(cuts) > 1 else cuts
    cut = min(outside or cuts, key=lambda c: abs(c - middle))
    parts = []
    for start, end in ((span.start, cut), (cut, span.end)):
        part = _trimmed(text, start, end)
        parts += _clauses(text, part, longest) if part else []
    return parts


def _bracketed(text: str, span: Span) -> list[Span]:
    """Return the stretches of a sentence in brackets or quotation marks, those of more than half of it left out."""
    found: list[Span] = []
    nearest: dict[str, int] = {}  # where each closing mark stands next, so that no stretch is searched twice
    at = span.start
    while at < span.end:
        closing = _BRACKETS.get(text[at])
        if closing:
            end = nearest.get(closing, at)
            if end <= at:
                end = text.find(closing, at + 1, span.end)
                nearest[closing] = end = end if end >= 0 else span.end
            if end < span.end and end <= at + len(span) // 2:
                found.append(Span(at, end))
                at = end
        at += 1
    return found


def _outside(cuts: list[int], inside: list[Span]) -> list[int]:
    """Return the cuts that lie in none of the stretches, both in order."""
    kept: list[int] = []
    at = 0
    for cut in cuts:
        while at < len(inside) and inside[at].end < cut:
            at += 1
        if at == len(inside) or cut <= inside[at].start:
            kept.append(cut)
    return kept
