"""Documents brought and taken away, feedback, follow-ups, and conversations as files, in a real browser."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rag.documents.titles import title_of
from rag.evaluation.questions import validate
from rag.library import jobs as indexing_jobs
from tests.browser.conftest import Opener
from tests.browser.scene import DOCUMENTS, Scene, scene
from tests.browser.test_window import DONE, ask, left_to_right, style
from tests.waiting import page_pause, wait_for, wait_until

STATION = "تقرير المحطة.txt"
HEAT = "تقول المحطة إن درجة الحرارة في سيوة بلغت 47 درجة يوم 2024-07-01."


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A window whose documents these tests may change."""
    pytest.importorskip("gradio", reason="gradio is not installed")
    with scene(tmp_path_factory.mktemp("shelf")) as running:
        yield running


def open_documents(page: Any, name: str = "Documents") -> None:
    page.get_by_role("button", name=name, exact=True).click()
    page.wait_for_selector(".documents :is(table, p)")


def add(page: Any, *files: tuple[str, bytes]) -> None:
    payload = [{"name": name, "mimeType": "text/plain", "buffer": data} for name, data in files]
    page.set_input_files(".library input[type=file]", payload)
    page.wait_for_selector(".news p")


def names(page: Any) -> list[str]:
    return [text.splitlines()[-1].strip() for text in page.locator("tbody th").all_inner_texts()]


def test_a_file_is_added_answers_at_once_and_is_removed_without_being_lost(visit: Opener, shelf: Scene) -> None:
    page = visit(shelf)
    open_documents(page)
    add(page, (STATION, HEAT.encode()))
    assert page.locator(".news").inner_text().startswith("The index is up to date. New or changed: 1.")
    row = page.locator("tbody tr", has_text=STATION)
    assert row.locator("td").all_inner_texts()[:3] == ["Arabic", str(len(HEAT)), "1"]
    page.keyboard.press("Escape")
    turn = ask(page, "كم بلغت درجة الحرارة في سيوة؟")
    assert "47 درجة" in turn.locator(".answer").inner_text()
    assert page.locator(".source h3").first.inner_text() == STATION.removesuffix(".txt")

    open_documents(page)
    row.get_by_role("button").last.click()
    assert "The file is kept apart" in page.locator(".sure").inner_text()
    page.get_by_role("button", name="Remove", exact=True).click()
    page.wait_for_function("name => ![...document.querySelectorAll('tbody th')].some((e) => e.innerText.includes(name))", arg=STATION)
    documents = shelf.folder / "documents"
    assert not (documents / STATION).exists()
    assert [path.read_text() for path in documents.glob(f".removed/*/{STATION}")] == [HEAT]
    page.keyboard.press("Escape")
    again = ask(page, "كم بلغت درجة الحرارة في سيوة؟")
    assert "47 درجة" not in again.locator(".answer").inner_text()


def test_a_file_that_cannot_be_read_says_why_in_the_language_of_the_window(visit: Opener, shelf: Scene) -> None:
    page = visit(shelf, language="ar")
    open_documents(page, "الوثائق")
    add(page, ("noise.txt", bytes(range(256)) * 40))
    problem = page.locator(".news .bad")
    assert problem.inner_text() == "الملف noise.txt ليس نصًّا، أو أن ترميزه غير معروف. احفظه بترميز UTF-8 ثم أضفه من جديد."
    assert style(problem, "direction") == "rtl"
    assert left_to_right(page, ".news .bad", "UTF-8")
    assert page.locator("tbody tr", has_text="noise.txt").locator("td").nth(2).inner_text() == "لم تُفهرس بعد"
    (shelf.folder / "documents" / "noise.txt").unlink()


def test_what_is_no_text_file_or_too_large_is_not_taken(visit: Opener, shelf: Scene) -> None:
    page = visit(shelf)
    open_documents(page)
    before = names(page)
    page.evaluate(
        """() => {
          const files = new DataTransfer();
          files.items.add(new File(['MZ'], 'scan.exe'));
          files.items.add(new File(['x'.repeat(2 ** 20 + 1)], 'huge.txt'));
          document.querySelector('.library').dispatchEvent(new DragEvent('drop', {dataTransfer: files, bubbles: true, cancelable: true}));
        }"""
    )
    page.wait_for_function("document.querySelectorAll('.news .bad').length === 2")
    first, second = page.locator(".news .bad").all_inner_texts()
    assert first.startswith("scan.exe can't be added")
    assert second == "huge.txt is 1.1 MB; the limit for a file of this kind is 1 MB. Split it into parts."
    assert names(page) == before
    page.allowed_complaints += ["400"]


