"""Numbers, amounts, measures, dates, times and phone numbers of Arabic and English text, read as records and compared.

`find_values` reads what a text states; `contradicts_values` holds a claim against evidence. Words are in `lexicon`, their grammar in
`parsing`, the comparison in `comparing`.
"""

from rag.text.numbers.comparing import contradicts_values, names_month, stated_values, values_claimed
from rag.text.numbers.parsing import find_values
from rag.text.numbers.values import Bound, Date, Kind, Value

__all__ = ["Bound", "Date", "Kind", "Value", "contradicts_values", "find_values", "names_month", "stated_values", "values_claimed"]
