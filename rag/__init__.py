"""Shawahid answers questions about Arabic and English documents and shows the source's own words behind every answer.

    from rag import Settings, build_index, open_chatbot

Importing this package imports nothing heavy: each name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from rag.answering.chatbot import Chatbot
    from rag.config import Settings
    from rag.documents.chunker import Chunker
    from rag.documents.load import read_document, read_documents
    from rag.errors import ShawahidError
    from rag.factory import open_chatbot, open_embedder, open_generator, open_translator
    from rag.models.embedder import Embedder, SentenceTransformerEmbedder
    from rag.models.generator import Generator
    from rag.models.llama.generator import LlamaCpp
    from rag.retrieval.index import Index
    from rag.schema import Answer, Citation, Delta, Document, Evidence, Filter, Found, Hit, Passage, Span, Status, Turn
    from rag.service.aio import AsyncChatbot
    from rag.storage.build import BuildReport, add_documents, build_index, remove_documents, update_documents

_HOMES = {
    "rag.service.aio": ("AsyncChatbot",),
    "rag.storage.build": ("BuildReport", "add_documents", "build_index", "remove_documents", "update_documents"),
    "rag.answering.chatbot": ("Chatbot",),
    "rag.documents.chunker": ("Chunker",),
    "rag.config": ("Settings",),
    "rag.factory": ("open_chatbot", "open_embedder", "open_generator", "open_translator"),
    "rag.models.embedder": ("Embedder", "SentenceTransformerEmbedder"),
    "rag.errors": ("ShawahidError",),
    "rag.models.generator": ("Generator",),
    "rag.models.llama.generator": ("LlamaCpp",),
    "rag.retrieval.index": ("Index",),
    "rag.documents.load": ("read_document", "read_documents"),
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
    "LlamaCpp",
    "Passage",
    "SentenceTransformerEmbedder",
    "Settings",
    "ShawahidError",
    "Span",
    "Status",
    "Turn",
    "add_documents",
    "build_index",
    "open_chatbot",
    "open_embedder",
    "open_generator",
    "open_translator",
    "read_document",
    "read_documents",
    "remove_documents",
    "update_documents",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'rag' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
