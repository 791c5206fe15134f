"""The decision to decline: to answer that the documents do not answer the question."""

from __future__ import annotations

from rag.answering.confidence import Calibration
from rag.answering.inquiry import Inquiry


def declines(inquiry: Inquiry, calibration: Calibration) -> bool:
    """Return whether a question is declined: there is no evidence, or the confidence in it is below the fitted threshold."""
    return not inquiry.evidence or inquiry.confidence < calibration.least
