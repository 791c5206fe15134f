"""The decisions to decline, which is to answer that the documents do not answer the question, and to quote without claiming an answer."""

from __future__ import annotations

from rag.answering.confidence import Calibration
from rag.answering.inquiry import Inquiry


def declines(inquiry: Inquiry, calibration: Calibration) -> bool:
    """Return whether a question is declined: there is no evidence, or the confidence in it is below the fitted threshold."""
    return not inquiry.evidence or inquiry.confidence < calibration.least


def is_sure(inquiry: Inquiry, calibration: Calibration) -> bool:
    """Return whether the evidence may be given as the answer: the confidence in it reaches the fitted threshold for that. Without a reader
    no threshold was fitted, and what is not declined is sure."""
    return inquiry.answers is None or inquiry.confidence >= calibration.sure
