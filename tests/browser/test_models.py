"""The choice among models, and a window without one that offers to fetch it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag.models.installed import catalogue
from tests.browser.conftest import Opener
from tests.browser.scene import Scene, scene
from tests.browser.test_window import ask

WRITER = "qwen2.5-coder-1.5b-instruct-q4_k_m"
ARABIC = "silma-9b-instruct-q4_k_m"
FILE = "SILMA-9B-Instruct-v1.0.i1-Q4_K_M.gguf"

# Stands for the process that fetches: half of the model, then a wait for a file beside it, then the rest. It looks for the file
# itself: another process can't be woken through this one's events.
FETCH = """
import json, pathlib, sys, time
go, name = pathlib.Path(sys.argv[1]), sys.argv[2]
(go.parent / "asked").write_text(" ".join(sys.argv[2:]))
print(json.dumps({"done": 558660384, "total": 1117320768, "step": {"en": "downloading", "ar": "تنزيل"}}), flush=True)
while not go.exists():
    time.sleep(0.05)
"""

# Stands for the process of a trial: a sentence, then a wait for the file, then the result.
TRIAL = """
import json, pathlib, sys, time
print(json.dumps({"done": 9, "total": 36}), flush=True)
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.05)
figures = {"same": (12, 12), "across": (12, 7), "into_ar": (6, 6), "into_en": (3, 3)}
trial = {kind: {"tried": tried, "right": right} for kind, (tried, right) in figures.items()}
print(json.dumps({"trial": {**trial, "seconds": 3.4, "date": "2026-11-30"}}), flush=True)
"""


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models in which there is one: its size is not pinned, so any file stands for it."""
    folder = tmp_path / "models"
    (folder / ARABIC).mkdir(parents=True)
    (folder / ARABIC / FILE).write_bytes(b"GGUF")
    monkeypatch.setenv("SHAWAHID_MODELS", str(folder))
    monkeypatch.setenv("SHAWAHID_CALIBRATION", str(tmp_path / "settings" / "calibration.toml"))
    return folder


@pytest.fixture
def bare(tmp_path: Path, models: Path) -> Iterator[Scene]:
    """A window without a generator."""
    pytest.importorskip("gradio", reason="gradio is not installed")

    def command(name: str, accepted: bool) -> list[str]:
        return [sys.executable, "-c", FETCH, str(tmp_path / "go"), name, *(["accepted"] if accepted else [])]

    def trial(name: str) -> list[str]:
        return [sys.executable, "-c", TRIAL, str(tmp_path / "go")]

    with scene(tmp_path / "scene", generator=False, models=command, trial=trial) as running:
        yield running


def open_quality(page: Any, more: str = "More", name: str = "Quality and models") -> None:
    page.get_by_role("button", name=more, exact=True).click()
    page.get_by_role("button", name=name).click()
    page.wait_for_selector(".quality .models")


def test_without_a_model_the_window_offers_to_fetch_it_and_then_writes(visit: Opener, bare: Scene, tmp_path: Path) -> None:
    page = visit(bare)
    offer = page.get_by_role("button", name="Download a model that writes")
    assert offer.inner_text() == f"Download a model that writes ({WRITER}, 1.1 GB)"
    turn = ask(page, "When was the harbour bridge closed?")
    assert turn.locator(".verdict").inner_text() == "Quoted word for word"
    offer.click()
    page.wait_for_function("document.querySelector('.notice .work p').innerText.includes('downloading, 0.6 GB of 1.1 GB')")
    assert page.locator(".notice .work:not([hidden]) progress").get_attribute("value") == "0.5"
    assert offer.count() == 0
    (tmp_path / "go").touch()
    page.wait_for_function("document.querySelector('.notice').hidden")
    assert page.locator(".toast").inner_text() == f"From now on: {WRITER}"
    turn = ask(page, "When was the harbour bridge closed?")
    assert turn.locator(".verdict").inner_text() == "Quoted word for word"
    assert (bare.folder / "generator").read_text() == WRITER
    page.close()


