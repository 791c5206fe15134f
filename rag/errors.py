"""The error tree. Every message says what happened and what to do next, in either language of the interface."""

from __future__ import annotations

import logging

from rag.messages import say

log = logging.getLogger(__name__)


class ShawahidError(Exception):
    """The root of the tree. `key` names an entry of `strings.toml` and `fields` fill it in; `str()` is English, `text("ar")` Arabic.

    A command that fails with it exits with `exit_code`; the HTTP API answers with `http_status`.
    """

    exit_code = 1
    http_status = 500

    def __init__(self, key: str, **fields: object) -> None:
        self.key = key
        self.fields = fields
        super().__init__(say(key, "en", **fields))

    def text(self, language: str = "en") -> str:
        """Return the message in the reader's language."""
        return say(self.key, language, **self.fields)


class InvalidRecord(ShawahidError):
    """A record was given contradictory values: a defect in the caller."""


class BadQuestion(ShawahidError):
    """The question is empty or too long."""

    exit_code = 2
    http_status = 400


class BadSetting(ShawahidError):
    """A setting or argument has an invalid value."""

    exit_code = 2
    http_status = 400


class DocumentError(ShawahidError):
    """A file could not be read as a document; the rest of the folder is not affected."""

    exit_code = 3
    http_status = 422


class NothingToIndex(ShawahidError):
    """The folder is missing or holds no readable document."""

    exit_code = 3
    http_status = 422


class ModelMissing(ShawahidError):
    """A model's weights are not on disk."""

    exit_code = 4
    http_status = 503


class ModelCorrupt(ShawahidError):
    """A model's files are truncated or differ from those in the catalogue."""

    exit_code = 4
    http_status = 503


class FetchFailed(ShawahidError):
    """A download did not complete, or delivered something other than what was requested."""

    exit_code = 5


class ConsentNeeded(ShawahidError):
    """The model's terms must be accepted before it is downloaded."""

    exit_code = 5


class MilvusFailed(ShawahidError):
    """The Milvus server cannot be reached or refused the request."""

    exit_code = 6
    http_status = 503


class BulkFailed(ShawahidError):
    """A worker of a bulk embedding failed."""


class IndexMissing(ShawahidError):
    """There is no index in that folder yet."""

    exit_code = 6
    http_status = 503


class IndexMismatch(ShawahidError):
    """The index was built with another embedder, format or chunker."""

    exit_code = 6
    http_status = 503


class IndexCorrupt(ShawahidError):
    """The index files are damaged or incomplete."""

    exit_code = 6
    http_status = 503


class ExtraMissing(ShawahidError):
    """An optional package is not installed."""

    exit_code = 4
    http_status = 501


class IndexClosed(ShawahidError):
    """A closed index was used: a defect in the caller."""


class DocumentExists(ShawahidError):
    """The index already holds a document of that name."""

    exit_code = 3
    http_status = 409


class DocumentMissing(ShawahidError):
    """The index holds no document of that name."""

    exit_code = 3
    http_status = 404


class IndexBusy(ShawahidError):
    """Another process is writing this index."""

    exit_code = 7
    http_status = 503


class DiskFull(ShawahidError):
    """There is no space left on the disk; what was there before is unchanged."""

    exit_code = 8
    http_status = 507


class DiskFailed(ShawahidError):
    """The disk reports an error of its own, or lets nothing be read: freeing space would not help."""

    exit_code = 8
    http_status = 503


class PromptInvalid(ShawahidError):
    """A prompt template lacks a required field or names an unknown one."""

    exit_code = 2


class GenerationFailed(ShawahidError):
    """The language model stopped with an error."""

    http_status = 502


class Unexpected(ShawahidError):
    """A defect: an operation failed with an error that is not in this tree."""


def as_ours(error: BaseException) -> ShawahidError:
    """Return an exception as one that can be shown to a user; anything outside the tree is a defect, and is logged."""
    if isinstance(error, ShawahidError):
        return error
    log.debug("defect", exc_info=error)
    return Unexpected("error.unexpected", reason=f"{type(error).__name__}: {error}"[:200])
