"""Several people at one window, each in a browser of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.conftest import Opener
from tests.browser.scene import Scene, scene
from tests.browser.test_library import HEAT, STATION, add, open_documents
from tests.browser.test_window import ask

PASSWORD = "صباح الخير"
QUESTION = "كم بلغت درجة الحرارة في سيوة؟"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A window that asks for a password."""
    pytest.importorskip("gradio", reason="gradio is not installed")
    with scene(tmp_path_factory.mktemp("shared"), password=PASSWORD, quota=2**20) as running:
        yield running


def enter(visit: Opener, shown: Scene, language: str = "en") -> Any:
    page = visit(shown, own=True, language=language, ready="form")
    page.allowed_complaints += ["401"]
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("#shawahid[data-ready]")
    return page


def collections(page: Any) -> list[str]:
    page.wait_for_selector(".library .shelf option", state="attached")
    return [text.strip() for text in page.locator(".library .shelf option").all_text_contents()]


def test_nobody_sees_anothers_collection_until_it_is_shared(visit: Opener, shared: Scene, axe: str) -> None:
    layla, omar = enter(visit, shared, "ar"), enter(visit, shared)
    open_documents(layla, "الوثائق")
    assert layla.locator(".library .standing-of-shelf").inner_text().startswith("هذه الوثائق مشارَكة")
    assert not layla.locator(".drop").is_visible()
    assert layla.locator('tbody button[aria-label^="إزالة"]').count() == 0
    layla.get_by_role("button", name="مجموعة جديدة").click()
    layla.get_by_role("textbox", name="اسم المجموعة الجديدة").fill("قضية ليلى")
    layla.keyboard.press("Enter")
    layla.wait_for_selector(".documents .panel-note")
    assert layla.locator(".library .standing-of-shelf p").inner_text() == "لا يرى هذه المجموعة ووثائقها أحد سواك."
    add(layla, (STATION, HEAT.encode()))
    layla.evaluate(axe)
    assert layla.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"] == []

    open_documents(omar)
    assert collections(omar) == ["The documents Shawahid was started with"]
    omar.keyboard.press("Escape")
    assert "47 درجة" not in ask(omar, QUESTION).locator(".answer").inner_text()

    layla.get_by_role("button", name="مشاركة مع كل من هنا").click()
    layla.wait_for_function("document.querySelector('.library .standing-of-shelf button').innerText === 'إيقاف المشاركة'")
    open_documents(omar)
    omar.wait_for_function("document.querySelectorAll('.library .shelf option').length === 2")
    assert collections(omar)[1] == "قضية ليلى (shared by somebody else)"
    omar.locator(".library .shelf select").select_option(index=1)
    omar.wait_for_function("name => document.querySelector('tbody')?.innerText.includes(name)", arg=STATION)
    assert not omar.locator(".drop").is_visible()
    omar.keyboard.press("Escape")
    assert "47 درجة" in ask(omar, QUESTION).locator(".answer").inner_text()

    layla.get_by_role("button", name="إيقاف المشاركة").click()
    layla.wait_for_function("document.querySelector('.library .standing-of-shelf button').innerText === 'مشاركة مع كل من هنا'")
    gone = ask(omar, QUESTION, until=".turn:last-child[data-state=error]")
    assert gone.locator(".error").inner_text().startswith("This collection no longer exists, or is not shared with you.")
    for page in (layla, omar):
        page.close()


