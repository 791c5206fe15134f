"""Late interaction: token vectors packed and unpacked, and matches worked out by hand."""

import numpy as np
import pytest

from rag.models.token_vectors import Tokens, pack_tokens, unpack_tokens
from rag.retrieval.late_interaction import matches
from rag.schema import Span


def tokens(*items: tuple[int, int, list[float]]) -> Tokens:
    return Tokens(np.array([item[:2] for item in items], dtype=np.int64), np.array([item[2] for item in items], dtype=np.float32))


X, Y, Z = [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]


def test_a_token_takes_two_bytes_and_half_a_byte_a_number() -> None:
    blob = pack_tokens(tokens((0, 3, [0.5, -0.5, 0.5, -0.5])))
    # 0.5 is the largest, so 7.5 steps: code 15; -0.5 is code 0. The first number is in the lower half of its byte.
    assert blob == bytes([2, 0, 0x0F, 0x0F])
    last, vectors = unpack_tokens(blob, 4)
    assert last.tolist() == [2]
    assert vectors.tolist() == [[0.5, -0.5, 0.5, -0.5]]


def test_numbers_come_back_within_a_sixteenth_of_the_largest() -> None:
    rng = np.random.default_rng(7)
    vectors = rng.standard_normal((50, 64)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    bounds = np.array([[n, n + 1] for n in range(50)], dtype=np.int64)
    _, back = unpack_tokens(pack_tokens(Tokens(bounds, vectors)), 64)
    assert np.linalg.norm(back, axis=1) == pytest.approx(np.ones(50), abs=1e-6)
    assert np.abs(back - vectors).max() < vectors.max() / 7.5
    assert (back * vectors).sum(axis=1).min() > 0.98  # cosine to what was packed


def test_what_has_no_place_is_not_kept() -> None:
    kept = pack_tokens(tokens((0, 0, X), (3, 5, Y), (70_000, 70_001, Z)))
    assert unpack_tokens(kept, 4)[0].tolist() == [4]
    assert pack_tokens(Tokens.none()) == b""
    assert len(Tokens.none()) == 0


def test_a_blob_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="size"):
        unpack_tokens(b"abc", 4)


def test_tokens_behind_a_prefix_are_counted_from_its_end() -> None:
    # "title: x | text: السفينة": the last token holds the space before its word.
    found = tokens((0, 5, X), (5, 17, Y), (16, 24, Z)).after(17)
    assert found.bounds.tolist() == [[0, 7]]
    assert found.vectors.tolist() == [Z]


@pytest.mark.parametrize(("text", "kept"), [("من كتب؟", [[0, 2], [3, 6]]), ("Who wrote?", [[0, 2], [3, 6]])])
def test_marks_of_a_question_are_no_words(text: str, kept: list[list[int]]) -> None:
    assert tokens((0, 2, X), (3, 6, Y), (len(text) - 1, len(text), Z)).of_words(text).bounds.tolist() == kept


def test_a_match_is_the_weighted_mean_of_each_tokens_nearest() -> None:
    question = tokens((0, 2, X), (3, 6, Y))
    first = pack_tokens(tokens((0, 3, X), (4, 7, X), (8, 11, Y)))  # sentences [0, 7) and [8, 11)
    second = pack_tokens(tokens((0, 3, X)))
    _, (x, *_) = unpack_tokens(pack_tokens(tokens((0, 3, X))), 4)
    assert x[0] > 0.99  # 15 and, for each 0, code 8: [7.5, 0.5, 0.5, 0.5], made of length 1
    one, other = 7.5 / np.sqrt(7.5**2 + 3 * 0.25), 0.5 / np.sqrt(7.5**2 + 3 * 0.25)
    found = matches(question, {1: (first, [Span(0, 7), Span(8, 11)]), 2: (second, [Span(0, 3)])})
    # The first token is found in both passages alike: weight 0.01. The second stands out by half the difference of the two.
    weights = np.array([0.01, (one - other) / 2 + 0.01])
    weights /= weights.sum()
    expected = {1: [[one, other], [other, one]], 2: [[one, other]]}
    assert [match.sentence for match in found[1]] == pytest.approx([float(np.dot(weights, row)) for row in expected[1]], abs=1e-6)
    assert [match.passage for match in found[1]] == pytest.approx([one, one], abs=1e-6)  # each token is somewhere in it
    assert found[2][0].sentence == pytest.approx(found[2][0].passage, abs=1e-6)
    assert found[2][0].weakest == pytest.approx(other, abs=1e-6)  # of two tokens, the one that matches least
    assert found[1][0].weakest == pytest.approx(one, abs=1e-6)


def test_a_sentence_without_tokens_matches_nothing() -> None:
    (first, second) = matches(tokens((0, 2, X)), {1: (pack_tokens(tokens((0, 3, X))), [Span(0, 3), Span(4, 9)])})[1]
    assert first.sentence > 0.99
    assert second.sentence == 0.0


def test_without_tokens_there_is_no_match() -> None:
    blob = pack_tokens(tokens((0, 3, X)))
    assert matches(Tokens.none(), {1: (blob, [Span(0, 3)])}) == {}
    assert matches(tokens((0, 2, X)), {}) == {}
