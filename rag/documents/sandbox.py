"""A process that parses files, so that a file that crashes, hangs or exhausts memory ends that process and nothing else.

Every format is read here, plain text and CSV included: their parsers must not hold the server's interpreter lock either. The parent writes
one line of JSON and the bytes of each file. It reads back one line, the bytes of the text, and the tree in pieces of a few thousand blocks,
each small enough to be parsed without stopping other threads for long. The process knows nothing of the server's settings and passwords,
has no network where the system lets it give that up, opens and writes no file of the user's, and ends when the parent closes the pipe.
Pages are drawn for the window in such a process, too.
"""

from __future__ import annotations

import base64
import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import IO, Any, TypeVar

from rag.documents.formats.page_pictures import PagePicture
from rag.documents.serialization import pack_blocks, pack_layouts, unpack_blocks, unpack_layouts
from rag.documents.tree import Content, InnerFile, Limits
from rag.errors import DocumentError
from rag.schema import Block, Mark, Table

_PATIENCE = 20.0
"""The wall-clock limit of a file as a multiple of its processor time: other programs use the processor too."""

_PIECE = 4000
"""Blocks of a document in one line of an answer."""
_PAGES = 20
"""Page layouts in one line of an answer."""
_KEPT = tuple(
    """PATH LANG LC_ALL LC_CTYPE TMPDIR TEMP TMP SYSTEMROOT WINDIR LD_LIBRARY_PATH DYLD_LIBRARY_PATH VIRTUAL_ENV PYTHONHOME
    TESSDATA_PREFIX OPENBLAS_CORETYPE OPENBLAS_L2_SIZE""".split()
)
"""What the process needs of the environment; the rest may hold passwords and tokens."""
_TOO_SLOW = 124
"""The exit code of a process that ends itself where the system does not: there is no SIGXCPU on Windows."""
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
"""CLONE_NEWUSER and CLONE_NEWNET of Linux."""


_READ, _UNPACK, _RENDER = "read", "unpack", "render"
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class _EndOfFiles:
    """The end of what a file holds; `error` if it was not reached."""

    error: DocumentError | None = None


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
        content: Content | DocumentError = self._exchange(name, _received, (_READ, data, suffix))
        if isinstance(content, DocumentError):
            if content.key == "error.too_much_memory":  # what the file took stays taken, and the next one would lack it
                self.close()
            raise content
        return content

    def unpack(self, data: bytes, suffix: str, name: str) -> Iterator[InnerFile | DocumentError]:
        """Yield the files inside a file one after the other, and for one that cannot be had the error that names it.

        Raises DocumentError as `read` does. Nothing can be read with this process until the last one was taken.
        """
        request: tuple[str, bytes, str] | None = (_UNPACK, data, suffix)
        ended = False
        try:
            while True:
                found: InnerFile | DocumentError | _EndOfFiles = self._exchange(name, _received_packed, request)
                request = None
                if ended := isinstance(found, _EndOfFiles):
                    if found.error is not None:
                        raise found.error
                    return
                yield found
        finally:
            if not ended:  # what is left of the answer must not be taken for the next one
                self.close()

    def render(self, data: bytes, suffix: str, name: str, number: int, width: int) -> PagePicture:
        """Return a page of a PDF or picture, about `width` pixels wide. Raises DocumentError as `read` does."""
        page: PagePicture | DocumentError = self._exchange(name, _received_picture, (f"{_RENDER} {number} {width}", data, suffix))
        if isinstance(page, DocumentError):
            if page.key == "error.too_much_memory":
                self.close()
            raise page
        return page

    def _exchange(self, name: str, receive: Callable[[IO[bytes]], _Answer], request: tuple[str, bytes, str] | None) -> _Answer:
        """Send a request, if there is one, and return the next answer. Raises DocumentError if the process ended, and ends it if it takes
        too long."""
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
            if request is not None:
                what, data, suffix = request
                process.stdin.write(json.dumps([what, suffix, name, len(data)]).encode("ascii") + b"\n")
                process.stdin.write(data)
                process.stdin.flush()
            return receive(process.stdout)
        except (OSError, EOFError):
            alarm.cancel()
            code = process.wait()
            self.close()
            if late.is_set() or code in (_TOO_SLOW, -getattr(signal, "SIGXCPU", _TOO_SLOW)):
                raise DocumentError("error.too_slow", name=name, seconds=self._limits.seconds) from None
            raise DocumentError("error.damaged", name=name, reason=f"the reader stopped with {code}") from None
        except BaseException:  # interrupted: the next file must not get this one's answer
            self.close()
            raise
        finally:
            alarm.cancel()


