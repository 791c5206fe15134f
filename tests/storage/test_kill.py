"""A build that is killed, at any moment, loses nothing that was there."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path
from random import Random

import pytest

from rag.errors import IndexMissing
from rag.retrieval.index import Index
from rag.schema import Document
from rag.storage.build import add_documents, build_index
from tests.helpers import ROOT, embedder, long_text, python, write
from tests.killer import TEXTS

MOMENTS = 6
OLD = {"old.txt": "The ferry Albatros sank. Its captain was John Reed.", "changed.txt": "First edition: غرقت العبّارة."}
NEW = {"changed.txt": "Second edition: " + long_text(40), **{f"{n}.txt": long_text(60, f"topic{n}") for n in range(4)}}

pytestmark = pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX")


def whole(out: Path, generation: int, *, leftovers: bool = False) -> None:
    """The index is of that generation, without a fault but perhaps leftovers, and answers."""
    with Index.open(out, embedder()) as index:
        assert [fault.key for fault in index.verify() if not (leftovers and fault.key == "damage.leftovers")] == []
        assert index.manifest().generation == generation
        assert index.search("Who was the captain of the ferry Albatros?")[0].passage.document_id == "old.txt"
        changed = index.document("changed.txt")
        assert changed is not None
        assert changed.text.startswith("First" if generation == 1 else "Second")


def builder(folder: Path, out: Path) -> subprocess.Popen[str]:
    return python(ROOT / "tests/builder.py", folder, out, "0.001")


def test_killed_at_many_moments_the_previous_index_answers(tmp_path: Path) -> None:
    """A whole build is watched once. Then the same one is killed at 6 of its steps, first and last among them."""
    folder, before = write(tmp_path / "documents", OLD), tmp_path / "before"
    build_index(folder, before, embedder())
    write(folder, NEW)
    reference = tmp_path / "reference"
    shutil.copytree(before, reference)
    steps = builder(folder, reference).communicate(timeout=60)[0].splitlines()
    assert steps[-1].startswith("published ")
    embedded = int(steps[-1].split()[1])
    assert len(steps) > MOMENTS

    killed, staged = 0, []
    for moment in range(MOMENTS):
        out = tmp_path / f"trial{moment}"
        shutil.copytree(before, out)
        step = moment * (len(steps) - 2) // (MOMENTS - 1)
        killed_at(builder(folder, out), step, 0.002 * (moment % 4))  # the moments after a step as well
        with Index.open(out, embedder()) as index:
            generation = index.manifest().generation
        killed += generation == 1
        whole(out, generation, leftovers=True)
        staged.append(count_staged(out))
        if moment % 3 == 0:
            last = embedder()
            assert build_index(folder, out, last).generation == 2
            if generation == 1:
                assert len(last.embedded) == embedded - staged[-1]
            whole(out, 2)
            same_content(out, reference)
    assert killed >= 5
    assert staged[0] == 0
    assert max(staged) == embedded


def killed_at(process: subprocess.Popen[str], step: int, later: float) -> None:
    """Kill a builder when it has reported that step, counted from 0, and a few milliseconds have passed."""
    assert process.stdout is not None
    for _ in range(step + 1):
        assert process.stdout.readline()
    time.sleep(later)  # a real wait: the moments between two reports are to be met as well
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    assert process.returncode in (-signal.SIGKILL, 0)


def count_staged(out: Path) -> int:
    path = out / "staging.sqlite"
    if not path.exists():
        return 0
    db = sqlite3.connect(path)
    try:
        return int(db.execute("SELECT count(*) FROM staged").fetchone()[0])
    except sqlite3.OperationalError:  # killed before its table was made
        return 0
    finally:
        db.close()


def same_content(one: Path, other: Path) -> None:
    """Both indexes hold the same documents, cut into the same passages."""
    with Index.open(one, embedder()) as a, Index.open(other, embedder()) as b:
        held = [[(p.document_id, p.span, p.text, p.sentences) for p in index.all_passages()] for index in (a, b)]
    assert held[0] == held[1]


PUBLISHING = """
import os, signal, sys
import rag.storage.build, rag.storage.clusters, rag.storage.generations, rag.storage.database, rag.storage.writer
from tests.helpers import embedder

folder, out, point = sys.argv[1:]

def dying(really, before, at=1):
    calls = []
    def method(*arguments, **named):
        calls.append(1)
        if before and len(calls) == at:
            os.kill(os.getpid(), signal.SIGKILL)
        result = really(*arguments, **named)
        if not before:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return method

store, writer = rag.storage.database.Store, rag.storage.writer.Writer
rag.storage.generations._LEAST = 2  # changes outgrow the file of vectors
rag.storage.clusters.CLUSTERED_FROM = 4
if point == "put":
    store.put = dying(store.put, True, at=3)
elif point == "publish":
    store.publish = dying(store.publish, False)
elif point == "commit":
    writer.finish = dying(writer.finish, True)
elif point == "clusters":
    rag.storage.generations._write_clusters = dying(rag.storage.generations._write_clusters, True)
elif point == "file":
    rag.storage.writer.write_base = dying(rag.storage.writer.write_base, False)
elif point == "renewed":
    writer.renew_base = dying(writer.renew_base, False)
elif point == "purge":
    store.purge_keywords = dying(store.purge_keywords, False)
elif point == "files":
    rag.storage.writer.remove_files = dying(rag.storage.writer.remove_files, True)
elif point == "checkpoint":
    store.checkpoint = dying(store.checkpoint, True)
