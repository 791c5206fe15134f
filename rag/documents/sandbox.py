"""A process that parses files, so that a file that crashes, hangs or exhausts memory ends that process and nothing else.

The parent writes one line of JSON and the bytes of each file, and reads one line back. The process opens and writes no file of the user's,
and ends when the parent closes the pipe.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import asdict
from typing import IO, Any

from rag.documents.formats.content import Content, Limits
from rag.documents.serialization import pack_blocks, pack_layouts, unpack_blocks, unpack_layouts
from rag.errors import DocumentError
from rag.schema import Mark

_PATIENCE = 20.0
"""The wall-clock limit of a file as a multiple of its processor time: other programs use the processor too."""


class ParserProcess:
    """Reads files in a separate process, started for the first file and restarted after one that broke it."""

    def __init__(self, limits: Limits, ocr: bool = False) -> None:
        self._limits = limits
        self._ocr = ocr
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> ParserProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        process.wait()

    def read(self, data: bytes, suffix: str, name: str) -> Content:
        """Return the content of a file. Raises DocumentError, also if the file crashed the process or took too long."""
        process = self._process = self._process or _start(self._limits, self._ocr)
        assert process.stdin is not None
        assert process.stdout is not None
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        alarm = threading.Timer(self._limits.seconds * _PATIENCE, stop)
        alarm.daemon = True
        alarm.start()
        try:
            process.stdin.write(json.dumps([suffix, name, len(data)]).encode("ascii") + b"\n")
            process.stdin.write(data)
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = b""
        except BaseException:  # interrupted: the next file must not get this one's answer
            self.close()
            raise
        finally:
            alarm.cancel()
        if not line.endswith(b"\n"):
            code = process.wait()
            self.close()
            if late.is_set() or code == -signal.SIGXCPU:
                raise DocumentError("error.too_slow", name=name, seconds=self._limits.seconds)
            raise DocumentError("error.damaged", name=name, reason=f"the reader stopped with {code}")
        return _content(json.loads(line))


def _start(limits: Limits, ocr: bool) -> subprocess.Popen[bytes]:
    settings = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PYTHONUTF8": "1"}
    command = [sys.executable, "-P", "-m", __name__, json.dumps(asdict(limits)), json.dumps(ocr)]
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=settings)
    except OSError as error:
        raise DocumentError("error.unreadable", name=sys.executable or "python", reason=error.strerror or str(error)) from error


def _content(answer: dict[str, Any]) -> Content:
    if "key" in answer:
        raise DocumentError(answer["key"], **answer["fields"])
    notes = tuple(DocumentError(note["key"], **note["fields"]) for note in answer["notes"])
    marks = tuple(Mark(offset, label) for offset, label in answer["marks"])
    blocks, tables = unpack_blocks(answer["tree"])
    pages = unpack_layouts(base64.b64decode(answer["pages"])) if answer["pages"] else ()
    return Content(answer["text"], marks, answer["title"], answer["metadata"], notes, blocks, tables, pages)


def _row(error: DocumentError) -> dict[str, Any]:
    return {"key": error.key, "fields": {key: value if isinstance(value, int) else str(value) for key, value in error.fields.items()}}


# --- the process itself ---------------------------------------------------------------------------------------------------


def serve(requests: IO[bytes], answers: IO[bytes], limits: Limits, ocr: bool) -> None:
    """Answer requests until there are no more."""
    from rag.documents.formats.readers import read

    for line in requests:
        suffix, name, size = json.loads(line)
        data = requests.read(size)
        _allow(limits.seconds)
        try:
            content = read(data, suffix, name, limits, ocr)
            answer: dict[str, Any] = {
                "text": content.text,
                "marks": [[mark.offset, mark.label] for mark in content.marks],
                "tree": pack_blocks(content),
                "pages": base64.b64encode(pack_layouts(content.pages)).decode("ascii") if content.pages else "",
                "title": content.title,
                "metadata": dict(content.metadata),
                "notes": [_row(note) for note in content.notes],
            }
        except DocumentError as error:
            answer = _row(error)
        answers.write(json.dumps(answer).encode("ascii") + b"\n")
        answers.flush()


def _allow(seconds: int) -> None:
    """Limit the processor time from now on, in seconds; beyond it the system ends the process (SIGXCPU)."""
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = int(used.ru_utime + used.ru_stime) + 1 + seconds
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))


def _confine(limits: Limits) -> None:
    """Limit memory, and forbid writing files and core dumps."""
    import resource

    for kind, value in ((resource.RLIMIT_AS, limits.memory), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        _, most = resource.getrlimit(kind)
        with contextlib.suppress(ValueError, OSError):  # macOS knows no limit of address space
            resource.setrlimit(kind, (value if most == resource.RLIM_INFINITY else min(value, most), most))


def main() -> None:
    limits = Limits(**json.loads(sys.argv[1]))
    ocr = bool(json.loads(sys.argv[2]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's matter
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a library that prints must not answer
    _confine(limits)
    serve(sys.stdin.buffer, answers, limits, ocr)


if __name__ == "__main__":
    main()
