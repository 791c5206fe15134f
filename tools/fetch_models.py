"""Fetch the models of a profile, with progress; used by `make`. Writes the installed embedder's name to `.venv/shawahid-embedder`.

    python tools/fetch_models.py [--profile default|light] [--also NAME ...]

Running `make` with a profile accepts the terms of its models, which are shown before anything is fetched; SHAWAHID_PROFILE=light
chooses models under MIT and Apache-2.0 only.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from rag.errors import ShawahidError  # noqa: E402
from rag.messages import say  # noqa: E402
from rag.models import advice, installed  # noqa: E402
from rag.models.download import hub_reachable  # noqa: E402


class Meter:
    """A progress line that is updated in a terminal; elsewhere a line for every tenth."""

    def __init__(self, entry: installed.ModelEntry) -> None:
        self.entry, self.step, self.tenth, self.last = entry, "", -1, 0.0
        self.terminal = sys.stdout.isatty()

    def __call__(self, done: int, total: int, what: str) -> None:
        tenth = 10 * done // max(total, 1)
        now = time.monotonic()
        if what == self.step and (now - self.last < 0.2 if self.terminal else tenth == self.tenth):
            return
        if self.terminal and what != self.step and self.step:
            print()
        self.step, self.tenth, self.last = what, tenth, now
        line = f"  {self.entry.name}: {say(what)} {done / 1e6:,.0f} of {total / 1e6:,.0f} MB"
        print(f"\r\033[K{line}" if self.terminal else line, end="" if self.terminal else "\n", flush=True)


def show_terms(entry: installed.ModelEntry) -> bool:
    """Show a model's terms before it is fetched; setting up with its profile accepts them."""
    print(f"  {entry.name} comes under the {entry.licence}: {entry.terms}")
    print("  By going on you accept them. To use only MIT and Apache-2.0 models: make run SHAWAHID_PROFILE=light", flush=True)
    return True


def advise(generator: str) -> None:
    """Say which generator this computer could take instead, and why, where it can be downloaded."""
    found = advice.advised()
    if found is None or found.name == generator or not hub_reachable():
        return
    print(f"  This computer has {advice.total_memory() / 1e9:.0f} GB of memory, enough for a stronger generator: {found.name}")
    print(f"  ({found.bytes / 1e9:.1f} GB, {found.licence}). {found.note}")
    print("  To take it: SHAWAHID_GENERATOR=recommended make run, and to let it write: shawahid models try", flush=True)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--profile", default=os.environ.get("SHAWAHID_PROFILE") or "default")
    arguments.add_argument("--also", nargs="*", default=[])
    chosen = arguments.parse_args()
    meters: list[Meter] = []

    def follow(entry: installed.ModelEntry) -> Meter:
        meters.append(Meter(entry))
        return meters[-1]

    try:
        wanted = installed.profile(chosen.profile)
        generator = advice.recommended(os.environ.get("SHAWAHID_GENERATOR", "").strip())
        if generator in installed.catalogue():
            wanted = dataclasses.replace(wanted, generator=generator)
        got, problems = installed.provide(wanted, accept_terms=show_terms, follow=follow)
        for name in chosen.also:
            installed.get(name, accept_terms=show_terms, progress=follow(installed.catalogue()[name]))
    except ShawahidError as error:
        print(f"\n{error}", file=sys.stderr)
        return error.exit_code
    if any(meter.step for meter in meters) and sys.stdout.isatty():
        print()
    for problem in problems:
        print(f"  {problem}", file=sys.stderr)
    if problems:
        print(f"  Going on with {got.embedder}; run make again to try once more.", file=sys.stderr)
    (ROOT / ".venv" / "shawahid-embedder").write_text(got.embedder + "\n", encoding="utf-8")
    advise(got.generator)
    names = [*dict.fromkeys(filter(None, (got.generator, got.embedder, *chosen.also)))]
    print(f"  models: {', '.join(names)} ({sum(installed.state(name).bytes for name in names) / 1e9:.1f} GB)")
    print(f"  in {installed.models_dir()}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
