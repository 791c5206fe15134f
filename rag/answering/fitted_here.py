"""Where the values that were fitted on this machine are kept."""

from __future__ import annotations

import os
from pathlib import Path

from rag.files import user_settings


def user_file() -> Path:
    """Return the file of the values fitted on this machine: SHAWAHID_CALIBRATION, else a file in the user's settings folder."""
    chosen = os.environ.get("SHAWAHID_CALIBRATION", "").strip()
    if chosen:
        return Path(chosen).expanduser()
    return user_settings() / "calibration.toml"