def test_collections_are_found_again_in_another_browser_with_the_key(visit: Opener, shared: Scene, axe: str) -> None:
    layla, elsewhere = enter(visit, shared, "ar"), enter(visit, shared)
    open_documents(layla, "الوثائق")
    layla.get_by_role("button", name="مجموعة جديدة").click()
    layla.get_by_role("textbox", name="اسم المجموعة الجديدة").fill("مفقودة")
    layla.keyboard.press("Enter")
    layla.wait_for_selector(".documents .panel-note")
    layla.get_by_text("مجموعاتك في متصفح آخر").click()
    own = layla.get_by_label("مفتاح هذا المتصفح")
    assert not own.is_visible()
    layla.get_by_role("button", name="إظهار المفتاح").click()
    layla.wait_for_function("document.querySelector('.secret[readonly]').value.length === 43")
    assert own.evaluate("e => getComputedStyle(e).direction") == "ltr"
    layla.evaluate(axe)
    assert layla.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"] == []
    layla.get_by_role("button", name="نسخ المفتاح").click()
    layla.wait_for_selector(".toast:not([hidden])")
    key = layla.evaluate("navigator.clipboard.readText()")
    assert key == own.input_value()
    assert key not in layla.evaluate("document.cookie + JSON.stringify({...localStorage, ...sessionStorage})")
    layla.keyboard.press("Escape")
    layla.wait_for_function("document.querySelector('.secret[readonly]').value === ''")  # in the page only while it is looked at

    open_documents(elsewhere)
    elsewhere.get_by_text("Your collections in another browser").click()
    field = elsewhere.get_by_label("A key of yours from another browser")
    field.fill(key[:-1])
    elsewhere.keyboard.press("Enter")
    elsewhere.wait_for_selector(".key .error:not([hidden])")
    assert elsewhere.locator(".key .error").inner_text().startswith("No collection belongs to this key.")
    elsewhere.allowed_complaints += ["400"]
    field.fill(f" {key} ")
    elsewhere.get_by_role("button", name="Use this key").click()
    elsewhere.wait_for_selector(".news .good")
    assert collections(elsewhere) == ["The documents Shawahid was started with", "مفقودة"]
    for page in (layla, elsewhere):
        page.close()


def test_a_reader_logs_out_here_and_everywhere(visit: Opener, shared: Scene) -> None:
    page = enter(visit, shared, "ar")
    key = page.evaluate("fetch('/shawahid/key/show', {method: 'POST'}).then((r) => r.json()).then((r) => r.key)")
    page.get_by_role("button", name="المزيد").click()
    page.get_by_role("button", name="تسجيل الخروج", exact=True).click()
    page.wait_for_selector("#password")
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("#shawahid[data-ready]")
    open_documents(page, "الوثائق")
    page.get_by_text("مجموعاتك في متصفح آخر").click()
    page.get_by_role("button", name="استبدال المفتاح").click()
    page.wait_for_function("old => ![old, ''].includes(document.querySelector('.secret[readonly]').value)", arg=key)
    assert page.locator(".toast").inner_text().startswith("استُبدل المفتاح.")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="المزيد").click()
    page.get_by_role("button", name="تسجيل الخروج من كل متصفح يحمل هذا المفتاح").click()
    page.wait_for_selector("#password")
    page.close()


def test_what_a_reader_has_room_for_is_told_and_made_by_deleting_for_good(visit: Opener, shared: Scene) -> None:
    page = enter(visit, shared, "ar")
    page.allowed_complaints += ["507"]
    open_documents(page, "الوثائق")
    assert page.locator(".room").inner_text() == "في مجموعاتك 0 من 1 ميغابايت."
    page.get_by_role("button", name="مجموعة جديدة").click()
    page.get_by_role("textbox", name="اسم المجموعة الجديدة").fill("ضيقة")
    page.keyboard.press("Enter")
    page.wait_for_selector(".documents .panel-note")
    add(page, (STATION, HEAT.encode()), ("قديم.txt", ("كلام قديم. " * 30000).encode()))
    page.locator("tbody tr", has_text="قديم.txt").get_by_role("button").last.click()
    page.get_by_role("button", name="إزالة", exact=True).click()
    page.wait_for_selector(".room .button")
    page.evaluate("document.querySelector('.news').replaceChildren()")
    add(page, ("جديد.txt", ("كلام جديد. " * 30000).encode()))
    assert page.locator(".news .bad").inner_text().startswith("لا مكان للملف جديد.txt: تتسع مجموعاتك لـ 1 ميغابايت، وفيها 0.6 ميغابايت.")
    page.get_by_role("button", name="حذف الملفات المُزالة نهائيًّا").click()
    page.get_by_role("button", name="حذف نهائي", exact=True).click()
    page.wait_for_function("document.querySelector('.room').innerText === 'في مجموعاتك 0.1 من 1 ميغابايت.'")
    page.evaluate("document.querySelector('.news').replaceChildren()")
    add(page, ("جديد.txt", ("كلام جديد. " * 30000).encode()))
    assert page.locator(".news .good").count() == 1
    page.close()


