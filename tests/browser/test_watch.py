"""The watch itself: it hears what a page complains of, and not that a page which is left had its streams open."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Opener, Watch
from tests.browser.scene import GATE, Scene
from tests.browser.test_window import ask


@pytest.fixture
def heard(visit: Opener, window: Scene) -> tuple[Any, Watch]:
    """A page, and a second watch on it whose complaints fail no test."""
    page = visit(window)
    watch = Watch(window.address)
    watch.on(page)
    return page, watch


def test_a_page_that_is_left_in_the_middle_of_an_answer_has_not_complained(heard: tuple[Any, Watch]) -> None:
    page, watch = heard
    GATE.clear()
    ask(page, "When was the harbour bridge closed?", until=".turn[data-state=reading]")
    page.reload()
    page.wait_for_selector("#shawahid[data-ready]")
    assert watch.left() == []


def test_what_a_page_complains_of_is_heard_before_and_after_it_is_left_and_comes_back(heard: tuple[Any, Watch]) -> None:
    page, watch = heard
    page.allowed_complaints += ["first", "second", "thrown"]
    page.evaluate("console.error('first')")
    page.reload()
    page.evaluate("console.warn('second')")
    page.evaluate("new Promise((done) => setTimeout(() => { setTimeout(done); throw new Error('thrown'); }))")
    assert watch.left() == ["error: first", "warning: second", "thrown"]


def test_a_request_to_another_host_is_seen(heard: tuple[Any, Watch]) -> None:
    page, _ = heard
    stranger = Watch("http://elsewhere.example/")
    stranger.on(page)
    page.reload()
    assert page.url in stranger.foreign
