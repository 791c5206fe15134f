"""A browser at the window, as far as the server can tell: it logs in, and calls over HTTP what the page calls."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from typing import Any

import httpx
from gradio_client.utils import apply_diff

from tests.serving import Running
from tests.waiting import wait_until

PASSWORD = "ليمونة وخمس نجوم"
View = dict[str, Any]


class Reader:
    """A browser that has logged in: it calls what the page calls."""

    def __init__(self, server: Running, password: str = PASSWORD) -> None:
        self.http = server.client()
        self.session = secrets.token_hex(6)
        if password:
            entered = self.http.post("/login", data={"password": password})
            assert entered.status_code == 303, entered.text
        config = self.http.get("/config").json()
        self._page = next(each["id"] for each in config["components"] if each["props"].get("elem_id") == "shawahid-window")
        self._ask = next(each["id"] for each in config["dependencies"] if each["targets"] and each["targets"][0][1] == "ask")

    def call(self, name: str, argument: Any = None) -> Any:
        body = {"session_hash": self.session, "component_id": self._page, "fn_name": name, "data": argument}
        answer = self.http.post("/gradio_api/component_server", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def error(self, name: str, argument: Any = None) -> str:
        return str(self.call(name, argument)["error"]["key"])

    def upload(self, collection: str, name: str, file: str | bytes) -> httpx.Response:
        data = file if isinstance(file, bytes) else file.encode()
        return self.http.put("/shawahid/upload", params={"collection": collection, "name": name}, content=data)

    def ids(self) -> list[str]:
        return [each["id"] for each in self.call("documents", "")["collections"]]

    def finished(self, job: View) -> View:
        def over() -> View | None:
            seen: View = self.call("job", job["id"])
            return seen if seen["state"] != "running" else None

        return wait_until(over)

    def collection(self, name: str, file: str, text: str) -> str:
        """Make one, and index a document in it."""
        id = str(self.call("create", name)["collection"])
        assert self.upload(id, file, text).status_code == 200
        assert self.finished(self.call("build", id))["added"] == 1
        return id

    def ask(self, question: str, collection: str = "", session: str = "") -> list[View]:
        """The states of a turn, as the page hears them. A page asks one thing at a time; `session` names another page."""
        views: list[View] = []
        for view in self.asking(question, collection, session):
            views.append(view)
        return views

    def asking(self, question: str, collection: str = "", session: str = "", closed: threading.Event | None = None) -> Iterator[View]:
        """The same, as they come; the page is closed when `closed` is set and something comes."""
        turn, session = secrets.token_hex(16), session or self.session
        asked = {"turn": turn, "question": question, "history": [], "collection": collection}
        body = {"data": [], "fn_index": self._ask, "session_hash": session, "event_data": asked, "trigger_id": self._page}
        assert self.http.post("/gradio_api/queue/join", json=body).status_code == 200
        view: View | None = None
        with self.http.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as events:
            for line in events.iter_lines():
                if closed is not None and closed.is_set():
                    return
                heard = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
                if heard.get("msg") == "process_generating":
                    for value in heard["output"]["data"]:  # the first is whole, the others say what has changed
                        view = value if view is None else apply_diff(view, value)
                        assert view["turn"] == turn, "the answer to another's question"
                        yield view
                if heard.get("msg") == "process_completed":
                    return
