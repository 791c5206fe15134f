"""Read values from text, each with its span.

No library reads Arabic number words, both conventions for decimal marks, Hijri and Maghrebi months and spans into the text at once:
dateparser and Babel know dates and digits of one declared locale, text2num has no Arabic, and phonenumbers needs to know the country.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache

from rag.schema import Span
from rag.text.clitics import without_article
from rag.text.numbers import lexicon
from rag.text.numbers.clock import Times
from rag.text.numbers.cursor import is_whole, unit_starts
from rag.text.numbers.lexicon import bare
from rag.text.numbers.numerals import Numeral
from rag.text.numbers.tokens import HARD_SPACE, Token
from rag.text.numbers.values import Bound, Date, Kind, Value

_FAMILY_KINDS = {"money": Kind.AMOUNT, "percent": Kind.PERCENT, "points": Kind.PERCENT, "permille": Kind.PERCENT, "": Kind.NUMBER}
_OPENING_MARKS = frozenset("+(-−–")
_DASHES = frozenset("-–—‒~")
_TO = frozenset({"to", "through", "until", "till", "الي", "حتي"})
_PHONE_CUES = re.compile(
    r"^(?:phones?|telephones?|tel|mobile|cell|fax|whatsapp|hotline|toll|(?:و|ب|لل)?(?:ال)?"
    r"(?:هاتف|هواتف|تلفون|تليفون|جوال|موبايل|خلوي|محمول|نقال|فاكس|واتساب|واتس|هاتفي|مجاني))$"
)
_BETWEEN_CUE_AND_NUMBER = frozenset({":", ".", "/", "(", "no", "number", "free", "رقم", "الرقم", "،", "-", "#"})
_MORE = re.compile(
    r"(?:^| )(?:more than|over|above|exceed(?:s|ed|ing)?|upwards of|و?(?:ب|ل)?(?:اكثر|ازيد) من|فوق|[تي]?تجاوز(?:ت)?|[تي]زيد (?:علي|عن)"
    r"|[تي]تخطي)$"
)
_LESS = re.compile(r"(?:^| )(?:less than|under|below|fewer than|و?(?:ب|ل)?اقل من|دون|[تي]قل عن)$")
_LEAST = re.compile(r"(?:^| )(?:at least|no fewer than)$")
_MOST = re.compile(r"(?:^| )(?:nearly|almost|at most|up to|قرابه|زهاء|ما يقارب)$")
_DENIES = re.compile(r"(?:^| )(?:not|no|never|cannot|nor|\w+n['\u2019]?t|[وف]?(?:ب?ما )?(?:لا|الا|لم|لن|ليس|ليست))(?: (?:to|be|ان))?$")
"""What turns "more than" into "at most" right before it: "not exceeding", "must not be over", «لا يزيد على»."""
_ABOUT = re.compile(r"(?:^| )(?:about|around|roughly|approximately|some|circa|و?(?:ب|ل)?نحو|حوالي|قرابه|زهاء|تقريبا|ما يقارب|يقارب)$")
_NEGATIVE = frozenset({"minus", "negative", "ناقص", "سالب"})
_RISKY_AFTER_YEAR = frozenset({"قدم", "ميل", "م", "يوم", "شهر", "m", "t", "l", "g", "day", "month", "hour", "عام", "سنه", "الشهر", "اليوم"})
_GLUED_UNITS = frozenset("a v w h t s".split())


@dataclass(frozen=True, slots=True)
class NumberReading:
    """What was read from one text: its values, the units that it names without a number (a table's head), and the scales."""

    values: tuple[Value, ...]
    units: frozenset[str]
    scales: frozenset[int]
    tokens: tuple[Token, ...] = field(repr=False, default=())


@lru_cache(maxsize=1024)
def read(text: str) -> NumberReading:
    """Read the values of a text; the last 1024 texts are remembered, for a claim is held against the same evidence many times."""
    return _Reader(text).read()


def find_values(text: str) -> list[Value]:
    """Find every number, amount, measure, date, time and phone number that a text states, in order, with spans into the text."""
    return list(read(text).values)


class _Reader(Times):
    """Reads the values of one text from left to right."""

    def read(self) -> NumberReading:
        values: list[Value] = []
        units: set[str] = set()
        scales: set[int] = set()
        place = 0
        steps = (self._phone, self._date, self._time, self._ordinal, self._quantity, self._counted_by_its_form)
        while place < len(self.tokens):
            token = self.tokens[place]
            if token.kind == "word" and not lexicon.opens_value(token.text):
                place += 1
                continue
            if token.kind == "mark" and token.text not in _OPENING_MARKS and token.text not in unit_starts():
                place += 1
                continue
            for step in steps:
                if (found := step(place)) is not None:
                    values += found[0]
                    place = found[1]
                    break
            else:
                scales.update(self._scale_named(token.text))
                unit = self._unit(place) if token.text in unit_starts() else None
                if unit is not None and (len(token.text) > 1 or not token.text.isalpha() or unit[2] > place + 1):
                    units.add(unit[0])
                    place = unit[2]
                else:
                    place += 1
        for value in values:  # «(مليون دينار)» at the head of a column
            if value.spelled and value.number in (10**3, 10**6, 10**9):
                scales.add(int(value.number))
                if value.unit:
                    units.add(value.unit)
        return NumberReading(tuple(values), frozenset(units), frozenset(scales), tuple(self.tokens))

    def _scale_named(self, word: str) -> tuple[int, ...]:
        plain = without_article(word.removeprefix("ب"))
        scale = lexicon.SCALES_AR.get(word) or lexicon.SCALES_AR.get(plain) or lexicon.SCALES_EN.get(word)
        return (scale,) if scale else ()

    # --- phone numbers, codes ---------------------------------------------------------------------------------------------

    def _phone(self, place: int) -> tuple[list[Value], int] | None:
        word = self._word(place)
        abroad = word == "+" and self._kind(place + 1) == "digits" and not self._gap(place + 1)
        if not (abroad or self._kind(place) == "digits" or (word == "(" and self._kind(place + 1) == "digits")):
            return None
        told = self._phone_told(place)
        first = self._word(place if self._kind(place) == "digits" else place + 1)
        if not (abroad or told or first.startswith("0") or first == "1" or len(first) == 3):
            return None
        groups: list[str] = []
        dashed = False
        at = end = place + 1 if abroad or word == "(" else place
        while at < min(place + 16, len(self.tokens)):
            token = self.tokens[at]
            if "\n" in token.gap or len(token.gap) > 1:
                break
            if token.kind == "digits":
                parts = re.split("[.]", token.text)
                length = sum(map(len, groups)) + sum(map(len, parts))
                if length > 15 or "," in token.text or (groups and token.gap and sum(map(len, groups)) >= (10 if not abroad else 11)):
                    break
                groups += parts
                end = at = at + 1
            elif token.text in "-–()/" and groups and not (token.text in "-–" and token.gap and self._gap(at + 1)):
                dashed = dashed or token.text in "-–"
                at += 1
            elif token.text == "(" and abroad:
                at += 1
            else:
                break
        if self._word(end) == ")" and "(" in (self._word(place), self._word(end - 2)):
            end += 1
        shape = [len(group) for group in groups]
        count = sum(shape)
        dated = len(shape) == 3 and shape in ([2, 2, 4], [1, 2, 4], [2, 1, 4], [4, 2, 2], [1, 1, 4], [2, 2, 2])
        if dated and not abroad:
            return None
        american = shape in ([1, 3, 3, 4], [3, 3, 4]) and (dashed or shape[0] == 1)
        national = first.startswith("0") and "." not in first and 8 <= count <= 14 and not self._decimal(first)
        if not ((abroad and count >= 8) or (told and count >= 5) or national or american):
            return None
        number = "".join(groups)
        if abroad or (number.startswith("00") and count >= 10):
            number = "+" + number.removeprefix("00")
        start = place
        if word == "(" and self._kind(place) != "digits":
            start = place
        return [Value(Kind.PHONE, self._span(start, end), digits=number)], end

    @staticmethod
    def _decimal(digits: str) -> bool:
        return bool(re.search(r"[.,٫]", digits))

    def _phone_told(self, place: int) -> bool:
        before = place - 1
        while before >= max(0, place - 4) and self._word(before) in _BETWEEN_CUE_AND_NUMBER:
            before -= 1
        return before >= 0 and _PHONE_CUES.match(self._word(before)) is not None

    # --- quantities -------------------------------------------------------------------------------------------------------

    def _unit_after(self, number: Numeral) -> tuple[str, int, int] | None:
        """Return the unit after a number; a hyphen may stand before it ("a 5-km walk")."""
        place = number.end
        hyphen = self._word(place) == "-" and not self._gap(place) and not self._gap(place + 1) and self._kind(place + 1) == "word"
        if hyphen:
            place += 1
        unit = self._unit(place) if self._near(place) else None
        if unit is None:
            return None
        word = self._word(place)
        single = unit[2] == place + 1
        if single and word in _GLUED_UNITS and self._gap(place):
            return None
        if single and word in ("second", "in"):
            return None
        year = number.plain and len(number.digits) == 4 and 1900 <= number.number <= 2100
        if year and single and word in _RISKY_AFTER_YEAR:
            return None
        if unit[1] == 2 and number.number != 2:
            return None
        return unit

    def _currency_before(self, place: int) -> tuple[str, int] | None:
        """Return a currency's sign or code with a number after it, and the token of the number."""
        token = self.tokens[place] if place < len(self.tokens) else None
        if token is None or token.kind == "digits" or token.text not in unit_starts():
            return None
        unit = self._unit(place)
        if unit is None or lexicon.family(unit[0]) != "money" or not self._near(unit[2]) or self._kind(unit[2]) != "digits":
            return None
        written = self.text[token.start : self.tokens[unit[2] - 1].end]
        sign = (
            (unit[0] in lexicon.CODES and written.isupper())
            or any(mark in written for mark in "$€£¥₪₺₹₽﷼.")
            or written.upper() in ("JD", "JDS")
        )
        return (unit[0], unit[2]) if sign else None

    def _quantity(self, place: int) -> tuple[list[Value], int] | None:
        if self._kind(place) == "digits" and place and self._word(place - 1) == "^" and not self._gap(place):
            return [], place + 1  # a power or the number of a note
        at, negative = self._sign(place)
        closing = False
        if self._word(at) == "(" and at == place:
            inner, closing = self._in_brackets(at)
            if not closing:
                return None
            at, negative = inner, True
        currency = self._currency_before(at)
        start = at
        if currency is not None:
            at = currency[1]
        number = self._number(at)
        if number is None:
            return self._slashed(at) if currency is None else None
        if currency is not None and self._word(number.end) == "m" and not self._gap(number.end):
            number = replace(number, number=number.number * 10**6, end=number.end + 1, scaled=True)
        value, end = self._complete(number, start, currency[0] if currency else "")
        if self._word(end) in ("below", "تحت") and self._word(end + 1) in ("zero", "الصفر", "صفر"):
            negative, end = True, end + 2
        if closing:
            end += int(self._word(end) == ")")
        if negative and value.number is not None:
            also = tuple(-other for other in value.also)
            if self._word(place) == "-" and value.unit == "" and self._named_before(place):
                also += (value.number,)  # «الأكسجين -18»: a hyphen, more often than a minus
            value = replace(value, number=-value.number, also=also)
        value = replace(value, span=self._span(place, end), bound=self._bound(place))
        ranged = None if closing or value.kind in (Kind.FRACTION, Kind.CODE) else self._range(place, value, end)
        return ranged or ([value], end)

    def _named_before(self, place: int) -> bool:
        """Return whether a word that may be a name stands before a hyphen, not one that a number follows."""
        before = self._word(place - 1) if place else ""
        return self._kind(place - 1) == "word" and len(before) > 3 and before not in ("between", "from", "minus") if place else False

    def _sign(self, place: int) -> tuple[int, bool]:
        """Return the token of the number after a sign, and whether the sign is a minus."""
        word = self._word(place)
        if word in _NEGATIVE:
            return (place + 1, True) if self._number(place + 1) is not None else (place, False)
        if word not in ("-", "−", "+", "–"):
            return place, False
        following = self._kind(place + 1) == "digits" or self._currency_before(place + 1) is not None
        touching = not self._gap(place + 1) or (word == "−" and self._gap(place + 1) in (" ", HARD_SPACE))
        before = self._kind(place - 1) if place else ""
        apart = place == 0 or self._gap(place) != "" or before == "mark"
        if following and touching and apart and not (before == "digits" and self._gap(place + 1)):
            return place + 1, word != "+"
        return place, False

    def _in_brackets(self, place: int) -> tuple[int, bool]:
        """Return the first token inside brackets that hold one number as accounts write a negative one, else the bracket itself."""
        at = place + 1
        currency = self._currency_before(at)
        inner = currency[1] if currency else at
        if self._kind(inner) != "digits" or self._gap(at):
            return place, False
        number = self._digits(inner)
        if number is None or self._word(number.end) != ")" or self._gap(number.end):
            return place, False
        before = self._word(place - 1) if place else ""
        listed = before in ("|", ":", "") or "\t" in self._gap(place) or "  " in self._gap(place)
        if number.plain and not listed:
            return place, False
        year = number.plain and 1900 <= number.number <= 2100
        marked = not number.plain and number.number >= 1000
        return (at, True) if (marked or listed) and not year and not (listed and number.plain and before == "") else (place, False)

    def _complete(self, number: Numeral, start: int, currency: str) -> tuple[Value, int]:
        """Return a number with its unit, and with the half that may follow the unit."""
        end, unit, value, also = number.end, currency, number.number, number.also
        decade = self._word(end) in ("s", "'s") and not self._gap(end) and number.plain and len(number.digits) == 4
        if decade and number.number % 10 == 0:
            return Value(Kind.NUMBER, self._span(start, end + 1), value, "decades"), end + 1
        found = self._unit_after(number)
        if found is not None and not currency:
            unit, end = found[0], found[2]
            half = self._and_part(end)
            if half is not None and not number.fraction:
                value, end, also = value + half[0], half[1], ()
                again = self._unit(end)
                if again is not None and again[0] == unit:
                    end = again[2]
        elif found is not None and lexicon.same_unit(found[0], currency) is not None:
            unit = currency if currency in lexicon.CODES else found[0]
            end = found[2]
        elif found is not None and found[0] in ("%",):
            unit, end = found[0], found[2]
        elif self._kind(end) == "word" and self._near(end) and not self._word(end).isascii() and not number.fraction:
            half = self._and_part(end + 1)  # «6 أكواب ونصف»
            if half is not None:
                value, end, also = value + half[0], half[1], ()
        kind = Kind.FRACTION if number.fraction and not unit else _FAMILY_KINDS.get(lexicon.family(unit), Kind.MEASURE)
        made = Value(kind, self._span(start, end), value, unit, also=also, spelled=number.spelled, definite=number.definite)
        return made, end

    def _slashed(self, place: int) -> tuple[list[Value], int] | None:
        """`14/2024`, `2023/24`, `2.4.1`: digits that are a reference, a season or a version."""
        if self._kind(place) != "digits":
            return None
        text, end = self._word(place), place + 1
        if self._word(end) == "/" and is_whole(text) and is_whole(self._word(end + 1)):
            other = self._word(end + 1)
            if len(text) == 4 and (
                (len(other) == 4 and int(other) == int(text) + 1) or (len(other) == 2 and int(text[2:]) + 1 == int(other))
            ):
                high = Decimal(int(text) + 1)
                return [Value(Kind.NUMBER, self._span(place, end + 2), Decimal(text), high=high)], end + 2
            dates: tuple[Date, ...] = ()
            if len(other) == 4 and 1 <= int(text) <= 12 and 1900 <= int(other) <= 2200:
                dates = (Date(int(other), int(text)),)
            elif len(text) == 4 and len(other) <= 2 and 1 <= int(other) <= 12 and 1900 <= int(text) <= 2200:
                dates = (Date(int(text), int(other)),)
            elif len(text) <= 2 and len(other) <= 2 and 1 <= int(text) <= 31 and 1 <= int(other) <= 12:
                dates = (Date(None, int(other), int(text)),)
            return self._code(place, f"{text}/{other}", end + 2, dates)
        if "." in text and len(text.split(".")) > 2:
            return self._code(place, text, end)
        parts = [part for part in re.split(r"[.,'٫٬،]", text) if part]
        start = self.tokens[place].start
        values: list[Value] = []
        for match in re.finditer(r"\d+", text):
            if len(values) < len(parts):
                span = Span(start + match.start(), start + match.end())
                values.append(Value(Kind.NUMBER, span, Decimal(match.group())))
        return values, end

    def _range(self, place: int, low: Value, end: int) -> tuple[list[Value], int] | None:
        """`5–38`, "from 5 to 38", «بين 5 و38»: two numbers with a join between them, in the second one's unit."""
        join, at = self._word(end), end + 1
        between = self._word(place - 1) in ("between", "بين") if place else False
        dash = join in _DASHES and (not self._gap(end) or self._gap(end + 1) != "")
        if not (dash or join in _TO or (between and (join == "and" or join.startswith("و")))):
            return None
        joined_word = between and join.startswith("و") and join != "و"
        if joined_word:
            at = end
        at, negative = self._sign(at) if self._word(at) in ("-", "−") or self._word(at) in _NEGATIVE else (at, False)
        currency = self._currency_before(at)
        number = self._number(currency[1] if currency else at)
        if number is None or number.fraction or low.number is None:
            return None
        if dash and not number.plain and number.spelled and not low.spelled:
            return None
        value, after = self._complete(number, at, currency[0] if currency else "")
        if value.number is None:
            return None
        high = -value.number if negative else value.number
        if self._year_like(low.number) and dash and low.number % 100 < high < 100 and number.plain and len(number.digits) == 2:
            high += low.number // 100 * 100
        if self._word(after) in ("below", "تحت"):
            return None
        unit = low.unit or value.unit
        if low.unit and value.unit and lexicon.same_unit(low.unit, value.unit) != 1:
            return None
        first = low.number
        if number.scaled and not low.also and first < 1000 <= high and not low.spelled and not between and dash:
            first *= self._scale_of(number)  # 5–7 million
        if first >= high:
            return None
        if self._word(after) in ("-", "–", "/") and not self._gap(after) and self._kind(after + 1) == "digits":
            return None
        kind = _FAMILY_KINDS.get(lexicon.family(unit), Kind.MEASURE)
        ranged = replace(low, kind=kind, span=self._span(place, after), number=first, high=high, unit=unit, also=())
        return [ranged], after

    @staticmethod
    def _scale_of(number: Numeral) -> int:
        return next((scale for scale in (10**12, 10**9, 10**6, 10**3) if number.number >= scale), 1)

    @staticmethod
    def _year_like(number: Decimal) -> bool:
        return 1000 <= number <= 2200 and number == int(number)

    def _bound(self, place: int) -> Bound:
        words = " ".join(self._word(at) for at in range(max(0, place - 6), place))
        for pattern, bound, denied in ((_MORE, Bound.LEAST, Bound.MOST), (_LESS, Bound.MOST, Bound.LEAST)):
            if match := pattern.search(words):
                return denied if _DENIES.search(words[: match.start()]) else bound
        if _LEAST.search(words):
            return Bound.LEAST
        if _ABOUT.search(words):
            return Bound.ABOUT
        return Bound.MOST if _MOST.search(words) else Bound.EXACT

    def _counted_by_its_form(self, place: int) -> tuple[list[Value], int] | None:
        """«دينارين», «ساعة ونصف», «دينار واحد», «التسعينيات»: a noun whose form, or the word after it, says how many."""
        word = self._word(place)
        decade = lexicon.DECADES.get(without_article(word.removeprefix("و"))) or lexicon.DECADES.get(word)
        if decade is not None:
            century, end = self._century(place + 1)
            return [Value(Kind.NUMBER, self._span(place, end), Decimal(decade + century), "decades", spelled=True)], end
        unit = self._unit(place)
        joined = False
        if unit is None and word[:1] in "وبل" and len(word) > 4:
            unit, joined = self._unit_joined(place), True
        if unit is None or unit[1] == 0:
            return None
        symbol, count, end = unit
        following = bare(self._word(end))
        if word.startswith("ال") and ((following.definite and following.word in lexicon.ORDINALS_AR) or self._kind(end) == "digits"):
            return None  # «القرنين السادس عشر والسابع عشر», «العامين 1576 و1577»
        half = self._and_part(end) if self._near(end) else None
        one = bare(self._word(end))
        if half is not None:
            end = half[1]
            again = self._unit(end)
            end = again[2] if again is not None and again[0] == symbol else end
            number = count + half[0]
        elif count == 2:
            number = Decimal(2)
        elif one.word in ("واحد", "واحده") and not one.definite:
            number, end = Decimal(1), end + 1
        else:
            return None
        if joined and number == 1:
            return None
        kind = _FAMILY_KINDS.get(lexicon.family(symbol), Kind.MEASURE)
        return [
            Value(kind, self._span(place, end), number, symbol, spelled=True, definite=word.startswith("ال"), bound=self._bound(place))
        ], end

    def _century(self, place: int) -> tuple[int, int]:
        """Return the years before the century that a decade is said to be of («القرن العشرين»: 1900), and the token after."""
        if self._word(place) != "القرن":
            return 0, place
        named = bare(self._word(place + 1))
        if named.word in lexicon.TENS_AR:
            return 100 * (lexicon.TENS_AR[named.word] - 1), place + 2
        ordinal = self._ordinal_word(place + 1)
        return (100 * (ordinal[0] - 1), ordinal[1]) if ordinal is not None else (0, place)

    def _unit_joined(self, place: int) -> tuple[str, int, int] | None:
        """Return a unit with a conjunction or preposition before it, «بدينارين»."""
        found = lexicon.unit_words().get(self._word(place)[1:])
        return (found[0], found[1], place + 1) if found is not None and found[1] == 2 else None
