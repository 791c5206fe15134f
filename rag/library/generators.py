"""The generators on this computer: selecting the one that answers, and downloading a missing one.

A download runs in its own process: it may use the network, which the window itself never does, and it is stopped by ending that process.
What was downloaded by then is kept, and the next download continues from there.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rag.answering.chatbot import Chatbot
from rag.answering.generator_trials import tried
from rag.errors import ModelMissing, ShawahidError, Unexpected, as_ours
from rag.factory import NO_GENERATOR
from rag.files import write_atomically
from rag.library.views import View, error_view
from rag.messages import LANGUAGES, say
from rag.models.advice import advised
from rag.models.installed import catalogue, get, state
from rag.service.service import Service

Opener = Callable[[Chatbot, str], Chatbot]
"""Returns the same chatbot with the generator of that name, or without one for "none". Raises ModelMissing, ModelCorrupt."""


class ModelsBusy(ShawahidError):
    """Another model is being opened or downloaded."""

    http_status = 409


@dataclass(slots=True)
class Task:
    """A change of model. `doing` is open | fetch; `state` is running | done | cancelled | error; with bytes done and in total."""

    doing: str
    name: str
    state: str = "running"
    step: View | None = None
    done: int = 0
    total: int = 0
    error: View | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    process: subprocess.Popen[str] | None = None

    def view(self) -> View:
        """Return the task as the page shows it."""
        shown = ("doing", "name", "state", "step", "done", "total", "error")
        return {key: getattr(self, key) for key in shown}


def fetch_command(name: str, accepted: bool) -> list[str]:
    """Return the command that downloads a model and prints its progress, one JSON object per line."""
    return [sys.executable, "-m", "rag.library.generators", name, *(["accepted"] if accepted else [])]


class Generators:
    """The choice of generator for one service."""

    def __init__(
        self,
        service: Service,
        opener: Opener,
        *,
        wanted: str = "",
        remembered: Path | None = None,
        command: Callable[[str, bool], Sequence[str]] = fetch_command,
    ) -> None:
        """`wanted` is the generator to offer if there is none; `remembered` is the file that keeps the choice for the next start."""
        self._service = service
        self._opener = opener
        self._wanted = wanted
        self._remembered = remembered
        self._command = command
        self._lock = threading.Lock()
        self._task: Task | None = None
        # Gradio is kept offline in this process; the download was requested, and gets the environment from before.
        self._environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [_root(), os.environ.get("PYTHONPATH")]))}

    @property
    def task(self) -> Task | None:
        """The current task, or the last one."""
        return self._task

    def rows(self) -> list[View]:
        """Return the generators of the catalogue, preceded by the one in use if it is not among them, and "none"."""
        chatbot = self._service.chatbot
        used = (chatbot.generator.name if chatbot.generator else NO_GENERATOR) if chatbot else ""
        rows: list[View] = []
        advice = advised()
        for entry in catalogue().values():
            if entry.kind == "generator":
                row = {"name": entry.name, "status": state(entry.name).status, "bytes": entry.bytes, "licence": entry.licence}
                row |= {"terms": entry.terms, "consent": entry.consent, "note": {each: entry.remark(each) for each in LANGUAGES}}
                row |= {"memory": entry.memory, "advised": entry is advice, "trial": _trial_view(entry.name)}
                rows.append(row)
        none = {"name": NO_GENERATOR, "status": "present", "bytes": 0, "licence": "", "terms": "", "consent": False, "note": None}
        rows.append(none | {"memory": 0, "advised": False, "trial": None})
        if used and used not in [row["name"] for row in rows]:
            rows.insert(0, rows[-1] | {"name": used, "trial": _trial_view(used)})
        return [row | {"used": row["name"] == used} for row in rows]

    def offer(self) -> View | None:
        """Return the generator to download if there is none; None if one is in use or none is wanted."""
        chatbot = self._service.chatbot
        if chatbot is None or chatbot.generator is not None:
            return None
        return next((row for row in self.rows() if row["name"] == self._wanted and row["status"] != "present"), None)

    def use(self, name: str) -> Task:
        """Answer with that generator from now on; current answers keep theirs. Raises ModelsBusy, ModelMissing."""
        known = [row["name"] for row in self.rows() if row["status"] == "present"]
        if name not in known:
            raise ModelMissing("models.unknown", name=name[:80], known=", ".join(known))
        return self._begin(Task("open", name), self._open)

    def fetch(self, name: str, accepted: bool) -> Task:
        """Download a generator and then answer with it. Raises ModelsBusy, or ModelMissing for an unknown one."""
        known = [row["name"] for row in self.rows() if row["name"] in catalogue()]
        if name not in known:
            raise ModelMissing("models.unknown", name=name[:80], known=", ".join(known))
        return self._begin(Task("fetch", name), lambda task: self._fetch(task, accepted))

    def cancel(self) -> bool:
        """Stop a download; what was downloaded is kept."""
        task = self._task
        if task is None or task.doing != "fetch" or task.state != "running":
            return False
        task.cancelled.set()
        if task.process is not None:
            _end(task.process)
        return True

    def _begin(self, task: Task, work: Callable[[Task], None]) -> Task:
        def run() -> None:
            try:
                work(task)
            except Exception as error:
                task.error = error_view(as_ours(error))
                task.state = "error"
            else:
                task.state = "cancelled" if task.error is None and task.cancelled.is_set() else "error" if task.error else "done"

        with self._lock:
            if self._task is not None and self._task.state == "running":
                raise ModelsBusy("ui.error_models_busy", name=self._task.name)
            self._task = task
        threading.Thread(target=run, name="shawahid-model", daemon=True).start()
        return task

    def _open(self, task: Task) -> None:
        base = self._service.chatbot
        if base is None:
            raise self._service.error or Unexpected("ui.error_not_ready")
        task.doing, task.step, task.done, task.total = "open", None, 0, 0
        chatbot = self._opener(base, task.name)
        chatbot.warm()  # before it replaces the other: nobody waits for it
        self._service.replace(chatbot)
        if chatbot.generator is not None:
            self._service.notices = tuple(notice for notice in self._service.notices if notice.key != "models.missing")
        if self._remembered is not None:
            self._remembered.parent.mkdir(parents=True, exist_ok=True)
            with write_atomically(self._remembered) as part:
                part.write_text(task.name, encoding="utf-8")
        close = getattr(base.generator, "close", None)
        if close is not None:
            close()  # waits for the answer that it is writing; another that needs it loads it again

    def _fetch(self, task: Task, accepted: bool) -> None:
        command = self._command(task.name, accepted)
        # A session of its own, so that what it started (pip) ends with it.
        process = subprocess.Popen(
            command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        task.process = process
        if task.cancelled.is_set():
            _end(process)
        last = ""
        with process:
            assert process.stdout is not None
            for line in process.stdout:
                try:
                    heard = json.loads(line)
                except ValueError:
                    last = line.strip() or last  # a defect speaks in its own words
                    continue
                task.error = heard.get("error", task.error)
                task.step, task.done, task.total = (
                    heard.get("step", task.step),
                    heard.get("done", task.done),
                    heard.get("total", task.total),
                )
        if task.cancelled.is_set():
            task.error = None
        elif process.returncode and task.error is None:
            raise Unexpected("error.unexpected", reason=last[-200:] or f"exit {process.returncode}")
        elif task.error is None:
            self._open(task)


def _trial_view(name: str) -> View | None:
    """Return what a generator was found able to do on this computer; None if it was not tried."""
    if (trial := tried(name)) is None:
        return None
    figures = (trial.same, trial.across, trial.into_ar, trial.into_en)
    return {
        "right": sum(figure.right for figure in figures),
        "tried": sum(figure.tried for figure in figures),
        "seconds": trial.seconds,
        "date": trial.date,
    }


def _end(process: subprocess.Popen[str]) -> None:
    """End a process and its children."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
    except (ProcessLookupError, PermissionError, AttributeError):  # Windows has no process groups of this kind
        process.terminate()


def _root() -> str:
    return str(Path(__file__).resolve().parents[2])


def chosen_generator(remembered: Path) -> str:
    """Return the generator chosen in the window before, or "" if none was chosen or it is gone."""
    try:
        name = remembered.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
    return name if name == NO_GENERATOR or (name in catalogue() and state(name).status == "present") else ""


def main(arguments: Sequence[str]) -> int:
    """Download a model: `NAME [accepted]`; progress and errors are printed as JSON."""

    def tell(**said: object) -> None:
        print(json.dumps(said, ensure_ascii=True), flush=True)

    def progress(done: int, total: int, step: str) -> None:
        tell(done=done, total=total, step={language: say(step, language) for language in LANGUAGES})

    try:
        get(arguments[0], accept_terms="accepted" in arguments[1:], progress=progress, wait=False)
    except ShawahidError as error:
        tell(error=error_view(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
