"""Question sets: what is valid, what is refused and why, and SQuAD files in one language, across two and mixed."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest

from rag.evaluation.questions import (
    BadQuestionSet,
    Gold,
    QuestionSet,
    read_lines,
    read_squad,
    validate,
)
from tests.evaluation.world import (
    ARABIC,
    ENGLISH,
    WHO,
    lines,
    qa,
    row,
    squad,
)
from tests.helpers import ROOT

# --- question sets: JSONL -------------------------------------------------------------------------------------------------


def test_the_validator_names_line_and_fault(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("كتب سبيرو رسالة. ثم كتب سبيرو أخرى. He wrote it.", encoding="utf-8")
    path = lines(
        tmp_path / "questions.jsonl",
        row("a-1", evidence=[{"document": "letter.txt", "quote": "كتب سبيرو رسالة"}]),
        row("a-2", language="fr"),
        '{"id": "a-3",',
        row("a-4", answers=[]),
        row("a-1", question="Who?"),
        row("a-6", evidence=[{"document": "letter.txt", "quote": "كتب سبيرو"}]),
        row("a-7", evidence=[{"document": "letter.txt", "quote": "لم يكتب"}]),
        row("a-8", evidence=[{"document": "missing.txt", "quote": "x"}]),
        row("a-9", question=unicodedata.normalize("NFD", "من آخر؟")),
        "[]",
    )
    found = [(fault.line, fault.id) for fault in validate(path, tmp_path)]
    assert found == [(2, "a-2"), (3, ""), (4, "a-4"), (5, "a-1"), (6, "a-6"), (7, "a-7"), (8, "a-8"), (9, "a-9"), (10, "")]
    told = {fault.line: str(fault) for fault in validate(path, tmp_path)}
    assert told[2] == "questions.jsonl:2 (a-2): language: 'fr' is not one of ['ar', 'en']"
    assert "no JSON" in told[3]
    assert "answers" in told[4]
    assert "also that of line 1" in told[5]
    assert "stands 2 times in letter.txt" in told[6]
    assert "stands 0 times in letter.txt" in told[7]
    assert "there is no document missing.txt" in told[8]
    assert "NFC" in told[9]


def test_a_set_with_a_wrong_line_is_refused_by_its_number(tmp_path: Path) -> None:
    path = lines(tmp_path / "questions.jsonl", row("a-1"), row("a-2", answerable=False))
    with pytest.raises(BadQuestionSet, match=r"questions\.jsonl:2 \(a-2\)") as caught:
        read_lines(path)
    assert "questions.jsonl:2" in caught.value.text("ar")
    assert caught.value.exit_code == 2


def test_an_empty_or_missing_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadQuestionSet, match="nothing in it"):
        read_lines(lines(tmp_path / "empty.jsonl"))
    with pytest.raises(BadQuestionSet, match="could not be read"):
        read_lines(tmp_path / "missing.jsonl")


def test_the_projects_own_sets_are_valid_and_read_whole() -> None:
    counts = {}
    for path in (ROOT / "seeds/questions.jsonl", *(ROOT / "tests/corpus").glob("*.jsonl")):
        assert validate(path, None if path.stem == "dialogues" else path.parent) == []
        found = read_lines(path)
        counts[f"{path.parent.name}/{path.stem}"] = len(found.questions) + len(found.dialogues) + len(found.claims)
        assert len(found.in_split("calibrate").questions) + len(found.in_split("report").questions) == len(found.questions)
    lengths = {name: len((ROOT / file).read_text("utf-8").splitlines()) for name, file in (
        ("seeds/questions", "seeds/questions.jsonl"), ("corpus/claims", "tests/corpus/claims.jsonl"),
        ("corpus/dialogues", "tests/corpus/dialogues.jsonl"), ("corpus/questions", "tests/corpus/questions.jsonl"),
    )}  # fmt: skip
    assert counts == lengths


def test_a_sample_is_the_same_every_time_and_spread() -> None:
    whole = QuestionSet("many", questions=tuple(replace(WHO, id=f"q{n}") for n in range(100)))
    chosen = [question.id for question in whole.limited(5).questions]
    assert chosen == [question.id for question in whole.limited(5).questions]
    assert chosen != ["q0", "q1", "q2", "q3", "q4"]
    assert len(chosen) == 5
    assert len(whole.limited(200).questions) == 100


# --- question sets: SQuAD -------------------------------------------------------------------------------------------------


def test_squad_in_one_language(parallel: tuple[Path, Path]) -> None:
    found = read_squad([parallel[1]])
    assert [question.direction for question in found.questions] == ["ar-ar"] * 3
    assert found.questions[0].evidence == (Gold("ar/00000.txt", "أليكس سبيرو", 4),)
    assert found.questions[0].answers == ("أليكس سبيرو",)
    assert found.documents["ar/00000.txt"] == ARABIC
    assert [question.split for question in found.questions] == ["calibrate", "calibrate", "report"]
    assert found.notes == ()


def test_squad_across_languages_joins_by_id_and_accepts_both_answers(parallel: tuple[Path, Path]) -> None:
    english, arabic = parallel
    found = read_squad([english], [arabic])
    first = found.questions[0]
    assert (first.id, first.language, first.direction) == ("1.en", "en", "en-ar")
    assert first.answers == ("Alex Spiro", "أليكس سبيرو")
    assert first.evidence == (Gold("ar/00000.txt", "أليكس سبيرو", 4),)
    assert set(found.documents) == {"ar/00000.txt", "ar/00001.txt"}


def test_squad_in_a_mixed_collection_takes_either_copy(parallel: tuple[Path, Path]) -> None:
    found = read_squad(list(parallel))
    assert len(found.questions) == 6
    assert set(found.documents) == {"en/00000.txt", "en/00001.txt", "ar/00000.txt", "ar/00001.txt"}
    assert [piece.document for piece in found.questions[0].evidence] == ["en/00000.txt", "ar/00000.txt"]
    assert found.questions[0].direction == "en-en+ar"


def test_squad_positions_hold_after_composition(tmp_path: Path) -> None:
    # The published text has decomposed letters before the answer; the document does not.
    context = unicodedata.normalize("NFD", "آآآ أأأ ") + "سبيرو كتب. ثم سبيرو غاب."
    at = context.rindex("سبيرو")
    found = read_squad([squad(tmp_path / "nfd.json", [(context, [qa("1", "من غاب؟", ("سبيرو", at))])])])
    text = found.documents["ar/00000.txt"]
    span = found.questions[0].evidence[0].span(text)
    assert span is not None
    assert span.start == text.rindex("سبيرو")
    assert found.notes == ()


def test_squad_faults_are_repaired_and_told(tmp_path: Path) -> None:
    path = squad(
        tmp_path / "arcd.json",
        [
            (
                ARABIC,
                [
                    qa("1", "من كتبها؟", ("سبيرو", 40)),
                    qa("2", "من قرأها؟", ("ماسك", 0)),
                    qa("3", "لا جواب له؟", ("سبيرو", 10), is_impossible=True),
                ],
            )
        ],
    )
    found = read_squad([path])
    assert found.questions[0].evidence[0].start == ARABIC.index("سبيرو")
    assert found.questions[1].evidence == (Gold("ar/00000.txt", ARABIC, 0),)
    assert [question.answerable for question in found.questions] == [True, True, False]
    assert [(fault.id, fault.grave) for fault in found.notes] == [("1", False), ("2", False)]
    raw = path.read_text("utf-8").splitlines()
    assert all(f'"id": "{fault.id}"' in raw[fault.line - 1] for fault in validate(path))


def test_squad_paragraph_that_is_repeated_is_one_document(tmp_path: Path) -> None:
    path = squad(tmp_path / "s.json", [(ENGLISH, [qa("1", "Who?", ("Alex Spiro", 0))]), (ENGLISH, [qa("2", "Who wrote?", ("Spiro", 5))])])
    found = read_squad([path])
    assert list(found.documents) == ["en/00000.txt"]
    assert {question.evidence[0].document for question in found.questions} == {"en/00000.txt"}


def test_what_is_no_squad_file_is_refused(tmp_path: Path, parallel: tuple[Path, Path]) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text('{"data":\n[{]', encoding="utf-8")
    assert [(fault.line, fault.grave) for fault in validate(broken)] == [(2, True)]
    other = tmp_path / "other.json"
    other.write_text('{"rows": []}', encoding="utf-8")
    with pytest.raises(BadQuestionSet, match="not in the SQuAD format"):
        read_squad([other])
    lonely = squad(tmp_path / "lonely.json", [(ENGLISH, [qa("9", "Who?", ("Alex", 0))])])
    with pytest.raises(BadQuestionSet, match=r"\(9\).*no question of the document files"):
        read_squad([lonely], [parallel[1]])
    twice = squad(tmp_path / "twice.json", [(ENGLISH, [qa("9", "Who?", ("Alex", 0)), qa("9", "Whom?", ("Alex", 0))])])
    with pytest.raises(BadQuestionSet, match="2 questions"):
        read_squad([twice])


def test_xquad_in_all_directions() -> None:
    data = ROOT.parent / "shared" / "data"
    english, arabic = data / "xquad-dev.en.json", data / "xquad-dev.ar.json"
    if not (english.is_file() and arabic.is_file()):
        pytest.skip("the XQuAD files are not on this machine")
    for asked_in, written in ((english, english), (arabic, arabic), (english, arabic), (arabic, english)):
        found = read_squad([asked_in], [written])
        assert len(found.questions) == 612
        assert len(found.documents) == 120
        assert all(piece.span(found.documents[piece.document]) for question in found.questions for piece in question.evidence)
    assert len(read_squad([english, arabic]).documents) == 240