def test_a_fetch_can_be_stopped_and_begun_again_in_arabic(visit: Opener, bare: Scene, tmp_path: Path) -> None:
    page = visit(bare, language="ar")
    offer = page.get_by_role("button", name="تنزيل نموذج يكتب")
    offer.click()
    page.wait_for_selector(".notice .work:not([hidden])")
    page.locator(".notice .work:not([hidden]) button").click()
    page.wait_for_function("document.querySelector('.toast').innerText.startsWith('أُوقف التنزيل.')")
    offer.click()
    (tmp_path / "go").touch()
    page.wait_for_function("document.querySelector('.notice').hidden")
    page.close()


def test_another_of_the_installed_models_is_chosen(visit: Opener, bare: Scene) -> None:
    page = visit(bare)
    open_quality(page)
    rows = page.locator(".models li")
    assert rows.count() == 1 + sum(entry.kind == "generator" for entry in catalogue().values())
    assert page.locator(".models").evaluate("e => e.scrollHeight <= e.clientHeight")  # every one of them can be reached
    assert page.locator(".models li[aria-current] .model-name").inner_text() == "none: answers are quotations"
    page.get_by_role("button", name=f"Use {ARABIC}").click()
    page.wait_for_function("name => document.querySelector('.models li[aria-current]')?.innerText.includes(name)", arg=ARABIC)
    page.wait_for_function("name => document.querySelector('.quality dd').innerText === name", arg=ARABIC)
    page.keyboard.press("Escape")
    turn = ask(page, "When was the harbour bridge closed?")
    assert turn.locator(".verdict").inner_text() == "Quoted word for word"
    open_quality(page)
    page.get_by_role("button", name="Use none").click()
    page.wait_for_function("document.querySelector('.models li[aria-current]')?.innerText.includes('none')")
    page.close()


@pytest.mark.parametrize("language", ["ar", "en"])
def test_models_are_described_in_plain_words(visit: Opener, bare: Scene, language: str) -> None:
    page = visit(bare, language=language)
    open_quality(page, *(("المزيد", "الجودة والنماذج") if language == "ar" else ()))
    said = page.locator(".models").inner_text()
    for word in ("pinned", "MMLU", "MMMLU", "index", "tokens", "hash", "مثبّت", "رمزًا", "فهرس", "بصمته"):
        assert word not in said, word
    for size, told in (("1.1", "smallest"), ("5.8", "Made for Arabic")) if language == "en" else (("1.1", "أصغر"), ("5.8", "صُنع للعربية")):
        assert size in said
        assert told in said
    page.close()


def test_the_terms_of_a_model_are_shown_before_it_is_fetched(visit: Opener, bare: Scene, axe: str, tmp_path: Path) -> None:
    page = visit(bare, language="ar", width=390)
    open_quality(page, "المزيد", "الجودة والنماذج")
    page.get_by_role("button", name="تنزيل gemma-3-4b-it-q4_k_m").click()
    terms = page.locator(".terms")
    assert terms.get_by_role("link").get_attribute("href") == "https://ai.google.dev/gemma/terms"
    page.evaluate(axe)
    assert page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"] == []
    assert page.evaluate("document.querySelector('dialog[open]').scrollWidth") <= 390
    terms.get_by_role("button", name="لا تنزيل").click()
    assert terms.inner_text() == ""
    assert not (tmp_path / "asked").exists()
    page.get_by_role("button", name="تنزيل gemma-3-4b-it-q4_k_m").click()
    terms.get_by_role("button", name="أقبل، فليُنزَّل").click()
    page.wait_for_selector(".quality .work:not([hidden])")
    (tmp_path / "go").touch()
    page.wait_for_function("document.querySelector('.models li[aria-current]')?.innerText.includes('gemma')")
    assert (tmp_path / "asked").read_text() == "gemma-3-4b-it-q4_k_m accepted"
    page.close()


