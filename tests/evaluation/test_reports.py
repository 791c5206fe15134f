"""What a run reports: figures, requirements, the page with its plots, and the comparison of two runs."""

from __future__ import annotations

import html
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from rag.cli.evaluation_tables import print_comparison, print_table
from rag.errors import BadSetting
from rag.evaluation import plots
from rag.evaluation.bootstrap import Difference, Figure
from rag.evaluation.compare import Change, Comparison, Differing, WorseRun, compare, differing, read_identity, read_run, require_no_worse
from rag.evaluation.html_report import write_html
from rag.evaluation.questions import (
    QuestionSet,
)
from rag.evaluation.records import AnyRecord, ClaimRecord, Place, Record
from rag.evaluation.report import Requirement, RequirementMissed, Summary, by_section, cell, distinct, require, summarise
from rag.evaluation.run import memory_mb
from rag.evaluation.scoring import MEASURES, figures, groups
from rag.messages import say, table
from rag.retrieval.index import Index
from rag.text.terminal import for_terminal
from tests.evaluation.world import (
    NONE,
    RIGHT,
    SET,
    WHO,
    WHO_AR,
    Reply,
    ScriptedBot,
    asked,
)
from tests.helpers import ROOT

# --- reports --------------------------------------------------------------------------------------------------------------


def test_figures_by_language_and_direction(index: Index, tmp_path: Path) -> None:
    records = asked(ScriptedBot(index, {WHO.question: RIGHT[WHO.question]}), tmp_path / "records.jsonl")
    assert groups(records) == {
        "all": [0, 1, 2], "ar": [1, 2], "en": [0], "ar-ar": [1, 2], "en-en": [0], "small": [0, 1, 2]
    }  # fmt: skip
    summary = summarise(records, {})
    assert distinct(summary.figures) == ["all", "ar", "en"]
    assert summary.counts == {"questions": 3, "unanswerable": 1, "failed": 0, "claims": 0}
    assert summary.figures["en"]["right"] == Figure(1.0, None, None, 1)
    assert summary.figures["ar"]["right"] == Figure(0.0, None, None, 1)
    assert summary.figures["all"]["right"].value == 0.5
    assert json.loads(json.dumps(summary.as_json()))["figures"]["all"]["right"]["n"] == 2
    assert figures([]) == {}
    assert groups([]) == {"all": []}


def test_cells() -> None:
    assert cell(Figure(0.5, 0.25, 0.75, 8)) == "0.500 (8)\n0.25–0.75"
    assert cell(Figure(1.0, None, None, 1)) == "1.000 (1)"
    assert cell(Figure(None, None, None, 3)) == "– (3)"
    assert cell(None) == cell(Figure(None, None, None, 0)) == ""


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_table_in_the_terminal(index: Index, tmp_path: Path, language: str) -> None:
    summary = summarise(asked(ScriptedBot(index, RIGHT), tmp_path / "records.jsonl"), {})
    console = Console(width=300, file=(tmp_path / "table.txt").open("w", encoding="utf-8"))
    print_table(summary, console, language)
    console.file.close()
    text = (tmp_path / "table.txt").read_text("utf-8")
    label = {"en": "Contains an accepted answer", "ar": "يحوي جوابًا مقبولًا"}[language]
    lines = text.splitlines()
    row = next(number for number, line in enumerate(lines) if label in line)
    assert re.findall(r"\d\.\d+ \(\d\)", lines[row]) == ["1.000 (2)", "1.000 (1)", "1.000 (1)"]
    assert lines[row + 1].strip() == "1.00–1.00"


