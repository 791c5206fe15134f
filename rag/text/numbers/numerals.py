"""Numbers in digits and in words, cardinal and ordinal, with their fractions and scales."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from rag.text.numbers import lexicon
from rag.text.numbers.cursor import Cursor, is_whole
from rag.text.numbers.lexicon import bare
from rag.text.numbers.tokens import HARD_SPACE
from rag.text.numbers.values import Kind, Value

_ROMAN = re.compile(r"(?=[IVXL]{2})(?:XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_ROMAN_WORTH = {"I": 1, "V": 5, "X": 10, "L": 50}
_NOT_A_ROMAN_NUMBER = frozenset({"XL", "XXL", "LL"})
_NO_FRACTION_BEFORE = frozenset("النهايي نهايي سنوي السنوي سنويه السنويه الكره كره القطر قطر".split())
"""«نصف النهائي», «ربع سنوي», «نصف الكرة»: no part of anything that is counted."""
_SIDES = frozenset("eastern western northern southern upper lower other better latter former".split())
_PRONOUN = re.compile(r"(?:ه|ها|هم|هما|هن)$")


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number as far as it has been read; `end` is the token after it."""

    number: Decimal
    end: int
    also: tuple[Decimal, ...] = ()
    spelled: bool = False
    definite: bool = False
    fraction: bool = False
    scaled: bool = False
    plain: bool = False  # digits without any mark
    digits: str = ""


