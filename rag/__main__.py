"""`python -m rag`: the same as `isnad`."""

from rag.cli import main

main()
