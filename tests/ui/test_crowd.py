"""Ten people at one window at the same time, over HTTP: a fair line, each sees their own place and nobody anybody else's answer."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from rag.server import Access
from tests.reader import PASSWORD, Reader, View
from tests.serving import SECRET, served
from tests.waiting import wait_for, wait_until

PEOPLE = 10


def question(number: int) -> str:
    """A question of their own for everybody, half of them in Arabic."""
    if number % 2:
        return f"كم راكبًا نقلت العبّارة ألباتروس في الرحلة {number}؟"
    return f"How many passengers did the ferry Albatros carry on trip {number}?"


class Asked:
    """A question on its way, in a thread."""

    def __init__(self, reader: Reader, question: str, session: str = "") -> None:
        self.views: list[View] = []
        self.closed = threading.Event()
        self.failure: BaseException | None = None

        def listen() -> None:
            try:
                for view in reader.asking(question, session=session, closed=self.closed):
                    self.views.append(view)
            except BaseException as error:
                self.failure = error

        self.thread = threading.Thread(target=listen, daemon=True)
        self.thread.start()

    @property
    def state(self) -> str:
        return str(self.views[-1]["state"]) if self.views else ""

    @property
    def place(self) -> int:
        return int(self.views[-1]["place"]) if self.state == "queued" else 0


def test_ten_people_at_once_wait_in_turn_and_see_their_own_answers(tmp_path: Path) -> None:
    pytest.importorskip("gradio")
    access = Access(PASSWORD, (SECRET,), hosts=None)
    with served(tmp_path, access=access, window=True) as server:
        readers = [Reader(server) for _ in range(PEOPLE)]
        assert len({reader.http.cookies["shawahid-owner"] for reader in readers}) == PEOPLE
        server.gate.open.clear()
        asked = []
        for number, reader in enumerate(readers):
            asked.append(Asked(reader, question(number)))
            if number == 0:
                wait_for(server.gate.reached)  # the first is being answered
            else:
                wait_until(lambda: asked[-1].place)
        assert [each.place for each in asked] == list(range(PEOPLE))
        assert [each.state for each in asked[1:]] == ["queued"] * (PEOPLE - 1)
        assert asked[0].views[-1]["found"], "the sources stand there before the first word"

        # A second question of one who waits comes after everybody's first, and a program's first comes before it.
        second = Asked(readers[1], question(90), session="second-page")
        wait_until(lambda: second.place == PEOPLE)
        program = server.client(headers={"authorization": f"Bearer {SECRET}"})
        answered: list[Any] = []
        ask = {"question": question(91)}
        threading.Thread(target=lambda: answered.append(program.post("/v1/ask", json=ask, timeout=180).json()), daemon=True).start()
        wait_until(lambda: len(server.service.answers) == PEOPLE + 2)

        # Somebody closes the tab: the place is free, and all behind it move up.
        asked[4].closed.set()
        wait_until(lambda: len(server.service.answers) == PEOPLE + 1)
        wait_until(lambda: [each.place for each in asked[5:]] == list(range(4, PEOPLE - 1)))
        assert [each.place for each in asked[1:4]] == [1, 2, 3]

        server.gate.open.set()
        rest = [*asked[:4], *asked[5:], second]
        wait_until(lambda: all(each.state == "done" for each in rest) and answered)
        for number, each in [(number, each) for number, each in enumerate(asked) if number != 4] + [(90, second)]:
            assert each.failure is None
            answer = each.views[-1]["answer"]
            assert answer["searched"] == question(number)
            assert answer["status"] == "answered"
            assert "212" in answer["text"]
        assert answered[0]["question"] == question(91)
        assert asked[4].state == "queued"
        written = [prompt[-1]["content"] for prompt in server.generator.prompts]
        order = [next(n for n in (*range(PEOPLE), 90, 91) if question(n) in text) for text in written]
        assert order[:9] == [0, 1, 2, 3, 5, 6, 7, 8, 9]
        assert sorted(order[9:]) == [90, 91]
        assert len(server.service.answers) == 0
