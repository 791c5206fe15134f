"""Retrievers for other frameworks, each in a module of its own that needs that framework: `pip install '.[adapters]'`."""
