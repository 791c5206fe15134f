"""The reader that ships, on the real encoder: what answers, where, in both languages and across."""

from __future__ import annotations

import pytest

from rag.models.embedder import SentenceTransformerEmbedder
from rag.models.reader import EncoderReader, open_reader
from rag.models.reader_input import ReadText
from rag.text.sentences import sentences
from tests.helpers import model

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module", params=["embeddinggemma-300m", "multilingual-e5-small"])
def reader(request: pytest.FixtureRequest) -> EncoderReader:
    opened = open_reader(SentenceTransformerEmbedder(model(request.param, "embedder"), request.param))
    assert opened is not None
    return opened


def _text(text: str, context: str) -> ReadText:
    return ReadText(text, tuple(sentences(text)), context)


ROWS = {"en": "Population: {}\nArea: {}\nAirports: 18", "ar": "عدد السكان: {}\nالمساحة: {}\nعدد المطارات: 18"}
TITLES = {"en": ("Jordan", "Oman"), "ar": ("الأردن", "عُمان")}
ASKED = {"en": "What is the area of Jordan?", "ar": "ما مساحة الأردن؟"}


def _pages(written):
    """The same rows of the country that is asked for and of another one."""
    own, other = TITLES[written]
    rows = ROWS[written]
    return _text(rows.format("11,000,000", "89,342"), own), _text(rows.format("5,000,000", "309,500"), other)


@pytest.mark.parametrize("written", ["en", "ar"])
@pytest.mark.parametrize("asked", ["en", "ar"])
def test_the_page_of_the_country_that_is_asked_for_answers_in_its_row(reader, asked, written):
    right, _ = _pages(written)
    (first,) = reader.read(ASKED[asked], [right])
    assert first.blocks[1] == max(first.blocks)
    if (
        reader.base == "embeddinggemma-300m"
    ):  # the small one finds the row, but neither is it sure nor does it find the words in each direction
        assert first.answers > 0.5
        assert "89,342" in first.spans[0].span.of(right.text)


@pytest.mark.parametrize(("asked", "written"), [("en", "en"), ("ar", "en"), ("en", "ar"), ("ar", "ar")])
def test_the_page_of_another_country_is_less_probable(reader, asked, written):
    first, second = reader.read(ASKED[asked], _pages(written))
    assert first.answers > second.answers


@pytest.mark.parametrize("written", ["en", "ar"])
def test_a_true_claim_is_supported_and_a_changed_one_is_not(reader, written):
    text = {"en": "The library opens at 9 and closes at 17.", "ar": "تفتح المكتبة في الساعة 9 وتغلق في الساعة 17."}[written]
    false = {"en": "The library opens at 6.", "ar": "تفتح المكتبة في الساعة 6."}[written]
    true = {"en": "The library opens at 9.", "ar": "تفتح المكتبة في الساعة 9."}[written]
    supported = [reader.judge(claim, [_text(text, "")])[0].supported for claim in (true, false)]
    assert supported[0] > supported[1]
