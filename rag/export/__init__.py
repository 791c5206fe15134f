"""Files to hand on: a paper, text with notes that name its sources, as a Word document, and its sources as BibTeX and RIS."""

from __future__ import annotations

from rag.export.bibliography import bibtex, ris
from rag.export.paper import Paper, PaperBlock, PaperNote, PaperRun, paper_of
from rag.export.word import word_document

__all__ = ["Paper", "PaperBlock", "PaperNote", "PaperRun", "bibtex", "paper_of", "ris", "word_document"]
