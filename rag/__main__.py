"""`python -m rag`: the same as `shawahid`."""

from rag.cli.main import main

main()
