"""Fixtures that several files share."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

from rag.storage.build import build_index
from rag.testing import HashEmbedder
from tests.helpers import CORPUS, embedder, write

# The same examples every time, however busy the machine, and nothing written into the checkout.
set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "shawahid-hypothesis")
settings.register_profile("shawahid", database=None, derandomize=True, deadline=None)
settings.load_profile("shawahid")


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see no setting of whoever runs them, but for where the models are."""
    for name in [name for name in os.environ if name.startswith("SHAWAHID_") and name != "SHAWAHID_MODELS"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SHAWAHID_CALIBRATION", os.devnull)  # nor values fitted by them


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The small bilingual corpus on disk."""
    return write(tmp_path / "documents", CORPUS)


@pytest.fixture
def meeting() -> HashEmbedder:
    """An embedder in which both languages of the corpus meet."""
    return embedder()


@pytest.fixture
def built(folder: Path, tmp_path: Path, meeting: HashEmbedder) -> Path:
    """An index of the small corpus."""
    out = tmp_path / "index"
    build_index(folder, out, meeting)
    return out
