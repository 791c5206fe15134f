"""Embedders, tokenizers and generators: what is installed, how it is fetched, and how it is run."""
