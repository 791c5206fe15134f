"""The server: chat window, HTTP API and tools on one port, behind one gate and one queue."""

from __future__ import annotations

from rag.server.access import Access, RequestLimits
from rag.server.site import serve, serve_settings, site

__all__ = ["Access", "RequestLimits", "serve", "serve_settings", "site"]