def _start(limits: Limits, ocr: bool) -> subprocess.Popen[bytes]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    settings = {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PYTHONUTF8": "1"}
    command = [sys.executable, "-P", "-m", __name__, json.dumps(asdict(limits)), json.dumps(ocr)]
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=settings)
    except OSError as error:
        raise DocumentError("error.unreadable", name=sys.executable or "python", reason=error.strerror or str(error)) from error


def _received(answers: IO[bytes]) -> Content | DocumentError:
    """Return what `_send` wrote. Raises EOFError where the process ended before it was through."""
    answer = _received_line(answers)
    if "key" in answer:
        return DocumentError(answer["key"], **answer["fields"])
    text = answers.read(answer["text"])
    pieces = [answers.readline() for _ in range(answer["trees"] + answer["layouts"])]
    if len(text) != answer["text"] or not all(piece.endswith(b"\n") for piece in pieces):
        raise EOFError
    notes = tuple(DocumentError(note["key"], **note["fields"]) for note in answer["notes"])
    marks = tuple(Mark(offset, label) for offset, label in answer["marks"])
    blocks: list[Block] = []
    tables: list[Table] = []
    for piece in pieces[: answer["trees"]]:
        some_blocks, some_tables = unpack_blocks(piece.decode("utf-8"))
        blocks += some_blocks
        tables += some_tables
    pages = [page for piece in pieces[answer["trees"] :] for page in unpack_layouts(base64.b64decode(piece))]
    tree = tuple(blocks), tuple(tables), tuple(pages)
    return Content(text.decode("utf-8"), marks, answer["title"], answer["metadata"], notes, *tree, answer["inside"])


def _received_packed(answers: IO[bytes]) -> InnerFile | DocumentError | _EndOfFiles:
    """Return one file inside a file as `_send_packed` wrote it, what is wrong with it, or the end. Raises EOFError as `_received` does."""
    answer = _received_line(answers)
    if "end" in answer:
        return _EndOfFiles(DocumentError(answer["key"], **answer["fields"]) if "key" in answer else None)
    if "key" in answer:
        return DocumentError(answer["key"], **answer["fields"])
    data = answers.read(answer["size"])
    if len(data) != answer["size"]:
        raise EOFError
    return InnerFile(answer["id"], data)


def _received_picture(answers: IO[bytes]) -> PagePicture | DocumentError:
    """Return a page as `_send_picture` wrote it, or what is wrong with it. Raises EOFError as `_received` does."""
    answer = _received_line(answers)
    if "key" in answer:
        return DocumentError(answer["key"], **answer["fields"])
    data = answers.read(answer["bytes"])
    if len(data) != answer["bytes"]:
        raise EOFError
    return PagePicture(data, answer["width"], answer["height"], answer["pages"])


def _received_line(answers: IO[bytes]) -> dict[str, Any]:
    line = answers.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    answer: dict[str, Any] = json.loads(line)
    return answer


def _send(answers: IO[bytes], content: Content) -> None:
    text = content.text.encode("utf-8")
    trees = [
        pack_blocks(replace(content, blocks=content.blocks[at : at + _PIECE], tables=content.tables if at == 0 else ()))
        for at in range(0, max(len(content.blocks), 1), _PIECE)
    ]
    layouts = [pack_layouts(content.pages[at : at + _PAGES]) for at in range(0, len(content.pages), _PAGES)]
    header = {
        "text": len(text),
        "trees": len(trees),
        "layouts": len(layouts),
        "marks": [[mark.offset, mark.label] for mark in content.marks],
        "title": content.title,
        "metadata": dict(content.metadata),
        "notes": [_row(note) for note in content.notes],
        "inside": content.inside,
    }
    _write(answers, header)
    answers.write(text)
    for tree in trees:
        answers.write(tree.encode("utf-8") + b"\n")
    for layout in layouts:
        answers.write(base64.b64encode(layout) + b"\n")


