"""What holds the text of documents can be read by its user only, unless that is changed by hand."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.evaluation.records import RecordFile
from rag.files import create_private, make_private
from rag.schema import Document
from rag.storage.build import add_documents, build_index
from rag.testing import HashEmbedder
from tests.helpers import write

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """New files would be readable by all."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def files(index: Path) -> dict[str, int]:
    return {path.name: mode(path) for path in index.iterdir() if path.suffix in (".sqlite", ".faiss", ".clusters")}


def test_an_index_is_closed_to_others_in_a_new_folder_and_in_one_that_is_open(folder: Path, tmp_path: Path, meeting: HashEmbedder) -> None:
    build_index(folder, tmp_path / "new" / "index", meeting)
    assert (mode(tmp_path / "new"), mode(tmp_path / "new" / "index")) == (0o700, 0o700)
    assert set(files(tmp_path / "new" / "index").values()) == {0o600}
    (tmp_path / "open").mkdir(mode=0o755)
    build_index(folder, tmp_path / "open", meeting)
    assert mode(tmp_path / "open") == 0o755
    assert set(files(tmp_path / "open").values()) == {0o600}


def test_an_index_that_was_opened_to_others_stays_open(folder: Path, tmp_path: Path, meeting: HashEmbedder) -> None:
    index = tmp_path / "index"
    build_index(folder, index, meeting)
    for path in index.iterdir():
        path.chmod(0o644)
    before = files(index)
    build_index(write(folder, {"ar/جديد.txt": "نص جديد عن المنارة."}), index, meeting, rebuild=True)
    assert set(files(index).values()) == {0o644}
    assert files(index).keys() != before.keys()  # a new file of vectors was written
    add_documents(index, [Document.of_text("x", "A lighthouse. منارة.")], meeting)
    assert set(files(index).values()) == {0o644}


def test_reports_are_closed_to_others(tmp_path: Path) -> None:
    with RecordFile.open(tmp_path / "reports" / "one" / "records.jsonl"):
        pass
    assert mode(tmp_path / "reports" / "one") == mode(tmp_path / "reports") == 0o700


def test_what_exists_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "ملف"
    path.write_text("text", encoding="utf-8")
    path.chmod(0o640)
    create_private(path)
    make_private(tmp_path)
    assert (path.read_text(encoding="utf-8"), mode(path)) == ("text", 0o640)
    create_private(tmp_path / "none" / "file")  # there can't be one: no error here
    create_private(tmp_path / "like", path)
    assert mode(tmp_path / "like") == 0o640
