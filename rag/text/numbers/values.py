"""The record of one value that a text states."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from rag.schema import Span


class Kind(StrEnum):
    """The kind of a value."""

    NUMBER = "number"
    AMOUNT = "amount"  # of money
    MEASURE = "measure"
    PERCENT = "percent"
    FRACTION = "fraction"
    ORDINAL = "ordinal"
    DATE = "date"
    TIME = "time"
    PHONE = "phone"
    CODE = "code"  # a version, section or reference number: digits that are no quantity


class Bound(StrEnum):
    """The limit that the words before a number express."""

    EXACT = ""
    LEAST = "at least"
    MOST = "at most"
    ABOUT = "about"


@dataclass(frozen=True, slots=True)
class Date:
    """A day, or as much of it as a text gives. Months count from 1; `hijri` identifies the calendar."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    hijri: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """A number, amount, measure, date, time or phone number, with the position where the text states it.

    `number` is the value with its scale («13 مليار» is 13000000000), for a time the minutes since midnight; `None` for values without
    magnitude (a date, a phone number, a reference). `unit` is an ISO 4217 code, a currency's plain name if the text does not say whose
    ("dinar"), a symbol ("km", "%"), or "". A range has its upper end in `high`. Other readings of the same text are in `also` (`1.250` is
    1250 or 1.25) and, for dates, in the rest of `dates`, the likeliest first.
    """

    kind: Kind
    span: Span
    number: Decimal | None = None
    unit: str = ""
    high: Decimal | None = None
    also: tuple[Decimal, ...] = ()
    dates: tuple[Date, ...] = ()
    digits: str = ""
    spelled: bool = False
    """In words, not digits."""
    definite: bool = False
    """With the article («الثالث»), as an Arabic ordinal has it that is not an adverb."""
    bound: Bound = Bound.EXACT

    @property
    def date(self) -> Date | None:
        """The likeliest date; `None` for a value that is no date."""
        return self.dates[0] if self.dates else None