def test_a_model_is_tried_out_while_questions_are_answered(visit: Opener, bare: Scene, axe: str, tmp_path: Path) -> None:
    page = visit(bare)
    open_quality(page)
    row = page.locator(".models li", has_text=ARABIC)
    assert "Not tried on this computer yet" in row.inner_text()
    page.get_by_role("button", name=f"Try {ARABIC} out").click()
    panel = page.locator(".terms .sure")
    assert panel.locator("p").inner_text().startswith(f"Trying {ARABIC} out takes about 5 minutes and 5.8 GB of memory:")
    panel.get_by_role("button", name="Not now").click()
    assert panel.count() == 0
    page.get_by_role("button", name=f"Try {ARABIC} out").click()
    panel.get_by_role("button", name="Begin the trial").click()
    page.wait_for_function("document.querySelector('.quality .work:not([hidden]) p')?.innerText.includes('9 of 36 sentences written')")
    assert page.locator(".quality .work progress").get_attribute("value") == "0.25"
    page.evaluate(axe)
    assert page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"] == []
    page.get_by_role("button", name=f"Use {ARABIC}").click()  # one change at a time
    page.wait_for_function("document.querySelector('.toast').innerText.includes('still being opened, downloaded or tried out')")
    page.keyboard.press("Escape")
    assert (
        ask(page, "When was the harbour bridge closed?").locator(".verdict").inner_text() == "Quoted word for word"
    )  # answered while the trial goes on
    assert page.locator(".notice .work:not([hidden])").count() == 1  # it can be watched and stopped outside the dialog
    (tmp_path / "go").touch()
    page.wait_for_function("document.querySelector('.toast').innerText.includes('has been tried out: 28 of 33 sentences right')")
    open_quality(page)
    said = row.inner_text()
    assert "Tried on this computer on 2026-11-30: 28 of 33 sentences right, about 3.4 s for a sentence" in said
    assert "Good enough for answers in the language of the document and translations into Arabic, marked as not checked" in said
    assert "Not good enough for answers in the other language" in said
    assert "Too slow here to tell about translations into English" in said
    page.close()


FEW = """
import json
figures = {"same": (2, 1), "across": (1, 0), "into_ar": (0, 0), "into_en": (0, 0)}
trial = {kind: {"tried": tried, "right": right} for kind, (tried, right) in figures.items()}
print(json.dumps({"trial": {**trial, "seconds": 19.2, "date": "2026-11-30"}}), flush=True)
"""


@pytest.mark.parametrize(
    ("language", "begin", "told", "few"),
    [
        ("en", "Begin the trial", "wrote only 3 sentences in the time, 1 of them right", "Too few to tell how good it is"),
        ("ar", "ابدأ التجربة", "في المهلة إلا 3 من الجمل، الصحيح منها 1", "عدد أقل من أن يُحكم به عليه"),
    ],
)
def test_a_trial_that_got_nowhere_is_not_taken_for_a_bad_result(
    visit: Opener, tmp_path: Path, models: Path, language: str, begin: str, told: str, few: str
) -> None:
    running = scene(
        tmp_path / "scene", generator=False, models=lambda name, accepted: ["false"], trial=lambda name: [sys.executable, "-c", FEW]
    )
    with running as shown:
        page = visit(shown, language=language)
        open_quality(page, *(("المزيد", "الجودة والنماذج") if language == "ar" else ()))
        page.get_by_role("button", name=f"تجربة {ARABIC}" if language == "ar" else f"Try {ARABIC} out").click()
        page.get_by_role("button", name=begin).click()
        page.wait_for_function(
            "text => document.querySelector('.toast')?.textContent.replace(/[\\u2066-\\u2069]/g, '').includes(text)", arg=told
        )
        row = page.locator(".models li", has_text=ARABIC)
        page.wait_for_function("text => document.querySelector('.models').innerText.includes(text)", arg=few)
        assert few in row.inner_text()
        page.close()


