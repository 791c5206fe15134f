"""An overview of a document and of a collection: every line a quotation, the points from all sections, dates in order of time."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.answering.chatbot import Chatbot
from rag.answering.name_mentions import named
from rag.answering.overview import Overview, overview_of
from rag.answering.overview_questions import OverviewRequest, asks_for_overview
from rag.answering.overview_text import overview_page
from rag.errors import DocumentMissing
from rag.retrieval.index import Index
from rag.schema import Filter, Found, Grade, Status
from rag.storage.build import build_index
from tests.helpers import embedder, write

REPORT = """# Water report

The town of Larne uses 3,200 cubic metres of water every day. However, half of the pipes leak. It was built by Reed.

## Costs

The council spent 4 million dirhams on new pipes in 2019. Repairs of the old pipes cost 250,000 dirhams a year.

## History

The first well was dug in 1887 by the Larne Water Company. Captain John Reed opened the pumping station on 3 May 1921.
See table 3 for the wells.

## References

Reed wrote the history of the wells of Larne in 1930.
"""
REPORT_AR = """# تقرير المياه

تستهلك بلدة الواحة 3200 متر مكعب من المياه يوميا. ومع ذلك، تتسرب المياه من نصف الأنابيب. كما أن عمرها طويل.

## الكلفة

أنفق المجلس البلدي 4 ملايين درهم على الأنابيب الجديدة في عام 2019. وتبلغ كلفتها السنوية كثيرا.

## التاريخ

