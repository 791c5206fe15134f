"""The files of documents and their pages over the wire: for whoever sees the collection, inside its folder, within limits."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag.documents.formats.page_pictures import PagePicture
from rag.library.originals import Original, Originals
from rag.server import Access
from rag.service.fair_queue import Busy
from tests import pdfs
from tests.reader import PASSWORD, Reader
from tests.serving import Running, served


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server behind a password."""
    pytest.importorskip("gradio")
    with served(tmp_path_factory.mktemp("originals"), access=Access(PASSWORD, hosts=None), window=True) as server:
        yield server


@pytest.fixture(scope="module")
def layla(running: Running) -> Reader:
    return Reader(running)


def packed(**files: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(f"{name}.pdf", data)
    return out.getvalue()


def page(reader: Reader, collection: str, id: str, **more: str) -> tuple[int, str, bytes]:
    found = reader.http.get("/shawahid/page", params={"collection": collection, "id": id, "page": "1", "width": "600", **more})
    return found.status_code, found.headers["content-type"], found.content


def test_a_page_is_shown_to_its_owner_and_to_nobody_else(running: Running, layla: Reader) -> None:
    id = layla.call("create", "قضية")["collection"]
    layla.upload(id, "تقرير.pdf", pdfs.with_library())
    status, kind, data = page(layla, id, "تقرير.pdf")
    assert (status, kind, data[:4]) == (200, "image/webp", b"RIFF")
    omar = Reader(running)
    for address in ("/shawahid/page", "/shawahid/original"):
        asked = {"collection": id, "id": "تقرير.pdf", "page": "1", "width": "600"}
        assert omar.http.get(address, params=asked).status_code == 400
        with running.client() as stranger:
            assert stranger.get(address, params=asked).status_code == 401
    layla.call("share", {"collection": id, "shared": True})
    assert page(omar, id, "تقرير.pdf")[0] == 200


def test_a_file_is_given_whole_to_be_saved_and_never_opened(layla: Reader) -> None:
    id = layla.call("create", "ملفات")["collection"]
    layla.upload(id, "page.html", "<script>alert(1)</script><p>Hello there, reader.</p>")
    found = layla.http.get("/shawahid/original", params={"collection": id, "id": "page.html"})
    assert found.text == "<script>alert(1)</script><p>Hello there, reader.</p>"
    assert found.headers["content-type"] == "application/octet-stream"
    assert found.headers["content-disposition"] == "attachment; filename*=utf-8''page.html"
    assert found.headers["x-content-type-options"] == "nosniff"
    inner = pdfs.with_library()
    layla.upload(id, "box.zip", packed(one=inner))
    found = layla.http.get("/shawahid/original", params={"collection": id, "id": "box.zip/one.pdf"})
    assert (found.content, found.headers["content-disposition"]) == (inner, "attachment; filename*=utf-8''one.pdf")
    assert page(layla, id, "box.zip/one.pdf")[:2] == (200, "image/webp")
    assert page(layla, id, "box.zip/two.pdf")[0] == 422


@pytest.mark.parametrize("id", ["../../index/shawahid.db", "../name", "..%2Fname", "/etc/passwd", "missing.pdf", "", ".removed/x.pdf"])
def test_nothing_outside_the_folder_is_given(layla: Reader, id: str) -> None:
    collection = layla.call("create", f"قضية {abs(hash(id)) % 10**6}")["collection"]
    for address in ("/shawahid/page", "/shawahid/original"):
        found = layla.http.get(address, params={"collection": collection, "id": id, "page": "1", "width": "600"})
        assert found.status_code in (400, 403), address
        assert b"root:" not in found.content


@pytest.mark.parametrize(
    ("more", "status"),
    [({"page": "0"}, 422), ({"page": "99"}, 422), ({"page": "x"}, 422), ({"width": "99999999"}, 200), ({"width": ""}, 200)],
)
def test_what_is_asked_for_is_bounded_and_said_in_both_languages(layla: Reader, more: dict[str, str], status: int) -> None:
    id = layla.call("create", f"حدود {abs(hash(str(more))) % 10**6}")["collection"]
    layla.upload(id, "a.pdf", pdfs.with_library())
    found, kind, data = page(layla, id, "a.pdf", **more)
    assert found == status
    if status == 422:
        assert kind == "application/json"
        assert json.loads(data)["error"]["ar"].startswith("في a.pdf عدد 2 من الصفحات")
    else:
        assert len(data) < 2**20


def test_a_page_that_the_browser_has_is_not_sent_again_until_its_file_changes(layla: Reader) -> None:
    id = layla.call("create", "مرة")["collection"]
    layla.upload(id, "a.pdf", pdfs.with_library())
    asked = {"collection": id, "id": "a.pdf", "page": "1", "width": "600"}
    first = layla.http.get("/shawahid/page", params=asked)
    assert first.headers["cache-control"] == "private, no-cache"
    again = layla.http.get("/shawahid/page", params=asked, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    layla.upload(id, "a.pdf", pdfs.blank("picture"))
    changed = layla.http.get("/shawahid/page", params=asked, headers={"if-none-match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.content != first.content


def test_pages_are_drawn_once_and_too_many_at_once_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdfs.with_library())
    originals, drawn = Originals(), list[int]()

    def draw(data: bytes, suffix: str, name: str, number: int, width: int) -> PagePicture:
        drawn.append(number)
        return PagePicture(b"x", width, width, 2)

    originals._parser.render = draw  # type: ignore[method-assign]

    async def ask(many: int) -> int:
        asked = [originals.page("somebody", Original(path, "a.pdf"), 1 + number % 50, 500) for number in range(many)]
        found = await asyncio.gather(*asked, return_exceptions=True)
        return sum(isinstance(one, Busy) for one in found)

    assert asyncio.run(ask(1)) == 0
    assert asyncio.run(ask(1)) == 0
    assert drawn == [1]
    assert asyncio.run(ask(200)) > 0
    originals.close()