def test_requirements(index: Index, tmp_path: Path) -> None:
    summary = summarise(asked(ScriptedBot(index, {WHO.question: RIGHT[WHO.question]}), tmp_path / "records.jsonl"), {})
    assert Requirement.parse("right=0.5") == Requirement("all", "right", 0.5, at_most=False)
    assert Requirement.parse("en-en:right >= 1") == Requirement("en-en", "right", 1.0, at_most=False)
    assert Requirement.parse("wrongly_declined=0.1").at_most
    require(summary, [Requirement.parse("right=0.5"), Requirement.parse("en:right=1"), Requirement.parse("wrongly_declined<=0.5")])
    with pytest.raises(RequirementMissed, match=r"ar:right ≥ 0\.8: 0\.000; all:follow_up ≥ 0\.8: –") as caught:
        require(summary, [Requirement.parse(text) for text in ("ar:right=0.8", "right=0.5", "follow_up=0.8")])
    assert caught.value.exit_code == 9
    for wrong in ("righteous=0.8", "right", "right=much", "right=0.8=0.9"):
        with pytest.raises(BadSetting):
            Requirement.parse(wrong)


HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)> & «نص»'


def test_the_page_escapes_all_text_and_needs_nothing_else(index: Index, tmp_path: Path) -> None:
    records = asked(ScriptedBot(index, RIGHT), tmp_path / "records.jsonl")
    hostile = replace(
        records[0],
        id=HOSTILE,
        question=HOSTILE,
        text=HOSTILE,
        draft=HOSTILE + HOSTILE,
        searched=HOSTILE + "?",
        answers=(HOSTILE,),
        direction=HOSTILE,
        error=HOSTILE,
        full=HOSTILE + "!",
        rejected=((HOSTILE, HOSTILE),),
        gold=(Place(HOSTILE, 0, 1, "en", HOSTILE, needs=(0,)),),
        sources=(Place(HOSTILE, 0, 1, "en", HOSTILE),),
        citations=(replace(records[0].citations[0], quote=HOSTILE, document=HOSTILE),),
    )
    claim = ClaimRecord("k", HOSTILE, HOSTILE, HOSTILE, "en", "en-en", "", (HOSTILE,), False, HOSTILE, HOSTILE, 0.1)
    everything = [hostile, *records, claim]
    path = tmp_path / "out" / "report.html"
    write_html(path, everything, summarise(everything, {HOSTILE: HOSTILE}), "en", HOSTILE)
    page = path.read_text("utf-8")
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;" in page
    assert page.count("&lt;script&gt;") >= 20
    # Nothing is fetched: no address but the name of SVG.
    assert set(re.findall(r"https?://[^\"'<> ]+", page)) == {"http://www.w3.org/2000/svg"}
    assert re.findall(r"(?:src|href)=|url\(|@import", page.replace("src=x", "")) == []
    assert "default-src 'none'" in page


def test_the_page_lists_failures_first_in_both_directions(index: Index, tmp_path: Path) -> None:
    records = asked(ScriptedBot(index, {WHO.question: RIGHT[WHO.question]}), tmp_path / "records.jsonl")
    write_html(tmp_path / "report.html", records, summarise(records, {}), "ar", "تقييم")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert '<html lang="ar" dir="rtl">' in page
    places = [page.index(f">{text}</bdi>") for text in (WHO_AR.question, NONE.question, WHO.question)]
    assert places == sorted(places)
    assert "امتناع خاطئ" in page
    assert page.count('dir="auto"') > 10
    assert page.count("<svg") == 4
    assert page.count("<li class=") == 3


def _read(record: Record, words: str, read: float, right: bool, block: str) -> Record:
    place = Place("d", 0, 1, "en", words, needs=(0,) if right else ())
    return replace(record, read=read, words=words, sources=(place,), block=block, kind="fact", needs=1)


