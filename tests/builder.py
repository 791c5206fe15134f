"""A build in a process of its own, slowed down, that says how far it is, so that it can be killed there: see storage/test_kill.py.

python tests/builder.py FOLDER INDEX SECONDS-PER-TEXT
"""

from __future__ import annotations

import sys

from rag.storage.build import build_index
from tests.helpers import Slow

folder, out, seconds = sys.argv[1:]
embedder = Slow(float(seconds))
build_index(folder, out, embedder, progress=lambda step, done, total: print(step, done, flush=True))
print("published", len(embedder.embedded), flush=True)