حفرت وزارة الأشغال العامة البئر الأولى في عام 1887.
"""


@pytest.fixture
def index(tmp_path: Path) -> Index:
    folder = write(
        tmp_path / "documents",
        {"water.md": REPORT, "مياه.md": REPORT_AR, "tender.txt": "Tender no. 14. Place: Larne.\nLast date: 30 June 2024."},
    )
    build_index(folder, tmp_path / "index", embedder())
    return Index.open(tmp_path / "index", embedder())


def assert_lines_are_exact(overview: Overview, index: Index) -> None:
    assert overview.lines
    for line in overview.lines:
        document = index.document(line.document_id)
        assert document is not None
        assert line.text == line.span.of(document.text)
        assert line.words is None or line.label in " ".join(line.text.split())


def test_the_points_come_from_every_section_in_order(index: Index) -> None:
    overview = overview_of(index, ["water.md"])
    assert_lines_are_exact(overview, index)
    assert overview.title == "Water report"
    points = [line.text for line in overview.points]
    assert len(points) == 4
    assert points[0] == "The town of Larne uses 3,200 cubic metres of water every day."
    joined = " ".join(points)
    assert "However" not in joined
    assert "It was" not in joined
    assert "See table" not in joined
    assert "wrote the history" not in joined
    assert [line.span for line in overview.points] == sorted(line.span for line in overview.points)


def test_the_same_in_arabic(index: Index) -> None:
    overview = overview_of(index, ["مياه.md"])
    assert_lines_are_exact(overview, index)
    assert [line.text for line in overview.points] == [
        "تستهلك بلدة الواحة 3200 متر مكعب من المياه يوميا.",
        "أنفق المجلس البلدي 4 ملايين درهم على الأنابيب الجديدة في عام 2019.",
        "حفرت وزارة الأشغال العامة البئر الأولى في عام 1887.",
    ]
    assert [line.label for line in overview.names] == ["وزارة الأشغال العامة"]
    assert [line.label for line in overview.dates] == ["1887", "2019"]
    assert [line.label for line in overview.figures] == ["3200 متر مكعب", "4 ملايين درهم"]


def test_dates_stand_in_order_of_time_and_figures_in_order_of_the_text(index: Index) -> None:
    overview = overview_of(index, ["water.md"])
    assert [line.label for line in overview.dates] == ["1887", "3 May 1921", "2019"]
    assert [line.label for line in overview.figures] == ["3,200 cubic metres", "4 million dirhams", "250,000 dirhams"]
    assert [line.label for line in overview.names] == ["Larne Water Company", "Captain John Reed"]


def test_a_short_document_is_quoted_from_its_beginning(index: Index) -> None:
    overview = overview_of(index, ["tender.txt"])
    assert_lines_are_exact(overview, index)
    assert [line.text for line in overview.points] == ["Tender no. 14.", "Last date: 30 June 2024."]


def test_a_collection_gives_each_document_its_points(index: Index) -> None:
    overview = overview_of(index)
    assert_lines_are_exact(overview, index)
    assert overview.documents == ("tender.txt", "water.md", "مياه.md")
    assert overview.total == 3
    assert overview.title == ""
    assert [line.document_id for line in overview.points] == ["tender.txt"] * 2 + ["water.md"] * 2 + ["مياه.md"] * 2


def test_no_document_has_no_lines(index: Index) -> None:
    overview = overview_of(index, ["missing.txt"])
    assert not overview
    assert overview.documents == ()
    assert overview.lines == ()


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("The letter was sent by President Joe Biden to the bank.", ["President Joe Biden"]),
        ("Ethiopian Airlines flew to Addis Ababa.", ["Ethiopian Airlines"]),
        ("Alex Spiro said that the letter was sent.", ["Alex Spiro"]),
        ("The Department of Justice refused.", ["Department of Justice"]),
        ("See the Quick Reference Handbook on Monday.", []),
        ("قالت وزارة التربية والتعليم إن المدارس مغلقة.", ["وزارة التربية والتعليم"]),
        ("قالت وزارة الموارد البشرية والتنمية الاجتماعية إن العدد زاد.", ["وزارة الموارد البشرية والتنمية الاجتماعية"]),
        ("والتقى الرئيس محمود عباس، الوزراء.", ["محمود عباس"]),
        ("للارتقاء بمركز المرأة في المجتمع.", []),
        ("", []),
    ],
)
def test_names_are_those_whose_wording_makes_them_sure(sentence: str, expected: list[str]) -> None:
    assert [mention.span.of(sentence) for mention in named(sentence) if mention.is_sure] == expected


# --- asked for in a question ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question",
    [
        "What is this about?",
        "what's this document about",
        "What are these documents about?",
        "Summarise",
        "Please summarize this article briefly.",
        "Can you give me a short summary of the attached report?",
        "What are the main points?",
        "What does the document say?",
        "tl;dr",
        "لخص",
        "لخص المقال",
        "ممكن تلخيص هذه الوثيقة؟",
        "ما موضوع الوثيقة؟",
        "عن ماذا يتحدث هذا التقرير؟",
        "شو موضوع هالملف؟",
        "أعطني ملخصا للوثيقة لو سمحت",
        "ما أهم النقاط؟",
        "الملف ده بيتكلم عن إيه؟",
    ],
)
def test_a_question_for_whole_documents_is_known(question: str) -> None:
    assert asks_for_overview(question) == OverviewRequest()


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("Summarise the water report", "water report"),
        ("لخص تقرير المياه", "تقرير المياه"),
        ("Give me an overview of the payment terms", "payment terms"),
    ],
)
def test_a_summary_may_name_its_subject(question: str, subject: str) -> None:
    assert asks_for_overview(question) == OverviewRequest(subject)


@pytest.mark.parametrize(
    "question",
    [
        "",
        "What is the tender about?",
        "ما موضوع المناقصة رقم 14/2024؟",
        "What does the report say about prices?",
        "What is the deposit?",
        "Which document mentions Larne?",
        "ماذا يقول التقرير عن الأسعار؟",
        "كم عدد الوثائق المطلوبة؟",
        "ما موضوع الدعوى التي رفعها ماسك؟",
    ],
)
def test_other_questions_are_none(question: str) -> None:
    assert asks_for_overview(question) is None


def test_a_question_for_a_summary_is_answered_by_quotations(index: Index) -> None:
    events = list(Chatbot(index).stream("Summarise the water report"))
    found, answer = events
    assert isinstance(found, Found)
    assert answer.status is Status.ANSWERED
    assert answer.grade is Grade.QUOTED
    assert answer.text.splitlines()[0] == "Main points of “Water report”"
    assert {citation.document_id for citation in answer.citations} == {"water.md"}
    for citation in answer.citations:
        document = index.document(citation.document_id)
        assert document is not None
        assert citation.quote == citation.span.of(document.text)
        assert citation.claim.of(answer.text) == " ".join(citation.quote.split())
        assert any(hit.passage.id == citation.passage_id for hit in answer.hits)
    assert "Dates" not in answer.text.splitlines()[-1]


def test_it_keeps_to_the_filter_and_the_language_of_the_question(index: Index) -> None:
    answer = Chatbot(index).ask("لخص", filter=Filter(documents=("مياه.md",)))
    assert answer.language == "ar"
    assert answer.text.splitlines()[0] == "أهم ما جاء في «تقرير المياه»"
    assert {citation.document_id for citation in answer.citations} == {"مياه.md"}


def test_a_subject_that_is_no_title_is_answered_as_any_question(index: Index) -> None:
    answer = Chatbot(index).ask("Summarise the costs of the old pipes")
    assert "Main points" not in answer.text


def test_the_page_marks_the_words_and_names_the_place(index: Index) -> None:
    page = overview_page(Chatbot(index).overview("water.md"), "en")
    assert page.startswith("# Water report\n\n## Main points of “Water report”\n\n- The town of Larne")
    assert "- The first well was dug in **1887** by the Larne Water Company. (§ History)" in page.splitlines()
    with pytest.raises(DocumentMissing):
        Chatbot(index).overview("missing.txt")
    nothing = overview_page(overview_of(index, []), "ar")
    assert "ليس فيها ما يمكن اقتباسه وحده." in nothing