def test_a_collection_is_still_there_when_its_browser_comes_back(visit: Opener, shared: Scene) -> None:
    page = enter(visit, shared)
    open_documents(page)
    page.get_by_role("button", name="New collection").click()
    page.get_by_role("textbox", name="Name of the new collection").fill("Case 7")
    page.keyboard.press("Enter")
    page.wait_for_selector(".documents .panel-note")
    page.allowed_complaints.append("Unauthorized")  # the page may ask once more before it is left
    page.context.clear_cookies(name="shawahid")  # the login is over; the key is not
    page.goto(shared.address)
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("#shawahid[data-ready]")
    open_documents(page)
    assert "Case 7" in collections(page)
    page.close()


def test_a_link_brings_the_key_to_another_browser_and_a_new_key_ends_it(visit: Opener, shared: Scene) -> None:
    layla = enter(visit, shared)
    open_documents(layla)
    layla.get_by_role("button", name="New collection").click()
    layla.get_by_role("textbox", name="Name of the new collection").fill("ملفات الرابط")
    layla.keyboard.press("Enter")
    layla.wait_for_selector(".documents .panel-note")
    layla.locator(".key summary").click()
    layla.get_by_role("button", name="Show the key").click()
    layla.locator(".key-row input.secret").first.wait_for()
    layla.get_by_role("button", name="Copy as a link").click()
    layla.wait_for_function("document.querySelector('.toast').innerText === 'Copied'")
    link = layla.evaluate("navigator.clipboard.readText()")
    assert "#key=" in link

    phone = visit(shared, own=True, language="ar", width=390, ready="form")
    phone.allowed_complaints += ["401", "Unauthorized"]  # its login ends with the key
    phone.goto(link)
    phone.reload()
    phone.wait_for_selector("form")
    phone.locator("#password").fill(PASSWORD)
    phone.keyboard.press("Enter")
    phone.wait_for_selector("#shawahid[data-ready]")
    phone.wait_for_selector(".library[open]")
    assert "key" not in phone.url
    assert phone.evaluate("document.activeElement.closest('form') === document.querySelector('.key form')")
    phone.keyboard.press("Enter")
    phone.wait_for_function("[...document.querySelectorAll('.library .shelf option')].some((each) => each.text === 'ملفات الرابط')")

    layla.get_by_role("button", name="Replace the key").click()
    layla.wait_for_function("document.querySelector('.toast').innerText.length > 10")
    thief = enter(visit, shared)
    thief.goto(link)
    thief.reload()
    thief.wait_for_selector(".library[open]")
    thief.allowed_complaints += ["400"]
    thief.locator(".key form button").click()
    thief.wait_for_selector(".key .error:not([hidden])")


def test_what_is_stored_is_said_on_one_page_and_deleted_there(visit: Opener, shared: Scene, axe: str) -> None:
    page = enter(visit, shared, "ar")
    open_documents(page, "الوثائق")
    page.get_by_role("button", name="مجموعة جديدة").click()
    page.get_by_role("textbox", name="اسم المجموعة الجديدة").fill("مجموعتي")
    page.keyboard.press("Enter")
    page.wait_for_selector(".documents .panel-note")
    add(page, (STATION, HEAT.encode()))
    page.keyboard.press("Escape")
    ask(page, QUESTION)
    page.get_by_role("button", name="المزيد").click()
    page.get_by_role("button", name="ما يُحفظ عنك").click()
    page.wait_for_selector(".dialog[data-loaded] .stored-line")
    lines = page.locator(".stored-line")
    assert "محادثات تبقى حتى تُغلق هذه الصفحة: 1" in lines.nth(0).inner_text()  # behind a password they are not kept
    assert "مجموعاتك الخاصة: 1، وفيها 1 من الملفات" in lines.nth(3).inner_text()
    page.evaluate(axe)
    assert page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"] == []
    for number, left in ((0, "الصفحة: 0"), (3, "الخاصة: 0")):
        lines.nth(number).get_by_role("button").click()
        page.get_by_role("button", name="حذف نهائي").click()
        page.wait_for_function("([n, text]) => document.querySelectorAll('.stored-line')[n]?.innerText.includes(text)", arg=[number, left])
    assert page.locator(".turn").count() == 0
