"""`python -m bench.peers`: prepare the task, ask every system in turn, and bring docs/quality.md up to date."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from bench.peers import SYSTEMS, report, task
from rag.config import Settings
from rag.errors import ShawahidError
from rag.evaluation.ablation import insert

ROOT = Path(__file__).resolve().parent.parent.parent
WORK = Path(".cache/peers")
COMMANDS = {
    "shawahid": ["-m", "bench.peers.with_shawahid"],
    "shawahid-short": ["-m", "bench.peers.with_shawahid", "--short"],
    "llamaindex": ["bench/peers/with_llamaindex.py"],
    "langchain": ["bench/peers/with_langchain.py"],
    "langchain-quotes": ["bench/peers/with_langchain.py", "--quotes"],
}


def main(arguments: list[str] | None = None) -> int:
    """Run the systems one after the other, each in its own process, so that memory and time are measured separately. An interrupted run
    continues as long as the task is the same."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.peers", description="Compare Shawahid with LlamaIndex and LangChain, same models."
    )
    parser.add_argument("--systems", default=",".join(SYSTEMS), help=f"of: {', '.join(SYSTEMS)}")
    parser.add_argument("--xquad", type=Path, nargs="*", default=[], help="SQuAD files of two languages, asked in every direction")
    parser.add_argument("-n", type=int, default=25, help="questions of each direction (25)")
    parser.add_argument("--seeds", type=int, default=60, help="seed questions (60)")
    parser.add_argument("--without", type=int, default=10, help="of each direction, asked again where nothing answers (10)")
    parser.add_argument("--limit", type=int, default=0, help="ask only the first N questions; they are shuffled")
    parser.add_argument("--seconds", type=float, default=0.0, help="stop each system after this many seconds; the same command continues")
    parser.add_argument("--python", default=str(WORK / "venv/bin/python"), help="the interpreter of the others' environment")
    parser.add_argument("--fresh", action="store_true", help="ask everything again")
    parser.add_argument("--into", type=Path, help="put the tables into this Markdown file")
    chosen = parser.parse_args(arguments)
    systems = [name for name in chosen.systems.split(",") if name]
    if unknown := set(systems) - set(SYSTEMS):
        parser.error(f"no such system: {', '.join(sorted(unknown))}")
    try:
        picked, corpora = task.parts(ROOT / "seeds", chosen.xquad, chosen.seeds, chosen.n, chosen.without)
        task.write(WORK, picked, corpora, task.models(Settings.load()), task.processors())
    except ShawahidError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for name in systems:
        if chosen.fresh:
            (WORK / f"{name}.jsonl").unlink(missing_ok=True)
        interpreter = sys.executable if name.startswith("shawahid") else chosen.python
        command = [interpreter, *COMMANDS[name], str(WORK), "--limit", str(chosen.limit), "--seconds", str(chosen.seconds)]
        # Nothing is fetched, and nothing is sent anywhere.
        offline = {"HF_HUB_OFFLINE": "1", "LANGSMITH_TRACING": "false", "ANONYMIZED_TELEMETRY": "false"}
        code = subprocess.run(command, env={**os.environ, **offline}, check=False).returncode
        if code:
            print(f"{name} ended with {code}", file=sys.stderr)
            return code
    found = report.common({name: report.records(WORK, name) for name in systems})
    tables = "\n".join([report.table(found), "Right / token F1 / cites gold evidence, by set:\n", report.short_table(found)])
    print(tables)
    if chosen.into:
        insert(chosen.into, tables, "peers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
