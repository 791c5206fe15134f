"""Isnad: ask Arabic and English documents, and check every sentence of the answer against its source.

    from rag import Settings, build_index, open_chatbot

Importing this package imports nothing heavy; each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag.aio import AsyncChatbot
    from rag.build import BuildReport, add_documents, build_index, remove_documents, update_documents
    from rag.chatbot import Chatbot
    from rag.chunk import Chunker
    from rag.config import Settings, open_chatbot, open_embedder, open_generator
    from rag.embed import Embedder, SentenceTransformerEmbedder
    from rag.errors import IsnadError
    from rag.generate import Generator, LlamaCpp
    from rag.index import Index
    from rag.load import read_document
    from rag.schema import Answer, Citation, Delta, Document, Evidence, Filter, Found, Hit, Passage, Span, Status, Turn

_HOMES = {
    "rag.aio": ("AsyncChatbot",),
    "rag.build": ("BuildReport", "add_documents", "build_index", "remove_documents", "update_documents"),
    "rag.chatbot": ("Chatbot",),
    "rag.chunk": ("Chunker",),
    "rag.config": ("Settings", "open_chatbot", "open_embedder", "open_generator"),
    "rag.embed": ("Embedder", "SentenceTransformerEmbedder"),
    "rag.errors": ("IsnadError",),
    "rag.generate": ("Generator", "LlamaCpp"),
    "rag.index": ("Index",),
    "rag.load": ("read_document",),
    "rag.schema": ("Answer", "Citation", "Delta", "Document", "Evidence", "Filter", "Found", "Hit", "Passage", "Span", "Status", "Turn"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Answer",
    "AsyncChatbot",
    "BuildReport",
    "Chatbot",
    "Chunker",
    "Citation",
    "Delta",
    "Document",
    "Embedder",
    "Evidence",
    "Filter",
    "Found",
    "Generator",
    "Hit",
    "Index",
    "IsnadError",
    "LlamaCpp",
    "Passage",
    "SentenceTransformerEmbedder",
    "Settings",
    "Span",
    "Status",
    "Turn",
    "add_documents",
    "build_index",
    "open_chatbot",
    "open_embedder",
    "open_generator",
    "read_document",
    "remove_documents",
    "update_documents",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'rag' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
