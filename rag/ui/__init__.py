"""The chat window: a page where a question is asked, its answer watched, and every sentence of it checked."""

from __future__ import annotations

from rag.ui.web import mount_page

__all__ = ["mount_page"]
