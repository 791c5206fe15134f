"""Times of day, on the 12-hour or the 24-hour clock."""

from __future__ import annotations

import re
from decimal import Decimal

from rag.text.clitics import split_prefix
from rag.text.numbers import lexicon
from rag.text.numbers.cursor import is_whole
from rag.text.numbers.dates import Dates
from rag.text.numbers.values import Kind, Value


class Times(Dates):
    """Reads times of day."""

    def _time(self, place: int) -> tuple[list[Value], int] | None:
        hour = self._hour(place)
        if hour is None:
            return None
        minutes, end, first = hour
        meridiem = self._meridiem(end)
        if meridiem is None:
            known = minutes >= 13 * 60 or minutes < 60
            also = () if known else (Decimal((minutes + 720) % 1440),)
        else:
            end = meridiem[1]
            if meridiem[0] == "am":
                minutes %= 720 if minutes < 780 else 1440
            elif meridiem[0] == "pm" and minutes < 720:
                minutes += 720
            elif meridiem[0] == "night":
                minutes = minutes + 720 if 300 <= minutes < 720 else minutes % 720 if minutes >= 720 and minutes < 780 else minutes
            also = ()
        return [Value(Kind.TIME, self._span(first, end), Decimal(minutes), also=also)], end

    def _hour(self, place: int) -> tuple[int, int, int] | None:
        """Minutes since midnight as written, the token after them, and the first token."""
        text = self._word(place)
        named = text in ("الساعه", "بالساعه", "والساعه", "للساعه", "ساعه")
        if named and text != "ساعه":
            at = place + (2 if self._word(place + 1) == ":" else 1)
            return self._clock(at, True, place) or self._hour_word(at, True, place)
        if self._kind(place) == "digits":
            return self._clock(place, False, place) or self._hour_in_words(place)
        if text in ("noon", "midnight"):
            return (720 if text == "noon" else 0), place + 1, place
        if text == "منتصف" and self._word(place + 1) == "الليل":
            return 0, place + 2, place
        return self._hour_word(place, False, place) or self._past(place) or self._hour_in_words(place)

    def _clock(self, place: int, told: bool, first: int) -> tuple[int, int, int] | None:
        """`21:30`, `9.30 pm`, `9 pm`, «الساعة 9»."""
        text = self._word(place)
        if self._kind(place) != "digits":
            return None
        if (
            is_whole(text)
            and len(text) <= 2
            and self._word(place + 1) in (":", "h")
            and not self._gap(place + 1)
            and not self._gap(place + 2)
        ):
            minute = self._word(place + 2)
            if is_whole(minute) and len(minute) == 2 and int(minute) < 60 and int(text) <= 24:
                end = place + 3
                if self._word(end) == ":" and not self._gap(end) and is_whole(self._word(end + 1)):
                    end += 2
                return 60 * int(text) + int(minute), end, first
            return None
        if (match := re.fullmatch(r"(\d\d?)[.](\d\d)", text)) and int(match[1]) <= 24 and int(match[2]) < 60:
            if told or self._meridiem(place + 1) is not None:
                return 60 * int(match[1]) + int(match[2]), place + 1, first
            return None
        if not is_whole(text) or int(text) > 24 or self._word(place + 1) == "%":
            return None
        end = place + 1
        if told:
            return self._with_minutes(60 * int(text), end, first)
        if int(text) <= 12 and self._meridiem(end) is not None and self._meridiem(end) != ("letter", end + 1):
            return 60 * int(text), end, first
        if int(text) <= 12 and self._word(end) in ("noon", "midnight"):
            return (720 if self._word(end) == "noon" else 0), end + 1, first
        return None

    def _hour_word(self, place: int, told: bool, first: int) -> tuple[int, int, int] | None:
        """«التاسعة والنصف»: an hour as an ordinal, where something else says that it is one."""
        word = self._word(place)
        for _, plain in split_prefix(word, ("", "و", "ب", "ل")):
            hour, end = lexicon.HOURS_AR.get(f"{plain} {self._word(place + 1)}"), place + 2
            if hour is None:
                hour, end = lexicon.HOURS_AR.get(plain), place + 1
            if hour is None:
                continue
            found = self._with_minutes(60 * hour, end, first)
            if told or found[1] > end or self._meridiem(end) is not None:
                return found
            return None
        return None

    def _with_minutes(self, minutes: int, end: int, first: int) -> tuple[int, int, int]:
        word = self._word(end)
        part = {"والنصف": 30, "ونصف": 30, "والربع": 15, "وربع": 15, "والثلث": 20, "وثلث": 20, "ونصفا": 30}.get(word)
        if part is not None:
            return minutes + part, end + 1, first
        if word == "الا":
            less = {"ربعا": 15, "الربع": 15, "ربع": 15, "ثلثا": 20, "الثلث": 20, "ثلث": 20}.get(self._word(end + 1))
            if less is not None:
                return (minutes - less) % 1440, end + 2, first
        if word.startswith("و"):
            number = self._digits(end + 1) if word == "و" and self._kind(end + 1) == "digits" else self._arabic(end)
            if number is not None and self._word(number.end) in ("دقيقه", "دقائق") and 0 < number.number < 60:
                return minutes + int(number.number), number.end + 1, first
        return minutes, end, first

    def _past(self, place: int) -> tuple[int, int, int] | None:
        """ "half past nine", "a quarter to ten", "ten past six"."""
        first = place
        if self._word(place) == "a" and self._word(place + 1) == "quarter":
            place += 1
        part = {"half": 30, "quarter": 15}.get(self._word(place)) or lexicon.ONES_EN.get(self._word(place))
        at = place + 1
        if part is None or not 0 < part <= 30:
            return None
        if self._word(at) in ("minutes", "minute"):
            at += 1
        if self._word(at) not in ("past", "to") or (self._word(at) == "to" and self._word(place) != "quarter"):
            return None
        back = self._word(at) == "to"
        text = self._word(at + 1)
        hour = int(text) if is_whole(text) and len(text) <= 2 else lexicon.ONES_EN.get(text)
        if hour is None or not 1 <= hour <= 12:
            return None
        return (60 * hour + (-part if back else part)) % 1440, at + 2, first

    def _hour_in_words(self, place: int) -> tuple[int, int, int] | None:
        """ "nine o'clock", "at nine in the evening"."""
        text = self._word(place)
        hour = int(text) if is_whole(text) and len(text) <= 2 else lexicon.ONES_EN.get(text)
        if hour is None or not 1 <= hour <= 12:
            return None
        if self._word(place + 1) in ("o'clock", "oclock"):
            return 60 * hour, place + 2, place
        return (60 * hour, place + 1, place) if self._meridiem(place + 1) not in (None, ("letter", place + 2)) else None

    def _meridiem(self, place: int) -> tuple[str, int] | None:
        """Which half of the day a time is said to be in, "letter" for «ص» and «م», and the token after."""
        word = self._word(place)
        if not self._near(place):
            return None
        if word in ("a", "p") and self._word(place + 1) == "." and self._word(place + 2) == "m":
            end = place + 3
            return f"{word}m", end + 1 if self._word(end) == "." and not self._gap(end) else end
        if word in lexicon.MORNING:
            return "am", place + 1
        if word == "ليلا":
            return "night", place + 1
        if word in lexicon.EVENING:
            return "pm", place + 1
        if word == "بعد" and self._word(place + 1) == "الظهر":
            return "pm", place + 2
        if word == "من" and self._word(place + 1) in ("مساء", "صباح"):
            return ("pm" if self._word(place + 1) == "مساء" else "am"), place + 2
        if word == "in" and self._word(place + 1) == "the" and self._word(place + 2) in ("morning", "evening", "afternoon"):
            return ("am" if self._word(place + 2) == "morning" else "pm"), place + 3
        if word == "at" and self._word(place + 1) == "night":
            return "night", place + 2
        if word in ("ص", "م"):
            return ("am" if word == "ص" else "pm") if self._word(place - 2) == ":" else "letter", place + 1
        return None
