"""The parts of training that decide which data is used and how it is measured."""

from __future__ import annotations

import hashlib
import io
import json
import random
import tarfile
import tomllib

import numpy as np
import pytest

from training.fetch import DOCUMENTS, SOURCES, Refused, allowed, digest, fetch_documents, keep_documents, pattern, unpack
from training.mix.case import CONTRADICTED, NOT_STATED, Case, Cut, Grams, cut_out, read, window, write
from training.mix.claims import perturbed, statement
from training.mix.contrast import Names, altered
from training.mix.facts import changed, in_arabic, table
from training.mix.pages import page
from training.mix.public import Asked, is_stated, squad
from training.mix.written import QUESTIONS, aside, cases, matching, pairs, place, records


def test_every_source_has_an_allowed_licence():
    sources = tomllib.loads(SOURCES.read_text("utf-8"))
    assert set(allowed(sources)) == set(sources["sources"])
    assert all(len(source["commit"]) == 40 and len(source["digest"]) == 64 for source in sources["sources"].values())


@pytest.mark.parametrize("licence", ["CC-BY-NC", "none", "unheard of"])
def test_a_set_without_an_allowed_licence_is_refused(licence):
    with pytest.raises(Refused, match="spoils: the licence"):
        allowed({"licences": {"MIT": True, "CC-BY-NC": False}, "sources": {"spoils": {"licence": licence}}})


def test_globs():
    assert pattern("*/*.json").fullmatch("africa/ag.json")
    assert not pattern("*/*.json").fullmatch("a/b/c.json")
    assert pattern("**/*.md").fullmatch("a.md")
    assert pattern("**/*.md").fullmatch("a/b/c.md")
    assert pattern("doc_00[01]*.txt").fullmatch("doc_001999.txt")
    assert not pattern("doc_00[01]*.txt").fullmatch("doc_002000.txt")


def test_an_archive_is_unpacked_and_its_digest_changes_with_a_byte(tmp_path):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in (("top/a.json", b"{}"), ("top/b.txt", b"no"), ("top/../../out.json", b"{}")):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    unpack(file.getvalue(), ["**/*.json"], tmp_path / "set")
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["a.json"]
    count, before = digest(tmp_path / "set", ["*.json"])
    assert count == 1
    (tmp_path / "set/a.json").write_bytes(b"[]")
    assert digest(tmp_path / "set", ["*.json"])[1] != before
    assert digest(tmp_path / "nothing", ["*.json"])[0] == 0


def test_what_shares_eight_words_with_measuring_texts_is_found():
    grams = Grams()
    grams.add("one two three four five six seven eight nine")
    assert "x Two three, four five six seven eight NINE y" in grams
    assert "one two three four five six seven x eight nine" not in grams
    assert "" not in grams


