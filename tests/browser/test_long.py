"""A conversation of two hundred messages: every frame of scrolling through it is timed."""

from __future__ import annotations

import json
from typing import Any

from tests.browser.conftest import Opener
from tests.browser.scene import Scene
from tests.browser.test_window import ask

MESSAGES = 200
CONVERSATION = "c" * 32
FRAME, TASK = 250.0, 1000.0
"""Milliseconds that the median frame, and the longest task of the page, may take on a busy computer. On an idle one it was 17
and under 50: see docs/performance.md. A page that lays out the whole conversation again for each frame takes longer."""

KEPT = """
async (turns) => {
  const {Store} = await import("/shawahid/store.js");
  const store = new Store(true, () => {});
  for (const turn of turns) await store.save(turn);
}"""
STORED = """
async () => {
  const {Store} = await import("/shawahid/store.js");
  return new Store(true, () => {}).turns(location.hash.slice(4));
}"""

SCROLL = """
async () => {
  const thread = document.querySelector(".thread");
  const tasks = [];
  const watch = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => entry.duration)));
  watch.observe({entryTypes: ["longtask"]});
  const frames = [];
  const next = () => new Promise((done) => requestAnimationFrame(done));
  const through = async (step) => {
    let last = await next();
    for (let unmoved = 0; unmoved < 3; ) {
      const before = thread.scrollTop;
      thread.scrollTop += step;
      const now = await next();
      frames.push(now - last);
      last = now;
      unmoved = thread.scrollTop === before ? unmoved + 1 : 0;
    }
  };
  thread.scrollTop = 0;
  await next();
  await through(400);
  const end = thread.scrollHeight - thread.scrollTop - thread.clientHeight;
  await through(-400);
  watch.disconnect();
  frames.sort((a, b) => a - b);
  const share = (part) => frames[Math.floor(part * (frames.length - 1))];
  const task = Math.max(0, ...tasks);
  return {count: frames.length, median: share(0.5), p95: share(0.95), longest: frames.at(-1), task, tasks: tasks.length, end};
}"""


def turns_of(page: Any) -> list[dict[str, Any]]:
    """A hundred questions and answers in both languages, made of two real ones."""
    ask(page, "ما ذاكرة هاتف نور؟")
    ask(page, "When was the harbour bridge closed?")
    kept = page.evaluate(STORED)
    assert len(kept) == 2
    return [kept[number % 2] | {"id": f"{number:032x}", "conversation": CONVERSATION, "at": number} for number in range(MESSAGES // 2)]


def test_a_conversation_of_two_hundred_messages_scrolls_smoothly(visit: Opener, window: Scene) -> None:
    page = visit(window, own=True)
    page.evaluate(KEPT, turns_of(page))
    page.goto(f"{window.address}#/c/{CONVERSATION}")
    page.wait_for_function("n => document.querySelectorAll('.answer').length === n", arg=MESSAGES // 2)
    assert page.locator(".question, .answer").count() == MESSAGES
    found = page.evaluate(SCROLL)
    print(f"{MESSAGES} messages: {json.dumps(found)}")
    assert found["count"] > 50
    assert found["end"] < 2, "the end was not reached"
    assert found["median"] <= FRAME, found
    assert found["task"] <= TASK, found

    # A new answer at the end of it is drawn as fast as the first: the others are not drawn again while it is written.
    page.evaluate(
        "window.drawn = 0; const made = (m) => m.target.id.startsWith('turn-0000000000');"
        "new MutationObserver((list) => (window.drawn += list.filter(made).length))"
        ".observe(document.querySelector('.turns'), {childList: true, subtree: true})"
    )
    ask(page, "When did the harbour bridge reopen?")
    assert page.locator(".question, .answer").count() == MESSAGES + 2
    assert page.evaluate("window.drawn") <= 2  # the one before it, which loses "ask again"
