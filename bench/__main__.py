"""`python -m bench [sections]`: measure, save the results, and bring docs/performance.md up to date."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from bench import SECTIONS
from bench.measure import Options, machine
from bench.report import number, publish, save
from rag.config import Settings
from rag.errors import ShawahidError


def main(arguments: list[str] | None = None) -> int:
    """Run the sections asked for, all by default. What is measured is saved section by section, so that an interrupted run keeps it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure speed and memory on this machine.")
    parser.add_argument("sections", nargs="*", metavar="section", help=f"any of: {', '.join(SECTIONS)}; all without one")
    parser.add_argument("--runs", type=int, default=3, help="how often each thing is measured (3)")
    parser.add_argument("--scratch", type=Path, default=Path(".cache/bench"), help="where large corpora are kept (.cache/bench)")
    parser.add_argument("--dry", action="store_true", help="print only: save nothing, leave docs/performance.md as it is")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.sections if name not in SECTIONS]
    if unknown or chosen.runs < 1:
        parser.error(f"no such section: {', '.join(unknown)}" if unknown else "--runs must be 1 or more")
    chosen.scratch.mkdir(parents=True, exist_ok=True)
    try:
        options = Options(Settings.load(), chosen.runs, chosen.scratch)
        for name in chosen.sections or SECTIONS:
            section = import_module(f"bench.{name}")
            print(f"\n{section.TITLE}", flush=True)
            measurements = []
            for item in section.run(options):
                measurements.append(item)
                aim = {None: "", True: f"   {item.aim} ✓", False: f"   {item.aim} ✗"}[item.reached]
                print(
                    f"  {item.name}: {number(item.median)} {item.unit} ({number(item.least)} – {number(item.most)}, n {item.n}){aim}",
                    flush=True,
                )
            if not chosen.dry:
                save(name, measurements, machine())
                publish(name, section.TITLE, section.ABOUT, details=getattr(section, "details", str)())
    except ShawahidError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except OSError as error:  # a folder that can't be written, packages that can't be installed
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