def test_the_figures_of_a_reader_by_direction_and_kind_of_block(index: Index, tmp_path: Path) -> None:
    english, arabic, none = asked(ScriptedBot(index, RIGHT), tmp_path / "records.jsonl")
    records: list[AnyRecord] = [
        _read(english, "Alex Spiro", 0.9, True, "row"),  # the accepted answer is one of two words: F1 2/3
        _read(arabic, "", 0.6, False, "item"),
        _read(none, "dollars", 0.2, False, ""),
        ClaimRecord("a", "s", "a", "x", "en", "en-en", "", ("x",), True, "", "", 0.9, read=0.8),
        ClaimRecord("b", "s", "b", "y", "ar", "ar-en", "", ("x",), False, "number", "number", 0.1, read=0.7),
    ]
    summary = summarise(records, {})
    everything = summary.figures["all"]
    assert everything["span_f1"].value == pytest.approx((2 / 3 + 0) / 2)
    assert everything["block@1"].value == 0.5
    assert everything["reader_auroc"].value == 1.0
    assert everything["reader_risk_area"].value == pytest.approx((0 + 1 / 2 + 2 / 3) / 3)
    assert everything["reader_ece"].value == pytest.approx((0.1 + 0.4 + 0.2) / 3)
    assert everything["claim_right"].value == 0.5
    assert everything["claim_auroc"].value == 1.0
    assert everything["claim_ece"].value == pytest.approx((0.2 + 0.7) / 2)
    assert summary.figures["en-en"]["span_f1"].value == pytest.approx(2 / 3)
    assert summary.by_kind["block.row"]["block@1"] == Figure(1.0, None, None, 1)
    assert summary.by_kind["block.item"]["block@1"] == Figure(0.0, None, None, 1)
    assert summary.by_kind["kind.fact"]["reader_auroc"].value == 1.0
    require(summary, [Requirement.parse("block.row:block@1>=1"), Requirement.parse("reader_ece=0.3")])
    with pytest.raises(RequirementMissed, match=r"block\.item:block@1"):
        require(summary, [Requirement.parse("block.item:block@1=0.5")])


@pytest.mark.parametrize(("language", "row"), [("en", "answered by a table row"), ("ar", "الجواب في صف من جدول")])
def test_the_page_and_the_table_show_the_reader(index: Index, tmp_path: Path, language: str, row: str) -> None:
    english, *_ = asked(ScriptedBot(index, RIGHT), tmp_path / "records.jsonl")
    records: list[AnyRecord] = [
        _read(english, "Alex Spiro", 0.9, True, "row"),
        ClaimRecord("a", "s", "a", "x", "en", "en-en", "", ("x",), True, "", "", 0.9, read=0.8),
    ]
    summary = summarise(records, {})
    write_html(tmp_path / "report.html", records, summary, language, "Report")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert f'<th scope="row">{row}</th>' in page
    assert page.count("<svg") == 7
    for caption in ("eval.plot_reader_risk", "eval.plot_reader", "eval.plot_claims"):
        assert html.escape(say(caption, language)) in page
    console = Console(file=io.StringIO(), width=200)
    print_table(summary, console, language)
    told = console.file.getvalue()  # type: ignore[attr-defined]
    assert for_terminal(row) in told


def test_a_page_and_plots_of_nothing(tmp_path: Path) -> None:
    write_html(tmp_path / "report.html", [], summarise([], {}), "en", "Nothing")
    assert "0 questions" in (tmp_path / "report.html").read_text("utf-8")
    for drawn in (plots.intervals([]), plots.risk({}, "x", "y"), plots.reliability([], "x", "y"), plots.latency({}, "x")):
        assert drawn.startswith("<svg")
        assert "nan" not in drawn


def test_a_plot_puts_a_value_where_it_belongs() -> None:
    drawn = plots.reliability([(0.5, True)], "x", "y")
    # The plot runs from 56 to 508 across and from 240 up to 12: 0.5 is in the middle, 1 at the top.
    assert 'cx="282.0" cy="12.0"' in drawn


def test_every_measure_and_fault_has_a_name_in_both_languages() -> None:
    strings = table()
    for name in MEASURES:
        assert set(strings[f"measure.{name}"]) == {"en", "ar"}
    for section in {measure.section for measure in MEASURES.values()}:
        assert strings[f"eval.section_{section}"]["ar"]


def test_every_measure_is_explained_in_the_documentation() -> None:
    text = (ROOT / "docs/evaluation.md").read_text("utf-8")
    missing = [name for name in MEASURES if f"`{name}`" not in text]
    assert missing == []