class Numerals(Cursor):
    """Reads numbers: the digits of both traditions, English and Arabic number words."""

    def _ordinal(self, place: int) -> tuple[list[Value], int] | None:
        token = self.tokens[place]
        if token.kind == "digits":
            suffix = self._word(place + 1)
            if suffix in ("st", "nd", "rd", "th") and not self._gap(place + 1) and is_whole(token.text):
                number = Decimal(int(token.text))
                return [Value(Kind.ORDINAL, self._span(place, place + 2), number, definite=True)], place + 2
            return None
        if token.kind != "word":
            return None
        if (found := self._ordinal_word(place)) is not None:
            number, end, definite = Decimal(found[0]), found[1], found[2]
            return [Value(Kind.ORDINAL, self._span(place, end), number, spelled=True, definite=definite)], end
        written = self.text[token.start : token.end]
        if len(written) >= 2 and written.isascii() and _ROMAN.fullmatch(written) and written not in _NOT_A_ROMAN_NUMBER:
            worth = [_ROMAN_WORTH[letter] for letter in written]
            total = sum(-own if own < after else own for own, after in zip(worth, [*worth[1:], 0], strict=True))
            return [Value(Kind.ORDINAL, self._span(place, place + 1), Decimal(total), definite=True)], place + 1
        return None

    def _ordinal_word(self, place: int) -> tuple[int, int, bool] | None:
        """Return an ordinal in words, the token after it, and whether it is definite (English ones always are)."""
        word = self._word(place)
        if word in lexicon.ORDINALS_EN:
            return lexicon.ORDINALS_EN[word], place + 1, True
        if word in lexicon.TENS_EN:
            at = place + 2 if self._word(place + 1) == "-" else place + 1
            ones = lexicon.ORDINALS_EN.get(self._word(at), 0)
            return (lexicon.TENS_EN[word] + ones, at + 1, True) if 1 <= ones <= 9 else None
        known = bare(word)
        ones = 1 if known.word in ("حادي", "حاديه") else lexicon.ORDINALS_AR.get(known.word, 0)
        if not ones:
            return None
        following = bare(self._word(place + 1))
        if self._word(place + 1) in lexicon.TEN_AR and ones < 10:
            return 10 + ones, place + 2, True
        if following.joined and following.word in lexicon.TENS_AR and ones < 10:
            return lexicon.TENS_AR[following.word] + ones, place + 2, True
        if known.word.startswith("حادي"):
            return None
        return ones, place + 1, known.definite

    def _number(self, place: int) -> Numeral | None:
        if self._kind(place) == "digits":
            return self._digits(place)
        if self._kind(place) == "word":
            return self._english(place) or self._arabic(place)
        return None

    def _digits(self, place: int) -> Numeral | None:
        text = self._word(place)
        end = place + 1
        joined = self._spaced_groups(place)
        glued = bool(place) and self._kind(place - 1) == "word" and not self._gap(place) and self._word(place - 1).isascii()
        if joined is not None and not glued:
            text, end, also = joined
        else:
            also = ()
        value = self._value(text, end)
        if value is None:
            return None
        number, other = value
        also += other
        plain = is_whole(text) and end == place + 1
        if glued:
            return Numeral(number, end, also, plain=plain, digits=text)
        if plain and self._word(end) == "/" and not self._gap(end) and is_whole(self._word(end + 1)) and not self._gap(end + 1):
            below = int(self._word(end + 1))
            if 0 < number < below and below in (2, 3, 4, 5, 6, 8, 10, 16) and self._word(end + 2) != "/":
                return Numeral(number / below, end + 2, spelled=True, fraction=True)
            return None
        if (
            plain
            and is_whole(self._word(end))
            and self._near(end)
            and self._gap(end)
            and self._word(end + 1) == "/"
            and not self._gap(end + 1)
        ):
            part = self._digits(end)
            if part is not None and part.fraction:
                return Numeral(number + part.number, part.end)
        if self._word(end) == "^" and not self._gap(end) and self._kind(end + 1) == "digits":
            power, end = self._raised(end)
            if text == "10" and 0 < power < 40:
                number = Decimal(10) ** power
        elif self._word(end) in ("x", "×") and self._word(end + 1) == "10" and self._word(end + 2) == "^":
            power, end = self._raised(end + 2)
            number *= Decimal(10) ** min(power, 40)
        return self._scaled(Numeral(number, end, also, plain=plain, digits=text))

    def _raised(self, place: int) -> tuple[int, int]:
        digits = ""
        while self._word(place) == "^" and self._kind(place + 1) == "digits" and len(digits) < 3:
            digits += self._word(place + 1)
            place += 2
        return (int(digits) if is_whole(digits) else 0), place

    def _spaced_groups(self, place: int) -> tuple[str, int, tuple[Decimal, ...]] | None:
        """Digits with those after a space that belong to them: `3 001`, `1 099,99`, and what else they can be."""
        first = self._word(place)
        if not is_whole(first) or len(first) > 3 or first.startswith("0"):
            return None
        groups, end, sure = [first], place + 1, False
        while self._kind(end) == "digits" and self._gap(end) in (" ", HARD_SPACE) and len(groups) < 6:
            part = self._word(end)
            match = re.fullmatch(r"(\d{3})([.,٫]\d+)?", part)
            if match is None or (match[2] and len(match[2]) == 4 and match[2][0] != "٫"):
                break
            if self._word(end + 1) in ("/", ":", "-") and not self._gap(end + 1) and self._kind(end + 2) == "digits":
                break
            sure = sure or self._gap(end) == HARD_SPACE or match[1].startswith("0") or match[2] is not None
            groups.append(part)
            end += 1
            if match[2]:
                break
        if len(groups) == 1:
            return None
        if not sure:
            if place and self._kind(place - 1) == "digits" and self._gap(place) in (" ", HARD_SPACE):
                return None  # one of a row of numbers
            if len(first) == 3 and (len(groups) > 2 or self._kind(end) != "word"):
                return None if len(groups) > 2 else ("".join(groups), end, (Decimal(first), Decimal(groups[1])))
        return "".join(groups), end, ()

    def _value(self, text: str, end: int) -> tuple[Decimal, tuple[Decimal, ...]] | None:
        """Return the value of digits with their marks, and what else they can mean; `None` for digits that are no number (`2.4.1`)."""
        if "،" in text and not re.fullmatch(r"\d{1,3}(?:،\d{3})+", text):
            return None  # an Arabic comma marks groups at most, else it parts numbers
        text = text.replace("٬", "'").replace("٫", "_").replace("،", ",")
        if is_whole(text):
            return Decimal(text), ()
        marks = [character for character in text if not character.isdigit()]
        groups = re.split(r"[.,'_]", text)
        last = marks[-1]
        if last == "_" or (len(set(marks)) == 2 and marks.count(last) == 1):
            return (Decimal(f"{''.join(groups[:-1])}.{groups[-1]}"), ()) if len(groups[0]) <= 3 or len(marks) == 1 else None
        grouped = 0 < len(groups[0]) <= 3 and groups[0].lstrip("0") != "" and all(len(group) == 3 for group in groups[1:])
        if len(marks) == 1:
            whole, decimal = Decimal("".join(groups)), Decimal(f"{groups[0]}.{groups[1]}")
            if not grouped:
                return (decimal if last != "'" else whole), ()
            if last == "'":
                return whole, ()
            if last == ",":
                return (decimal, (whole,)) if self.comma_decimal and not self.point_decimal else (whole, ())
            if self.point_decimal and not self.comma_decimal:
                return decimal, (whole,)
            if self.comma_decimal:
                return whole, (decimal,)
            unit = self._unit(end)
            small = unit is not None and (unit[0] == "%" or lexicon.three_decimals(unit[0]))
            return (decimal, (whole,)) if small else (whole, (decimal,))
        if len(set(marks)) == 1:
            indian = len(groups[-1]) == 3 and all(len(group) == 2 for group in groups[1:-1]) and len(groups[0]) <= 2
            if grouped or (indian and last == ","):
                return Decimal("".join(groups)), ()
        return None

    def _scaled(self, base: Numeral) -> Numeral:
        """Return a number with the scale words after it: `13bn`, «13 مليارًا و200 مليون»."""
        scale, end = self._scale(base.end, base)
        if scale is None:
            return base
        also = tuple(other * scale for other in base.also)
        number = base.number * scale
        if scale >= 10**3 and (self._word(end) == "and" or self._word(end) == "و") and self._kind(end + 1) == "digits":
            more = self._digits(end + 1)
            smaller = more is not None and more.number < scale and (more.scaled or (self._word(end) == "و" and more.number >= 1))
            unit = more is not None and self._unit(end + 1)
            if more is not None and smaller and not unit and not more.fraction:
                return Numeral(number + more.number, more.end, scaled=True)
        half = self._and_part(end)
        if half is not None:
            end = half[1]
            number += half[0] * scale
            named = bare(self._word(end))
            if lexicon.SCALES_AR.get(named.word) == scale:
                end += 1
        return replace(base, number=number, end=end, also=also, scaled=True, plain=False)

    def _scale(self, place: int, base: Numeral) -> tuple[int | None, int]:
        word = self._word(place)
        if not self._near(place):
            return None, place
        if word == "-" and not self._gap(place) and self._word(place + 1) in lexicon.SCALES_EN:
            place, word = place + 1, self._word(place + 1)
        scale = lexicon.SCALES_EN.get(word) or lexicon.SCALES_AR.get(word) or lexicon.SCALE_ALEF_AR.get(word)
        if scale is None and word in lexicon.SHORT_SCALES and (len(word) > 1 or (not self._gap(place) and word != "m")):
            scale = lexicon.SHORT_SCALES[word]
        if scale is None and word in ("ميه", "مايه") and base.number < 10 and self._gap(place):
            scale = 100
        if scale is None and word == "dozen":
            scale = 12
        if scale is None:
            return None, place
        following = lexicon.SCALES_EN.get(self._word(place + 1)) or lexicon.SCALES_AR.get(self._word(place + 1))
        if following is not None and following > scale and self._near(place + 1):
            return scale * following, place + 2
        return scale, place + 1

    def _and_part(self, place: int) -> tuple[Decimal, int] | None:
        """ "and a half", «ونصف», «والربع»: what it adds, and the token after it."""
        word = self._word(place)
        if word == "and" and self._word(place + 1) in ("a", "one", "three") and self._word(place + 2) in lexicon.DENOMINATORS_EN:
            times = lexicon.ONES_EN.get(self._word(place + 1), 1)
            return Decimal(times) / lexicon.DENOMINATORS_EN[self._word(place + 2)], place + 3
        known = bare(word)
        if known.joined and known.word in ("نصف", "ثلث", "ربع") and "\n" not in self._gap(place):
            return lexicon.FRACTIONS_AR[known.word], place + 1
        return None

    def _english(self, place: int) -> Numeral | None:
        fraction = self._english_fraction(place)
        if fraction is not None:
            return fraction
        total = current = 0
        state = ""  # what was read last: ones, tens, hundred, scale
        at = place
        if self._word(at) in ("a", "an"):
            if self._word(at + 1) not in ("hundred", "thousand", "million", "billion", "trillion", "dozen"):
                return None
            current, state, at = 1, "ones", at + 1
        while True:
            word = self._word(at)
            skip = at
            if (state and word == "-" and not self._gap(at) and not self._gap(at + 1)) or (state in ("hundred", "scale") and word == "and"):
                skip = at + 1
            word = self._word(skip)
            if state and not self._near(skip):
                break
            if word in lexicon.ONES_EN:
                own = lexicon.ONES_EN[word]
                if state in ("", "hundred", "scale") or (state == "tens" and 1 <= own <= 9):
                    current, state = current + own, "ones"
                elif own >= 10 and 10 <= current <= 20 and not total:
                    current, state = current * 100 + own, "year"
                else:
                    break
            elif word in lexicon.TENS_EN:
                if state in ("", "hundred", "scale"):
                    current += lexicon.TENS_EN[word]
                elif 10 <= current <= 20 and not total and state in ("ones", "tens"):
                    current = current * 100 + lexicon.TENS_EN[word]
                else:
                    break
                state = "tens"
            elif word == "hundred" and state in ("ones", "tens") and 0 < current < 100:
                current, state = current * 100, "hundred"
            elif word in lexicon.SCALES_EN and state and state != "scale":
                total, current, state = total + current * lexicon.SCALES_EN[word], 0, "scale"
            elif word == "dozen" and state in ("ones", "tens"):
                current, state, at = current * 12, "dozen", skip + 1
                break
            else:
                break
            at = skip + 1
        if not state:
            return None
        found = Numeral(Decimal(total + current), at, spelled=True, scaled=state == "scale")
        half = self._and_part(at)
        if half is None:
            return found
        found = replace(found, number=found.number + half[0], end=half[1])
        scale = lexicon.SCALES_EN.get(self._word(found.end))
        return replace(found, number=found.number * scale, end=found.end + 1, scaled=True) if scale else found

    def _english_fraction(self, place: int) -> Numeral | None:
        """ "half", "two-thirds", "a quarter of a million": a part, with the scale that it is a part of."""
        at, times = place, 1
        word = self._word(at)
        if word in ("halve", "halved", "halving"):
            return Numeral(Decimal("0.5"), at + 1, spelled=True, fraction=True)
        told = word in ("a", "one") or (word in lexicon.ONES_EN and word not in ("zero", "ten"))
        if told:
            times = lexicon.ONES_EN.get(word, 1)
            at += 2 if self._word(at + 1) == "-" else 1
        name = self._word(at)
        if name not in lexicon.DENOMINATORS_EN or name == "second" or not self._near(at):
            return None
        end, after = at + 1, self._word(at + 1)
        below = lexicon.DENOMINATORS_EN[name]
        whole = after == "of" and self._word(end + 1) in ("a", "an", "one")
        if below != 2 and not told and not (whole and self._unit_or_scale(end + 2)):
            return None
        if told and times == 1 and below not in (2, 4) and word == "a" and after != "of" and self._kind(end) == "word":
            return None  # "a third party"
        before = self._word(place - 2 if self._word(place - 1) == "-" else place - 1) if place > 1 else ""
        if name == "half" and (before in _SIDES or before in lexicon.ORDINALS_EN):
            return None
        if name == "half" and (self._word(end + 1) if after == "-" else after) in ("time", "final", "back", "way", "brother", "marathon"):
            return None
        number = Decimal(times) / below
        step = end + 1 if after == "of" else end
        step = step + 1 if self._word(step) in ("a", "an", "the") else step
        scale = lexicon.SCALES_EN.get(self._word(step)) or (12 if self._word(step) == "dozen" else None)
        if scale is not None:
            return Numeral(number * scale, step + 1, spelled=True, scaled=True)
        if self._word(end) == "-" and self._unit(end + 1) is not None:
            return Numeral(number, end + 1, spelled=True, fraction=True)
        if step > end and self._word(step - 1) != "the" and self._unit(step) is not None:
            return Numeral(number, step, spelled=True, fraction=True)
        return Numeral(number, end, spelled=True, fraction=True, definite=told)

    def _unit_or_scale(self, place: int) -> bool:
        return self._word(place) in lexicon.SCALES_EN or self._unit(place) is not None

    def _arabic(self, place: int) -> Numeral | None:
        fraction = self._arabic_fraction(place)
        if fraction is not None:
            return fraction
        total = current = 0
        ones = lowest = 0  # the ones that may still multiply, and the least scale so far
        last = ""
        definite = False
        also: tuple[Decimal, ...] = ()
        at = place
        while True:
            word = self._word(at)
            known = bare(word)
            if word == "واحد" and self._word(at + 1) in lexicon.TEN_AR:
                known = lexicon.Bare("احد", True, False)  # «وأحد عشر», folded
            name, joined = known.word, known.joined or (at == place)
            if at > place and self._word(at) == "و" and self._word(at + 1) in lexicon.HUNDREDS_AR:
                at += 1
                known = bare(self._word(at))
                name, joined = known.word, True
            if at > place and not self._near(at):
                break
            first = at == place
            if first and known.definite and self._written(at).lstrip("وفبل")[:1] in "أإآ":
                return None  # «ألستون»: a name, no article
            if name.startswith("ميت") and "ئ" not in self._written(at):
                break  # «ميتًا»: dead
            if name in lexicon.TEEN_ONES_AR and lexicon.TEEN_ONES_AR[name] and not name.startswith("حادي"):
                after = bare(self._word(at + 1))
                teen = self._word(at + 1) in lexicon.TEN_AR
                if not (teen or (name in ("احد", "احدي") and after.joined and after.word in lexicon.TENS_AR)):
                    break
                if not joined or current % 100:
                    break
                current += lexicon.TEEN_ONES_AR[name]
                ones, last = lexicon.TEEN_ONES_AR[name], "ones"
            elif name in lexicon.TEN_AR and last == "ones" and not known.joined and ones < 10:
                current, ones, last = current + 10, 0, "teen"
            elif name in lexicon.ONES_AR or name in lexicon.TEN_AR or name in lexicon.TEENS_AR or name == "صفر":
                own = lexicon.ONES_AR.get(name) or lexicon.TEENS_AR.get(name) or (10 if name in lexicon.TEN_AR else 0)
                if name == "اثنين" and known.definite and first:
                    return None  # Monday
                if not joined or current % 100 or (not first and last not in ("hundred", "scale")):
                    break
                current, last = current + own, "ones" if own < 10 else "teen"
                ones = own
            elif name in lexicon.TENS_AR:
                if not joined or not (current % 100 == 0 or (last == "ones" and 0 < ones < 10)):
                    break
                current, ones, last = current + lexicon.TENS_AR[name], 0, "tens"
            elif name in ("ميه", "مايه") and last == "ones" and not known.joined and 3 <= ones <= 9:
                current, ones, last = current - ones + 100 * ones, 0, "hundred"
            elif name in lexicon.HUNDREDS_AR:
                if not joined or current or (not first and last != "scale"):
                    break
                current, ones, last = lexicon.HUNDREDS_AR[name], 0, "hundred"
            elif name == "الف" and "\u0651" in self._written(at):
                break  # «ألّف»: he wrote
            elif name in lexicon.SCALES_AR or name in lexicon.SCALE_ALEF_AR or name in lexicon.SCALE_DUALS_AR:
                if name in lexicon.SCALE_DUALS_AR:
                    scale, own = lexicon.SCALE_DUALS_AR[name], 2
                    if current:
                        break
                else:
                    scale = lexicon.SCALES_AR.get(name) or lexicon.SCALE_ALEF_AR[name]
                    own = current or 1
                    plural = name in ("الاف", "ملايين", "مليارات", "بلايين", "تريليونات")
                    if plural and not current:
                        break  # «آلاف الناس»: nobody has counted them
                if (not current and not first and not joined) or (current and known.joined and not first):
                    break
                if lowest and scale >= lowest and not (current == 0 and total and not known.joined):
                    break
                if not current and name in lexicon.SCALE_ALEF_AR and first and self._without_tanwin(at):
                    own, also = 2, (Decimal(scale),)
                total, current, ones, lowest, last = total + own * scale, 0, 0, scale, "scale"
            elif first and word == "صفر":
                last = "ones"
            else:
                break
            definite = definite or (first and known.definite)
            at += 1
        if not last:
            return None
        number = Decimal(total + current)
        if at == place + 1 and bare(self._word(place)).word in lexicon.FIFTH_LIKE_AR:
            also = (lexicon.FIFTH_LIKE_AR[bare(self._word(place)).word],)
        found = Numeral(number, at, also, spelled=True, definite=definite, scaled=last == "scale")
        half = self._and_part(at)
        if half is not None:
            end = half[1]
            after = bare(self._word(end))
            if last == "scale":
                number += half[0] * lowest
                if lexicon.SCALES_AR.get(after.word) == lowest:
                    end += 1
            else:
                number += half[0]
                times = lexicon.SCALES_AR.get(self._word(end))
                if times is not None:
                    number, end = number * times, end + 1
            found = replace(found, number=number, end=end, also=())
        elif last == "scale" and self._word(at) == "و" and self._kind(at + 1) == "digits":
            more = self._digits(at + 1)
            if more is not None and more.number < lowest and not more.fraction:
                found = replace(found, number=number + more.number, end=more.end)
        return found

    def _written(self, place: int) -> str:
        token = self.tokens[place]
        return self.text[token.start : token.end]

    def _without_tanwin(self, place: int) -> bool:
        after = bare(self._word(place + 1))
        return "ً" not in self._written(place) and self._kind(place + 1) == "word" and not after.joined

    def _arabic_fraction(self, place: int) -> Numeral | None:
        """«نصف», «ثلاثة أرباع», «ربع مليون»: a part, with the scale that it is a part of."""
        word = self._word(place)
        known = bare(word)
        after = bare(self._word(place + 1))
        parts = after.word if after.word in lexicon.DENOMINATORS_AR else bare(_PRONOUN.sub("", self._word(place + 1))).word
        if known.word in lexicon.ONES_AR and parts in lexicon.DENOMINATORS_AR:
            number, end = Decimal(lexicon.ONES_AR[known.word]) / lexicon.DENOMINATORS_AR[parts], place + 2
        else:
            name = known.word if known.word in lexicon.FRACTIONS_AR else bare(_PRONOUN.sub("", word)).word
            if name not in lexicon.FRACTIONS_AR:
                return None
            number, end = lexicon.FRACTIONS_AR[name], place + 1
            if after.word in lexicon.ORDINALS_AR and after.definite:
                return None  # «الربع الأول»
            if self._word(end) in _NO_FRACTION_BEFORE:
                return None
        following = bare(self._word(end))
        scale = lexicon.SCALES_AR.get(following.word)
        if scale is not None and not following.joined and self._near(end):
            return Numeral(number * scale, end + 1, spelled=True, scaled=True)
        also: tuple[Decimal, ...] = ()
        if known.joined and place and self._kind(place - 1) == "word":  # «كوبًا ونصف», «كوبين ونصف»
            also = (number + (2 if self._word(place - 1).endswith(("ان", "ين")) else 1),)
        return Numeral(number, end, also, spelled=True, fraction=True, definite=True)
