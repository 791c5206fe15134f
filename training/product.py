"""All that training takes from the product, in one place."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag.answering.chatbot import Chatbot
from rag.answering.confidence import Calibration, RankingWeights, log_odds
from rag.answering.reading import JudgedSentence, judge_sentences
from rag.documents.chunker import Chunker
from rag.documents.load import load_folder
from rag.evaluation import metrics
from rag.evaluation.answer_matching import strict_tokens, token_f1
from rag.models.catalogue import catalogue
from rag.models.embedder import SentenceTransformerEmbedder
from rag.models.installed import models_dir
from rag.models.reader import FORMAT, EncoderReader, read_weights
from rag.models.reader_input import BERT, GEMMA, LONGEST, InputBuilder, InputWindow, ReadText, around
from rag.retrieval.index import Index
from rag.schema import CONTEXT_SEPARATOR, Document, Passage, Span
from rag.storage.build import build_index
from rag.text.sentences import sentences
from rag.text.words import content_stems, word_spans, words

__all__ = ["CONTEXT_SEPARATOR", "FORMAT", "LONGEST", "InputBuilder", "InputWindow", "RankingWeights", "ReadText", "Span"]


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


def sentence_texts(text: str) -> list[str]:
    """The sentences of a text, uncut, as the product divides it."""
    return [text[span.start : span.end].strip() for span in sentences(text, len(text) + 1)]


def folded(text: str) -> list[str]:
    """The words of a text as they are compared."""
    return words(text)


def models() -> Path:
    """The folder that holds the installed encoders."""
    return models_dir()


def base_of(path: Path) -> str:
    """The name of the encoder that the weights of a file belong to."""
    return read_weights(path).base


def shape_of(path: Path) -> tuple[int, int]:
    """The layers and the rank of the weights of a file."""
    read = read_weights(path)
    return read.layers, len(read.tensors["0.attend.a"])


def product_reader(path: Path) -> EncoderReader:
    """The product's reader with the weights of a file, on the installed encoder they were trained on."""
    name = read_weights(path).base
    return EncoderReader(SentenceTransformerEmbedder(models() / name, name), path)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the product knows it once its evidence was read: the sentences that were read, and whether the documents answer, as
    log-odds, by search's features and by the reader."""

    judged: list[JudgedSentence]
    search: float
    reader: float


def asked_of(weights: Path, documents: Path, index: Path) -> Callable[[str], Asked]:
    """What asks a question of an index that is built of a folder, with the embedder of a reader's weights."""
    name = base_of(weights)
    entry = catalogue()[name]
    embedder = SentenceTransformerEmbedder(models() / name, name, entry.query_prefix, entry.passage_prefix, token_size=entry.token_size)
    build_index(documents, index, embedder)
    opened, reader = Index.open(index, embedder), EncoderReader(embedder, weights)
    bot = Chatbot(opened, reader=None)

    def ask(question: str) -> Asked:
        inquiry = bot.inquire(question)
        judged, answers = judge_sentences(reader, inquiry.query.text, inquiry.candidates)
        return Asked(list(judged.values()), log_odds(inquiry.confidence), log_odds(answers))

    return ask


def threshold_of(weights: Path) -> float:
    """The confidence below which the product declines, with the embedder of a reader's weights."""
    return Calibration.of(base_of(weights)).least


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


def f1(given: str, accepted: Iterable[str]) -> float:
    """The best F1 of the words of a given text with those of one that is accepted, as `shawahid eval` counts it."""
    return token_f1(given, list(accepted), strict_tokens)


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """The probability that a positive scores higher than a negative, ties a half; nan when there are none of either."""
    value = metrics.auroc([*positive, *negative], [True] * len(positive) + [False] * len(negative)).value
    return math.nan if value is None else value


def calibration_error(probabilities: Sequence[float], right: Sequence[bool]) -> float:
    """The expected calibration error over ten bins; nan without any."""
    value = metrics.calibration_error(probabilities, right).value
    return math.nan if value is None else value


def placed_words(text: str) -> tuple[list[str], list[tuple[int, int]]]:
    """The words of a text as they are compared, and where each stands."""
    spans = word_spans(text)
    return [" ".join(words(span.of(text))) for span in spans], [(span.start, span.end) for span in spans]


@dataclass(frozen=True, slots=True)
class Found:
    """A text as the product reads it: with its blocks, the title and headings above it, and the document it is from."""

    document: str
    text: str
    blocks: list[tuple[int, int]]
    title: str


class Library:
    """The passages of a folder of documents, cut as the product cuts them."""

    def __init__(self, folder: Path) -> None:
        chunker = Chunker()
        self._passages: dict[str, list[Passage]] = {}
        for document in load_folder(folder):
            if isinstance(document, Document):
                self._passages[document.id] = chunker.cut(document)

    def similar(self, document: str, question: str, count: int) -> list[Found]:
        """The passages of a document that share the most content words with a question, a run of sentences of each."""
        asked = set(content_stems(question))
        ranked = sorted(
            (passage for passage in self._passages.get(document, []) if passage.sentences),
            key=lambda passage: -len(asked.intersection(content_stems(f"{passage.context} {passage.text}"))),
        )
        found = []
        for passage in ranked[:count]:
            best = max(
                range(len(passage.sentences)),
                key=lambda n: len(asked.intersection(content_stems(passage.quote(passage.sentences[n])))),
            )
            found.append(_found(passage, *around(passage, best, 300)))
        return found

    def drawn(self, document: str, count: int, rng: random.Random) -> list[Found]:
        """Passages of a document drawn at random, a run of sentences of each."""
        passages = [passage for passage in self._passages.get(document, []) if passage.sentences]
        chosen = rng.sample(passages, min(count, len(passages)))
        return [_found(passage, *around(passage, rng.randrange(len(passage.sentences)), 300)) for passage in chosen]

    def around(self, document: str, matching: Callable[[Sequence[str]], list[int]], widths: Sequence[int]) -> list[Found]:
        """Texts of several widths, in characters, around the first sentence of a document that `matching` finds among those of a passage;
        [] if it finds none."""
        for passage in self._passages.get(document, []):
            if found := matching([passage.quote(span) for span in passage.sentences]):
                return [_found(passage, first, end) for first, end in sorted({around(passage, found[0], width) for width in widths})]
        return []


def _found(passage: Passage, first: int, end: int) -> Found:
    text = ReadText.part(passage, first, end)
    return Found(passage.document_id, text.text, [(span.start, span.end) for span in text.blocks], text.context)