rag.storage.build.build_index(folder, out, embedder())
"""
POINTS = [
    ("put", 1),
    ("publish", 1),
    ("commit", 2),
    ("clusters", 2),
    ("file", 2),
    ("renewed", 3),
    ("purge", 3),
    ("files", 3),
    ("checkpoint", 3),
]


@pytest.mark.parametrize(("point", "generation"), POINTS)
def test_killed_at_each_step_of_publication(tmp_path: Path, point: str, generation: int) -> None:
    """Rows half written, manifest written: still the old index. Committed: the new one, whole, whatever is left to be done."""
    folder, out = write(tmp_path / "documents", OLD), tmp_path / "index"
    build_index(folder, out, embedder())
    write(folder, NEW)
    process = python("-c", PUBLISHING, folder, out, point)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, complaint
    whole(out, generation, leftovers=generation > 1)
    again = embedder()
    report = build_index(folder, out, again)
    assert report.generation == max(generation, 2)
    assert again.embedded == []  # every vector had been staged or published
    whole(out, report.generation)
    assert not (out / "staging.sqlite").exists()


SECRET = "The agent Quibbleforth met Zanzabarine at noon. التقى قَرنفوشي بالعميل ظهرًا."
TRACES = [text.encode() for text in ("Quibbleforth", "quibbleforth", "Zanzabarin", "zanzabarin", "قَرنفوشي", "قرنفوشي")]


def contents(out: Path) -> dict[str, str]:
    """The texts of an index by id; the index has no fault but perhaps leftovers, and answers."""
    with Index.open(out, embedder()) as index:
        faults = [str(fault) for fault in index.verify() if fault.key != "damage.leftovers"]
        assert faults == []
        assert index.search("the captain of the ferry Albatros", 3)[0].passage.document_id == "old.txt"
        return {info.id: document.text for info in index.documents() if (document := index.document(info.id)) is not None}


def traces(out: Path) -> list[str]:
    """The files of an index in which something of the secret document is left."""
    return [path.name for path in sorted(out.iterdir()) if any(trace in path.read_bytes() for trace in TRACES)]


def test_killed_at_fifty_random_moments_an_index_is_of_one_generation_and_goes_on(tmp_path: Path) -> None:
    """Four changes after another (a folder mirrored, a document removed, two put), killed before or after any call, before or after
    any that touches a file, or at any instant. Each time the index is just what one of the four left; what was begun is taken up,
    and then nothing of the removed document is left in any file."""
    folder, before = write(tmp_path / "documents", {**OLD, "gone.txt": "A text that is going."}), tmp_path / "before"
    build_index(folder, before, embedder())
    add_documents(before, [Document("secret.txt", SECRET, "", "en", "s")], embedder())
    assert traces(before) == ["corpus.sqlite"]
    write(folder, {"changed.txt": "Second edition: " + long_text(30), "new.txt": long_text(12, "castle")})
    (folder / "gone.txt").unlink()

    states = [contents(before)]
    states.append({id: text for id, text in states[0].items() if id not in ("gone.txt", "changed.txt")})
    states[1] |= {name: (folder / name).read_text(encoding="utf-8") for name in ("changed.txt", "new.txt")}
    states.append({id: text for id, text in states[1].items() if id != "secret.txt"})
    for name, text in TEXTS.items():
        states.append({**states[-1], name: text})

    random = Random(1)
    with python(ROOT / "tests/killer.py", stdin=subprocess.PIPE) as nursery:
        assert nursery.stdin is not None
        assert nursery.stdout is not None

        def run(out: Path, how: str, at: float) -> list[str]:
            assert nursery.stdin is not None
            assert nursery.stdout is not None
            nursery.stdin.write(f"{out}\t{folder}\t{how}\t{at}\n")
            nursery.stdin.flush()
            return nursery.stdout.readline().split()

        shutil.copytree(before, tmp_path / "reference")
        status, calls, writes, seconds = run(tmp_path / "reference", "never", 0)
        assert status == "0"
        assert contents(tmp_path / "reference") == states[-1]
        assert traces(tmp_path / "reference") == []
        moments = [("write", random.randint(1, int(writes))) for _ in range(30)]
        moments += [("call", random.randint(1, int(calls))) for _ in range(14)]
        moments += [("time", random.uniform(0, float(seconds) / 2)) for _ in range(6)]
        reached, killed = set(), 0
        for number, (how, at) in enumerate(moments):
            out = tmp_path / f"trial{number}"
            shutil.copytree(before, out)
            status = run(out, how, at)[0]
            killed += status != "0"
            found = contents(out)
            assert found in states, (how, at)
            reached.add(states.index(found))
            if number % 4 == 0:
                assert run(out, "plain", 0)[0] == "0"
                assert contents(out) == states[-1]
                with Index.open(out, embedder()) as index:
                    assert index.verify() == []
                assert traces(out) == []
            shutil.rmtree(out)
        nursery.stdin.close()
    assert killed >= 44  # a timer may come too late
    assert len(reached) >= 4


def test_a_first_build_that_is_killed_leaves_no_index_but_its_work(tmp_path: Path) -> None:
    folder, out = write(tmp_path / "documents", NEW), tmp_path / "index"
    killed_at(builder(folder, out), 7, 0.0)  # five files read, "embed 0", and one block of 64 saved
    with pytest.raises(IndexMissing):
        Index.open(out, embedder())
    staged = count_staged(out)
    assert staged >= 64
    last = embedder()
    report = build_index(folder, out, last)
    assert report.added == 5
    with Index.open(out, last) as index:
        assert index.verify() == []