def _words(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize("text", ["One is. Two is. Three is. Four is.", "هذه الأولى. هذه الثانية. هذه الثالثة. هذه الرابعة."])
def test_windows_hold_what_they_must_and_no_more_than_allowed(text):
    cut = Cut.of(text)
    assert len(cut.blocks) == 4
    for seed in range(8):
        first, last = window(cut, [2], 6, _words, random.Random(seed))  # 2 words and one for the gap: two blocks
        assert first <= 2 < last
        assert last - first == 2
    assert window(cut, [0, 3], 6, _words, random.Random(0)) is None
    shown, blocks, moved = cut_out(cut, (1, 3))
    assert shown == text[moved : moved + len(shown)]
    assert [shown[a:b] for a, b in blocks] == [text[a:b] for a, b in cut.blocks[1:3]]


def test_cases_are_written_and_read(tmp_path):
    cases = [Case("s", "k", "متى؟", "a. b.", "t", "d", [(0, 2), (3, 5)], [1], [(3, 4)], 1), Case("s", "k", "q", "", gold=None, claim=2)]
    assert write(tmp_path / "c.jsonl", cases) == 2
    assert list(read(tmp_path / "c.jsonl")) == cases
    assert write(tmp_path / "none.jsonl", []) == 0


def test_an_answer_that_stands_elsewhere_is_found_again(tmp_path):
    passage = "المطر في أبريل. The rain."
    entry = {"question": "متى؟", "answers": [{"text": "أبريل", "answer_start": 0}]}
    empty = {"question": "متى؟", "answers": [{"text": "", "answer_start": 0}]}
    gone = {"question": "متى؟", "answers": [{"text": "مايو", "answer_start": 3}]}
    path = tmp_path / "s.json"
    path.write_text(json.dumps({"data": [{"title": "A_b", "paragraphs": [{"context": passage, "qas": [entry, empty, gone]}]}]}), "utf-8")
    (found,) = squad(path, "s", True)
    assert (found.start, found.title) == (passage.index("أبريل"), "A b")


def test_whether_an_answer_is_stated():
    assert is_stated("the Rain", "It is THE rain, again")
    assert not is_stated("rain in May", "rain and in May")
    assert is_stated("أحمد", "قال احمد ذلك")


@pytest.mark.parametrize(
    ("question", "answer", "expected"),
    [
        ("Who wrote Hamlet?", "Shakespeare", "Shakespeare wrote Hamlet."),
        ("When was Cairo University founded?", "1908", "Cairo University was founded in 1908."),
        ("Why is the sky blue?", "scattering", None),
        ("متى تأسست جامعة القاهرة؟", "1908", "تأسست جامعة القاهرة في 1908."),
        ("ما هي عاصمة مصر؟", "القاهرة", "عاصمة مصر هو القاهرة."),
        ("لماذا السماء زرقاء؟", "التشتت", None),
    ],
)
def test_statements(question, answer, expected):
    assert statement(question, answer) == expected


def test_changes_contradict_or_are_not_stated():
    seen = set()
    for seed in range(40):
        text, label = perturbed("The board plans to open 12 schools.", random.Random(seed))
        assert text != "The board plans to open 12 schools."
        seen.add((text, label))
    assert ("The board has begun to open 12 schools.", NOT_STATED) in seen
    assert ("The board refuses to open 12 schools.", CONTRADICTED) in seen
    assert any(label == CONTRADICTED and "schools" in text and "12" not in text for text, label in seen)
    assert perturbed("نفى الوزير الخبر.", random.Random(1)) == ("أكد الوزير الخبر.", CONTRADICTED)
    assert perturbed("x", random.Random(1)) is None


def test_a_changed_value_differs():
    for seed in range(20):
        assert changed("1,250 km", random.Random(seed)) != "1,250 km"
    assert changed("none", random.Random(0)) == "none"


def test_values_in_arabic():
    words = table()["words"]
    assert in_arabic("2,381,740 sq km", words) == "2,381,740 كم²"
    assert in_arabic("$1.5 billion (2024 est.)", words) == "1.5 مليار دولار (2024 تقديرًا)"
    assert in_arabic("5 July 1962 (from France)", words) == "5 يوليو 1962"
    assert in_arabic(".dz", words) == ".dz"
    assert in_arabic("arid to semiarid", words) is None


def test_a_page_is_read_into_sections():
    hours = "- **Monday**: from nine in the morning\n\n| Day | From |\n|--|--|\n| Sunday | 10 |\n"
    text = f"---\ntitle: Visits\n---\n# Visits\n\n## Hours\nWe open:\n\n{hours}"
    found = page("p", text)
    assert found.title == "Visits"
    (section,) = found.sections
    assert section.path == ["Hours"]
    assert [(part.kind, part.text) for part in section.parts] == [
        ("paragraph", "We open:"),
        ("item", "- Monday: from nine in the morning"),
        ("header", "Day | From"),
        ("row", "Sunday | 10"),
    ]
    assert section.parts[1].term == "Monday"
    assert section.parts[3].header == ["Day", "From"]
    arabic = page("p", "# زيارات\n\n## المواعيد\nنفتح صباحًا.\n")
    assert (arabic.title, arabic.sections[0].path) == ("زيارات", ["المواعيد"])


def test_figures_by_hand():
    from training.evaluate import auroc, calibration_error, f1

    assert auroc([2, 3], [1, 2]) == pytest.approx(3.5 / 4)
    assert np.isnan(auroc([], [1]))
    assert f1("the red house", ["red house"]) == 1.0
    assert f1("البيت الأحمر الكبير", ["البيت الأحمر"]) == pytest.approx(0.8)
    assert f1("", ["x"]) == 0.0
    assert calibration_error([0.9, 0.9], [True, False]) == pytest.approx(0.4)
    assert calibration_error([0.25, 0.75], [False, True]) == pytest.approx(0.25)
    assert np.isnan(calibration_error([], []))


def test_the_loss_of_several_right_places_is_that_of_their_sum():
    import torch

    from training.train import Item, losses

    span = torch.zeros(1, 4, 2)
    one = Item([1, 2, 3, 4], [-1, 0, 0, -1], [1, 2], [1, 2], (1, 3), [0], 1, None)
    given = {"span": span, "block": torch.zeros(1, 1), "answers": torch.zeros(1), "claim": torch.zeros(1, 3)}
    found = losses(given, [one])
    assert float(found["span"]) == pytest.approx(0.0, abs=1e-6)  # both tokens of the text are right, so the sum of both is 1
    assert float(found["answers"]) == pytest.approx(np.log(2))
    assert set(found) == {"span", "block", "answers"}


def test_batches_are_drawn_by_seed_and_go_on_where_they_were():
    from training.train import Item, batches, order

    items = [Item([1] * length, [-1] * length, None, None, (0, 0), None, 1, None) for length in [10] * 7 + [80] * 5]
    first = batches(items, 192, 1, 0)
    assert first == batches(items, 192, 1, 0)
    assert sorted(len(batch) for batch in first) == [2, 2, 3, 3]
    stream, later = order(items, 192, 1, 0), order(items, 192, 1, 5)
    ten = [next(stream) for _ in range(10)]
    assert [next(later) for _ in range(5)] == ten[5:]


def test_the_same_weights_are_the_same_bytes():
    import torch
    from safetensors.torch import load, save

    from training.compress import ordered

    content = save({"b": torch.ones(3), "a": torch.zeros(2, 2)}, {"z": "1", "y": "2", "x": "3"})
    again = ordered(content)
    assert again == ordered(save({"a": torch.zeros(2, 2), "b": torch.ones(3)}, {"x": "3", "z": "1", "y": "2"}))
    assert load(again)["b"].tolist() == [1.0, 1.0, 1.0]


def _archive(**files: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"top/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


def _listed(file: str, path: str, content: bytes, **more: object) -> dict[str, object]:
    return {"file": file, "path": path, "licence": "MIT", "sha256": hashlib.sha256(content).hexdigest(), **more}


def test_listed_documents_are_kept_whole_or_by_lines(tmp_path):
    archive = _archive(a=b"whole\n", b="0\r\n أول \r\nثانٍ\r\n3\r\n".encode())
    lines = "أول\nثانٍ\n".encode()
    keep_documents(archive, [_listed("x.txt", "a", b"whole\n"), _listed("y.txt", "b", lines, lines=[2, 3])], tmp_path)
    assert (tmp_path / "x.txt").read_bytes() == b"whole\n"
    assert (tmp_path / "y.txt").read_bytes() == lines
    with pytest.raises(Refused, match=r"x\.txt"):
        keep_documents(archive, [_listed("x.txt", "a", b"other")], tmp_path)
    with pytest.raises(Refused, match="gone"):
        keep_documents(archive, [_listed("x.txt", "gone", b"other")], tmp_path)


def test_documents_that_are_there_are_not_fetched_again_and_licences_are_checked(tmp_path):
    (tmp_path / "x.txt").write_bytes(b"here")
    listed = tmp_path / "documents.jsonl"
    entry = _listed("x.txt", "a", b"here", repository="nobody/nothing", commit="0" * 40)
    listed.write_text(json.dumps(entry), "utf-8")
    fetch_documents(tmp_path, listed)  # would fail if it asked for a repository that is not there
    listed.write_text(json.dumps(entry | {"licence": "CC-BY-NC"}), "utf-8")
    with pytest.raises(Refused, match="licence"):
        fetch_documents(tmp_path, listed)
    listed.write_text(json.dumps({name: value for name, value in entry.items() if name != "licence"}), "utf-8")
    fetch_documents(tmp_path, listed, trained_on=False)


def test_every_written_question_is_about_a_listed_document_with_an_allowed_licence():
    licences = tomllib.loads(SOURCES.read_text("utf-8"))["licences"]
    documents = {one["file"]: one for one in records(DOCUMENTS)}
    assert all(licences[one["licence"]] and len(one["commit"]) == 40 and len(one["sha256"]) == 64 for one in documents.values())
    assert {pair.file for pair in pairs(QUESTIONS / "questions.jsonl")} <= set(documents)
    assert {one["file"] for one in records(QUESTIONS / "claims.jsonl")} <= set(documents)
    assert 0 < len(aside()) < len(documents) / 3


@pytest.mark.parametrize(
    ("evidence", "blocks", "expected"),
    [
        ("Open on **Sundays** only.", ["Closed on Mondays.", "Open on Sundays only.", "Sundays"], [1]),
        ("See [the fee](https://a.b/c) of 5 pounds", ["The fee", "See the fee of 5 pounds"], [1]),
        ("صنعاء,1,20", ["المدينة: عدن · العدد: 20", "المدينة: صنعاء · الرمز: 1 · العدد: 20"], [1]),
        (
            "First we open the box. Then … it dry in the sun.",
            ["We open.", "First we open the box.", "Then we", "Let it dry in the sun."],
            [1, 2, 3],
        ),
        ("nothing like this", ["Open on Sundays only."], []),
        ("", ["Open on Sundays only."], []),
    ],
)
def test_what_was_copied_from_a_file_is_found_among_blocks(evidence, blocks, expected):
    assert matching(evidence, blocks) == expected


def test_words_are_placed_without_marks():
    text = "رسوم الطلب: 1,200 درهم."
    start, end = place("رسومُ الطلب", text)
    assert text[start:end] == "رسوم الطلب"
    assert place("رسوم درهم", text) is None
    assert place("", text) is None


def test_cases_of_written_questions(tmp_path):
    (tmp_path / "menu.md").write_text(
        "# Menu\n\nLentil soup costs 4 pounds. Tea is free on Fridays.\n\n# Hours\n\nThe kitchen opens at noon.\n", "utf-8"
    )
    pair = {"file": "menu.md", "question": "كم سعر شوربة العدس؟", "answer": "4 pounds", "evidence": "Lentil soup costs 4 pounds."}
    close = {"unanswerable": "كم سعر شوربة الدجاج؟", "near": "Lentil soup costs 4 pounds.", "kind": "other-entity"}
    claim = {"file": "menu.md", "kind": "number", "evidence": "Tea is free on Fridays."}
    (tmp_path / "questions.jsonl").write_text(json.dumps(pair | close), "utf-8")
    (tmp_path / "claims.jsonl").write_text(json.dumps(claim | {"true": "t", "false": "f", "absent": "a"}), "utf-8")
    found = list(cases(tmp_path, random.Random(1), questions=tmp_path))
    answers = [case for case in found if case.answers == 1]
    assert answers
    for case in answers:
        assert "Lentil soup costs 4 pounds." in {case.text[slice(*case.blocks[n])] for n in case.gold}
        assert {case.text[start:end] for start, end in case.spans} == {"4 pounds"}
    assert all("4 pounds" not in case.text for case in found if case.kind == "not")
    assert any("4 pounds" in case.text and case.answers == 0 for case in found if case.kind == "close:other-entity")
    assert [case.claim for case in found if case.claim is not None] == [0, CONTRADICTED, NOT_STATED]


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("When did the harbour of Aden open in 1850?", "The harbour of Aden opened in May 1850."),
        ("متى افتتح ميناء عدن عام 1850؟", "افتتح ميناء عدن في مايو 1850."),
        ("Which is the largest island?", "Socotra is the largest island."),
        ("ما هي أكبر جزيرة؟", "سقطرى أكبر جزيرة."),
    ],
)
def test_a_changed_question_is_another_one_that_the_text_does_not_state(question, text):
    names = Names(["Where is the city of Lisbon?", "Who is the king of Aden?", "أين ميناء الحديدة؟", question])
    for seed in range(10):
        found = altered(Asked("s", "a", question, text, 0, ""), text, names, random.Random(seed))
        assert found is not None
        assert found[0] != question
