"""The slim core, and the sentence for each part that is not installed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from rag import extras
from rag.cli import main as cli
from rag.config import Settings
from rag.errors import ExtraMissing
from rag.extras import EXTRAS as KNOWN
from rag.extras import extra_of, missing, require
from rag.factory import open_generator
from tests.helpers import ROOT
from tests.project.test_setup import EXTRAS, INSTALLED, PROJECT, names
from tests.tiny import write_tiny_model

SLIM = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
from pathlib import Path
import rag
from rag.testing import HashEmbedder

folder = Path(sys.argv[1])
rag.build_index(folder / "documents", folder / "index", HashEmbedder())
index = rag.Index.open(folder / "index", HashEmbedder())
print(index.search("متى يفتح المتحف؟")[0].passage.document_id)
print(rag.Chatbot(index).ask("How many passengers did the ferry carry?").text)
import rag.cli.main
"""


def test_the_core_reads_searches_and_quotes_without_the_extras(tmp_path: Path) -> None:
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "ferry.txt").write_text("The ferry Albatros carried 212 passengers.", encoding="utf-8")
    (tmp_path / "documents" / "متحف.md").write_text("# المتحف\n\nيفتح المتحف أبوابه الساعة التاسعة.", encoding="utf-8")
    blocked = sorted({module for extra in KNOWN.values() for module in extra})
    done = subprocess.run(
        [sys.executable, "-c", SLIM.format(blocked=blocked), str(tmp_path)], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    assert "متحف.md" in done.stdout
    assert "212 passengers" in done.stdout


def test_every_extra_brings_the_packages_that_its_sentence_names() -> None:
    assert set(KNOWN) == set(INSTALLED)
    for extra, modules in KNOWN.items():
        assert names(list(modules.values())) == names(EXTRAS[extra])
    owners = packages_distributions()
    for module, package in (pair for modules in KNOWN.values() for pair in modules.items()):
        assert names([package]) <= names(owners[module])
    assert {*Requirement(EXTRAS["all"][0]).extras} == set(INSTALLED)
    assert Requirement(EXTRAS["app"][0]).extras == {"models", "window"}


def test_ranges_are_declared_and_nothing_is_pinned() -> None:
    for line in [*PROJECT["dependencies"], *(line for name in INSTALLED for line in EXTRAS[name])]:
        specifiers = Requirement(line).specifier
        assert [each.operator for each in specifiers if each.operator == "=="] == [], line
        assert any(each.operator == ">=" for each in specifiers), line


def test_what_is_missing_is_said_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    require(*INSTALLED)  # all there
    found = importlib.util.find_spec
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None if name in ("torch", "gradio") else found(name))
    assert missing("models") == ["torch"]
    with pytest.raises(ExtraMissing) as raised:
        require("models", "window")
    assert ": torch (models); gradio (window). Run: pip install 'torch" in raised.value.text("en")
    assert "torch (models); gradio (window)" in raised.value.text("ar")
    with pytest.raises(ExtraMissing) as raised:
        require("generator", "window")  # only what is missing is named
    assert ": gradio (window). Run: pip install 'gradio" in raised.value.text("en")
    assert "pip install" in raised.value.text("ar")
    assert raised.value.exit_code == 4
    assert extra_of("sklearn.linear_model") == ("eval", "scikit-learn")
    assert extra_of("json") is None


def test_without_the_engine_answers_are_quotations_and_a_notice_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None if name == "llama_cpp" else found(name))
    generator, notice = open_generator(Settings(generator=str(write_tiny_model(tmp_path / "tiny.gguf"))))
    assert generator is None
    assert notice is not None
    assert "llama-cpp-python" in notice.text("ar")


def test_a_command_that_needs_more_ends_with_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def app(standalone_mode: bool) -> None:
        raise ModuleNotFoundError("No module named 'ir_measures'", name="ir_measures")

    monkeypatch.setattr(cli, "app", app)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 4
    assert "ir-measures" in capsys.readouterr().err
