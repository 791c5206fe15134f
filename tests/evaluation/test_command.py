"""`shawahid eval` from end to end, on doubles."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from rag.answering.prompts import answer_prompt
from rag.cli.evaluation import eval_app
from rag.errors import BadSetting
from rag.evaluation.questions import (
    write_documents,
)
from rag.evaluation.records import read_records
from rag.evaluation.report import RequirementMissed
from rag.testing import HashEmbedder, ScriptedGenerator
from tests.evaluation.world import (
    ARABIC,
    ENGLISH,
    OTHER,
    SET,
    lines,
    row,
)

app = typer.Typer()
app.add_typer(eval_app, name="eval")


# --- the command ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with documents and questions, and doubles for the models."""
    monkeypatch.chdir(tmp_path)
    write_documents({"en/letter.txt": ENGLISH, "ar/letter.txt": ARABIC, "en/harbour.txt": OTHER}, tmp_path / "seeds")
    rows = [
        {
            "id": question.id,
            "question": question.question,
            "language": question.language,
            "answers": list(question.answers),
            "evidence": [{"document": piece.document, "quote": piece.quote} for piece in question.evidence],
            "answerable": question.answerable,
            "split": "report",
        }
        for question in SET.questions
    ]
    lines(tmp_path / "seeds" / "questions.jsonl", *rows)
    replies = {"Who wrote": "Alex Spiro wrote the letter to Microsoft.", "من كتب": "كتب أليكس سبيرو الرسالة إلى مايكروسوفت."}
    embedder, generator = HashEmbedder(), ScriptedGenerator(replies)
    monkeypatch.setattr("rag.factory.open_embedder", lambda settings: (embedder, None))
    monkeypatch.setattr("rag.factory.open_generator", lambda settings: (generator, None))
    monkeypatch.setenv("SHAWAHID_TRANSLATOR", "none")
    return tmp_path


