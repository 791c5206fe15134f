"""Report what is installed, which models are complete, how much room there is, and the command for whatever is missing."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from rag.answering.confidence import is_measured
from rag.answering.generator_trials import tried
from rag.errors import BadSetting, IndexMissing, ModelMissing, ShawahidError
from rag.factory import NO_GENERATOR
from rag.messages import say
from rag.models.advice import advised, memory, total_memory
from rag.models.catalogue import ModelEntry, Profile
from rag.models.device import ALL_LAYERS, Device, chosen_device, engine_has_gpu
from rag.models.installed import catalogue, find, models_dir, profile, state
from rag.models.learned_file import read_learned_file
from rag.models.reader import FORMAT, shipped
from rag.models.remote_generator import is_address

if TYPE_CHECKING:
    from rich.console import Console

PACKAGES = (
    "torch",
    "sentence-transformers",
    "faiss-cpu",
    "llama-cpp-python",
    "gradio",
    "PyStemmer",
    "py3langid",
    "charset-normalizer",
    "tokenizers",
    "huggingface_hub",
    "filelock",
    "platformdirs",
    "typer",
    "rich",
)
SMALL_MEMORY = 5_000_000_000
"""In bytes. With less memory the default profile, which takes up to 4.5 GB, is uncomfortable."""


class Standing(StrEnum):
    """The status of a line of the report."""

    FINE = "fine"
    NOTE = "note"
    """Worth knowing, but nothing required is missing."""
    MISSING = "missing"
    """Something required is missing or unusable."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line: `label`, `says` and `advice` are keys of strings.toml filled in with `fields`; `command` is the command to run, or "".

    `value` is the same in every language; `says`, if given, is shown instead.
    """

    label: str
    value: str
    mark: Standing = Standing.FINE
    advice: str = ""
    command: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    says: str = ""

    def name(self, language: str = "en") -> str:
        """Return the label in the reader's language."""
        return say(self.label, language, **self.fields)

    def found(self, language: str = "en") -> str:
        """Return what was found, in the reader's language, or that it is missing."""
        if self.says:
            return say(self.says, language, **self.fields)
        return self.value or say("doctor.absent", language)

    def what_to_do(self, language: str = "en") -> str:
        """Return the advice in the reader's language; "" if there is none."""
        return say(self.advice, language, command=self.command, **self.fields) if self.advice else ""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model of the catalogue on this machine: `bytes` is its current size, `size` the complete one, `status` as in ModelState."""

    entry: ModelEntry
    status: str
    bytes: int
    size: int
    wanted: bool
    command: str


@dataclass(frozen=True, slots=True)
class Report:
    """The results; `models` are all of the catalogue, `wanted` those of the profile in use."""

    checks: tuple[Check, ...]
    models: tuple[ModelRow, ...]
    models_path: Path

    @property
    def ok(self) -> bool:
        """Whether everything required is there."""
        return not any(check.mark is Standing.MISSING for check in self.checks)

    @property
    def exit_code(self) -> int:
        """0, or the exit code of a missing model if anything required is missing."""
        return 0 if self.ok else ModelMissing.exit_code


def examine(
    *,
    profile_name: str = "default",
    generator: str = "",
    embedder: str = "",
    index: Path | None = None,
    documents: str = "seeds",
    deep: bool = False,
    device: Device = "",
    gpu_layers: int = ALL_LAYERS,
) -> Report:
    """Examine the installation; change nothing and send no requests.

    `generator` and `embedder` (names or paths) replace those of the profile; `index` is the folder of an index to check and `documents` the
    folder it would be built from; `deep` compares every model's hashes, which reads gigabytes; `device` and `gpu_layers` are as in the
    settings.
    """
    chosen = profile(profile_name)
    chosen = Profile(chosen.name, generator or chosen.generator, embedder or chosen.embedder)
    lines = model_lines(chosen, deep=deep)
    checks = [*_python(), *_packages(), *_computing(device, gpu_layers), *_models(chosen, lines), _disk(lines), *_memory(chosen)]
    if index is not None:
        checks.append(_index(index, chosen.embedder, documents))
    return Report(tuple(checks), tuple(lines), models_dir())


def model_lines(chosen: Profile | None = None, *, deep: bool = False) -> list[ModelRow]:
    """Return every model of the catalogue with its state on this machine."""
    wanted = {chosen.generator, chosen.embedder} if chosen else set()
    lines = []
    for name, entry in catalogue().items():
        found = state(name, deep=deep)
        lines.append(ModelRow(entry, found.status, found.bytes, entry.bytes, name in wanted, _get(name)))
    return lines


def _get(name: str) -> str:
    return f"python -m rag models get {name}"


def gigabytes(count: int) -> str:
    """Return a number of bytes for display: "1.1 GB", "4 MB"."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.0f} MB"


