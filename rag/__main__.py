"""Run the `shawahid` command with `python -m rag`."""

from rag.cli.main import main

main()
