"""Once the models are there, nothing touches the network: build, search and ask where every socket but loopback is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT, model

pytestmark = pytest.mark.integration

GUARD = '''
"""Loaded by Python before anything else: refuses and records whatever leaves this machine."""
import os, socket

def local(address):
    host = address[0] if isinstance(address, tuple) else address
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    return not isinstance(address, tuple) or host in ("localhost", "", None) or host.startswith("127.") or host == "::1"

def guarded(really, name, place):
    def call(*arguments, **named):
        address = arguments[place] if len(arguments) > place else None
        asked = (address,) if name == "getaddrinfo" else address
        if not local(asked):
            with open(os.environ["TRIED"], "a") as file:
                file.write(f"{name} {address}\\n")
            raise OSError(101, "Network is unreachable")
        return really(*arguments, **named)
    return call

class Socket(socket.socket):
    connect = guarded(socket.socket.connect, "connect", 1)
    connect_ex = guarded(socket.socket.connect_ex, "connect_ex", 1)
    sendto = guarded(socket.socket.sendto, "sendto", -1)

socket.socket = Socket
socket.getaddrinfo = guarded(socket.getaddrinfo, "getaddrinfo", 0)
socket.gethostbyname = guarded(socket.gethostbyname, "getaddrinfo", 0)
open(os.environ["TRIED"] + ".loaded", "w").close()
'''


def without_network() -> list[str]:
    """A prefix that takes the network away from a process altogether, where this user may; else nothing."""
    unshare = ["unshare", "--net", "--map-root-user"]
    try:
        allowed = subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        allowed = False
    return unshare if allowed else []


def shawahid(tmp_path: Path, *arguments: str | Path, typed: str = "") -> str:
    guard = tmp_path / "guard"
    guard.mkdir(exist_ok=True)
    (guard / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SHAWAHID_", "HF_"))}
    if "SHAWAHID_MODELS" in os.environ:
        environment["SHAWAHID_MODELS"] = os.environ["SHAWAHID_MODELS"]
    environment |= {"PYTHONPATH": f"{guard}{os.pathsep}{ROOT}", "TRIED": str(tmp_path / "tried"), "SHAWAHID_PROFILE": "light"}
    done = subprocess.run(
        [*without_network(), sys.executable, "-m", "rag", *map(str, arguments), "--index", str(tmp_path / "index")],
        env=environment,
        cwd=ROOT,
        input=typed,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=150,
    )
    assert (tmp_path / "tried.loaded").exists()
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_nothing_is_asked_of_the_network(tmp_path: Path) -> None:
    model("multilingual-e5-small", "embedder")
    model("qwen2.5-coder-1.5b-instruct-q4_k_m", "generator")
    assert "Index " in shawahid(tmp_path, "build", "seeds")
    assert "سبيرو" in shawahid(tmp_path, "search", "من هو محامي إيلون ماسك؟", "-k", "3")
    answers = shawahid(tmp_path, "chat", typed="من هو المحامي الذي وجّه الرسالة إلى مايكروسوفت؟\nWho sent it?\n")
    assert "[1]" in answers
    assert answers.count(" · first word ") == 2
    tried = tmp_path / "tried"
    assert not tried.exists(), tried.read_text(encoding="utf-8")


def test_the_guard_itself_refuses(tmp_path: Path) -> None:
    """Else the test above could not fail."""
    guard = tmp_path / "guard"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    program = """
import socket, urllib.request
for attempt in (
    lambda: socket.create_connection(("192.0.2.1", 80), 1),
    lambda: socket.socket().connect(("192.0.2.1", 80)),
    lambda: socket.getaddrinfo("example.org", 80),
    lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53)),
    lambda: urllib.request.urlopen("http://example.org/", timeout=1),
):
    try:
        attempt()
    except OSError as error:
        print(error)
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname()).close()
print("loopback")
"""
    environment = {**os.environ, "PYTHONPATH": str(guard), "TRIED": str(tmp_path / "tried")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 6
    assert all("unreachable" in line for line in lines[:5])
    assert lines[5] == "loopback"
    assert len((tmp_path / "tried").read_text().splitlines()) == 5
