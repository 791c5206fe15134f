"""What nothing here can run: the package on a system without what only Unix has."""

from __future__ import annotations

import subprocess
import sys

from tests.helpers import ROOT

_WITHOUT_UNIX = """
import pathlib, signal, sys
from importlib import import_module

class Absent:
    def find_spec(self, name, path=None, target=None):
        frame = sys._getframe(1)
        while "importlib" in frame.f_code.co_filename:
            frame = frame.f_back
        ours = frame.f_globals.get("__name__", "").startswith("rag")
        if ours and name in ("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"):
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Absent())
for name in ("SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1", "SIGXCPU"):
    delattr(signal, name)
sys.path.insert(0, ".")
for path in sorted(pathlib.Path("rag").rglob("*.py")):
    if path.name != "__main__.py":
        import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
sys.modules.pop("resource", None)
from rag.evaluation.run import memory_mb
print(memory_mb())
"""


def test_every_module_is_imported_without_the_modules_and_signals_of_unix() -> None:
    done = subprocess.run([sys.executable, "-c", _WITHOUT_UNIX], cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "None"  # the absent module was missed where it is asked for
