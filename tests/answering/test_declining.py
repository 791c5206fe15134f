"""Declining: no evidence, or a confidence below the threshold; a confidence that reaches it is enough."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from rag.answering.confidence import Calibration
from rag.answering.declining import declines
from rag.answering.inquiry import Inquiry
from rag.retrieval.query import Query
from rag.schema import Evidence, Passage, Span
from rag.testing import HashEmbedder


def inquiry(confidence: float, *texts: str, language: str = "en") -> Inquiry:
    evidence = []
    for text in texts:
        span = Span(0, len(text))
        evidence.append(Evidence(Passage(1, "d", span, text, "", language, "", (span,)), span, text, 0.5))
    query = Query.of("When?", HashEmbedder(16))
    return Inquiry("When?", query, "en", (), tuple(evidence), confidence, time.perf_counter(), 0.0)


@pytest.mark.parametrize(("confidence", "declined"), [(0.39, True), (0.4, False), (0.41, False)])
def test_a_confidence_below_the_threshold_declines(confidence: float, declined: bool) -> None:
    calibration = replace(Calibration.of("unknown"), least=0.4)
    assert declines(inquiry(confidence, "It opened in 2019."), calibration) is declined
    assert declines(inquiry(confidence, "افتُتح عام 2019.", language="ar"), calibration) is declined


def test_without_evidence_every_question_is_declined() -> None:
    assert declines(inquiry(1.0), replace(Calibration.of("unknown"), least=0.0))
