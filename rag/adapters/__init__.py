"""Retrievers for other frameworks. Each module needs its own framework: `pip install '.[adapters]'`."""
