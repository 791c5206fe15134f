"""What the window is given to draw, its documents, and what readers say of answers."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rag.evaluation.questions import validate
from rag.library.feedback import BadFeedback, as_question, record
from rag.library.views import about_view
from rag.messages import table
from rag.schema import (
    Answer,
    Citation,
    Document,
    Evidence,
    Found,
    Grade,
    Hit,
    Mark,
    Passage,
    RejectedCitation,
    Span,
    Status,
    Timing,
    Verdict,
)
from rag.ui.document_view import document_view
from rag.ui.render import answer_view, documents_of, found_view, source_view, span_of_quote, strings
from rag.ui.web import examples_of
from tests.helpers import ROOT

TEXT = "مقدمة 😀. أُغلق الجسر في 12 مارس. كلّف الإصلاح 4 ملايين.\nThe bridge reopened."
FIRST, SECOND, THIRD = Span(9, 32), Span(33, 55), Span(56, 76)
PASSAGE = Passage(7, "ar/الجسر.md", Span(0, 76), TEXT, "الجسر", "ar", "§ الإغلاق", (Span(0, 9), FIRST, SECOND, THIRD))


def citation(number: int, span: Span, claim: Span) -> Citation:
    return Citation(number, "ar/الجسر.md", span, span.of(TEXT), "§ الإغلاق", claim, 0.9, "الجسر", 7)


def answer(text: str, *citations: Citation, **changes: Any) -> Answer:
    values: dict[str, Any] = {
        "question": "متى أُغلق الجسر؟",
        "text": text,
        "language": "ar",
        "status": Status.ANSWERED,
        "citations": citations,
        "rejected": (),
        "hits": (Hit(PASSAGE, 1, 0.5),),
        "evidence": (Evidence(PASSAGE, FIRST, FIRST.of(TEXT), 0.8),),
        "draft": "",
        "searched": "متى أُغلق الجسر؟",
        "confidence": 0.9,
        "timing": Timing(0.1, 0.4, 2.5),
    }
    return Answer(**(values | changes))


def pieces(view: dict[str, Any]) -> list[list[tuple[str, list[int]]]]:
    return [[(piece["text"], piece["cites"]) for piece in paragraph] for paragraph in view["paragraphs"]]


def test_the_words_that_answer_are_marked_within_the_quote() -> None:
    words = Span(TEXT.index("12 مارس"), TEXT.index("12 مارس") + 7)
    view = source_view(PASSAGE, FIRST, words=words)
    marked = [(piece["text"], bool(piece.get("words"))) for piece in view["pieces"] if piece["mark"]]
    assert marked == [("أُغلق الجسر في ", False), ("12 مارس", True), (".", False)]
    assert "".join(piece["text"] for piece in view["pieces"]) == TEXT


def test_a_quotation_is_found_where_it_stands_now() -> None:
    document = Document("ar/الجسر.md", f"سطر جديد. {TEXT}", "الجسر", "ar", "0")
    quote = FIRST.of(TEXT)
    assert span_of_quote(document, FIRST, "") == FIRST
    assert span_of_quote(document, FIRST.shifted(10), quote) == FIRST.shifted(10)
    assert span_of_quote(document, FIRST, quote) == FIRST.shifted(10)
    assert span_of_quote(document, FIRST, "كلمات ليست فيها") is None
    assert span_of_quote(document, FIRST, "4\n ملايين.\n\nThe  bridge").of(document.text) == "4 ملايين.\nThe bridge"
    twice = Document("a.txt", "one two one two one", "a", "en", "0")
    assert span_of_quote(twice, Span(15, 18), "one") == Span(16, 19)


def test_the_spans_of_this_file_are_what_they_are_said_to_be() -> None:
    assert FIRST.of(TEXT) == "أُغلق الجسر في 12 مارس."
    assert SECOND.of(TEXT) == "كلّف الإصلاح 4 ملايين."
    assert THIRD.of(TEXT) == "The bridge reopened."


# --- an answer ------------------------------------------------------------------------------------------------------------


def test_each_claim_is_a_piece_with_the_numbers_that_follow_it() -> None:
    text = "أُغلق في 12 مارس. [1] وكلّف 4 ملايين. [2]"
    view = answer_view(answer(text, citation(1, FIRST, Span(0, 17)), citation(2, SECOND, Span(22, 37))))
    assert pieces(view) == [[("أُغلق في 12 مارس.", [1]), (" ", []), ("وكلّف 4 ملايين.", [2])]]


def test_a_marker_after_a_closing_quotation_mark_still_belongs_to_the_quotation() -> None:
    text = "The document says: “It shut.” [1]"
    view = answer_view(answer(text, citation(1, FIRST, Span(20, 28)), language="en"))
    assert pieces(view) == [[("The document says: “", []), ("It shut.", []), ("”", [1])]]


def test_brackets_that_a_source_wrote_are_not_links() -> None:
    text = "It says [2] and [99]. [1] [3]"
    view = answer_view(answer(text, citation(1, FIRST, Span(0, 21)), language="en"))
    assert pieces(view) == [[("It says [2] and [99].", [1]), (" [3]", [])]]


def test_two_sources_of_one_claim_and_two_lines() -> None:
    text = "أُغلق. [1][2]\nثم فُتح. [2]"
    view = answer_view(answer(text, citation(1, FIRST, Span(0, 6)), citation(2, SECOND, Span(0, 6)), citation(2, SECOND, Span(14, 22))))
    assert pieces(view) == [[("أُغلق.", [1, 2])], [("ثم فُتح.", [2])]]
    assert [source["claims"] for source in view["sources"]] == [["أُغلق."], ["أُغلق.", "ثم فُتح."]]


def test_a_machine_translation_is_marked_as_one_and_its_source_is_not() -> None:
    text = "Note: It was closed. [1]\n«أُغلق.» [1]"
    said, quoted = Span(6, 20), Span(26, 32)
    translated = replace(citation(1, FIRST, said), grade=Grade.TRANSLATED)
    view = answer_view(answer(text, translated, citation(1, FIRST, quoted)))
    assert view["paragraphs"] == [
        [{"text": "Note: ", "cites": []}, {"text": "It was closed.", "cites": [1], "translated": True}],
        [{"text": "«", "cites": []}, {"text": "أُغلق.", "cites": []}, {"text": "»", "cites": [1]}],
    ]
    assert view["grade"] == "translated"


def test_an_answer_without_citations_is_plain_text() -> None:
    view = answer_view(answer("لا تجيب الوثائق عن هذا السؤال.", status=Status.NO_EVIDENCE))
    assert pieces(view) == [[("لا تجيب الوثائق عن هذا السؤال.", [])]]
    assert view["sources"] == []
    assert [source["document"] for source in view["nearest"]] == ["ar/الجسر.md"]
    assert pieces(answer_view(answer(""))) == []


def test_a_source_is_cut_in_code_points_so_that_an_emoji_moves_nothing() -> None:
    view = source_view(PASSAGE, FIRST)
    assert [(piece["text"], piece["mark"]) for piece in view["pieces"]] == [(TEXT[:9], False), (FIRST.of(TEXT), True), (TEXT[32:], False)]
    assert (view["start"], view["end"], view["quote"]) == (9, 32, "أُغلق الجسر في 12 مارس.")


def test_a_passage_in_the_middle_of_its_document_is_marked_at_the_right_place() -> None:
    passage = Passage(1, "d", Span(100, 111), "one two six", "t", "en")
    view = source_view(passage, Span(108, 111), Span(100, 103), Span(50, 60))
    assert [(piece["text"], piece["mark"]) for piece in view["pieces"]] == [("one", True), (" two ", False), ("six", True)]
    assert view["quote"] == "six"


@pytest.mark.parametrize("text", ["One. Two. Three.", "واحد. اثنان. ثلاثة."])
def test_a_source_names_the_page_of_its_sentence_where_the_passage_runs_over_several(text: str) -> None:
    ends = [at + 1 for at, sign in enumerate(text) if sign == "."]
    spans = tuple(Span(start, end) for start, end in zip([0, ends[0] + 1, ends[1] + 1], ends, strict=True))
    passage = Passage(1, "d", Span(0, len(text)), text, "T", "en", "p. 3", spans, locators=("p. 3", "p. 3–4", "p. 4"))
    assert [source_view(passage, span)["locator"] for span in spans] == ["p. 3", "p. 3–4", "p. 4"]
    assert source_view(passage)["locator"] == "p. 3"
    assert source_view(replace(passage, locators=()), spans[2])["locator"] == "p. 3"


def test_what_was_found_is_shown_once_for_each_passage() -> None:
    found = Found("س", (), (Evidence(PASSAGE, SECOND, "", 0.9), Evidence(PASSAGE, FIRST, "", 0.8)))
    assert [sum(piece["mark"] for piece in view["pieces"]) for view in found_view(found)] == [2]
    assert found_view(Found("س", (), ())) == []


def test_what_was_left_out_and_the_times() -> None:
    """What the source contradicts is not shown; what was only not found in it stands apart, as unverified."""
    rejected = (RejectedCitation(None, Span(3, 7), Verdict.NUMBER), RejectedCitation(None, Span(8, 11), Verdict.MEANING))
    view = answer_view(answer("x [1]", citation(1, FIRST, Span(0, 1)), rejected=rejected, draft="in 1999 now"))
    assert (view["unverified"], view["grade"]) == (["now"], "quoted")
    assert (view["first"], view["total"]) == (0.4, 2.5)


def test_a_heading_that_only_repeats_the_title_is_not_shown_twice() -> None:
    assert source_view(PASSAGE)["locator"] == "§ الإغلاق"
    same = Passage(1, "d", Span(0, 1), "x", "Title", "en", "§ Title")
    assert source_view(same)["locator"] == ""


def test_a_long_document_is_sent_in_parts_with_the_span_marked() -> None:
    document = Document("d", "a" * 100_000 + "KEY" + "b" * 100_000, "t", "en", "", (Mark(0, "p. 1"), Mark(99_000, "p. 2")))
    view = document_view(document, Span(100_000, 100_003))
    assert (view["start"], view["end"], view["length"], view["locator"]) == (40_000, 160_003, 200_003, "p. 2")
    assert [list(part) for part in view["parts"]] == [["pieces"], ["page"], ["pieces"]]
    assert [piece["text"] for part in view["parts"] for piece in part.get("pieces", ()) if piece["mark"]] == ["KEY"]
    rest = document_view(document, Span(100_000, 100_003), 0, 50)
    assert rest["parts"] == [{"page": 1}, {"pieces": [{"text": "a" * 50, "mark": False}]}]
    assert document_view(document, Span(0, 0), 500_000, 10)["parts"] == []


def test_every_string_of_the_page_is_there_in_both_languages_and_every_one_is_used() -> None:
    both = strings()
    assert set(both["en"]) == set(both["ar"])
    package = ROOT / "rag"
    files = [*package.glob("ui/*.py"), *package.glob("library/*.py"), *package.glob("ui/static/*.js")]
    code = "".join(path.read_text(encoding="utf-8") for path in files)
    code += (ROOT / "app.py").read_text(encoding="utf-8")
    made = (*re.findall(r"`(\w+_)\$\{", code), "feedback_")  # keys put together from a value: `reason_${...}`
    unused = [key for key in both["en"] if f'"{key}"' not in code and f'"ui.{key}"' not in code and not key.startswith(made)]
    assert unused == []
    assert {f"status_{grade.value}" for grade in Grade} <= set(both["en"])


@pytest.mark.parametrize(
    ("id", "metadata", "kind", "source", "url"),
    [
        ("a.txt", {}, "", "", ""),
        ("b/تقرير.PDF", {"source": "https://example.org/a?b=1&c=%D8%A7#x"}, "PDF", "https://example.org/a?b=1&c=%D8%A7#x", "same"),
        ("c.htm", {"source": "javascript:alert(1)"}, "HTML", "javascript:alert(1)", ""),
        ("c.html", {"source": " https://example.org"}, "HTML", " https://example.org", ""),
        ("d.docx", {"source": "https://example.org/\u202egpj.exe"}, "DOCX", "https://example.org/\u202egpj.exe", ""),
        ("e.epub", {"source": "data:text/html,<b>"}, "EPUB", "data:text/html,<b>", ""),
        ("f.csv", {"source": 'https://x.org/"onclick='}, "CSV", 'https://x.org/"onclick=', ""),
        ("g.jsonl", {"source": "صحيفة المرفأ"}, "JSONL", "صحيفة المرفأ", ""),
        ("h.md", {"source": "https://"}, "", "https://", ""),
    ],
)
def test_only_an_address_of_the_web_becomes_a_link(id: str, metadata: dict[str, str], kind: str, source: str, url: str) -> None:
    view = about_view(id, metadata)
    assert (view["kind"], view["source"], view["url"]) == (kind, source, source if url else "")


def test_a_source_carries_what_is_known_of_its_document() -> None:
    about = {"ar/الجسر.md": {"author": "سلمى حداد", "date": "2024-10", "source": "https://example.org/b", "pages": "9"}}
    view = answer_view(answer("أُغلق. [1]", citation(1, FIRST, Span(0, 6))), about)
    for source in (view["sources"][0], answer_view(answer("x"), about)["nearest"][0]):
        assert (source["author"], source["date"], source["url"]) == ("سلمى حداد", "2024-10", "https://example.org/b")
        assert "pages" not in source
    assert documents_of(answer("x")) == ["ar/الجسر.md"]


# --- feedback -------------------------------------------------------------------------------------------------------------

BRIDGE = Document("bridge.txt", "The bridge shut on 12 March. It rained. It rained.", "", "en", "")


def said(kind: str, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "answered": True,
        "claims": ["It shut on 12 March."],
        "quotes": [("bridge.txt", "The bridge shut on 12 March.")],
        "documents": lambda: [BRIDGE],
    }
    return as_question(kind, "When did the bridge shut?", "en", **(values | changes))


def test_each_kind_of_feedback_becomes_a_gold_answer_that_can_be_tested() -> None:
    quote = {"document": "bridge.txt", "quote": "The bridge shut on 12 March."}
    assert (said("good")["answers"], said("good")["evidence"]) == (["It shut on 12 March."], [quote])
    assert (said("good", answered=False)["answerable"], said("good", answered=False)["answers"]) == (False, [])
    wrong = said("wrong_answer", right=" 12 March ")
    assert (wrong["answers"], wrong["evidence"], wrong["answerable"]) == (["12 March"], [quote], True)
    source = said("wrong_source", proof="“The bridge shut on 12 March.”")
    assert (source["answers"], source["evidence"]) == (["It shut on 12 March."], [quote])
    declined = said("should_decline")
    assert (declined["answerable"], declined["answers"], declined["evidence"]) == (False, [], [])
    missed = said("should_answer", right="12 March", proof="The bridge shut on 12 March.", answered=False, claims=[], quotes=[])
    assert (missed["answerable"], missed["answers"], missed["evidence"]) == (True, ["12 March"], [quote])


@pytest.mark.parametrize(
    ("kind", "changes", "key"),
    [
        ("wrong_answer", {}, "ui.error_feedback_answer"),
        ("wrong_source", {}, "ui.error_feedback_proof"),
        ("should_answer", {"right": "x"}, "ui.error_feedback_proof"),
        ("wrong_source", {"proof": "It snowed."}, "ui.error_feedback_nowhere"),
        ("wrong_source", {"proof": "It rained."}, "ui.error_feedback_twice"),
        ("nonsense", {}, "ui.error_feedback"),
    ],
)
def test_feedback_without_what_a_test_needs_is_told_what_is_missing(kind: str, changes: dict[str, Any], key: str) -> None:
    with pytest.raises(BadFeedback) as caught:
        said(kind, **changes)
    assert caught.value.key == key


def test_what_a_person_says_of_a_question_later_takes_the_place_of_what_they_said_before(tmp_path: Path) -> None:
    path = tmp_path / "feedback" / "questions.jsonl"
    for line in (said("good", person="ليلى"), said("good"), said("should_decline"), said("wrong_answer", right="in March")):
        record(path, line)
    again = as_question("should_decline", " when did the  bridge shut? ", "en", answered=True, person="ليلى")
    record(path, as_question("should_decline", "متى أُغلق الجسر؟", "ar", answered=True))
    record(path, again)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(line["language"], line["answerable"], line["answers"]) for line in lines] == [
        ("en", True, ["in March"]),
        ("ar", False, []),
        ("en", False, []),
    ]
    assert re.fullmatch(r"It should not have answered: the documents do not say \(\d{4}-\d\d-\d\d\)", lines[-1]["note"])
    assert "ليلى" not in path.read_text(encoding="utf-8")
    assert validate(path) == []


def test_examples_come_from_the_question_set_in_both_languages(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    lines = [{"question": f"سؤال {n}؟", "language": "ar", "answerable": n != 1} for n in range(1, 6)]
    lines += [{"question": f"Question {n}?", "language": "en", "answerable": True} for n in range(1, 4)]
    path.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    assert [example["text"] for example in examples_of(path)] == ["سؤال 2؟", "سؤال 4؟", "Question 1?", "Question 2?"]
    assert examples_of(tmp_path / "none.jsonl") == []


def test_all_strings_of_the_window_have_the_same_fields_in_both_languages() -> None:
    import string

    for key, texts in table().items():
        if key.startswith("ui."):
            fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in texts.values()]
            assert fields[0] == fields[1], key
