"""Files written whole or not at all, and locks."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rag.errors import DiskFailed, DiskFull, FetchFailed
from rag.files import locked, user_cache, user_data, user_settings, write_atomically, write_error
from tests.helpers import ROOT


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_takes_the_place_of_another(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "ملف.txt"
    path.write_text("before", encoding="utf-8")
    with write_atomically(path, durable=durable) as partial:
        partial.write_text("after", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "before"
        assert partial.name.startswith(".")
    assert path.read_text(encoding="utf-8") == "after"
    assert list(tmp_path.iterdir()) == [path]


def test_what_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"before")

    def fail() -> None:
        with write_atomically(path) as partial:
            partial.write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with pytest.raises(FileNotFoundError), write_atomically(path):
        pass  # nothing was written
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_two_at_once_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with write_atomically(path) as one, write_atomically(path) as other:
        one.write_bytes(b"one")
        other.write_bytes(b"other")
    assert path.read_bytes() == b"one"  # the outer block ends last
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "kind", "key"),
    [
        (errno.ENOSPC, DiskFull, "error.disk_full"),
        (errno.EDQUOT, DiskFull, "error.disk_full"),
        (errno.EIO, DiskFailed, "error.disk_failed"),
        (errno.EROFS, DiskFull, "error.folder_unwritable"),
        (errno.EACCES, DiskFull, "error.folder_unwritable"),
        (None, DiskFull, "error.folder_unwritable"),
    ],
)
def test_what_the_system_says_in_words(tmp_path: Path, number: int | None, kind: type[Exception], key: str) -> None:
    found = write_error(tmp_path, OSError(number, os.strerror(number) if number else "FAISS"))
    assert (type(found), found.key) == (kind, key)
    assert str(tmp_path) in found.text("ar")


HOLD = """
import sys, time
from pathlib import Path
from rag.files import locked
with locked(Path(sys.argv[1]), 0, ValueError()):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_is_held_by_one_and_goes_with_its_process(tmp_path: Path) -> None:
    path, busy = tmp_path / "lock", FetchFailed("models.busy", name="tiny")
    other = subprocess.Popen([sys.executable, "-c", HOLD, path], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(FetchFailed), locked(path, 0.0, busy):
            pass
    finally:
        other.kill()
        other.communicate()
    with locked(path, None, busy):
        pass


def test_the_users_folders_bear_the_name_of_the_product() -> None:
    for folder in (user_cache(), user_data(), user_settings()):
        assert "shawahid" in folder.parts
