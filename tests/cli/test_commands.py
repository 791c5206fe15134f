"""The command line: what each command prints and how it ends, in both languages, with good input and with bad."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import docx
import pytest

import rag.cli.main
from rag.answering.confidence import Calibration
from rag.documents.web import WebPage
from rag.errors import DiskFull, IndexBusy
from rag.schema import Status
from rag.storage.build import build_index
from rag.testing import HashEmbedder, ScriptedGenerator, WordReader
from tests import pdfs
from tests.helpers import CORPUS, LEXICON, ROOT, embedder, python, run, write

NAMED = "embeddinggemma-300m"
"""The hashing embedder takes this name where an answer is to be calibrated."""


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Shawahid = Callable[..., Done]


@pytest.fixture
def shawahid(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shawahid:
    """Run a command in this process; an exception that gets out of `main` fails the test."""
    monkeypatch.setattr("rag.factory.open_embedder", lambda settings: (embedder(), None))
    monkeypatch.setattr("rag.factory.open_generator", lambda settings: (None, None))
    monkeypatch.setenv("SHAWAHID_TRANSLATOR", "none")

    def call(*arguments: str | Path, language: str = "en") -> Done:
        monkeypatch.setattr(sys, "argv", ["shawahid", *map(str, arguments)])
        monkeypatch.setenv("SHAWAHID_LANGUAGE", language)
        capsys.readouterr()
        code = 0
        try:
            rag.cli.main.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.out + captured.err
        return Done(code, captured.out, captured.err)

    return call


# --- build ----------------------------------------------------------------------------------------------------------------


def test_build_says_what_it_did(shawahid: Shawahid, folder: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    first = shawahid("build", folder, "--index", index)
    assert (first.code, first.err) == (0, "")
    assert first.out.startswith(f"Index {index}: 4 documents, 6 passages, 10 sentences; 4 new, 0 changed, 0 removed, 0 unchanged, in")
    write(folder, {"broken.txt": b"\0" * 9, "فارغ.txt": ""})
    again = shawahid("build", folder, "--index", index, language="ar")
    assert again.code == 0
    assert "4 وثيقة، 6 مقطعًا، 10 جملة؛ الجديد 0" in again.out
    assert "لم يُفهرس: الملف broken.txt ليس نصًّا" in again.err
    assert "الملف فارغ.txt لا نص فيه" in again.err


def test_build_for_scripts(shawahid: Shawahid, folder: Path, tmp_path: Path) -> None:
    write(folder, {"broken.txt": b"\0" * 9})
    done = shawahid("build", folder, "--index", tmp_path / "i", "--json")
    assert done.code == 0
    report = done.json
    assert (report["added"], report["passages"], report["sentences"], report["generation"]) == (4, 6, 10, 1)
    assert report["skipped"] == [{"id": "broken.txt", "error": report["skipped"][0]["error"]}]
    assert report["skipped"][0]["error"].startswith("broken.txt is not a text file")


def test_build_uses_the_settings(shawahid: Shawahid, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHAWAHID_DOCUMENTS", str(folder))
    monkeypatch.setenv("SHAWAHID_INDEX", str(tmp_path / "other"))
    monkeypatch.setenv("SHAWAHID_MAX_FILE_MB", "1")
    write(folder, {"big.txt": "word " * 250_000})
    assert shawahid("build", "--json").json["skipped"][0]["error"].startswith("big.txt is 1 MB; the limit for one file is 1 MB.")
    assert (tmp_path / "other" / "corpus.sqlite").is_file()


def test_rebuild(shawahid: Shawahid, folder: Path, built: Path) -> None:
    (built / "corpus.sqlite").write_bytes(b"damaged " * 1000)
    refused = shawahid("build", folder, "--index", built)
    assert refused.code == 6
    assert "--rebuild" in refused.err
    assert shawahid("build", folder, "--index", built, "--rebuild").code == 0
    assert shawahid("verify", "--index", built).code == 0


def test_documents_are_added_updated_and_removed_one_by_one(shawahid: Shawahid, folder: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    shawahid("build", folder, "--index", index)
    names = {"quay.txt": "The quay is made of oak.", "رصيف.txt": "الرصيف من خشب البلوط."}
    paths = [write(tmp_path / "more", names) / name for name in names]
    change = ("--under", tmp_path / "more", "--index", index, "--json")

    def counts(done: Done) -> list[int]:
        assert (done.code, done.err) == (0, "")
        return [done.json[name] for name in ("added", "updated", "removed", "unchanged", "documents")]

    assert counts(shawahid("add", *paths, *change)) == [2, 0, 0, 0, 6]
    again = shawahid("add", *paths, *change)
    assert again.code != 0
    assert "quay.txt" in again.err
    paths[0].write_text("The quay is made of granite.", encoding="utf-8")
    assert counts(shawahid("update", *paths, *change)) == [0, 1, 0, 1, 6]
    assert counts(shawahid("remove", "رصيف.txt", "--index", index, "--json")) == [0, 0, 1, 5, 5]
    assert shawahid("verify", "--index", index).code == 0


@pytest.mark.parametrize(("language", "words"), [("en", "b.txt has the same text as a.txt"), ("ar", "نص b.txt هو نص a.txt نفسه")])
def test_a_text_under_two_names_is_named(shawahid: Shawahid, tmp_path: Path, language: str, words: str) -> None:
    folder = write(tmp_path / "copies", {"a.txt": "يُفتح الجسر في أيار.", "b.txt": "يُفتح الجسر في أيار."})
    done = shawahid("build", folder, "--index", tmp_path / "index", language=language)
    assert done.code == 0
    assert words in " ".join(done.err.split())


def test_a_web_page_is_added_by_its_address(shawahid: Shawahid, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(address: str, max_bytes: int) -> WebPage:
        return WebPage(address, "example.org_قرار.html", "<p>يُفتح الجسر في أيار.</p>".encode(), "2026-01-02")

    monkeypatch.setattr("rag.documents.web.fetch_page", fetch)
    done = shawahid("add", "https://example.org/قرار", "--index", tmp_path / "index", "--json")
    assert (done.code, done.json["added"]) == (0, 1)
    found = shawahid("info", "--index", tmp_path / "index")
    assert "example.org_قرار.html" in found.out


@pytest.mark.parametrize(("language", "words"), [("en", "private network"), ("ar", "شبكة خاصة")])
def test_an_address_of_this_machine_is_refused(shawahid: Shawahid, tmp_path: Path, language: str, words: str) -> None:
    done = shawahid("add", "http://127.0.0.1/", "--index", tmp_path / "index", language=language)
    assert done.code == 3
    assert words in " ".join(done.err.split())


def test_pages_that_are_left_out_are_told_when_a_file_is_added(shawahid: Shawahid, tmp_path: Path) -> None:
    import pypdfium2

    whole = pypdfium2.PdfDocument.new()
    for part in (pdfs.with_library("visual"), pdfs.blank("picture")):
        whole.import_pages(pypdfium2.PdfDocument(part))
    data = BytesIO()
    whole.save(data)
    path = write(tmp_path / "more", {"mixed.pdf": data.getvalue()}) / "mixed.pdf"
    for command, language in (("add", "en"), ("update", "ar")):
        done = shawahid(command, path, "--index", tmp_path / "index", language=language)
        assert done.code == 0
        assert "SHAWAHID_OCR=1" in done.err
        assert "mixed.pdf" in done.err


# --- info, verify ---------------------------------------------------------------------------------------------------------


def test_info(shawahid: Shawahid, built: Path) -> None:
    shown = shawahid("info", "--index", built)
    assert shown.code == 0
    for part in ("hash-256", "ar 3", "en 3", "ar/ميناء الواحة.txt", "The library"):
        assert part in shown.out
    told = shawahid("info", "--index", built, "--json").json
    assert told["manifest"]["passages"] == 6
    assert told["manifest"]["chunker"] == {"passage": 800, "sentence": 280}
    assert [document["id"] for document in told["documents"]] == sorted(CORPUS)
    assert told["languages"] == {"ar": 3, "en": 3}
    assert told["bytes"] > 10_000


def test_overview(shawahid: Shawahid, built: Path, tmp_path: Path) -> None:
    done = shawahid("overview", "en/library.md", "--index", built)
    assert done.code == 0
    assert "- The town opened its library in **2019**. (§ The library)" in done.out.splitlines()
    found = shawahid("overview", "--index", built, "--json").json
    assert found["total"] == len(CORPUS)
    assert found["points"]
    for name in ("overview.docx", "overview.md"):
        assert shawahid("overview", "en/library.md", "--out", tmp_path / name, "--index", built).code == 0
    assert "in **2019**" in (tmp_path / "overview.md").read_text(encoding="utf-8")
    lines = [line.text for line in docx.Document(str(tmp_path / "overview.docx")).paragraphs]
    assert "The town opened its library in 2019." in lines
    wrong = shawahid("overview", "--out", tmp_path / "overview.pdf", "--index", built)
    assert (wrong.code, ".docx" in wrong.err) == (2, True)
    missing = shawahid("overview", "nowhere.txt", "--index", built)
    assert missing.code == 3
    assert "nowhere.txt" in missing.err


def test_contradictions(shawahid: Shawahid, built: Path) -> None:
    done = shawahid("contradictions", "--index", built)
    assert done.code == 0
    assert done.out.startswith("No two documents were found")
    assert shawahid("contradictions", "--index", built, "--json").json == {"contradictions": []}


def test_suggest(shawahid: Shawahid, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without = shawahid("suggest", "--index", built)  # this embedder has no reader, so nothing is certain
    assert without.out.strip() == "No question was found that the documents answer with certainty."
    certain = replace(Calibration.of("unknown"), least=0.0, sure=0.0)
    monkeypatch.setattr("rag.answering.chatbot.open_reader", lambda embedder: WordReader())
    monkeypatch.setattr("rag.answering.chatbot.Calibration.of", lambda *models, own: certain)
    folder = write(tmp_path / "documents", {"fees.txt": "The yearly fee is 40 dirhams. The hall was opened on 3 May 1921."})
    index = tmp_path / "index"
    assert shawahid("build", folder, "--index", index).code == 0
    done = shawahid("suggest", "fees.txt", "--count", "1", "--index", index)
    assert done.out.splitlines() == ["What is the yearly fee?"]
    found = shawahid("suggest", "--index", index, "--json").json["suggestions"]
    assert "What is the yearly fee?" in {one["text"] for one in found}
    assert {one["language"] for one in found} == {"ar", "en"}
    assert shawahid("suggest", "nowhere.txt", "--index", index).code == 3


def test_table(shawahid: Shawahid, built: Path, tmp_path: Path) -> None:
    questions = tmp_path / "questions.txt"
    questions.write_text("# about the boat\nHow many passengers did the ferry carry on Monday?\n\n", encoding="utf-8")
    found = shawahid("table", questions, "--documents", "en/*", "--index", built, "--json").json
    assert [row["document"] for row in found["rows"]] == ["en/ferry.txt", "en/library.md"]
    assert shawahid("table", questions, "--documents", "en/ferry.txt", "--index", built).code == 0
    out = tmp_path / "table.csv"
    assert shawahid("table", questions, "--index", built, "--out", out).code == 0
    assert out.read_text(encoding="utf-8-sig").startswith("Title,Document,How many passengers")
    assert shawahid("table", questions, "--index", built, "--out", tmp_path / "table.pdf").code == 2
    assert shawahid("table", questions, "--documents", "nowhere/*", "--index", built).code == 2
    assert shawahid("table", tmp_path / "nowhere.txt", "--index", built).code == 2


def test_verify(shawahid: Shawahid, built: Path) -> None:
    whole = shawahid("verify", "--index", built, language="ar")
    assert (whole.code, whole.out) == (0, f"الفهرس في {built} سليم: فُحص 6 مقطعًا.\n")
    assert shawahid("verify", "--index", built, "--json").json == {"faults": [], "passages": 6}
    (built / "dense.1.faiss").write_bytes(b"x")
    broken = shawahid("verify", "--index", built)
    assert broken.code == 6
    assert broken.out.startswith("Fault: The vector file ")
    broken = shawahid("verify", "--index", built, "--json")
    assert broken.code == 6
    assert len(broken.json["faults"]) == 1


# --- search, ask, chat ----------------------------------------------------------------------------------------------------


def test_search_marks_the_sentence(shawahid: Shawahid, built: Path) -> None:
    done = shawahid("search", "Who was the captain?", "-k", "2", "--index", built)
    assert done.code == 0
    assert "[1] " in done.out
    assert "[2] " in done.out
    assert "[3] " not in done.out
    assert "»Its captain was John Reed.«" in done.out
    arabic = shawahid("search", "كم درهمًا بلغت كلفة المعصرة؟", "-k", "1", "--index", built, language="ar")
    assert "»بلغت كلفة المعصرة خمسين ألف درهم.«" in arabic.out
    assert "[1] موسم الزيتون · ar/زيتون.md · § الكلفة" in arabic.out


def test_search_for_scripts(shawahid: Shawahid, built: Path) -> None:
    told = shawahid("search", "كم كلفة المعصرة؟", "-k", "99", "--index", built, "--json").json
    assert told["question"] == "كم كلفة المعصرة؟"
    assert len(told["hits"]) == 6
    best = told["hits"][0]
    assert (best["rank"], best["dense_rank"], best["lexical_rank"]) == (1, 1, 1)
    assert best["passage"]["document_id"] == "ar/زيتون.md"
    span = told["evidence"][0]["span"]
    assert (span["end"] - span["start"]) == len(told["evidence"][0]["text"])


def test_ask_quotes_without_a_generator(shawahid: Shawahid, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = HashEmbedder(256, name=NAMED, lexicon=LEXICON)
    monkeypatch.setattr("rag.factory.open_embedder", lambda settings: (named, None))
    build_index(folder, tmp_path / "i", named)
    question = "Who was the captain of the ferry Albatros?"
    told = shawahid("ask", question, "--index", tmp_path / "i", "--json").json
    if told["status"] != Status.NO_EVIDENCE:  # depends on fitted values
        assert told["citations"][0]["quote"] in told["text"]
        assert "[1]" in told["text"]
    assert told["question"] == question
    assert told["language"] == "en"
    shown = shawahid("ask", question, "--index", tmp_path / "i", language="ar")
    assert shown.code == 0
    assert "ثانية" in shown.out


@pytest.mark.parametrize(("language", "said", "text"), [("en", "hello", "Hello"), ("ar", "مرحبا", "أهلًا")])
def test_under_a_greeting_stands_its_time_alone(shawahid: Shawahid, built: Path, language: str, said: str, text: str) -> None:
    shown = shawahid("ask", said, "--index", built, language=language)
    greeting, time = (line.strip() for line in shown.out.strip().splitlines())
    assert text in greeting
    assert time
    assert "·" not in time


def test_ask_declines_what_the_documents_do_not_say(shawahid: Shawahid, built: Path) -> None:
    told = shawahid("ask", "ما عاصمة منغوليا؟", "--index", built, "--json").json
    assert (told["status"], told["text"], told["citations"]) == ("no_evidence", "لا تجيب الوثائق عن هذا السؤال.", [])
    shown = shawahid("ask", "What is the capital of Mongolia?", "--index", built)
    assert shown.code == 0
    declined = "The documents do not answer this question. The word “Mongolia” appears nowhere in them."
    assert shown.out.startswith(f"{declined}\nnot in the documents · ")
    assert "Nearest passages; they do not answer the question" in shown.out


def test_chat_goes_on_after_a_bad_question(shawahid: Shawahid, built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter(["?!", "Quelle est la capitale de la Mongolie et où est-elle ?", "ما عاصمة منغوليا؟", ""])
    monkeypatch.setattr("builtins.input", lambda *prompt: next(typed))
    done = shawahid("chat", "--index", built)
    assert done.code == 0
    assert "There is no question." in done.err
    assert "seems to be in another language" in done.err
    assert "لا تجيب الوثائق عن هذا السؤال." in done.out


def test_chat_ends_with_the_input(shawahid: Shawahid, built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", nothing)
    assert shawahid("chat", "--index", built).code == 0


def test_a_generator_that_is_missing_is_told_and_not_needed(shawahid: Shawahid, built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rag.errors import ModelMissing

    notice = ModelMissing("error.generator_missing", path="m.gguf")
    monkeypatch.setattr("rag.factory.open_generator", lambda settings: (None, notice))
    done = shawahid("ask", "What is the capital of Mongolia?", "--index", built, language="ar")
    assert done.code == 0
    assert "النموذج اللغوي m.gguf غير موجود" in done.err


def test_a_generator_writes_through_the_same_path(shawahid: Shawahid, built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = ScriptedGenerator("Its captain was John Reed.")
    monkeypatch.setattr("rag.factory.open_generator", lambda settings: (generator, None))
    done = shawahid("ask", "Who was the captain of the ferry Albatros?", "--index", built)
    assert done.code == 0
    assert "[1]" in done.out or "not in the documents" in done.out


# --- bad input ------------------------------------------------------------------------------------------------------------

LONG = "كلمة " * 2000
BAD: list[tuple[list[str], int, str, str]] = [
    (["build", "NOWHERE"], 3, "There is no folder", "لا يوجد مجلد"),
    (["build", "EMPTY"], 3, "No document in", "لا توجد في"),
    (["search", "hello", "--index", "NOWHERE"], 6, "There is no index in", "لا يوجد فهرس في"),
    (["ask", "hello", "--index", "NOWHERE"], 6, "There is no index in", "لا يوجد فهرس في"),
    (["chat", "--index", "NOWHERE"], 6, "There is no index in", "لا يوجد فهرس في"),
    (["info", "--index", "NOWHERE"], 6, "There is no index in", "لا يوجد فهرس في"),
    (["verify", "--index", "NOWHERE"], 6, "There is no index in", "لا يوجد فهرس في"),
    (["search", "", "--index", "BUILT"], 2, "There is no question.", "لا يوجد سؤال."),
    (["ask", " ؟ ", "--index", "BUILT"], 2, "There is no question.", "لا يوجد سؤال."),
    (["ask", LONG, "--index", "BUILT"], 2, "The question has 9999 characters", "يبلغ طول السؤال 9999 حرفًا"),
    (["ask", "谁是船长？", "--index", "BUILT"], 2, "in another language", "بلغة أخرى"),
    (["search", "hello", "-k", "0", "--index", "BUILT"], 2, "must be 1 or more; got 0", "1 أو أكثر؛ القيمة المعطاة 0"),
    (["models", "get", "no-such-model"], 2, "There is no model no-such-model", "لا يوجد نموذج باسم no-such-model"),
]


@pytest.mark.parametrize(("arguments", "code", "english", "arabic"), BAD, ids=[" ".join(case[0])[:40] for case in BAD])
def test_bad_input_is_told_in_a_sentence(
    shawahid: Shawahid, built: Path, tmp_path: Path, arguments: list[str], code: int, english: str, arabic: str
) -> None:
    (tmp_path / "empty").mkdir()
    places = {"NOWHERE": str(tmp_path / "لا شيء"), "EMPTY": str(tmp_path / "empty"), "BUILT": str(built)}
    given = [places.get(argument, argument) for argument in arguments]
    if arguments[0] == "build":
        given += ["--index", str(tmp_path / "new")]
    for language, message in (("en", english), ("ar", arabic)):
        done = shawahid(*given, language=language)
        assert done.code == code
        assert done.out == ""
        assert done.err.startswith("✗ ")
        assert message in done.err
        if arguments[0] in ("build", "search", "ask", "info", "verify"):
            assert shawahid(*given, "--json", language=language).out == ""


def test_an_index_of_another_embedder(shawahid: Shawahid, built: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.factory.open_embedder", lambda settings: (HashEmbedder(32, name="other"), None))
    for command in (["build", folder], ["search", "ferry"], ["ask", "ferry"], ["verify"]):
        done = shawahid(*command, "--index", built)
        assert done.code == 6
        assert "was built with the embedder hash, not with other" in done.err
    assert shawahid("info", "--index", built).code == 0  # needs no embedder


def test_a_busy_index_and_a_full_disk(shawahid: Shawahid, built: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for error, code, message in (
        (IndexBusy("error.index_busy", path=built), 7, "تكتب عملية أخرى"),
        (DiskFull("error.disk_full", path=built), 8, "لم تبقَ مساحة"),
    ):

        def fail(*arguments: object, error: Exception = error, **named: object) -> None:
            raise error

        monkeypatch.setattr("rag.storage.build.build_index", fail)
        done = shawahid("build", folder, "--index", built, language="ar")
        assert done.code == code
        assert message in done.err


@pytest.mark.parametrize(("name", "value"), [("SHAWAHID_PORT", "x"), ("SHAWAHID_PROFILE", "heavy"), ("SHAWAHID_MAX_FILE_MB", "0")])
def test_a_bad_setting(shawahid: Shawahid, built: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    done = shawahid("search", "x", "--index", built, language="ar")
    assert done.code == 2
    assert value in done.err


def test_a_bad_language_setting(shawahid: Shawahid, built: Path) -> None:
    done = shawahid("search", "x", "--index", built, language="fr")
    assert done.code == 2
    assert "SHAWAHID_LANGUAGE is set to fr" in done.err


@pytest.mark.parametrize("arguments", [["nonsense"], ["search"], ["search", "x", "-k", "many"], ["build", "--nonsense"], ["models", "x"]])
def test_usage_errors(shawahid: Shawahid, arguments: list[str]) -> None:
    assert shawahid(*arguments).code == 2


def test_markup_in_documents_and_names_is_text(shawahid: Shawahid, tmp_path: Path) -> None:
    folder = write(tmp_path / "[red]d", {"[bold]a[/].txt": "The [red]ferry[/] sank [/nonsense] here."})
    assert shawahid("build", folder, "--index", tmp_path / "i[/]").code == 0
    done = shawahid("search", "ferry", "--index", tmp_path / "i[/]")
    assert "»The [red]ferry[/] sank [/nonsense] here.«" in done.out
    assert "[bold]a[/].txt" in done.out
    assert shawahid("info", "--index", tmp_path / "i[/]").code == 0


# --- models and this machine ----------------------------------------------------------------------------------------------


def test_models_are_listed(shawahid: Shawahid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHAWAHID_MODELS", str(tmp_path))
    assert "multilingual-e5-small" in shawahid("models").out
    told = shawahid("models", "--json").json
    assert len(told) >= 7


def test_doctor_without_models(shawahid: Shawahid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHAWAHID_MODELS", str(tmp_path))
    done = shawahid("doctor", "--index", tmp_path / "no index", "--json")
    assert done.code == 4
    assert done.json["ok"] is False
    assert "models get" in shawahid("doctor", "--index", tmp_path / "no index").out


# --- as a process of its own ----------------------------------------------------------------------------------------------


def test_a_missing_model_is_told_in_a_real_process(tmp_path: Path) -> None:
    write(tmp_path / "d", CORPUS)
    environment = {"SHAWAHID_MODELS": str(tmp_path / "none"), "HF_HUB_CACHE": str(tmp_path / "hub"), "SHAWAHID_LANGUAGE": "ar"}
    for command in (["build", tmp_path / "d"], ["search", "x"], ["ask", "x"], ["chat"], ["verify"]):
        code, out, err = run("-m", "rag", *command, "--index", tmp_path / "i", environment=environment)
        assert (code, out) == (4, "")
        assert "Traceback" not in err
        assert "غير موجود على هذا الجهاز" in err
    assert not (tmp_path / "i").exists()


def test_arabic_is_written_where_the_locale_knows_none(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    environment |= {"SHAWAHID_LANGUAGE": "ar", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run([sys.executable, "-m", "rag", "build", tmp_path / "x"], env=environment, capture_output=True, check=False)
    assert done.returncode == 3
    assert "لا يوجد مجلد" in done.stderr.decode("utf-8")


SLOW = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
import rag.cli.main
import rag.factory
from tests.helpers import Slow

class Told(Slow):
    def embed_passages(self, *arguments):
        print("embedding", flush=True)
        return super().embed_passages(*arguments)

rag.factory.open_embedder = lambda settings: (Told(0.2), None)
rag.cli.main.main()
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_an_interrupted_build_says_that_nothing_is_lost(folder: Path, tmp_path: Path) -> None:
    process = python("-c", SLOW, "build", folder, "--index", tmp_path / "i", environment={"SHAWAHID_LANGUAGE": "ar"})
    assert process.stdout is not None
    assert process.stdout.readline() == "embedding\n"
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "لم يُفقد شيء مما كان موجودًا" in complaint
    assert "Traceback" not in complaint


@pytest.mark.skipif(os.name != "posix", reason="pipes that close are POSIX")
def test_a_pipe_that_closes_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m rag models --json | head -c 10",
        shell=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(done.stdout) == 10
    assert done.stderr == ""