def test_memory_is_measured_in_megabytes() -> None:
    found = memory_mb()
    assert found is None or 10 < found < 100_000


# --- comparison -----------------------------------------------------------------------------------------------------------


def test_a_comparison_says_what_moved(index: Index, tmp_path: Path) -> None:
    before = asked(ScriptedBot(index, {WHO.question: RIGHT[WHO.question]}), tmp_path / "a" / "records.jsonl")
    worse: dict[str, Reply | BaseException] = {WHO_AR.question: RIGHT[WHO_AR.question], WHO.question: RuntimeError("x")}
    extra = QuestionSet("small", questions=(*SET.questions, replace(WHO, id="extra")))
    asked(ScriptedBot(index, worse), tmp_path / "b" / "records.jsonl", extra)
    found = compare(read_run(tmp_path / "a"), read_run(tmp_path / "b" / "records.jsonl"))
    assert (found.n, found.only_a, found.only_b) == (3, 0, 1)
    assert [(item.id, item.before, item.after) for item in found.worse] == [("who", (), ("error",))]
    assert [(item.id, item.before, item.after) for item in found.better] == [("who-ar", ("declined", "language", "stray"), ())]
    changes = {(change.group, change.measure): change for change in found.changes}
    assert changes["all", "right"].difference.value == 0.0
    assert changes["en", "right"].difference.value == -1.0
    assert not changes["en", "right"].better
    assert changes["ar", "wrongly_declined"].difference.value == -1.0
    assert changes["ar", "wrongly_declined"].better
    console = Console(width=200, file=(tmp_path / "table.txt").open("w", encoding="utf-8"))
    print_comparison(found, ("a", "b"), console, "ar", everything=True)
    console.file.close()
    assert WHO_AR.question in (tmp_path / "table.txt").read_text("utf-8")
    assert compare(before, before).worse == ()


def change(measure: str, value: float, p: float | None, group: str = "all") -> Change:
    return Change(group, measure, 0.5, 0.5 + value, Difference(value, value - 0.01, value + 0.01, p, 40))


def compared(*changes: Change) -> Comparison:
    return Comparison(40, 0, 0, changes, (), ())


@pytest.mark.parametrize(
    ("changes", "wanted", "missed"),
    [
        ([change("right", -0.1, 0.01)], ["right"], "all:right 0.500 → 0.400 (p 0.010)"),
        ([change("right", -0.1, 0.06)], ["right"], ""),
        ([change("right", 0.1, 0.01)], ["right"], ""),
        ([change("wrongly_declined", 0.1, 0.01)], ["wrongly_declined"], "all:wrongly_declined"),
        ([change("right", -0.1, None)], ["right"], ""),
        ([], ["ar-en:right"], "ar-en:right: –"),
        ([change("right", -0.1, 0.01, "ar-en")], ["ar-en:right"], "ar-en:right 0.500"),
        ([change("right", -0.1, 0.01, "ar-en")], ["any"], ""),
        ([change("right", -0.1, 0.01)], ["any"], "all:right"),
        # Of two tests the first has to be below 0.025; when it is not, the second is not looked at.
        ([change("right", -0.1, 0.03), change("f1", -0.1, 0.04)], ["any"], ""),
        ([change("right", -0.1, 0.02), change("f1", -0.1, 0.04)], ["any"], "all:f1"),
        ([change("total_s", 9.0, 0.0)], ["any"], ""),
        ([change("total_s", 9.0, 0.0)], ["total_s"], "all:total_s"),
        ([change("right", -0.1, 0.01)], [], ""),
    ],
)
def test_a_build_fails_when_a_measure_surely_got_worse(changes: list[Change], wanted: list[str], missed: str) -> None:
    if not missed:
        require_no_worse(compared(*changes), wanted)
        return
    with pytest.raises(WorseRun) as caught:
        require_no_worse(compared(*changes), wanted)
    assert caught.value.exit_code == 9
    assert missed in caught.value.text("ar")


