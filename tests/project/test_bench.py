"""The benchmark's own arithmetic, its report, and its collections, without models."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bench import SECTIONS, growth
from bench.__main__ import main
from bench.answers import follow, spread
from bench.concurrency import _in_order
from bench.corpus import FillingEmbedder, collection, documents, filling, questions
from bench.growth import different
from bench.measure import Measurement, machine, measured, ratio
from bench.report import bars, courses, curves, number, publish, save, table
from rag.answering.chatbot import Chatbot
from rag.retrieval.index import Index
from rag.schema import Turn
from rag.testing import HashEmbedder, ScriptedGenerator
from rag.text.language import question_language


def test_a_summary_by_hand() -> None:
    assert measured("a", "s", [4, 1, 3, 2, 10], "≤ 3") == Measurement("a", "s", 3, 2, 4, 1, 10, 5, "≤ 3")
    assert measured("a", "s", [7]) == Measurement("a", "s", 7, 7, 7, 7, 7, 1)
    assert ratio("r", [2, 9], [4, 3]).median == 1.75  # 0.5 and 3


@pytest.mark.parametrize(("aim", "reached"), [("≤ 3", True), ("≤ 2.9", False), ("≥ 3", True), ("≥ 3.1", False), ("", None), ("soon", None)])
def test_whether_an_aim_is_reached(aim: str, reached: bool | None) -> None:
    assert measured("a", "s", [3.0], aim).reached is reached


@pytest.mark.parametrize(("value", "written"), [(1234.6, "1235"), (99.96, "100.0"), (12.34, "12.3"), (1.234, "1.23"), (0.0012, "0.00")])
def test_three_digits(value: float, written: str) -> None:
    assert number(value) == written


def test_a_table_says_what_is_reached_and_what_is_not() -> None:
    lines = table([measured("a|b", "s", [1, 2, 3], "≤ 2"), measured("c", "×", [0.5], "≥ 0.9")]).splitlines()
    assert lines[2] == "| a\\|b | 2.00 s | 1.50 – 2.50 | 1.00 – 3.00 | 3 | ≤ 2 ✓ |"
    assert lines[3] == "| c | 0.50 × |  |  | 1 | ≥ 0.9 ✗ |"


def test_a_picture_is_well_formed() -> None:
    drawn = bars("A < B & «ج»", [measured("long", "s", [1, 2, 3], "≤ 2"), measured("nothing", "s", [0.0])])
    root = ElementTree.fromstring(drawn)
    assert len([item for item in root if item.tag.endswith("rect")]) == 2
    assert root[0].text == "A < B & «ج»"


def test_a_section_is_put_in_and_renewed_where_it_stands(tmp_path: Path) -> None:
    document = tmp_path / "docs" / "performance.md"
    document.parent.mkdir()
    document.write_text("# Head\n\nWords.\n", encoding="utf-8")
    where = {"results": tmp_path / "results", "document": document, "pictures": tmp_path / "docs" / "images"}
    for median in (1.0, 2.0):
        for name in ("one", "two"):
            save(name, [measured("m", "s", [median], plot=True)], machine(), tmp_path / "results")
            publish(name, f"Section {name}", "What was\n  done.", **where)
    text = document.read_text(encoding="utf-8")
    assert text.startswith("# Head\n\nWords.\n")
    assert [text.count(part) for part in ("## Section one", "## Section two", "What was done.", "2.00 s", "1.00 s")] == [1, 1, 2, 2, 0]
    assert "](images/bench-one.svg)" in text
    assert (tmp_path / "docs" / "images" / "bench-one.svg").is_file()


def test_what_was_measured_at_several_sizes_is_drawn_by_size(tmp_path: Path) -> None:
    found = [
        measured("dense, 1,000 passages, flat", "ms", [1.0, 2.0, 3.0], "≤ 10"),
        measured("dense, 100,000 passages, clustered", "ms", [8.0], "≤ 10"),
        measured("dense, 100,000 passages, clustered, 95th percentile", "ms", [9.0]),
        measured("dense, 1,000 passages, flat, 95th percentile", "ms", [3.0]),
        measured("on disk, 1,000 passages", "MiB", [18.0]),
        measured("own work in a question", "ms", [2.7]),
    ]
    by_size = courses(found)
    assert {name: [(size, item.median) for size, item in of.items()] for name, of in by_size.items()} == {
        "dense": [(1_000, 2.0), (100_000, 8.0)],
        "dense, 95th percentile": [(1_000, 3.0), (100_000, 9.0)],
    }
    drawn = ElementTree.fromstring(curves(by_size))
    texts = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[:5] == ["dense, ms", "2.00", "1,000", "8.00", "100,000"]
    circles = [(float(one.attrib["cx"]), float(one.attrib["cy"])) for one in drawn.iter("{http://www.w3.org/2000/svg}circle")]
    assert circles[:2] == [(40.0, 117.2), (260.0, 54.8)]  # from the left axis to the right, of 10 on an axis from 138 up to 34
    (tmp_path / "performance.md").write_text("# Head\n", encoding="utf-8")
    save("search", found, machine(), tmp_path)
    publish("search", "Search", "About.", tmp_path, tmp_path / "performance.md", tmp_path / "images")
    assert "![Search, by the number of passages](images/bench-search-by-size.svg)" in (tmp_path / "performance.md").read_text("utf-8")
    assert courses(found[4:]) == {}


def test_the_machine_is_described() -> None:
    described = machine()
    assert int(described["cores"]) >= 1
    assert described["processor"]
    assert described["llama-cpp-python"] == "0.3.36"


@pytest.mark.parametrize("name", SECTIONS)
def test_every_section_says_what_it_is(name: str) -> None:
    section = import_module(f"bench.{name}")
    assert section.TITLE
    assert len(section.ABOUT.split()) > 10
    assert callable(section.run)


@pytest.mark.parametrize("arguments", [["nonsense"], ["--runs", "0"]])
def test_a_wrong_call_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert ("no such section: nonsense" if arguments == ["nonsense"] else "1 or more") in capsys.readouterr().err


def test_questions_for_the_growth_of_memory_are_all_different_and_in_both_languages() -> None:
    asked = different(550)
    assert len(set(asked)) == 550
    assert min(sum(question_language(question) == language for question in asked) for language in ("ar", "en")) > 150
    with pytest.raises(ValueError, match="not 1000000"):
        different(1_000_000)


def test_growth_is_counted_from_the_end_of_the_first_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    held = {0: (90, 290), 2: (100, 300), 3: (110, 330)}  # by the questions asked so far
    asked = list[str]()
    bot = SimpleNamespace(ask=asked.append)
    monkeypatch.setattr(growth, "memory", lambda: held[len(asked)])
    monkeypatch.setattr(growth, "WARM", 2)
    monkeypatch.setattr(growth, "_STEP", 2)
    assert growth.grown(bot, ["one?", "two?", "three?"]) == (10, 30)  # type: ignore[arg-type]
    assert asked == ["one?", "two?", "three?"]


# --- collections ----------------------------------------------------------------------------------------------------------


def test_filling_has_as_many_passages_as_asked_for_in_both_languages() -> None:
    made = filling(60, ["one two three", "كلمة أخرى هنا"])
    assert [text.count("\n\n") + 1 for text in made.values()] == [25, 25, 10]
    assert set(made["filling/ar-00000.txt"].replace(".", "").split()) == {"كلمة", "أخرى", "هنا"}
    assert set(made["filling/en-00001.txt"].replace(".", "").split()) == {"one", "two", "three"}
    assert made == filling(60, ["one two three", "كلمة أخرى هنا"])  # the same every time
    assert filling(0, ["a"]) == {}


def test_only_known_texts_are_embedded_by_the_model() -> None:
    real = HashEmbedder(32)
    embedder = FillingEmbedder(real, "a text that is known\nنص معروف")
    real.embedded.clear()
    vectors = embedder.embed_passages(["text that", "made up", "نص معروف"], ["t", "u", "v"])
    assert real.embedded == ["text that", "نص معروف"]
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    assert np.array_equal(vectors[0], real.embed_query("text that"))
    assert (embedder.fingerprint, embedder.name, embedder.dimension) == (real.fingerprint, real.name, 32)


def test_a_collection_is_made_once_and_holds_the_real_documents(tmp_path: Path) -> None:
    real = HashEmbedder(64)
    folder = collection(real, 30, tmp_path)
    with Index.open(folder, real) as index:
        ids = {info.id for info in index.documents()}
        assert ids >= set(documents())
        assert index.manifest().passages >= 30
    made = (folder / "corpus.sqlite").stat().st_mtime_ns
    assert collection(real, 30, tmp_path) == folder
    assert (folder / "corpus.sqlite").stat().st_mtime_ns == made


def test_questions_are_spread_and_each_about_something_else() -> None:
    for name in ("seeds", "corpus"):
        chosen = spread(questions(name), 8)
        assert len({record["evidence"][0]["quote"] for record in chosen}) == len(chosen) == 8
        assert {record["language"] for record in chosen} == {"ar", "en"}
    assert spread([], 3) == []


# --- courses --------------------------------------------------------------------------------------------------------------


def test_a_course_is_followed(built: Path, meeting: HashEmbedder) -> None:
    with Index.open(built, meeting) as index:
        quoted = follow(Chatbot(index), "How many passengers did the ferry carry?")
        assert quoted.token is None
        assert 0 < quoted.source <= quoted.whole
        written = follow(Chatbot(index, ScriptedGenerator("It carried 212 passengers.")), "How many passengers did the ferry carry?")
        assert written.token is not None
        assert written.source <= written.token <= written.whole
        assert follow(Chatbot(index), "ومتى؟", [Turn("كم راكبًا نقلت العبّارة؟", "212")]).answer.searched == "متى راكبًا نقلت العبّارة؟"


@pytest.mark.parametrize(("times", "share"), [([1, 2, 3], 1.0), ([3, 2, 1], 0.0), ([1, 3, 2], pytest.approx(2 / 3)), ([1], 1.0), ([], 1.0)])
def test_who_came_first(times: list[float], share: float) -> None:
    assert _in_order(times) == share