def test_a_trial_is_stopped_in_arabic_on_a_phone(visit: Opener, bare: Scene, axe: str, tmp_path: Path) -> None:
    page = visit(bare, language="ar", width=390, dark=True)
    open_quality(page, "المزيد", "الجودة والنماذج")
    page.get_by_role("button", name=f"تجربة {ARABIC}").click()
    assert "نحو 5 من الدقائق" in page.locator(".terms .sure p").inner_text()
    page.evaluate(axe)
    assert page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"] == []
    assert page.evaluate("document.querySelector('dialog[open]').scrollWidth") <= 390
    page.get_by_role("button", name="ابدأ التجربة").click()
    page.wait_for_function("document.querySelector('.quality .work:not([hidden]) p')?.innerText.includes('كُتب 9 من 36 من الجمل')")
    page.locator(".quality .work button").click()
    page.wait_for_function("name => document.querySelector('.toast').innerText === `أُوقفت تجربة ${name}. لم يتغيّر شيء.`", arg=ARABIC)
    assert "لم يُجرَّب على هذا الحاسوب بعد" in page.locator(".models li", has_text=ARABIC).inner_text()
    (tmp_path / "go").touch()
    page.get_by_role("button", name=f"تجربة {ARABIC}").click()
    page.get_by_role("button", name="ابدأ التجربة").click()
    page.wait_for_function("document.querySelector('.models').innerText.includes('لا يصلح لما يلي: الإجابة باللغة الأخرى')")
    assert page.evaluate("document.querySelector('dialog[open]').scrollWidth") <= 390
    page.close()


def test_where_others_are_let_in_the_models_can_be_seen_and_not_changed(visit: Opener, tmp_path: Path, models: Path) -> None:
    with scene(tmp_path / "shared", password="صباح الخير", models=lambda name, accepted: ["false"]) as shared:
        page = visit(shared, own=True, ready="form")
        page.get_by_label("Password").fill("صباح الخير")
        page.keyboard.press("Enter")
        page.wait_for_selector("#shawahid[data-ready]")
        page.get_by_role("button", name="More", exact=True).click()
        page.get_by_role("button", name="Quality and models").click()
        page.wait_for_selector(".quality dl")
        assert page.locator(".models").count() == 0
        assert "The models are chosen on the computer that Shawahid runs on." in page.locator(".quality").inner_text()
        page.allowed_complaints += ["401"]
        page.close()


def test_a_reader_writes_questions_and_sees_how_many_are_answered_rightly(visit: Opener, tmp_path: Path, axe: str) -> None:
    with scene(tmp_path) as running:
        page = visit(running)
        page.get_by_role("button", name="More", exact=True).click()
        page.get_by_role("button", name="Quality and models").click()
        for question, right, proof in (
            ("When did the harbour bridge reopen to buses?", "November 2023", "The harbour bridge reopened to buses in November 2023."),
            ("What is the memory of the phone of Nour?", "77 TB", "يأتي هاتف نور بذاكرة 8 GB ونموذج مضغوط إلى 4-bit يعمل من دون إنترنت."),
        ):
            before = page.locator(".quality li").count()
            page.get_by_role("button", name="Write a question").click()
            page.get_by_label("Question", exact=True).fill(question)
            page.get_by_label("The right answer, in a few words").fill(right)
            page.get_by_label("The sentence that supports it").fill(proof)
            page.get_by_role("button", name="Save", exact=True).click()
            page.wait_for_selector(".quality .feedback-form", state="detached")
            assert page.locator(".quality li").count() >= before
        page.get_by_role("button", name="Ask them again").click()
        page.wait_for_selector(".own-score[data-done]")
        assert page.locator(".own-score p").first.inner_text().startswith("Right: 1 of 2 (50 %)")
        page.evaluate(axe)
        assert page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"] == []
        page.locator(".own-score").get_by_role("button", name="What is the memory of the phone of Nour?").click()
        page.wait_for_selector(".turn:last-child[data-state=done]")
