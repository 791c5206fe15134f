"""The generators on this computer: selecting the one that answers, downloading a missing one, and trying what one can do.

A download runs in its own process: it may use the network, which the window itself never does, and it is stopped by ending that process.
What was downloaded by then is kept, and the next download continues from there. So does a trial, which lets answers go first and frees its
memory at its end.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rag.answering.chatbot import Chatbot
from rag.answering.confidence import is_measured
from rag.answering.generator_trials import KINDS, Trial, trial_of, tried
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
    """Work on a model. `doing` is open | fetch | try; `state` is running | done | cancelled | error; `done` and `total` are bytes of a
    download, or sentences of a trial."""

    doing: str
    name: str
    state: str = "running"
    step: View | None = None
    done: int = 0
    total: int = 0
    error: View | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    process: subprocess.Popen[str] | None = None
    trial: Trial | None = None

    def view(self) -> View:
        """Return the task as the page shows it."""
        shown = ("doing", "name", "state", "step", "done", "total", "error")
        return {key: getattr(self, key) for key in shown} | {"trial": _trial_view(self.trial) if self.trial else None}


def fetch_command(name: str, accepted: bool) -> list[str]:
    """Return the command that downloads a model and prints its progress, one JSON object per line."""
    return [sys.executable, "-m", "rag.library.generators", name, *(["accepted"] if accepted else [])]


def trial_command(name: str) -> list[str]:
    """Return the command that tries a generator and prints its progress, one JSON object per line."""
    return [sys.executable, "-m", "rag.evaluation.generator_trial", name]


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
        trial: Callable[[str], Sequence[str]] = trial_command,
    ) -> None:
        """`wanted` is the generator to offer if there is none; `remembered` is the file that keeps the choice for the next start."""
        self._service = service
        self._opener = opener
        self._wanted = wanted
        self._remembered = remembered
        self._command = command
        self._trial = trial
        self._trials: dict[str, Trial] = {}
        """Trials of this run, also of generators whose trials are not kept because they were measured."""
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
                row |= {"terms": entry.terms, "consent": entry.consent, "note": {each: entry.in_plain_words(each) for each in LANGUAGES}}
                row |= {"memory": entry.memory, "advised": entry is advice, "minutes": _trial_minutes(entry.bytes)}
                rows.append(row | self._known(entry.name))
        none = {"name": NO_GENERATOR, "status": "present", "bytes": 0, "licence": "", "terms": "", "consent": False, "note": None}
        rows.append(none | {"memory": 0, "advised": False, "minutes": 0, "trial": None, "measured": False})
        if used and used not in [row["name"] for row in rows]:
            rows.insert(0, rows[-1] | {"name": used} | self._known(used))
        return [row | {"used": row["name"] == used} for row in rows]

    def _known(self, name: str) -> View:
        """Return what a generator was found able to do on this computer, and whether we measured it elsewhere."""
        trial = self._trials.get(name) or tried(name)
        return {"trial": _trial_view(trial) if trial else None, "measured": is_measured(name)}

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

    def try_out(self, name: str) -> Task:
        """Find out what a generator on this computer can do; one in use then does it. Raises ModelsBusy, or ModelMissing if it is not on
        this computer."""
        known = [row["name"] for row in self.rows() if row["status"] == "present" and row["name"] in catalogue()]
        if name not in known:
            raise ModelMissing("models.unknown", name=name[:80], known=", ".join(known))
        return self._begin(Task("try", name), self._try)

    def cancel(self) -> bool:
        """Stop a download, of which what was downloaded is kept, or a trial."""
        task = self._task
        if task is None or task.doing == "open" or task.state != "running":
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
            outdated = ("models.missing", "models.untried")
            self._service.notices = tuple(notice for notice in self._service.notices if notice.key not in outdated)
        if self._remembered is not None:
            self._remembered.parent.mkdir(parents=True, exist_ok=True)
            with write_atomically(self._remembered) as part:
                part.write_text(task.name, encoding="utf-8")
        close = getattr(base.generator, "close", None)
        if close is not None:
            close()  # waits for the answer that it is writing; another that needs it loads it again

    def _fetch(self, task: Task, accepted: bool) -> None:
        self._run(task, self._command(task.name, accepted))
        if task.error is None and not task.cancelled.is_set():
            self._open(task)

    def _try(self, task: Task) -> None:
        self._run(task, self._trial(task.name))
        chatbot = self._service.chatbot
        if task.trial is None or task.cancelled.is_set():
            return
        self._trials[task.name] = task.trial
        if chatbot is not None and chatbot.generator is not None and chatbot.generator.name == task.name:
            self._open(task)  # what it may do is decided when it is opened

    def _run(self, task: Task, command: Sequence[str]) -> None:
        """Run a command to its end, and enter what it prints into the task. Raises Unexpected if it fails without saying why."""
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
                if failed := heard.get("failed"):
                    heard["error"] = error_view(ShawahidError(failed["key"], **failed["fields"]))
                for name in ("error", "step", "done", "total"):
                    setattr(task, name, heard.get(name, getattr(task, name)))
                task.trial = trial_of(task.name, heard.get("trial")) or task.trial
        if task.cancelled.is_set():
            task.error = None
        elif process.returncode and task.error is None:
            raise Unexpected("error.unexpected", reason=last[-200:] or f"exit {process.returncode}")


def _trial_view(trial: Trial) -> View:
    """Return how many sentences a generator wrote right, and which kinds it does from now on, does not do, and was too slow to decide."""
    figures = {kind: getattr(trial, kind) for kind in KINDS}
    return {
        "right": sum(figure.right for figure in figures.values()),
        "tried": sum(figure.tried for figure in figures.values()),
        "seconds": trial.seconds,
        "date": trial.date,
        "can": [kind for kind, figure in figures.items() if figure.passed],
        "cannot": [kind for kind, figure in figures.items() if figure.decided and not figure.passed],
        "unknown": [kind for kind, figure in figures.items() if not figure.decided],
    }


def _trial_minutes(size: int) -> int:
    """Return the minutes that a trial of a model of `size` bytes takes, about: two of writing, and the time to load it and read prompts."""
    return 2 + math.ceil(size / 2e9)


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