def _row(error: DocumentError) -> dict[str, Any]:
    return {"key": error.key, "fields": {key: value if isinstance(value, int) else str(value) for key, value in error.fields.items()}}


# --- the process itself ---------------------------------------------------------------------------------------------------


def serve(requests: IO[bytes], answers: IO[bytes], limits: Limits, ocr: bool) -> None:
    """Answer requests until there are no more."""
    from rag.documents.formats.readers import read

    for line in requests:
        what, suffix, name, size = json.loads(line)
        data = requests.read(size)
        _allow(limits.seconds)
        if what == _UNPACK:
            _send_packed(answers, data, suffix, name, limits)
        elif what.startswith(_RENDER):
            number, width = what.split()[1:]
            _send_picture(answers, data, suffix, name, int(number), int(width), limits)
        else:
            try:
                _send(answers, read(data, suffix, name, limits, ocr))
            except DocumentError as error:
                _write(answers, _row(error))
        answers.flush()


def _send_picture(answers: IO[bytes], data: bytes, suffix: str, name: str, number: int, width: int, limits: Limits) -> None:
    """Write the size of a page in a line, and its picture."""
    from rag.documents.formats.readers import render

    try:
        page = render(data, suffix, name, number, width, limits)
    except DocumentError as error:
        _write(answers, _row(error))
        return
    _write(answers, {"bytes": len(page.data), "width": page.width, "height": page.height, "pages": page.pages})
    answers.write(page.data)


def _send_packed(answers: IO[bytes], data: bytes, suffix: str, name: str, limits: Limits) -> None:
    """Write the files inside a file, each with its id and size in a line before it, errors in their place, and the end."""
    from rag.documents.formats.readers import unpack

    end: dict[str, Any] = {"end": True}
    try:
        for found in unpack(data, suffix, name, limits):
            if isinstance(found, DocumentError):
                _write(answers, _row(found))
            else:
                _write(answers, {"id": found.id, "size": len(found.data)})
                answers.write(found.data)
            answers.flush()
    except DocumentError as error:
        end |= _row(error)
    _write(answers, end)


def _write(answers: IO[bytes], row: dict[str, Any]) -> None:
    answers.write(json.dumps(row).encode("ascii") + b"\n")


class _Watchdog:
    """Ends the process when it has used more processor time than `last`, in seconds."""

    last = math.inf

    def watch(self) -> None:
        while time.process_time() < self.last:
            time.sleep(0.2)
        os._exit(_TOO_SLOW)


_watchdog = _Watchdog()


def _allow(seconds: int) -> None:
    """Limit the processor time from now on, in seconds; beyond it the system ends the process (SIGXCPU)."""
    try:
        import resource
    except ImportError:  # Windows
        _watchdog.last = time.process_time() + seconds
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = int(used.ru_utime + used.ru_stime) + 1 + seconds
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))


def _confine(limits: Limits) -> None:
    """Limit memory, and forbid writing files and core dumps. Where the system has no such limits (Windows), the process only ends itself
    when a file takes too long."""
    try:
        import resource
    except ImportError:
        threading.Thread(target=_watchdog.watch, daemon=True).start()
        return
    for kind, value in ((resource.RLIMIT_AS, limits.memory), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_CORE, 0)):
        _, most = resource.getrlimit(kind)
        with contextlib.suppress(ValueError, OSError):  # macOS has no limit on address space
            resource.setrlimit(kind, (value if most == resource.RLIM_INFINITY else min(value, most), most))


def _leave_network() -> None:
    """Move this process into a network namespace of its own, with nothing in it, where the system allows that."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    for flags in (_NEW_NETWORK, _NEW_USER | _NEW_NETWORK):  # the second for an unprivileged process
        if libc.unshare(flags) == 0:
            return


def main() -> None:
    """Confine this process and serve."""
    limits = Limits(**json.loads(sys.argv[1]))
    ocr = bool(json.loads(sys.argv[2]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's matter
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a library that prints must not answer
    _leave_network()
    _confine(limits)
    serve(sys.stdin.buffer, answers, limits, ocr)


if __name__ == "__main__":
    main()