def test_files_dropped_beside_the_dialog_are_added_and_the_page_stays(visit: Opener, shelf: Scene) -> None:
    page = visit(shelf, language="ar")
    prevented = page.evaluate(
        """() => {
          const files = new DataTransfer();
          files.items.add(new File(['يُفتح متحف المدينة في الساعة التاسعة.'], 'متحف.txt'));
          const drop = (name) => new DragEvent(name, {dataTransfer: files, bubbles: true, cancelable: true});
          return ['dragover', 'drop'].map((name) => !document.querySelector('.thread').dispatchEvent(drop(name)));
        }"""
    )
    assert prevented == [True, True]  # else the browser would open the file in the place of the page
    page.wait_for_function("document.querySelector('.news')?.innerText.startsWith('الفهرس محدَّث. جديد أو معدَّل: 1.')")
    assert "متحف.txt" in names(page)
    page.locator("tbody tr", has_text="متحف.txt").get_by_role("button").last.click()
    page.get_by_role("button", name="إزالة", exact=True).click()
    page.wait_for_function("![...document.querySelectorAll('tbody th')].some((e) => e.innerText.includes('متحف'))")


def test_a_collection_of_its_own_answers_from_its_own_documents(visit: Opener, shelf: Scene) -> None:
    page = visit(shelf, own=True)
    open_documents(page)
    page.get_by_role("button", name="New collection").click()
    page.get_by_role("textbox", name="Name of the new collection").fill("قضية 12")
    page.keyboard.press("Enter")
    page.wait_for_selector(".documents .panel-note")
    page.keyboard.press("Escape")
    empty = ask(page, "كم بلغت درجة الحرارة في سيوة؟", until="[data-state=error]")
    assert empty.locator(".error").inner_text().startswith("The collection قضية 12 has no indexed documents yet.")
    open_documents(page)
    add(page, (STATION, HEAT.encode()))
    page.keyboard.press("Escape")
    turn = ask(page, "كم بلغت درجة الحرارة في سيوة؟", until=DONE)
    assert "47 درجة" in turn.locator(".answer").inner_text()
    elsewhere = visit(shelf, own=True)
    other = ask(elsewhere, "كم بلغت درجة الحرارة في سيوة؟")
    assert "47 درجة" not in other.locator(".answer").inner_text()


@dataclass
class Held:
    """Indexings of a window that wait in the middle until the gate is opened."""

    gate: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)
    jobs: list[indexing_jobs.Job] = field(default_factory=list)


