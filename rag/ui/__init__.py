"""The chat window: a page for asking a question, watching the answer and checking it against its sources."""

from __future__ import annotations

from rag.ui.web import mount_page

__all__ = ["mount_page"]
