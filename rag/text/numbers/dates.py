"""Dates in digits and words, of the Gregorian calendar with all its Arabic month names, and of the Hijri calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rag.schema import Span
from rag.text.clitics import split_prefix
from rag.text.numbers import lexicon
from rag.text.numbers.cursor import is_whole
from rag.text.numbers.numerals import Numerals
from rag.text.numbers.values import Date, Kind, Value

_YEAR_CUES = frozenset({"year", "عام", "سنه", "العام", "لعام", "لسنه", "وعام", "بعام", "fy"})
_YEAR_BEFORE = frozenset("في منذ حتي الي من الموافق نحو حوالي - – (".split())
"""What stands before a year with «م» after it; 1500 م is else a length."""
_MONTH_BEFORE = frozenset(
    """في من شهر لشهر بشهر اول منتصف نهايه اواخر اوائل مطلع حتي الي خلال
    in of by since until from late early mid every last next during""".split()
)
_DAY_JOINS = frozenset({"-", "–", "to", "and", "و", "الي", "حتي", ",", "،", "until", "through", "&"})


class Dates(Numerals):
    """Reads dates."""

    def _date(self, place: int) -> tuple[list[Value], int] | None:
        return self._date_in_digits(place) or self._date_with_month(place) or self._year(place)

    def _date_in_digits(self, place: int) -> tuple[list[Value], int] | None:
        if self._kind(place) != "digits":
            return None
        text = self._word(place)
        parts, end, marks = text.split("."), place + 1, "."
        if len(parts) == 1 and is_whole(text) and self._word(place + 1) in ("/", "-", "–") and not self._gap(place + 1):
            marks = self._word(place + 1)
            same = self._word(place + 3) == marks and not self._gap(place + 3)
            if same and all(self._kind(at) == "digits" and not self._gap(at) for at in (place + 2, place + 4)):
                parts, end = [text, self._word(place + 2), self._word(place + 4)], place + 5
        if len(parts) < 3 or not all(map(is_whole, parts)):
            return None
        dates = _dates(parts) if len(parts) == 3 else ()
        after = self._word(end)
        if after in ("ه", "هجري", "هجريه", "ah"):
            end += 1
            dates = tuple(replace(date, hijri=True) for date in dates)
        elif after == "م" and self._near(end):
            end += 1
        if dates:
            return [Value(Kind.DATE, self._span(place, end), dates=dates)], end
        if marks == "." and not all(len(part) == 3 for part in parts[1:]):
            return self._code(place, text, end)
        return self._code(place, marks.join(parts), end) if marks == "/" else None

    def _month(self, place: int) -> tuple[int, bool, int, bool] | None:
        """Return the month at a token: its number, whether it is Hijri, the token after it, whether its name means something else as
        well."""
        if self._kind(place) != "word":
            return None
        if (hijri := self._hijri_month(place)) is not None:
            return hijri
        for prefix, word in split_prefix(self._word(place), ("", "و", "ل", "ب")):
            order = self._word(place + 1)
            if order.isdigit() and self._word(place + 2) == "/":
                order = ""  # «كانون 1/2»
            if (month := lexicon.LEVANTINE.get((word, order))) is not None:
                return month, False, self._other_name(place + 2, month), False
            if (month := lexicon.MONTHS.get(word)) is not None and not (prefix and len(word) < 3):
                end = place + 1
                if word.isascii() and len(word) <= 4 and word != "may" and self._word(end) == "." and not self._gap(end):
                    end += 1
                return month, False, self._other_name(end, month), word in lexicon.AMBIGUOUS_MONTHS
        return None

    def _other_name(self, end: int, month: int) -> int:
        """Return the token after a month's second name: «أيار/مايو», «أيار (مايو)»."""
        if self._word(end) not in ("/", "-", "("):
            return end
        after, order = self._word(end + 1), self._word(end + 2)
        if lexicon.LEVANTINE.get((after, order)) == month:
            closing = end + 3
        elif lexicon.MONTHS.get(after) == month:
            closing = end + 2
        else:
            return end
        return closing + 1 if self._word(end) == "(" and self._word(closing) == ")" else closing

    def _hijri_month(self, place: int) -> tuple[int, bool, int, bool] | None:
        key = ""
        best: tuple[int, bool, int, bool] | None = None
        for at in range(place, min(place + 6, len(self.tokens))):
            if "\n" in self._gap(at) and at > place:
                break
            key += (" " if self._gap(at) and at > place else "") + self._word(at)
            plain = key.removeprefix("و") if at == place and key not in lexicon.HIJRI_MONTHS else key
            if (month := lexicon.HIJRI_MONTHS.get(plain)) is not None:
                best = month, True, at + 1, plain in lexicon.AMBIGUOUS_HIJRI
        return best

    def _year_after(self, place: int, hijri: bool) -> tuple[int | None, int]:
        """Return the year that follows a month, and the token after it."""
        at = place
        if self._word(at) in (",", "،", "/", "-", "of", "من", "لعام", "لسنه", "عام", "سنه", "ل"):
            at += 1
            if self._word(at) in ("عام", "سنه", "العام", "year"):
                at += 1
        text = self._word(at)
        if not is_whole(text) or not self._near(at):
            return None, place
        year = int(text)
        if not ((len(text) == 4 and 1000 <= year <= 2200) or (hijri and 0 < year < 1600)):
            return None, place
        if len(text) < 4 and self._unit(at + 1) is not None:
            return None, place
        at += 1
        if self._word(at) in ("م", "ه", "ad", "ah", "ce") and self._near(at):
            at += 1
        return year, at

    def _day(self, place: int) -> tuple[int, int] | None:
        """Return the day of a month at a token, in digits or as an ordinal, and the token after it."""
        text = self._word(place)
        if is_whole(text) and len(text) <= 2:
            day, end = int(text), place + 1
            if self._word(end) in ("st", "nd", "rd", "th") and not self._gap(end):
                end += 1
        elif text == "غره":
            day, end = 1, place + 1
        elif (ordinal := self._ordinal_word(place)) is not None:
            day, end = ordinal[0], ordinal[1]
        else:
            return None
        return (day, end) if 1 <= day <= 31 else None

    def _date_with_month(self, place: int) -> tuple[list[Value], int] | None:
        if (before := self._days_before_month(place)) is not None:
            return before
        month = self._month(place)
        if month is None:
            return None
        number, hijri, end, ambiguous = month
        year, after = self._year_after(end, hijri)
        if year is None and not hijri and self._word(place).isascii() and (not ambiguous or self._capital(place)):
            day = self._day(end) if is_whole(self._word(end)) and self._near(end) else None
            if day is not None and self._word(day[1]) not in ("%", ":", "/") and self._unit(day[1]) is None:
                days = [(end, *day)]
                while len(days) < 3 and self._word(days[-1][2]) in _DAY_JOINS and is_whole(self._word(days[-1][2] + 1)):
                    another = self._day(days[-1][2] + 1)
                    if another is None:
                        break
                    days.append((days[-1][2] + 1, *another))
                year, after = self._year_after(days[-1][2], hijri)
                found = [
                    Value(Kind.DATE, self._span(place if first == end else first, last), dates=(Date(year, number, day_, hijri),))
                    for first, day_, last in days
                ]
                found[-1] = replace(found[-1], span=Span(found[-1].span.start, self.tokens[after - 1].end))
                return found, after
        if year is None and ambiguous and not self._stands_as_month(place, hijri):
            return None
        return [Value(Kind.DATE, self._span(place, after), dates=(Date(year, number, None, hijri),))], after

    def _stands_as_month(self, place: int, hijri: bool) -> bool:
        before = self._word(place - 1) if place else ""
        if before.endswith("شهر"):
            return True
        word = self._word(place)
        if hijri:
            return word in ("رمضان", "ramadan") and before in _MONTH_BEFORE
        if not word.isascii():
            return before in _MONTH_BEFORE
        if word not in ("may", "march"):
            return False
        return self._capital(place) and before in _MONTH_BEFORE  # else Theresa May, or a title in capitals

    def _days_before_month(self, place: int) -> tuple[list[Value], int] | None:
        day = self._day(place)
        if day is None or (place and self._word(place - 1) in ("/", ":") and not self._gap(place)):
            return None
        days = [(place, *day)]
        while True:
            at = days[-1][2]
            if self._word(at) in ("of", "من", "-", "شهر") and self._month(at + 1) is not None:
                at += 1
            elif self._word(at) == "من" and self._word(at + 1) == "شهر":
                at += 2
            month = self._month(at) if self._near(at) else None
            if month is not None:
                break
            another = self._day(at + 1) if self._word(at) in _DAY_JOINS and len(days) < 3 else None
            if another is None and self._word(at) in ("و", "الي") and self._word(at + 1) == "ال":
                return None
            if another is None:
                return None
            days.append((at + 1, *another))
        number, hijri, end, ambiguous = month
        year, after = self._year_after(end, hijri)
        english = self._word(at).isascii()
        if ambiguous and english and not hijri and year is None and not self._capital(at):
            return None
        if ambiguous and self._word(at) == "صفر" and year is None and self._word(at + 1) in ("درجه", "%"):
            return None
        found = [Value(Kind.DATE, self._span(first, last), dates=(Date(year, number, day_, hijri),)) for first, day_, last in days]
        found[-1] = replace(found[-1], span=Span(found[-1].span.start, self.tokens[after - 1].end))
        return found, after

    def _year(self, place: int) -> tuple[list[Value], int] | None:
        """Return a year that is said to be one: «عام 1987», `1446هـ`, `2024م`."""
        text = self._word(place)
        if not is_whole(text) or len(text) not in (3, 4):
            return None
        before, after = self._word(place - 1) if place else "", self._word(place + 1)
        hijri = after in ("ه", "هجري", "هجريه", "ah") and self._near(place + 1)
        apart = after == "م" and self._gap(place + 1) != "" and before not in _YEAR_CUES and before not in _YEAR_BEFORE
        christian = not apart and after in ("م", "ad", "ce", "ميلادي", "ميلاديه") and self._near(place + 1) and self._word(place + 2) != "^"
        if len(text) == 3 and not hijri:
            return None
        if self._gap(place + 1) == "" and after in ("/", "-", "–", "s"):
            return None
        if not (hijri or (christian and 1000 <= int(text) <= 2200) or (before in _YEAR_CUES and 1000 <= int(text) <= 2200)):
            return None
        end = place + 2 if hijri or christian else place + 1
        return [Value(Kind.DATE, self._span(place, end), dates=(Date(int(text), None, None, hijri),))], end

    def _code(self, place: int, text: str, end: int, dates: tuple[Date, ...] = ()) -> tuple[list[Value], int]:
        return [Value(Kind.CODE, self._span(place, end), dates=dates, digits=text)], end


def _dates(parts: Sequence[str]) -> tuple[Date, ...]:
    """Return the dates that three groups of digits can mean, the likeliest first: year first, else day before month."""
    first, second, third = (int(part) for part in parts)
    lengths = [len(part) for part in parts]
    if lengths[0] == 4 and lengths[1] <= 2 and lengths[2] <= 2:
        orders = [(first, second, third), (first, third, second)]
    elif lengths[0] <= 2 and lengths[1] <= 2 and lengths[2] == 4:
        orders = [(third, second, first), (third, first, second)]
    elif lengths == [2, 2, 2] or (lengths[2] == 2 and max(lengths) <= 2):
        century = 2000 if third < 70 else 1900
        orders = [(century + third, second, first), (century + third, first, second)]
    else:
        return ()
    hijri = 1300 <= orders[0][0] <= 1500
    dates = (Date(year, month, day, hijri) for year, month, day in orders if 1 <= month <= 12 and 1 <= day <= 31)
    return tuple(dict.fromkeys(dates))
