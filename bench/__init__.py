"""Measure how fast Shawahid is on this machine, and how well it reads documents: `make bench`, or `python -m bench` with section names.

Each module named in `SECTIONS` measures one thing: `TITLE`, what its part of docs/performance.md is called, `ABOUT`, what was
done, and `run(options)`, which yields measurements. Everything is repeated, and compared with a reference measured in the same
run, so that a figure can be judged on a machine that is faster, slower or busy.
"""

SECTIONS = ("cold", "answers", "growth", "search", "indexing", "concurrency", "documents")