@pytest.fixture
def held(shelf: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    assert shelf.service.chatbot is not None
    embedder, holding = shelf.service.chatbot.index.embedder, Held()
    really, Job = embedder.embed_passages, indexing_jobs.Job

    def embed(*arguments: Any, **named: Any) -> Any:
        holding.reached.set()
        wait_for(holding.gate, 120)
        return really(*arguments, **named)

    def recorded(*arguments: Any) -> indexing_jobs.Job:
        holding.jobs.append(Job(*arguments))
        return holding.jobs[-1]

    monkeypatch.setattr(embedder, "embed_passages", embed)
    monkeypatch.setattr(indexing_jobs, "Job", recorded)
    yield holding
    holding.gate.set()


def test_an_indexing_is_cancelled_by_one_click_and_taken_up_again(visit: Opener, shelf: Scene, held: Held) -> None:
    page = visit(shelf, language="ar")
    open_documents(page, "الوثائق")
    page.set_input_files(
        ".library input[type=file]", [{"name": "إلغاء.txt", "mimeType": "text/plain", "buffer": "تُلغى هذه الفهرسة.".encode()}]
    )
    wait_for(held.reached)
    page.wait_for_selector(".library .work:not([hidden])")
    # The file is listed at once, and nothing offers to index what is being indexed.
    assert page.locator("tbody tr", has_text="إلغاء.txt").locator("td").nth(2).inner_text() == "لم تُفهرس بعد"
    assert page.get_by_role("button", name="فهرسة ما لم يُفهرس بعد").count() == 0
    # The work goes on when the page is left, and is found again by it.
    page.reload()
    page.wait_for_selector("#shawahid[data-ready]")
    open_documents(page, "الوثائق")
    page.locator(".library .work").get_by_role("button", name="إلغاء").click()
    # At once, though the work ends only where it can.
    assert page.locator(".library .work button").inner_text() == "يجري الإلغاء…"
    wait_for(held.jobs[-1].cancel)  # else the work could be done before the server hears of it
    held.gate.set()
    page.wait_for_function("document.querySelector('.news')?.innerText.startsWith('أُلغيت الفهرسة.')")
    row = page.locator("tbody tr", has_text="إلغاء.txt")
    row.wait_for()
    assert row.locator("td").nth(2).inner_text() == "لم تُفهرس بعد"
    assert not page.locator(".library .work").is_visible()
    page.get_by_role("button", name="فهرسة ما لم يُفهرس بعد").click()
    page.wait_for_function("document.querySelector('.news')?.innerText.startsWith('الفهرس محدَّث. جديد أو معدَّل: 1.')")
    page.wait_for_function("![...document.querySelectorAll('tbody td')].some((e) => e.innerText === 'لم تُفهرس بعد')")
    assert row.locator("td").nth(2).inner_text() == "1"


def test_one_click_on_cancel_is_enough_over_a_bad_connection(visit: Opener, shelf: Scene, held: Held) -> None:
    page = visit(shelf)
    page.allowed_complaints += ["Failed to fetch", "ERR_CONNECTION_RESET"]
    lost: list[str] = []

    def lose(route: Any) -> None:
        name = json.loads(route.request.post_data)["fn_name"]
        if name in ("cancel", "job") and lost.count(name) < 2:
            lost.append(name)
            route.abort("connectionreset")
        else:
            route.continue_()

    open_documents(page)
    page.set_input_files(".library input[type=file]", [{"name": "lost.txt", "mimeType": "text/plain", "buffer": b"The lost click."}])
    wait_for(held.reached)
    button = page.locator(".library .work button")
    button.wait_for()
    page.route("**/component_server/", lose)
    button.click()
    page.wait_for_function("document.querySelector('.library .work button').innerText === 'Cancelling…'")
    wait_until(held.jobs[-1].cancel.is_set, pause=page_pause(page))  # the page's own pause lets what is lost be lost
    assert sorted(lost) == ["cancel", "cancel", "job", "job"]
    held.gate.set()
    page.wait_for_function("document.querySelector('.news').innerText.startsWith('Indexing was cancelled.')")
    page.unroute("**/component_server/")
    # The next one can be cancelled in its turn.
    held.gate.clear()
    held.reached.clear()
    page.get_by_role("button", name="Index what is not indexed yet").click()
    wait_for(held.reached)
    page.locator(".library .work").get_by_role("button", name="Cancel", exact=True).click()
    wait_for(held.jobs[-1].cancel)
    held.gate.set()
    page.wait_for_function("document.querySelector('.news').innerText.startsWith('Indexing was cancelled.')")
    (shelf.folder / "documents" / "lost.txt").unlink()


NAMES = {
    "<img src=x onerror=window.pwned=6>.txt": "_img src=x onerror=window.pwned=6_.txt",
    "&lt;b&gt;{{constructor}} ${window.pwned=6}.txt": "&lt;b&gt;{{constructor}} ${window.pwned=6}.txt",
    "../../../up.txt": "up.txt",
    "..\\..\\ليلى\\notes.txt": "notes.txt",
    "invoice\u202etxt.exe.txt": "invoice_txt.exe.txt",
    "\u2067قلب\u2069 hidden.txt": "_قلب_ hidden.txt",
    "ن" * 300 + ".txt": "ن" * 98 + ".txt",
    "تقرير مالي (نهائي) ٢٠٢٤.txt": "تقرير مالي (نهائي) ٢٠٢٤.txt",
    "new\nline\u0000.txt": "new_line_.txt",
}
"""Names of files as they are dropped, and what becomes of them."""


def test_hostile_names_of_files_are_text_and_stay_in_their_folder(visit: Opener, tmp_path: Path) -> None:
    with scene(tmp_path / "scene") as shown:
        page = visit(shown)
        open_documents(page)
        page.evaluate(
            """(names) => {
              const files = new DataTransfer();
              names.forEach((name, at) => files.items.add(new File([`The walrus number ${at} sleeps on ice floe ${at}.`], name)));
              const drop = new DragEvent('drop', {dataTransfer: files, bubbles: true, cancelable: true});
              document.querySelector('.library').dispatchEvent(drop);
            }""",
            list(NAMES),
        )
        page.wait_for_selector(".news p")
        assert page.locator(".news").inner_text().startswith(f"The index is up to date. New or changed: {len(NAMES)}.")
        listed = set(names(page))
        assert [name for name in NAMES.values() if name not in listed] == []
        documents = shown.folder / "documents"
        assert {path.name for path in documents.iterdir() if path.name[0] != "."} == {*DOCUMENTS, *NAMES.values()}
        assert not (tmp_path / "up.txt").exists()
        assert page.locator("dialog[open]").evaluate("e => e.scrollWidth <= e.clientWidth")

        # Each is taken out by its name, which says in the question what it is and no more.
        hostile = NAMES["<img src=x onerror=window.pwned=6>.txt"]
        page.locator("tbody tr", has_text=hostile).get_by_role("button").last.click()
        assert page.locator(".sure p").inner_text().startswith(f"Remove {hostile}?")
        page.get_by_role("button", name="Keep", exact=True).click()
        page.keyboard.press("Escape")
        ask(page, "On which ice floe does the walrus number 0 sleep?")
        card = page.locator(".panel .source").first
        assert card.locator("h3").inner_text() in [title_of(name, "") for name in NAMES.values()]
        card.get_by_role("button", name="Open the document").click()
        page.wait_for_selector("dialog[data-loaded]")
        assert "The walrus number" in page.locator(".document-body").inner_text()
        assert page.locator("#shawahid :is(.panel, dialog) :is(img:not(.page-sheet > img), script, iframe)").count() == 0
        assert page.evaluate("window.pwned") is None
        assert not re.search("[\u202a-\u202e\u2066-\u2069]", page.locator("#shawahid").inner_text())
        page.close()


def test_a_complaint_becomes_a_line_of_a_question_set(visit: Opener, shelf: Scene) -> None:
    page = visit(shelf)
    ask(page, "When was the harbour bridge closed?")
    page.get_by_role("button", name="This answer is right").click()
    page.wait_for_function("document.querySelector('.toast').innerText.startsWith('Kept as a question')")
    page.get_by_role("button", name="Something is wrong").click()
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_selector("dialog[open] .error")
    assert page.locator("dialog[open] .error").inner_text() == "Write what the right answer is: without it nothing can be tested."
    page.get_by_label("The right answer, in a few words").fill("12 March 2023")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_selector("dialog", state="hidden")
    page.get_by_role("button", name="Something is wrong").click()
    page.get_by_label("The source does not support it").check()
    page.get_by_label("The sentence that supports it").fill("This stands nowhere.")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_function("document.querySelector('dialog[open] .error').innerText.startsWith('This sentence was not found')")
    page.get_by_label("It should not have answered").check()
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_selector("dialog", state="hidden")

    path = shelf.folder / "feedback" / "questions.jsonl"
    # The page closes the form when it has sent it; the line is written when it has arrived.
    wait_until(lambda: '"answerable": false' in path.read_text(encoding="utf-8"), pause=page_pause(page))
    # What was said last of the question is what counts.
    (last,) = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert (last["answerable"], last["answers"], last["evidence"]) == (False, [], [])
    assert [str(fault) for fault in validate(path, shelf.folder / "documents") if fault.grave] == []


def test_a_follow_up_is_understood_and_shown_as_it_was_understood(visit: Opener, shelf: Scene) -> None:
    page = visit(shelf)
    ask(page, "When was the harbour bridge closed?")
    turn = ask(page, "And when did it reopen?")
    assert turn.locator(".searched").inner_text().startswith("Understood as: ")
    assert "harbour bridge" in turn.locator(".searched").inner_text()


def test_asking_again_changing_and_clearing(visit: Opener, shelf: Scene) -> None:
    page = visit(shelf)
    ask(page, "When was the harbour bridge closed?")
    page.get_by_role("button", name="Ask again").click()
    page.wait_for_selector(DONE)
    assert page.locator(".turn").count() == 1
    box = page.locator("#question")
    page.get_by_role("button", name="Change the question").click()
    assert box.input_value() == "When was the harbour bridge closed?"
    assert page.locator(".editing-note").inner_text().startswith("The answer is replaced when you send the changed question.")
    page.keyboard.press("Escape")  # and it was only a look
    assert (box.input_value(), page.locator(".turn.editing").count()) == ("", 0)
    assert "12 March 2023" in page.locator(".answer").inner_text()
    page.get_by_role("button", name="Change the question").click()
    box.fill("When did the harbour bridge reopen?")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('.question').innerText === 'When did the harbour bridge reopen?'")
    page.wait_for_selector(DONE)
    assert page.locator(".question").all_inner_texts() == ["When did the harbour bridge reopen?"]
    assert not page.locator(".editing-note").is_visible()
    assert page.locator(".searched").count() == 0  # what was replaced is no longer followed up on

    assert not page.get_by_role("button", name="Back to the last conversation").is_visible()
    page.get_by_role("button", name="New conversation").click()
    assert page.locator(".turn").count() == 0
    assert page.locator(".welcome").is_visible()
    page.get_by_role("button", name="Back to the last conversation").click()
    # A turn has no inner text before it has been drawn once.
    page.wait_for_function("document.querySelector('.question')?.innerText === 'When did the harbour bridge reopen?'")
    assert page.locator(".turn").count() == 1
    page.locator("a.cite").first.click()
    assert page.locator(".source.active mark").count() == 1


def test_a_conversation_is_saved_with_footnotes_and_no_markup_of_its_documents(visit: Opener, shelf: Scene, tmp_path: Path) -> None:
    page = visit(shelf)
    ask(page, "ما ذاكرة هاتف نور؟")
    ask(page, "What does the zebra record say?")

    def save(name: str) -> str:
        page.get_by_role("button", name="More").click()
        page.get_by_role("button", name="Save or print the conversation").click()
        with page.expect_download() as caught:
            page.locator(f"dialog[open] [data-form={name}]").click()
        path = tmp_path / caught.value.suggested_filename
        caught.value.save_as(path)
        return path.read_text(encoding="utf-8")

    markdown = save("md")
    assert "## ما ذاكرة هاتف نور؟" in markdown
    assert "[^1]" in markdown
    assert "[^1]: هاتف نور — هاتف نور.md: «يأتي هاتف نور بذاكرة 8 GB" in markdown
    assert re.findall(r"(?<!\\)(?:<|!\[|\]\()", markdown) == []

    html = save("html")
    assert "<img" not in html
    assert "default-src 'none'" in html
    printed = page.context.new_page()
    printed.goto(f"file://{tmp_path / 'shawahid.html'}")
    assert printed.locator("ol li").count() >= 3
    assert printed.evaluate("window.pwned") is None
    assert style(printed.locator("h2").nth(0), "direction") == "rtl"
    assert style(printed.locator("h2").nth(1), "direction") == "ltr"
    printed.locator("sup a").first.click()
    assert printed.evaluate("location.hash") == "#note-1"


@pytest.mark.parametrize(("language", "width"), [("ar", 390), ("en", 1280)])
def test_axe_finds_nothing_in_the_dialogs(visit: Opener, shelf: Scene, axe: str, language: str, width: int) -> None:
    page = visit(shelf, language=language, width=width, dark=language == "ar")
    page.evaluate(axe)
    problems = []

    def look(state: str) -> None:
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        problems.extend(f"{state}: {item['id']}: {item['nodes'][0]['html'][:160]}" for item in found)
        assert page.evaluate("document.querySelector('dialog[open]')?.scrollWidth ?? 0") <= width, state

    open_documents(page, "الوثائق" if language == "ar" else "Documents")
    page.locator("tbody tr").first.get_by_role("button").last.click()
    look("documents")
    page.keyboard.press("Escape")
    ask(page, "When was the harbour bridge closed?")
    page.locator("[data-key=bad]").click()
    look("feedback")
    page.keyboard.press("Escape")
    page.locator(".menu-place > button").click()
    look("menu")
    page.locator("button.menu-item").last.click()
    page.wait_for_selector(".quality dl")
    look("quality")
    page.keyboard.press("Escape")
    assert problems == []


def test_the_quality_page_names_the_models_and_opens_the_latest_report(visit: Opener, shelf: Scene) -> None:
    report = shelf.folder / "reports" / "seed-default" / "report.html"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text("<!doctype html><title>figures</title><p>0.83</p>", encoding="utf-8")
    page = visit(shelf)
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="Quality and models").click()
    page.wait_for_selector(".quality dl")
    assert page.locator(".quality dd").all_inner_texts() == ["scripted", "hash"]
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="seed-default").click()
    assert opened.value.locator("p").inner_text() == "0.83"
    assert page.request.get(f"{shelf.address}shawahid/report?name=../../etc").status == 404


def test_a_shared_window_asks_for_its_password(chromium: Any, tmp_path: Path) -> None:
    with scene(tmp_path, password="صباح الخير") as shared:
        context = chromium.new_context(locale="ar-EG")
        page = context.new_page()
        page.goto(shared.address)
        assert page.locator("#shawahid").count() == 0
        assert page.request.get(f"{shared.address}config").status == 401
        page.get_by_label("كلمة المرور").fill("خطأ")
        page.keyboard.press("Enter")
        assert page.get_by_role("alert").inner_text() == "ليست هذه كلمة المرور."
        page.get_by_label("كلمة المرور").fill("صباح الخير")
        page.keyboard.press("Enter")
        page.wait_for_selector("#shawahid[data-ready]")
        turn = ask(page, "ما ذاكرة هاتف نور؟")
        assert "8 GB" in turn.locator(".answer").inner_text()
        context.close()
