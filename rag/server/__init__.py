"""Everything on one port: the chat window, the HTTP API and the tools of programs, behind one door and one line."""

from __future__ import annotations

from rag.server.access import Access, Limits
from rag.server.site import serve, serve_settings, site

__all__ = ["Access", "Limits", "serve", "serve_settings", "site"]