@pytest.mark.parametrize("wrong", ["righteous", "right>=0.5", ""])
def test_a_measure_that_does_not_exist_is_named(wrong: str) -> None:
    with pytest.raises(BadSetting):
        require_no_worse(compared(), [wrong])


@pytest.mark.parametrize("language", ["en", "ar"])
def test_what_differed_between_the_runs_is_named(tmp_path: Path, language: str) -> None:
    for name, identity in (("a", {"embedder": "x", "code": "1"}), ("b", {"embedder": "y", "code": "1", "reader": "r"})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "summary.json").write_text(json.dumps({"identity": identity}), encoding="utf-8")
    a, b = read_identity(tmp_path / "a"), read_identity(tmp_path / "b" / "records.jsonl")
    assert differing(a, b) == (Differing("embedder", "x", "y"), Differing("reader", "", "r"))
    assert differing(a, a) == ()
    assert differing(a, read_identity(tmp_path)) is None
    for found, shown in (
        (compare([], [], (a, b)), ("embedder: x → y", "reader: – → r")),
        (compare([], [], (a, a)), (say("eval.identity_same", language)[:20],) if language == "en" else ()),
        (compare([], []), (say("eval.identity_unknown", language)[:20],) if language == "en" else ()),
    ):
        text = printed(tmp_path / "out.txt", found, language)
        assert all(part in text for part in shown), text


def printed(path: Path, found: Comparison, language: str) -> str:
    console = Console(width=80, file=path.open("w", encoding="utf-8"))
    print_comparison(found, ("reports/before", "reports/after"), console, language)
    console.file.close()
    return path.read_text("utf-8")


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_comparison_is_readable_in_80_columns(tmp_path: Path, language: str) -> None:
    changes = [Change("ar-en", name, 0.123, 0.456, Difference(-0.333, -0.444, -0.222, 0.001, 1234)) for name in MEASURES]
    text = printed(tmp_path / "out.txt", compared(*changes), language)
    assert max(map(len, text.splitlines())) <= 80
    assert text.count("-0.444 … -0.222") == text.count("-0.333") == text.count("1234") == len(MEASURES)
    assert "A: reports/before" in text


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_page_says_what_to_do_next(index: Index, tmp_path: Path, language: str) -> None:
    records = asked(ScriptedBot(index, {WHO.question: RIGHT[WHO.question]}), tmp_path / "records.jsonl")
    write_html(tmp_path / "report.html", records, summarise(records, {}), language, "x")
    advice = (tmp_path / "report.html").read_text("utf-8").partition('class="next"')[2].partition("</section>")[0]
    assert f"<b>{say('fault.declined', language)}</b> · {say('eval.next_count', language, count=1, of=3)}" in advice
    assert f'<q dir="auto">{WHO_AR.question}</q>' in advice
    assert '<code dir="ltr">shawahid calibrate QUESTIONS --most-declined 0.05</code>' in advice
    write_html(tmp_path / "good.html", records[:1], summarise(records[:1], {}), language, "x")
    assert say("eval.next_nothing", language) in (tmp_path / "good.html").read_text("utf-8")


def test_every_fault_has_its_advice() -> None:
    strings = table()
    assert {key.partition(".")[2] for key in strings if key.startswith("fault.")} == {
        key.partition(".")[2] for key in strings if key.startswith("advice.")
    }


def test_a_run_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="no records"):
        read_run(tmp_path)


def test_measures_are_listed_by_section_in_their_order() -> None:
    figure = Figure(1.0, None, None, 1)
    summary = Summary({}, {}, {"all": {"right": figure, "recall@1": figure}, "ar": {"f1": figure}, "ملف": {}})
    assert by_section(summary, ["all", "ar"]) == {"retrieval": ["recall@1"], "answers": ["right", "f1"]}
    assert by_section(summary, ["ملف"]) == by_section(summary, []) == {}
