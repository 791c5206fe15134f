"""Several people at one window: what each sees of the others, over HTTP, as their browsers ask."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rag.errors import IndexBusy, MilvusFailed
from rag.library import feedback, identity
from rag.library.collections import BadName, NotYours
from rag.library.library import Library
from rag.library.reports import reports_for
from rag.library.uploads import NoRoom
from rag.server import Access
from rag.testing import HashEmbedder
from tests.reader import PASSWORD, Reader
from tests.serving import FERRY, SECRET, Running, served
from tests.waiting import run_async, wait_for, wait_until

HERON = "The heron of the marsh eats frogs. The otter of the marsh sleeps at noon."
PRIVATE = "ملف ليلى السري.txt"


@contextmanager
def shared(folder: Path, **more: Any) -> Iterator[Running]:
    pytest.importorskip("gradio")
    with served(folder, access=Access(PASSWORD, (SECRET,), hosts=None, changes=True), window=True, **more) as server:
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with shared(tmp_path_factory.mktemp("people")) as running:
        yield running


# --- what is not shared ---------------------------------------------------------------------------------------------------


def test_a_collection_is_seen_and_asked_by_the_browser_that_made_it_and_by_no_other(server: Running) -> None:
    layla, omar = Reader(server), Reader(server)
    id = layla.collection("قضية ليلى", PRIVATE, HERON)
    assert id in layla.ids()
    assert layla.call("status", id)["documents"] == 1
    assert layla.ask("What does the heron of the marsh eat?", id)[-1]["answer"]["sources"][0]["document"] == PRIVATE

    assert omar.ids() == [""]
    unknown = omar.error("document", {"id": PRIVATE, "collection": "~" + "0" * 32})
    assert unknown == "ui.error_collection_unknown"
    assert omar.call("documents", id)["collection"] == ""
    assert PRIVATE not in json.dumps(omar.call("documents", id), ensure_ascii=False)
    assert omar.call("status", id)["documents"] == 0
    ways: list[tuple[str, Any]] = [
        ("document", {"id": PRIVATE, "collection": id}),
        ("remove", {"id": PRIVATE, "collection": id}),
        ("build", id),
        ("share", {"collection": id, "shared": True}),
        ("quality", id),
        ("feedback", {"collection": id, "question": FERRY, "kind": "should_decline"}),
    ]
    for name, argument in ways:
        assert omar.error(name, argument) == unknown, name  # as for one that is not there
    assert omar.upload(id, "x.txt", "x").json()["error"]["key"] == unknown
    last = omar.ask("What does the heron of the marsh eat?", id)[-1]
    assert (last["state"], last["error"]["key"]) == ("error", unknown)
    # The same again where programs ask, with the browser's cookies and with a token.
    for client in (omar.http, server.client(headers={"authorization": f"Bearer {SECRET}"})):
        question = {"question": "What does the heron of the marsh eat?", "collection": id}
        assert client.post("/v1/ask", json=question).status_code == 404
        assert client.post("/v1/search", json=question).status_code == 404
        assert client.get("/v1/documents", params={"collection": id}).status_code == 404
        assert client.get("/v1/document", params={"collection": id, "id": PRIVATE}).status_code == 404
        assert client.put("/v1/documents/x.txt", params={"collection": id}, content=b"x").status_code == 404
        assert client.delete("/v1/documents", params={"collection": id, "id": PRIVATE}).status_code == 404
        assert id not in client.get("/v1/models").text
    assert layla.http.post("/v1/ask", json=question).json()["citations"][0]["document"] == PRIVATE
    assert id in layla.http.get("/v1/models").text


def test_two_people_may_give_the_same_name_and_learn_nothing_of_each_other(server: Running) -> None:
    one, other = Reader(server), Reader(server)
    first, second = one.call("create", "Case 12")["collection"], other.call("create", "Case 12")["collection"]
    assert first != second
    assert one.error("create", "case 12") == "ui.error_collection_exists"


def test_an_indexing_is_told_to_and_stopped_by_whoever_began_it(server: Running) -> None:
    layla, omar = Reader(server), Reader(server)
    id = layla.call("create", "سرّي")["collection"]
    assert layla.upload(id, "noise.txt", "\0" * 40).status_code == 200
    assert layla.upload(id, "good.txt", HERON).status_code == 200
    job = layla.call("build", id)
    assert len(job["id"]) == 32
    assert omar.call("cancel", job["id"]) is False
    assert omar.call("job", job["id"]) == {"state": "done", "added": 0, "removed": 0, "skipped": []}
    assert omar.call("documents", id)["job"] is None
    assert [item["name"] for item in layla.finished(job)["skipped"]] == ["noise.txt"]
    assert omar.http.get("/v1/indexing").json()["state"] == "none"
    assert layla.http.get("/v1/indexing").json()["state"] == "done"


def test_complaints_of_a_collection_are_counted_for_its_owner_only(server: Running) -> None:
    layla, omar = Reader(server), Reader(server)
    id = layla.collection("شكاوى", PRIVATE, HERON)
    said = {"collection": id, "question": "Does the heron sing?", "kind": "should_decline"}
    assert layla.call("feedback", said) == {"kept": True}
    assert layla.call("quality", "")["feedback"] == [{"id": id, "name": "شكاوى", "count": 1}]
    asked = layla.call("own_question", {"collection": id, "number": 0})
    assert (asked["question"], asked["of"]) == ("Does the heron sing?", 1)
    assert omar.call("own_question", {"collection": id, "number": 0}) == {"of": 0}
    # One about the documents of everybody is for whoever started Shawahid, and is told to nobody else.
    assert omar.call("feedback", {**said, "collection": "", "question": "Does the ferry sing?"}) == {"kept": True}
    for reader in (layla, omar):
        assert "ferry" not in json.dumps(reader.call("quality", ""))
    assert omar.call("quality", "")["feedback"] == []


def test_an_evaluation_of_complaints_is_read_by_whoever_started_shawahid_only(server: Running) -> None:
    question = {"id": "reader-0123456789abcdef", "question": "هل اختلس المدير المال؟"}
    runs: dict[str, list[dict[str, str]] | None] = {
        "seed": [{"id": "ar-1", "question": "من كتب الرسالة؟"}],
        "mixed": [{"id": "ar-1", "question": "من كتب الرسالة؟"}, question],
        "torn": [{"question": "no id"}],
        "bare": None,
        "none asked": [],
    }
    for name, records in runs.items():
        run = server.folder / "reports" / name
        run.mkdir(parents=True)
        (run / "report.html").write_text(f"<!doctype html><title>{name}</title>", encoding="utf-8")
        if records is not None:
            lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records]
            (run / "records.jsonl").write_text("".join(lines), encoding="utf-8")
    reader = Reader(server)
    assert sorted(each["name"] for each in reader.call("quality", "")["reports"]) == ["none asked", "seed"]
    status = {name: reader.http.get("/shawahid/report", params={"name": name}).status_code for name in runs}
    assert status == {"seed": 200, "mixed": 404, "torn": 404, "bare": 404, "none asked": 200}
    # Asked again with a complaint among the questions, the same run is no longer for all.
    (server.folder / "reports" / "seed" / "records.jsonl").write_text(json.dumps(question), encoding="utf-8")
    assert reader.http.get("/shawahid/report", params={"name": "seed"}).status_code == 404
    assert len(reports_for(server.folder / "reports", identity.OPERATOR)) == 5


# --- what is shared -------------------------------------------------------------------------------------------------------


def test_the_first_collection_is_read_by_all_and_changed_by_programs_with_a_token_only(server: Running) -> None:
    reader = Reader(server)
    row = reader.call("documents", "")["collections"][0]
    assert (row["id"], row["mine"], row["shareable"]) == ("", False, False)
    assert reader.ask(FERRY)[-1]["answer"]["status"] == "answered"
    assert reader.upload("", "x.txt", "x").status_code == 403
    assert reader.error("build", "") == "ui.error_collection_not_yours"
    assert reader.error("remove", {"collection": "", "id": "en/ferry.txt"}) == "ui.error_collection_not_yours"
    assert reader.http.put("/v1/documents/x.txt", content=b"x").status_code == 403
    assert not (server.folder / "documents" / "x.txt").exists()
    with server.client(headers={"authorization": f"Bearer {SECRET}"}) as program:
        assert program.put("/v1/documents/program.txt", content=b"The tide table is blue.").status_code == 202
    assert (server.folder / "documents" / "program.txt").is_file()


def test_sharing_lets_the_others_read_and_ask_until_it_ends(server: Running) -> None:
    layla, omar = Reader(server), Reader(server)
    id = layla.collection("للجميع", PRIVATE, HERON)
    assert layla.call("share", {"collection": id, "shared": True}) == {"shared": True}
    row = next(each for each in omar.call("documents", id)["collections"] if each["id"] == id)
    assert (row["name"], row["mine"], row["shared"], row["shareable"]) == ("للجميع", False, True, False)
    assert [each["id"] for each in omar.call("documents", id)["documents"]] == [PRIVATE]
    assert omar.call("document", {"id": PRIVATE, "collection": id})["length"] == len(HERON)
    assert omar.ask("What does the heron of the marsh eat?", id)[-1]["answer"]["sources"][0]["document"] == PRIVATE
    for name, argument in (("build", id), ("remove", {"collection": id, "id": PRIVATE}), ("share", {"collection": id, "shared": False})):
        assert omar.error(name, argument) == "ui.error_collection_not_yours"
    assert omar.upload(id, "x.txt", "x").status_code == 403
    with server.client(headers={"authorization": f"Bearer {SECRET}"}) as program:
        assert program.post("/v1/ask", json={"question": FERRY, "collection": id}).status_code == 200
        assert program.put("/v1/documents/x.txt", params={"collection": id}, content=b"x").status_code == 403
    assert layla.call("share", {"collection": id, "shared": False}) == {"shared": False}
    assert omar.error("document", {"id": PRIVATE, "collection": id}) == "ui.error_collection_unknown"


def test_the_key_is_nowhere_on_the_disk_and_in_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with shared(tmp_path) as server:
        reader = Reader(server)
        key = reader.http.cookies["shawahid-owner"]
        id = reader.collection("أثر", PRIVATE, HERON)
        assert (tmp_path / "home" / "collections" / id / "owner").read_text() == identity.digest(key)
        for path in tmp_path.rglob("*"):
            assert not path.is_file() or key.encode() not in path.read_bytes()
        own = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]  # the test's own
        assert not any(key in message for message in own)
        reader.http.close()
    with shared(tmp_path) as again:  # the key outlasts the server
        later = again.client(cookies={"shawahid-owner": key})
        assert later.get("/config").status_code == 401
        later.post("/login", data={"password": PASSWORD})
        assert id in later.get("/v1/models").text


def test_without_a_password_there_is_one_person_and_nothing_is_asked(tmp_path: Path) -> None:
    pytest.importorskip("gradio")
    with served(tmp_path, window=True) as server:
        one, other = Reader(server, ""), Reader(server, "")
        assert "shawahid-owner" not in one.http.cookies
        id = one.collection("قضية 12", PRIVATE, HERON)
        assert id == "قضية 12"
        row = next(each for each in other.call("documents", id)["collections"] if each["id"] == id)
        assert (row["mine"], row["shareable"]) == (True, False)
        assert one.call("feedback", {"collection": id, "question": "Does the heron sing?", "kind": "should_decline"}) == {"kept": True}
        assert (tmp_path / "feedback" / "قضية 12.jsonl").is_file()
        assert other.call("quality", "")["feedback"] == [{"id": id, "name": "قضية 12", "count": 1}]


# --- from another browser -------------------------------------------------------------------------------------------------


def test_whoever_lost_the_cookie_has_their_collections_again_with_the_key(server: Running) -> None:
    layla = Reader(server)
    id = layla.collection("قضية المفتاح", PRIVATE, HERON)
    shown = layla.http.post("/shawahid/key/show")
    key = shown.json()["key"]
    assert (key, shown.headers["cache-control"]) == (layla.http.cookies["shawahid-owner"], "no-store")
    elsewhere = Reader(server)  # with a key of its own, and something that belongs to it
    other = elsewhere.call("create", "notes")["collection"]
    assert id not in elsewhere.ids()
    used = elsewhere.http.post("/shawahid/key/use", json={"key": f" {key}\n"})
    assert used.status_code == 200
    assert re.search(f"shawahid-owner={key}; Max-Age=34560000; HttpOnly; SameSite=Strict; Path=/$", used.headers["set-cookie"])
    assert {id, other} < set(elsewhere.ids())
    assert elsewhere.call("document", {"id": PRIVATE, "collection": id})["length"] == len(HERON)
    assert elsewhere.upload(id, "x.txt", "x").status_code == 200
    assert other in layla.ids()  # nothing of the other browser was lost


def test_a_key_that_nothing_belongs_to_does_not_take_the_place_of_a_good_one(server: Running) -> None:
    reader = Reader(server)
    id = reader.call("create", "stays")["collection"]
    key = reader.http.post("/shawahid/key/show").json()["key"]
    for wrong in (key[:-1], identity.Keys().new(), "", "ق" * 43, None, {"a": 1}):
        answer = reader.http.post("/shawahid/key/use", json={"key": wrong})
        assert (answer.status_code, answer.json()["error"]["key"]) == (400, "server.unknown_key"), wrong
        assert "set-cookie" not in answer.headers
    assert reader.http.post("/shawahid/key/use", content=b"{").status_code == 400
    assert id in reader.ids()


def test_a_key_is_shown_to_nobody_but_its_browser(server: Running, tmp_path: Path) -> None:
    reader = Reader(server)
    with server.client() as stranger:
        assert stranger.post("/shawahid/key/show").status_code == 401
        stranger.cookies.set("shawahid-owner", reader.http.cookies["shawahid-owner"])
        assert stranger.post("/shawahid/key/show").status_code == 401  # the key alone is no login
    with server.client(headers={"authorization": f"Bearer {SECRET}"}) as program:
        assert program.post("/shawahid/key/show").status_code == 401
    foreign = reader.http.post("/shawahid/key/use", json={"key": "x"}, headers={"origin": "https://elsewhere.example"})
    assert foreign.status_code == 403
    assert reader.http.get("/shawahid/key/show").status_code in (404, 405)
    with served(tmp_path, window=True) as alone:  # without a password there is no key
        assert alone.client().post("/shawahid/key/show").status_code in (404, 405)


# --- room -----------------------------------------------------------------------------------------------------------------


def test_a_reader_has_room_for_so_much_and_loses_nothing_when_it_is_full(tmp_path: Path) -> None:
    with shared(tmp_path, quota=1000) as server:
        layla, omar = Reader(server), Reader(server)
        one, two = layla.call("create", "أولى")["collection"], layla.call("create", "ثانية")["collection"]
        assert layla.upload(one, "a.txt", "a" * 600).status_code == 200
        for id, name, size in ((two, "b.txt", 401), (one, "a.txt", 500)):  # another, and one in the place of the first
            refused = layla.upload(id, name, "b" * size)
            assert (refused.status_code, refused.json()["error"]["key"]) == (507, "ui.error_no_room")
            assert f"لا مكان للملف {name}" in refused.json()["error"]["ar"]
        documents = tmp_path / "home" / "collections" / one / "documents"
        assert [path.name for path in documents.iterdir()] == ["a.txt"]
        assert (documents / "a.txt").read_text() == "a" * 600
        assert layla.upload(two, "b.txt", "b" * 400).status_code == 200
        assert omar.upload(omar.call("create", "له")["collection"], "c.txt", "c" * 1000).status_code == 200
        # What is removed is still kept, and counts until it is destroyed.
        assert layla.upload(one, "c.txt", "").status_code == 200
        layla.finished(layla.call("remove", {"collection": one, "id": "a.txt"}))
        assert layla.upload(one, "d.txt", "d" * 100).status_code == 507
        assert omar.error("destroy", one) == "ui.error_collection_unknown"
        assert layla.call("destroy", one) is True
        assert layla.upload(one, "d.txt", "d" * 600).status_code == 200
        assert not (documents / ".removed").exists()
        # Programs act for whoever started Shawahid, who needs no such bound.
        with server.client(headers={"authorization": f"Bearer {SECRET}"}) as program:
            assert program.put("/v1/documents/large.txt", content=b"x" * 2000).status_code == 202


def test_feedback_counts_and_so_does_what_all_readers_store_together(tmp_path: Path) -> None:
    def said(number: int) -> dict[str, Any]:
        return {"collection": "", "question": f"Does heron {number} sing? " + "x" * 400, "kind": "should_decline"}

    with shared(tmp_path, quota=3000, total_quota=5000) as server:
        layla, omar = Reader(server), Reader(server)
        answers = [layla.call("feedback", said(number)) for number in range(8)]
        assert answers[:3] == [{"kept": True}] * 3
        assert answers[-1]["error"]["key"] == "ui.error_no_room_for_feedback"
        kept = (tmp_path / "feedback" / "questions.jsonl").stat().st_size
        assert 2000 < kept <= 3000
        assert layla.upload(layla.call("create", "لها")["collection"], "a.txt", "a" * 1000).status_code == 507
        # Another reader has room, as far as all of them together do.
        id = omar.call("create", "له")["collection"]
        assert omar.upload(id, "a.txt", "a" * 1500).status_code == 200
        refused = omar.upload(id, "b.txt", "b" * 1200)
        assert (refused.status_code, refused.json()["error"]["key"]) == (507, "ui.error_no_room_for_all")


def test_what_readers_store_is_readable_by_the_server_only(server: Running) -> None:
    reader = Reader(server)
    id = reader.collection("خاصة", "ملف.txt", HERON)
    home = server.folder / "home"
    for folder in (home, home / "collections", home / "collections" / id, home / "collections" / id / "documents"):
        assert folder.stat().st_mode & 0o077 == 0, folder
    assert (home / "keys").stat().st_mode & 0o077 == 0
    reader.call("feedback", {"collection": id, "question": "Does the heron sing?", "kind": "should_decline"})
    assert (server.folder / "feedback").stat().st_mode & 0o077 == 0


def test_an_error_after_the_change_was_published_does_not_call_it_failed(library: Library, meeting: HashEmbedder) -> None:
    def fail(index: Path) -> None:
        raise MilvusFailed("error.milvus", address="x", reason="y")

    library.published = fail
    shelf = library.of(LAYLA)
    id = shelf.create("x").id

    async def text() -> AsyncIterator[bytes]:
        yield HERON.encode()

    run_async(shelf.receive(id, "a.txt", text()))
    job = shelf.build(id, meeting)
    job.ended.wait(30)
    assert (job.state, job.error) == ("done", None)
    assert job.view()["added"] == 1
    assert job.view()["notice"]["key"] == "error.milvus"


def test_two_uploads_at_once_do_not_pass_the_bound_together(library: Library) -> None:
    library.quota = 1000
    shelf = library.of(LAYLA)
    id = shelf.create("x").id

    async def both() -> list[str | BaseException]:
        begun, turn = asyncio.Event(), asyncio.Event()

        async def first() -> AsyncIterator[bytes]:
            yield b"a" * 600
            begun.set()
            await turn.wait()

        async def second() -> AsyncIterator[bytes]:
            yield b"b" * 600

        slow = asyncio.ensure_future(shelf.receive(id, "a.txt", first()))
        await begun.wait()
        fast = asyncio.ensure_future(shelf.receive(id, "b.txt", second()))
        await asyncio.wait([fast])
        turn.set()
        return await asyncio.gather(slow, fast, return_exceptions=True)

    came = run_async(both())
    (refused,) = [each for each in came if isinstance(each, NoRoom)]
    (taken,) = [each for each in came if isinstance(each, str)]
    assert refused.fields["limit"] == "0.1"
    assert [path.name for path in (library.home / "collections" / id / "documents").iterdir()] == [taken]


def test_the_room_is_told_in_megabytes_rounded_up(library: Library) -> None:
    library.quota = 512 * 2**20
    shelf = library.of(LAYLA)
    id = shelf.create("x").id
    assert shelf.room(id) == {"held": "0", "most": "512", "aside": "0"}
    folder = library.home / "collections" / id / "documents"
    (folder / ".removed" / "then").mkdir(parents=True)
    (folder / ".removed" / "then" / "a.txt").write_bytes(b"x" * 200_000)
    (folder / "b.txt").write_bytes(b"x" * 11_000_000)
    assert shelf.room(id) == {"held": "11", "most": "512", "aside": "0.2"}
    assert shelf.room("") == {"held": "11", "most": "512", "aside": "0"}
    assert library.of(identity.OPERATOR).room("") == {"held": "", "most": "", "aside": "0"}


def test_what_is_stored_of_a_person_is_counted_and_deleted_and_nobody_elses(tmp_path: Path) -> None:
    library = Library(tmp_path / "home", tmp_path / "documents", tmp_path / "index", feedback=tmp_path / "feedback")
    for person in (LAYLA, OMAR):
        id = library.of(person).create("قضية").id
        folder = library.home / "collections" / id / "documents"
        (folder / ".removed" / "then").mkdir(parents=True)
        (folder / "a.txt").write_bytes(b"x" * 200_000)
        (folder / ".removed" / "then" / "b.txt").write_bytes(b"x")
        for question in ("What?", "ماذا؟"):
            line = feedback.as_question("should_decline", question, "en", answered=True, person=person)
            feedback.record(tmp_path / "feedback" / "questions.jsonl", line)
    layla, omar = library.of(LAYLA), library.of(OMAR)
    assert layla.stored() == {"collections": 1, "files": 2, "megabytes": "0.2", "feedback": 2}
    layla.forget_feedback()
    assert (layla.stored()["feedback"], omar.stored()["feedback"]) == (0, 2)
    layla.forget_collections()
    assert layla.stored() == {"collections": 0, "files": 0, "megabytes": "0", "feedback": 0}
    assert omar.stored() == {"collections": 1, "files": 2, "megabytes": "0.2", "feedback": 2}
    omar.forget_feedback()
    assert list((tmp_path / "feedback").iterdir()) == []
    assert library.of(identity.OPERATOR).stored()["collections"] == 0


# --- the shelf itself -----------------------------------------------------------------------------------------------------

LAYLA, OMAR = identity.digest("a" * 43), identity.digest("b" * 43)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "a.txt").write_text(HERON, encoding="utf-8")
    return Library(tmp_path / "home", tmp_path / "documents", tmp_path / "index")


def test_owners_are_compared_in_constant_time_and_all_of_them(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[int, int]] = []
    really = identity.hmac.compare_digest

    def counted(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return really(one, other)

    ids = [library.of(LAYLA).create(f"c{n}").id for n in range(3)]
    monkeypatch.setattr(identity.hmac, "compare_digest", counted)
    for id in (*ids, "~" + "0" * 32):
        compared.clear()
        assert library.of(OMAR).sees(id) is False
        assert compared == [(64, 64)] * 3, id


@pytest.mark.parametrize("damage", ["owner missing", "owner cut", "name missing", "name bad"])
def test_a_collection_whose_owner_can_not_be_shown_is_nobodys(library: Library, damage: str) -> None:
    id = library.of(LAYLA).create("x").id
    folder = library.home / "collections" / id
    what, how = damage.split()
    (folder / what).unlink() if how == "missing" else (folder / what).write_text("../x" if what == "name" else LAYLA[:9])
    for person in (LAYLA, OMAR, identity.OPERATOR):
        assert library.of(person).sees(id) is False


def test_what_was_made_with_a_plain_name_stays_the_operators(library: Library) -> None:
    library.of(identity.OPERATOR).create("قضية")
    assert library.of(LAYLA).sees("قضية") is False
    (library.home / "collections" / "قضية" / "shared").touch()
    assert library.of(LAYLA).sees("قضية") is True
    with pytest.raises(NotYours):
        library.of(LAYLA).remove("قضية", "x.txt")


def test_nobody_fills_the_disk_with_collections(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.library.collections._MOST", 2)
    for name in ("a", "b"):
        library.of(LAYLA).create(name)
    with pytest.raises(BadName) as caught:
        library.of(LAYLA).create("c")
    assert caught.value.key == "ui.error_collection_many"
    assert library.of(OMAR).create("c").name == "c"


def test_indexings_of_several_people_wait_for_each_other_and_each_sees_its_place(library: Library) -> None:
    gate = threading.Event()

    class Held(HashEmbedder):
        def embed_passages(self, *arguments: Any, **named: Any) -> Any:
            wait_for(gate)
            return super().embed_passages(*arguments, **named)

    first = library.of(identity.OPERATOR).build("", Held())
    waiting = []
    for person in (LAYLA, OMAR):
        shelf = library.of(person)
        id = shelf.create("own").id
        folder = library.home / "collections" / id / "documents"
        (folder / "a.txt").write_text(HERON, encoding="utf-8")
        waiting.append(shelf.build(id, HashEmbedder()))
        with pytest.raises(IndexBusy) as caught:
            shelf.build(id, HashEmbedder())
        assert str(library.home) not in caught.value.text("en")
    wait_until(lambda: [(job.step, job.done) for job in waiting] == [("wait", 1), ("wait", 2)])
    waiting[0].cancel.set()
    wait_until(lambda: waiting[0].state == "cancelled" and waiting[1].done == 1)
    assert library.of(OMAR).job(waiting[0].id) is None
    assert library.of(OMAR).last_job() is waiting[1]
    gate.set()
    wait_until(lambda: first.state == waiting[1].state == "done")