def test_the_command_asks_reports_and_goes_on(checkout: Path) -> None:
    result = CliRunner().invoke(app, ["eval", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    folder = checkout / found["folder"]
    assert {path.name for path in folder.iterdir()} == {"records.jsonl", "summary.json", "report.html"}
    assert found["counts"] == {"questions": 3, "unanswerable": 1, "failed": 0, "claims": 0}
    assert found["figures"]["all"]["citation_exact"]["value"] in (None, 1.0)
    before = (folder / "records.jsonl").read_bytes()
    again = CliRunner().invoke(app, ["eval", "run", "--json"])
    assert json.loads(again.stdout)["figures"] == found["figures"]
    assert (folder / "records.jsonl").read_bytes() == before
    shown = CliRunner().invoke(app, ["eval", "seeds/questions.jsonl"])
    assert "Contains an accepted answer" in shown.stdout


def test_the_command_asks_in_the_style_of_the_settings(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = ScriptedGenerator("Alex Spiro")
    monkeypatch.setattr("rag.factory.open_generator", lambda settings: (generator, None))
    monkeypatch.setenv("SHAWAHID_TRANSLATOR", "none")
    monkeypatch.setattr("rag.answering.confidence.Calibration.confidence", lambda *words: 0.99)  # what is declined has no style
    told = {}
    for style in ("sentence", "short"):
        monkeypatch.setenv("SHAWAHID_STYLE", style)
        result = CliRunner().invoke(app, ["eval", "--json", "--out", "x"])
        assert result.exit_code == 0, result.output
        told[style] = {messages[0]["content"] for messages in generator.prompts}
        generator.prompts.clear()
    for language in ("ar", "en"):
        assert answer_prompt("?", language, ()).messages[0]["content"] in told["sentence"]
        assert answer_prompt("?", language, (), short=True).messages[0]["content"] in told["short"]  # asked again, though it is known


def test_the_command_fails_where_a_requirement_is_missed(checkout: Path) -> None:
    result = CliRunner().invoke(app, ["eval", "--retrieval-only", "--require", "recall@1=0.5"])
    assert result.exit_code == 0, result.output
    result = CliRunner().invoke(app, ["eval", "--retrieval-only", "--require", "recall@1=0.5", "--require", "right=0.1"])
    assert isinstance(result.exception, RequirementMissed)
    assert "all:right ≥ 0.1: –" in str(result.exception)


def test_the_command_runs_squad_across_languages(checkout: Path, parallel: tuple[Path, Path]) -> None:
    english, arabic = parallel
    words = ["eval", str(english), "--documents", str(arabic), "--retrieval-only", "--drop-gold", "--json", "--out", "x"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["counts"]["questions"] == 6
    assert found["counts"]["unanswerable"] == 3
    records = read_records(checkout / "x" / "records.jsonl")
    assert {record.direction for record in records} == {"en-ar"}


def test_the_command_runs_squad_in_every_direction(checkout: Path, parallel: tuple[Path, Path]) -> None:
    files = [str(path) for path in parallel]
    result = CliRunner().invoke(app, ["eval", *files, "--directions", "--retrieval-only", "--json", "--out", "x"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["counts"]["questions"] == 12
    directions = [record.direction for record in read_records(checkout / "x" / "records.jsonl")]
    assert {name: directions.count(name) for name in directions} == {"en-en": 3, "en-ar": 3, "ar-en": 3, "ar-ar": 3}
    mixed = CliRunner().invoke(app, ["eval", *files, "--retrieval-only", "--json", "--out", "y"])
    assert json.loads(mixed.stdout)["counts"]["questions"] == 6
    assert {record.direction for record in read_records(checkout / "y" / "records.jsonl")} == {"ar-en+ar", "en-en+ar"}
    ablated = CliRunner().invoke(app, ["eval", "ablate", *files, "--directions"])
    assert "| ar-en, n = 3 |" in ablated.stdout, ablated.output


def test_the_other_commands(checkout: Path) -> None:
    runner = CliRunner()
    for name in ("a", "b"):
        assert runner.invoke(app, ["eval", "--retrieval-only", "--out", name]).exit_code == 0
    compared = runner.invoke(app, ["eval", "compare", "a", "b", "--json"])
    assert json.loads(compared.stdout)["n"] == 3
    assert json.loads(compared.stdout)["differing"] == []
    assert "No measure differs" in runner.invoke(app, ["eval", "compare", "a", "b"]).stdout
    assert runner.invoke(app, ["eval", "compare", "a", "b", "--fail-if-worse", "recall@5", "--fail-if-worse", "any"]).exit_code == 0
    assert runner.invoke(app, ["eval", "compare", "a", "b", "--fail-if-worse", "right"]).exit_code != 0  # there is no figure of it
    exported = runner.invoke(app, ["eval", "export", "a"])
    assert exported.exit_code == 0, exported.output
    assert (checkout / "a" / "export" / "ragas.jsonl").read_text("utf-8") == ""  # nothing was asked, only searched
    measured = runner.invoke(app, ["eval", "trec", "a/export/run.trec", "a/export/qrels.trec", "--json"])
    assert json.loads(measured.stdout)["figures"]["all"]["recall@10"]["n"] == 2
    assert "1.000" in runner.invoke(app, ["eval", "trec", "a/export/run.trec", "a/export/qrels.trec"]).stdout
    ablated = runner.invoke(app, ["eval", "ablate", "--into", "quality.md"])
    assert ablated.exit_code == 0, ablated.output
    assert "| dense only |" in (checkout / "quality.md").read_text("utf-8")
    assert runner.invoke(app, ["eval", "validate", "seeds/questions.jsonl"]).exit_code == 0
    lines(checkout / "bad.jsonl", row("a-1"), row("a-2", language="fr"))
    refused = runner.invoke(app, ["eval", "validate", "bad.jsonl", "--documents", "seeds"])
    assert refused.exit_code == 2
    assert "bad.jsonl:2 (a-2)" in refused.stdout
    lines(
        checkout / "claims.jsonl",
        {
            "id": "c-1",
            "claim": "The monthly fee was 70,000 dollars.",
            "language": "en",
            "direction": "en-en",
            "evidence": [{"document": "en/letter.txt", "quote": "The monthly fee was 50,000 dollars."}],
            "supported": True,
            "fault": None,
        },
    )
    (checkout / "claims.txt").write_text(ENGLISH, encoding="utf-8")
    judged = runner.invoke(app, ["eval", "claims", "claims.jsonl"])
    assert judged.exit_code == 0, judged.output
    assert "c-1" in judged.stdout


def test_without_its_packages_the_command_says_what_to_install(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = CliRunner().invoke(app, ["eval"])
    assert isinstance(result.exception, BadSetting)
    assert "pip install jsonschema ir-measures" in str(result.exception)
    assert "pip install jsonschema ir-measures" in result.exception.text("ar")


def test_without_a_question_set_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["eval"])
    assert isinstance(result.exception, BadSetting)
    assert "no question set" in str(result.exception)
