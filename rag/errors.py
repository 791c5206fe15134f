"""One tree of errors. Each says what happened and what to do next, in either language of the interface."""

from __future__ import annotations

import logging

from rag.messages import say

log = logging.getLogger(__name__)


class ShawahidError(Exception):
    """The root. `key` names an entry of `strings.toml`, `fields` fill it in; `str()` is English, `text("ar")` Arabic.

    A command that ends with one exits with `exit_code`; the HTTP API answers with `http_status`.
    """

    exit_code = 1
    http_status = 500

    def __init__(self, key: str, **fields: object) -> None:
        self.key = key
        self.fields = fields
        super().__init__(say(key, "en", **fields))

    def text(self, language: str = "en") -> str:
        """The message in the language of the reader."""
        return say(self.key, language, **self.fields)


class InvalidRecord(ShawahidError):
    """A record was given values that contradict each other: a defect of the caller."""


class BadQuestion(ShawahidError):
    """The question is empty or too long."""

    exit_code = 2
    http_status = 400


class BadSetting(ShawahidError):
    """A setting or argument has a value that means nothing."""

    exit_code = 2
    http_status = 400


class DocumentError(ShawahidError):
    """A file could not be read as a document; the rest of the folder is not affected."""

    exit_code = 3
    http_status = 422


class NothingToIndex(ShawahidError):
    """The folder is missing, or holds nothing that can be read."""

    exit_code = 3
    http_status = 422


class ModelMissing(ShawahidError):
    """A model's weights are not on disk."""

    exit_code = 4
    http_status = 503


class ModelCorrupt(ShawahidError):
    """A model's files are truncated or not the ones the catalogue names."""

    exit_code = 4
    http_status = 503


class FetchFailed(ShawahidError):
    """A download did not complete, or what came is not what was asked for."""

    exit_code = 5


class ConsentNeeded(ShawahidError):
    """The model's terms have to be accepted before it is fetched."""

    exit_code = 5


class MilvusFailed(ShawahidError):
    """The Milvus server can't be reached, or refused."""

    exit_code = 6
    http_status = 503


class BulkFailed(ShawahidError):
    """A worker that embeds in bulk failed."""


class IndexMissing(ShawahidError):
    """There is no index at that place yet."""

    exit_code = 6
    http_status = 503


class IndexMismatch(ShawahidError):
    """The index was made by another embedder, format or chunker."""

    exit_code = 6
    http_status = 503


class IndexCorrupt(ShawahidError):
    """The index's files are damaged or half-written."""

    exit_code = 6
    http_status = 503


class ExtraMissing(ShawahidError):
    """A package that only some users need is not installed."""

    exit_code = 4
    http_status = 501


class IndexClosed(ShawahidError):
    """The index was closed and is used again: a defect of the caller."""


class DocumentExists(ShawahidError):
    """A document of that name is in the index already."""

    exit_code = 3
    http_status = 409


class DocumentMissing(ShawahidError):
    """No document of that name is in the index."""

    exit_code = 3
    http_status = 404


class IndexBusy(ShawahidError):
    """Another process is writing this index."""

    exit_code = 7
    http_status = 503


class DiskFull(ShawahidError):
    """There is no room left; what was there before is untouched."""

    exit_code = 8
    http_status = 507


class PromptInvalid(ShawahidError):
    """A prompt template lacks a field it must have, or names one that does not exist."""

    exit_code = 2


class GenerationFailed(ShawahidError):
    """The language model stopped with an error."""

    http_status = 502


class Unexpected(ShawahidError):
    """A defect: something failed that has no error of its own."""


def as_ours(error: BaseException) -> ShawahidError:
    """Any exception as one that can be shown to a person; what is not ours is a defect, and logged as one."""
    if isinstance(error, ShawahidError):
        return error
    log.debug("defect", exc_info=error)
    return Unexpected("error.unexpected", reason=f"{type(error).__name__}: {error}"[:200])
