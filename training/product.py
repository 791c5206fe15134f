"""All that training takes from the product, in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from rag.models.embedder import SentenceTransformerEmbedder
from rag.models.installed import models_dir
from rag.models.reader import FORMAT, EncoderReader, read_weights
from rag.models.reader_input import BERT, GEMMA, LONGEST, InputBuilder, InputWindow, ReadText
from rag.schema import CONTEXT_SEPARATOR, Span
from rag.text.sentences import sentences
from rag.text.words import words

__all__ = ["CONTEXT_SEPARATOR", "FORMAT", "LONGEST", "InputBuilder", "InputWindow", "ReadText", "Span"]


def builder(folder: Path) -> InputBuilder:
    """What makes the reader's input, with the tokenizer of an encoder's folder."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return InputBuilder(lambda texts: tokenizer.encode_batch(list(texts)), GEMMA if "gemma" in folder.name else BERT)


def first_window(builder: InputBuilder, query: str, text: str, blocks: list[tuple[int, int]], title: str, claim: bool) -> InputWindow:
    """The first window of a text that is read for a question or a claim: the whole text where it fits."""
    return builder.windows(query, [ReadText(text, tuple(Span(a, b) for a, b in blocks), title)], claim=claim)[0][0]


def units(text: str) -> list[tuple[int, int]]:
    """Where the blocks of a text stand, as the product cuts it: sentences, list items, rows."""
    return [(span.start, span.end) for span in sentences(text)]


def folded(text: str) -> list[str]:
    """The words of a text as they are compared."""
    return words(text)


def models() -> Path:
    """The folder that holds the installed encoders."""
    return models_dir()


def product_reader(path: Path) -> EncoderReader:
    """The product's reader with the weights of a file, on the installed encoder they were trained on."""
    name = read_weights(path).base
    return EncoderReader(SentenceTransformerEmbedder(models() / name, name), path)


def embed(queries: list[str], texts: list[str], titles: list[str] | None = None) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Unit vectors of questions and of texts by the installed default embedder, with its own prompts; "" is no title."""
    from rag.models.encoder import Encoder, read_layout

    folder = models() / "embeddinggemma-300m"
    found = read_layout(folder)
    if found is None:
        raise FileNotFoundError(folder)
    encoder = Encoder(folder, found)
    named = [f"title: {title or 'none'} | text: {text}" for text, title in zip(texts, titles or [""] * len(texts), strict=True)]
    return encoder.encode([f"task: search result | query: {q}" for q in queries]), encoder.encode(named)
