"""The ablation: one part switched off at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.answering.chatbot import Chatbot
from rag.answering.confidence import Calibration
from rag.arrays import Vectors
from rag.errors import BadSetting
from rag.evaluation import ablation
from rag.evaluation.cached_embedder import CachedEmbedder
from rag.evaluation.run_identity import identify
from rag.retrieval.fusion import Weights
from rag.retrieval.index import Index
from rag.testing import HashEmbedder
from tests.evaluation.world import (
    ARABIC,
    ENGLISH,
    RIGHT,
    SET,
    ScriptedBot,
)

# --- ablation -------------------------------------------------------------------------------------------------------------


def switched(bot: ScriptedBot, variant: ablation.Variant) -> ScriptedBot:
    return ScriptedBot(ablation.SwitchedIndex(bot.index, variant), bot.replies)


def test_ablation_switches_one_part_at_a_time(index: Index, tmp_path: Path) -> None:
    bot = ScriptedBot(index, RIGHT)
    variants = (
        ablation.Variant(ablation.SHIPPED),
        ablation.Variant("keyword only", legs=("keyword",)),
        ablation.Variant("nothing at all", legs=()),
        ablation.Variant("by sentence", ranked_by="sentences"),
    )
    rows = ablation.ablate(switched, [(SET, bot)], variants, tmp_path, lambda bot: identify(bot))
    assert [row.name for row in rows] == ["as shipped", "keyword only", "nothing at all", "by sentence"]
    assert rows[0].figures["all"]["recall@1"].value == 1.0
    assert rows[1].differences["all"]["recall@1"].value == 0.0
    assert rows[2].figures["all"]["recall@5"].value == 0.0
    assert rows[2].differences["all"]["recall@5"].value == -1.0
    text = ablation.markdown(rows, ("recall@1", "right"), "all")
    assert text.splitlines()[0] == "| all, n = 2 | recall@1 | right |"
    assert text.splitlines()[2] == "| as shipped | 1.000 [1.000, 1.000] | – |"
    assert text.splitlines()[4].startswith("| nothing at all | 0.000 [0.000, 0.000] **-1.000** |")
    again = ablation.ablate(switched, [(SET, bot)], variants, tmp_path, lambda bot: identify(bot))
    assert [row.figures for row in again] == [row.figures for row in rows]


@pytest.mark.parametrize(("question", "stemmed"), [("Letters?", True), ("رسالة؟", True), ("Harbour?", False)])
def test_without_stems_words_match_as_they_are_written(index: Index, question: str, stemmed: bool) -> None:
    # "letters" is found as "letter" only by its stem, «رسالة» in «الرسالة» too; "harbour" stands in the document as it is.
    def found(variant: ablation.Variant) -> bool:
        with ablation.SwitchedIndex(index, variant) as switched:
            word = {"Letter": "en/letter.txt", "رسالة": "ar/letter.txt", "Harbour": "en/harbour.txt"}
            wanted = next(name for part, name in word.items() if part in question)
            return any(hit.passage.document_id == wanted for hit in switched.search(question))

    assert found(ablation.Variant("keyword", legs=("keyword",)))
    assert found(ablation.Variant("as written", legs=("keyword",), stems=False)) is not stemmed


@pytest.mark.parametrize(
    ("question", "passage"),
    [("Who wrote the letter to Microsoft?", ENGLISH), ("من كتب الرسالة إلى مايكروسوفت؟", ARABIC)],
)
def test_whole_passages_as_evidence(index: Index, question: str, passage: str) -> None:
    with ablation.SwitchedIndex(index, ablation.Variant("passages", unit="passages")) as switched:
        hits = switched.search(question, 3)
        evidence = switched.evidence(question, hits, 2)
        assert [item.passage.id for item in evidence] == [hit.passage.id for hit in hits[:2]]
        assert evidence[0].text == passage == evidence[0].span.of(passage)
        assert evidence[0].score == pytest.approx(max(item.score for item in index.evidence(question, hits[:1], 9)))
        assert switched.evidence(question, []) == []
        # The product quotes what stands as evidence: the passage, with a citation of its whole span.
        answer = Chatbot(switched, calibration=replace(Calibration.of("unknown"), least=0.0)).ask(question)
        assert answer.citations[0].quote == passage


def test_a_question_is_embedded_once() -> None:
    counted = Counted()
    remembering = CachedEmbedder(counted)
    first, second = remembering.embed_query("من كتب الرسالة؟"), remembering.embed_query("من كتب الرسالة؟")
    other = remembering.embed_query("Who wrote the letter?")
    assert counted.queries == ["من كتب الرسالة؟", "Who wrote the letter?"]
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
    assert (remembering.name, remembering.fingerprint, remembering.dimension) == (counted.name, counted.fingerprint, counted.dimension)
    assert np.array_equal(remembering.embed_passages(["a ferry"]), counted.embed_passages(["a ferry"]))


class Counted(HashEmbedder):
    """Writes down every question that it embeds."""

    def __init__(self) -> None:
        super().__init__()
        self.queries: list[str] = []

    def embed_query(self, text: str) -> Vectors:
        self.queries.append(text)
        return super().embed_query(text)


def test_without_sentence_vectors_and_without_passage_vectors(index: Index) -> None:
    question = "What was the monthly fee?"
    scores = {}
    for name, weights in (("passage", Weights(1.0, 0.0)), ("sentence", Weights(0.0, 1.0))):
        with ablation.SwitchedIndex(index, ablation.Variant(name, legs=("dense",), weights=weights)) as switched:
            scores[name] = switched.search(question, 1)[0].score
    # One of two sentences asks for nothing else: it is nearer to the question than both together.
    assert scores["sentence"] > scores["passage"]


def test_a_table_is_put_between_its_marks(tmp_path: Path) -> None:
    path = tmp_path / "docs" / "quality.md"
    ablation.insert(path, "| a |\n", "ablation")
    path.write_text("# Quality\n\n" + path.read_text("utf-8") + "\nThe end.\n", encoding="utf-8")
    ablation.insert(path, "| b |\n", "ablation")
    ablation.insert(path, "| b |\n", "ablation")
    assert path.read_text("utf-8") == "# Quality\n\n<!-- ablation -->\n| b |\n<!-- /ablation -->\n\nThe end.\n"
    path.write_text("<!-- ablation -->", encoding="utf-8")
    with pytest.raises(BadSetting):
        ablation.insert(path, "| c |", "ablation")
