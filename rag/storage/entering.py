"""What a document must be when it enters an index: text in NFC with spans that fit it, and metadata of texts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from rag.arguments import require_type
from rag.errors import BadSetting
from rag.schema import Document
from rag.text.folding import nfc
from rag.text.language import detect


def entered(documents: Sequence[Document]) -> list[Document]:
    """Return the documents as they are stored: in NFC, and with a language where none was named.

    Raises BadSetting for what is no document, for text with half a surrogate pair, for metadata that is not text, and for text that is
    not in NFC while spans refer to it.
    """
    given = _listed(documents)
    if given is None or not all(isinstance(each, Document) for each in given):
        raise BadSetting("error.documents_type", value=type(documents).__name__)
    return [_entered(document) for document in given]


def _listed(documents: object) -> list[Document] | None:
    """Return what was given as a list, since an iterator can be read once; None for a lone document or text."""
    if isinstance(documents, (Document, str, bytes)) or not isinstance(documents, Iterable):
        return None
    return list(documents)


def _entered(document: Document) -> Document:
    for name in ("id", "text", "title", "language"):
        require_type(name, getattr(document, name), str)
    require_type("metadata", document.metadata, Mapping)
    for key, value in document.metadata.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise BadSetting("error.metadata_value", name=document.id, field=key, value=value)
    for name, text in (("text", document.text), ("id", document.id), ("title", document.title), *document.metadata.items()):
        try:
            f"{name}{text}".encode()
        except UnicodeEncodeError as error:
            raise BadSetting("error.not_unicode", name=document.id.encode("utf-8", "backslashreplace").decode()) from error
    if not unicodedata.is_normalized("NFC", document.text):
        if document.blocks or document.marks or document.pages:
            raise BadSetting("error.not_nfc", name=document.id)
        document = replace(document, text=nfc(document.text))
    if not unicodedata.is_normalized("NFC", document.id + document.title):
        document = replace(document, id=nfc(document.id), title=nfc(document.title))
    return document if document.language else replace(document, language=detect(document.text))
