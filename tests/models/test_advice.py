"""Which generator a computer should take, by its memory."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rag.config import Settings
from rag.errors import BadSetting, ModelMissing
from rag.factory import open_generator
from rag.models import advice
from rag.models.catalogue import catalogue

GB = 2**30


@pytest.mark.parametrize(
    ("total", "name"),
    [
        (0, None),
        (4 * GB, None),
        (int(7.6 * GB), "qwen3-4b-instruct-2507-q4_k_m"),  # a computer sold with 8 GB reports less
        (int(15.4 * GB), "gemma-4-e4b-it-q4_k_m"),
        (24 * GB, "gemma-4-e4b-it-q4_k_m"),
        (int(31.1 * GB), "gemma-4-26b-a4b-it-q4_k_xl"),
        (512 * GB, "gemma-4-26b-a4b-it-q4_k_xl"),
    ],
)
def test_the_largest_that_fits_is_advised(total: int, name: str | None) -> None:
    found = advice.advised(total)
    assert (found.name if found else None) == name


def test_what_is_advised_fits_with_room_for_the_rest() -> None:
    advised = [entry for entry in catalogue().values() if entry.memory]
    assert len(advised) == 3
    for entry in advised:
        assert entry.bytes < 0.6 * entry.memory * GB
        assert entry.licence == "Apache-2.0"
        assert entry.hub is not None


def test_the_name_recommended_stands_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advice, "memory", lambda: (9 * GB, 16 * GB))
    assert advice.recommended("recommended") == "gemma-4-e4b-it-q4_k_m"
    assert advice.recommended("a model") == "a model"
    generator, missing = open_generator(Settings(generator="recommended"))
    assert generator is not None or isinstance(missing, ModelMissing)
    monkeypatch.setattr(advice, "total_memory", lambda: 0)
    with pytest.raises(BadSetting, match="too little memory"):
        advice.recommended("recommended")


class _Kernel:
    """What Windows offers for this."""

    def __init__(self, kilobytes: int) -> None:
        self._kilobytes = kilobytes

    def GetPhysicallyInstalledSystemMemory(self, place: object) -> int:
        place._obj.value = self._kilobytes  # type: ignore[attr-defined]
        return int(self._kilobytes > 0)


def test_memory_on_systems_that_do_not_report_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(advice, "memory", lambda: None)
    pages = {"SC_PAGE_SIZE": 16384, "SC_PHYS_PAGES": 2**20}
    monkeypatch.setattr(advice.os, "sysconf", lambda name: pages[name])  # macOS
    assert advice.total_memory() == 16 * GB
    monkeypatch.delattr(advice.os, "sysconf")
    assert advice.total_memory() == 0
    for kilobytes in (8 * 2**20, 0):
        monkeypatch.setattr(advice.ctypes, "windll", SimpleNamespace(kernel32=_Kernel(kilobytes)), raising=False)
        assert advice.total_memory() == 1024 * kilobytes
