"""Late interaction: every word of a question is matched with its nearest in a text (Khattab and Zaharia, "ColBERT", SIGIR 2020).

The vectors are those that an embedder computes for each token before pooling. Though untrained for this, they distinguish which of two
sentences on one topic answers (docs/notes/late-interaction.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from rag.arrays import Vectors
from rag.errors import IndexCorrupt
from rag.models.token_vectors import Tokens, unpack_tokens
from rag.schema import Match, Passage, Span
from rag.storage.database import Store

_LEAST_WEIGHT = 0.01
"""Added to how far a token's best match stands out: with one passage all tokens weigh the same."""


def stored_matches(store: Store, question: Tokens, passages: Sequence[Passage]) -> dict[int, list[Match]]:
    """`matches` with the tokens that an index has of the passages; those without tokens are left out. Raises IndexCorrupt."""
    if not len(question):
        return {}
    blobs = store.tokens([passage.id for passage in passages])
    given = {
        passage.id: (blobs[passage.id], [span.shifted(-passage.span.start) for span in passage.sentences])
        for passage in passages
        if blobs.get(passage.id)
    }
    try:
        return matches(question, given)
    except ValueError as error:
        raise IndexCorrupt("error.index_damaged", path=store.path, reason=f"tokens: {error}") from error


def matches(question: Tokens, passages: Mapping[int, tuple[bytes, Sequence[Span]]]) -> dict[int, list[Match]]:
    """Return for each passage how well each of its sentences matches the question's tokens, in order.

    `passages` holds by id the packed tokens, and the sentences' positions in the passage. A match is the mean, over the question's tokens,
    of the cosine to the nearest token in the sentence or passage. A token is weighted by how much its best match exceeds its matches in all
    the passages: a token that every passage has is uninformative. Raises ValueError for tokens of another size.
    """
    if not passages or not len(question):
        return {}
    found = {id: _nearest(question.vectors, *given) for id, given in passages.items()}
    best = {id: similarities.max(axis=0) for id, similarities in found.items()}
    weights = _weights(np.stack(list(best.values())))
    few = max(1, len(weights) // 4)
    judged: dict[int, list[Match]] = {}
    for id, similarities in found.items():
        whole, weakest = float(best[id] @ weights), float(np.partition(best[id], few - 1)[:few].mean())
        judged[id] = [Match(float(own), whole, weakest) for own in similarities @ weights]
    return judged


def _nearest(vectors: Vectors, blob: bytes, sentences: Sequence[Span]) -> Vectors:
    """Return the cosine of each vector, shape (n, size), to its nearest token in each sentence, shape (sentences, n); 0 if there is
    none."""
    last, tokens = unpack_tokens(blob, vectors.shape[1])
    similarities = tokens @ vectors.T
    found = np.zeros((len(sentences), len(vectors)), dtype=np.float32)
    for number, span in enumerate(sentences):
        inside = similarities[np.searchsorted(last, span.start) : np.searchsorted(last, span.end)]
        if len(inside):
            found[number] = inside.max(axis=0)
    return found


def _weights(best: Vectors) -> Vectors:
    """Return a weight for each token, their sum 1, by its best similarity in each passage, shape (passages, n)."""
    standing_out = best.max(axis=0) - best.mean(axis=0) + _LEAST_WEIGHT
    return np.asarray(standing_out / standing_out.sum(), dtype=np.float32)