def _python() -> Iterator[Check]:
    version = platform.python_version()
    if sys.version_info < (3, 11):  # noqa: UP036  whoever runs it from a checkout may have any Python
        yield Check("doctor.python", version, Standing.MISSING, "doctor.old_python", "make run")
    else:
        yield Check("doctor.python", f"{version} ({sys.executable})")
    yield Check("doctor.system", f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPU")


def _packages() -> Iterator[Check]:
    missing = set()
    for name in PACKAGES:
        fields = {"name": name}
        try:
            yield Check("doctor.package", metadata.version(name), fields=fields)
        except metadata.PackageNotFoundError:
            missing.add(name)
            yield Check("doctor.package", "", Standing.MISSING, "doctor.no_package", "make run", fields)
    compiler = next(filter(None, map(shutil.which, (os.environ.get("CXX") or "c++", "g++", "clang++"))), None)
    if compiler or "llama-cpp-python" not in missing:
        yield Check("doctor.compiler", compiler or "", Standing.FINE if compiler else Standing.NOTE)
    else:
        command = "xcode-select --install" if sys.platform == "darwin" else "sudo apt-get install g++"
        yield Check("doctor.compiler", "", Standing.MISSING, "doctor.no_compiler", command)


def _computing(wanted: Device, gpu_layers: int) -> Iterator[Check]:
    """Return what the models compute on; nothing where torch or the engine can't be imported, which is said above."""
    try:
        device, engine = chosen_device(wanted), engine_has_gpu()
    except BadSetting as error:
        fields = {key: str(value) for key, value in error.fields.items()}
        yield Check("doctor.gpu", str(wanted), Standing.MISSING, error.key, "", fields)
        return
    except (ImportError, OSError):
        return
    on_gpu = engine and gpu_layers != 0
    fields = {"device": device, "engine": f"gpu ({'all' if gpu_layers == ALL_LAYERS else gpu_layers})" if on_gpu else "cpu"}
    if device != "cpu" and not engine:
        flag = {"cuda": "-DGGML_CUDA=on", "mps": "-DGGML_METAL=on"}[device]
        yield Check("doctor.gpu", "", Standing.NOTE, "doctor.gpu_idle", f'CMAKE_ARGS="{flag}" make run', fields, "doctor.gpu_is")
    else:
        yield Check("doctor.gpu", "", fields=fields, says="doctor.gpu_is")


def _models(chosen: Profile, lines: Sequence[ModelRow]) -> Iterator[Check]:
    """Return the models in use: from the catalogue, or at the user's own paths."""
    known = {line.entry.name: line for line in lines}
    yield _model("doctor.generator", chosen.generator, known.get(chosen.generator))
    yield from _advice(chosen.generator, known)
    yield _model("doctor.embedder", chosen.embedder, known.get(chosen.embedder))
    yield _reader(chosen.embedder)


def _advice(generator: str, known: Mapping[str, ModelRow]) -> Iterator[Check]:
    """Return what the generator may do, and the one of the catalogue that this computer's memory is enough for, if it is another."""
    fields = {"name": generator}
    if (trial := tried(generator)) is not None:
        able = [kind for kind, figure in (("same", trial.same), ("across", trial.across)) if figure.passed]
        says = "doctor.may_write" if able else "doctor.may_quote"
        yield Check("doctor.may", "", fields=fields | {"date": trial.date}, says=says)
    elif not is_measured(generator) and generator != NO_GENERATOR:
        yield Check(
            "doctor.may", "", Standing.NOTE, "doctor.untried", f"shawahid models try {generator}", fields, "doctor.may_quote_untried"
        )
    found = advised()
    if found is None or found.name == generator or is_address(generator):
        return
    row = known[found.name]
    fields = {"name": found.name, "size": gigabytes(row.size), "licence": found.licence, "total": gigabytes(total_memory())}
    if row.status != "present":
        yield Check("doctor.advised", found.name, fields=fields, says="doctor.advice_generator")


def _model(label: str, name: str, line: ModelRow | None) -> Check:
    if label == "doctor.generator" and is_address(name):
        return Check(label, name.rpartition("@")[2])
    if line is None:
        try:
            found = find(name, "generator" if label == "doctor.generator" else "embedder")
        except ShawahidError:
            fields = {"name": name, "size": "?"}
            return Check(label, name, Standing.MISSING, "doctor.model_missing", "python -m rag models", fields)
        return Check(label, str(found.path))
    if line.status == "present":
        return Check(label, f"{name} ({gigabytes(line.bytes)})")
    fields = {"name": name, "size": gigabytes(line.size)}
    return Check(label, name, Standing.MISSING, f"doctor.model_{line.status}", line.command, fields)


def _reader(embedder: str) -> Check:
    """Return whether there is a reader for an embedder, and its file is whole."""
    path = shipped(embedder)
    if path is None:
        return Check("doctor.reader", "", says="doctor.no_reader")
    try:
        read_learned_file(path, FORMAT)
    except ShawahidError as error:
        return Check(
            "doctor.reader", path.name, Standing.MISSING, error.key, fields={key: str(value) for key, value in error.fields.items()}
        )
    return Check("doctor.reader", f"{path.name} ({path.stat().st_size / 1e6:.1f} MB)")


def _disk(lines: Sequence[ModelRow]) -> Check:
    place = models_dir()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    needed = sum(line.size for line in lines if line.wanted and line.status != "present")
    if needed > free:
        fields = {"needed": gigabytes(needed), "free": gigabytes(free)}
        return Check("doctor.disk", gigabytes(free), Standing.MISSING, "doctor.little_disk", "", fields)
    return Check("doctor.disk", gigabytes(free))


def _memory(chosen: Profile) -> Iterator[Check]:
    found = memory()
    if found is None:
        return
    free, total = found
    value = f"{gigabytes(free)} / {gigabytes(total)}"
    if total < SMALL_MEMORY and chosen.embedder == profile("default").embedder:
        fields = {"total": gigabytes(total)}
        yield Check("doctor.memory", value, Standing.NOTE, "doctor.little_memory", "make run SHAWAHID_PROFILE=light", fields)
    else:
        yield Check("doctor.memory", value)


def _index(folder: Path, embedder: str, documents: str) -> Check:
    from rag.storage.database import DATABASE, Store

    where, command = {"path": str(folder)}, f"python -m rag build {documents}"
    try:
        store = Store(folder / DATABASE)
        try:
            manifest = store.manifest()
        finally:
            store.close()
    except IndexMissing:
        manifest = None
    except ShawahidError as error:
        return Check("doctor.index", "", Standing.MISSING, "doctor.bad_index", command, where | {"reason": str(error)})
    if manifest is None:
        return Check("doctor.index", "", Standing.MISSING, "doctor.no_index", command, where)
    fields = where | {"embedder": manifest.embedder, "wanted": embedder}
    fields |= {"documents": str(manifest.documents), "passages": str(manifest.passages)}
    if manifest.embedder != embedder:
        return Check("doctor.index", "", Standing.MISSING, "doctor.other_embedder", command, fields, "doctor.index_holds")
    return Check("doctor.index", "", fields=fields, says="doctor.index_holds")


# --- showing it ----------------------------------------------------------------------------------------------------------

_SIGNS = {Standing.FINE: "[green]✓[/]", Standing.NOTE: "[yellow]•[/]", Standing.MISSING: "[red]✗[/]"}
_STATES = {"present": "green", "partial": "yellow", "corrupt": "red", "missing": "dim"}


def render(report: Report, language: str, console: Console) -> None:
    """Print the report: a table of results, the models, and what to do about what is missing."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=say("doctor.title", language), show_header=False, box=None, pad_edge=False)
    for check in report.checks:
        table.add_row(_SIGNS[check.mark], escape(check.name(language)), escape(check.found(language)))
    console.print(table)
    console.print()
    render_models(report.models, language, console)
    advice = [check.what_to_do(language) for check in report.checks if check.advice]
    console.print()
    if not advice:
        console.print(say("doctor.all_well", language), style="green")
        return
    console.print(say("doctor.advice_title", language), style="bold")
    for number, text in enumerate(advice, 1):
        console.print(f"{number}. {escape(text)}", soft_wrap=True)


def render_models(lines: Sequence[ModelRow], language: str, console: Console) -> None:
    """Print the catalogue: each model with its kind, its state on this machine, its size, licence and a remark."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=say("doctor.models_title", language, path=models_dir()), box=None, pad_edge=False)
    table.add_column(say("doctor.column_model", language), no_wrap=True)  # a name is there to be copied
    table.add_column(say("doctor.column_kind", language))
    table.add_column(say("doctor.column_state", language))
    table.add_column(say("doctor.column_size", language), justify="right")
    table.add_column(say("doctor.column_licence", language))
    table.add_column(say("doctor.column_note", language))
    for line in lines:
        table.add_row(
            escape(line.entry.name) + (" *" if line.wanted else ""),
            say(f"doctor.{line.entry.kind}", language),
            f"[{_STATES[line.status]}]{say(f'doctor.state_{line.status}', language)}[/]",
            gigabytes(line.bytes if line.status == "present" else line.size),
            escape(line.entry.licence),
            escape(line.entry.remark(language)),
        )
    console.print(table)
