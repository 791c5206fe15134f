"""The examples that the fuzzer begins with raise nothing, and so does what it found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tools import fuzz


@pytest.mark.parametrize("target", ["text", "office", "pdf", "mail", "filter", "markers"])
def test_examples_and_their_beginnings_are_read_or_refused(target: str) -> None:
    run = fuzz.TARGETS[target]()
    for example in fuzz.examples(target):
        run(example)
        run(example[: len(example) // 2])
    run(b"")


def test_a_finding_is_kept_once_and_the_run_goes_on(tmp_path: Path) -> None:
    def target(data: bytes) -> None:
        if data != b"good":
            raise ValueError(len(data))

    collect: Callable[[bytes], None] = fuzz.Collector(target, tmp_path)
    for data in (b"good", b"bad", b"worse", b"good"):
        collect(data)
    (kept,) = [path for path in tmp_path.iterdir() if not path.suffix]
    assert kept.read_bytes() == b"bad"
    assert "ValueError: 3" in kept.with_suffix(".txt").read_text(encoding="utf-8")
