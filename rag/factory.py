"""Settings into the objects that work: models, index and chatbot."""

from __future__ import annotations

from pathlib import Path

from rag.answering.chatbot import Chatbot
from rag.config import Settings
from rag.errors import ModelMissing, ShawahidError
from rag.models.embedder import SentenceTransformerEmbedder
from rag.models.installed import find, profile, usable_profile
from rag.models.llama.generator import LlamaCpp
from rag.models.remote import RemoteGenerator, is_address
from rag.retrieval.index import Index
from rag.storage.milvus.client import MilvusIndex

NO_GENERATOR = "none"


def open_embedder(settings: Settings) -> tuple[SentenceTransformerEmbedder, ShawahidError | None]:
    """The embedder that the settings name, and what to tell the user when the light one had to stand in for it.

    Raises ModelMissing when neither is on this machine.
    """
    chosen, notice = usable_profile(settings.profile)
    if settings.embedder:
        chosen_name, notice = settings.embedder, None
    else:
        chosen_name = chosen.embedder
    model = find(chosen_name, "embedder")
    threads = settings.threads or None
    if (entry := model.entry) is None:
        return SentenceTransformerEmbedder(model.path, model.name, threads=threads), notice
    embedder = SentenceTransformerEmbedder(
        model.path, model.name, entry.query_prefix, entry.passage_prefix, threads, token_size=entry.token_size
    )
    return embedder, notice


def open_generator(settings: Settings) -> tuple[LlamaCpp | RemoteGenerator | None, ShawahidError | None]:
    """The generator that the settings name; None, with what to tell the user, when it is not on this machine.

    A server is not asked anything yet. Raises BadSetting for an address that is none.
    """
    name = settings.generator or profile(settings.profile).generator
    if name == NO_GENERATOR:
        return None, None
    if is_address(name):
        return RemoteGenerator(name, settings.generator_key), None
    try:
        model = find(name, "generator")
    except ModelMissing as error:
        return None, error
    return LlamaCpp(model.path, model.name, threads=settings.threads or None, states=states_dir()), None


def open_milvus(settings: Settings) -> MilvusIndex | None:
    """Where vectors and keywords are searched, when it is not in the index folder; not asked anything yet. Raises BadSetting."""
    return MilvusIndex(settings.milvus, settings.milvus_token) if settings.milvus else None


def open_chatbot(settings: Settings, index: Path | None = None) -> tuple[Chatbot, tuple[ShawahidError, ...]]:
    """The chatbot over an index, and what to tell the user about models that had to be replaced or are missing.

    Raises ModelMissing, ModelCorrupt, IndexMissing, IndexMismatch, IndexCorrupt.
    """
    embedder, embedder_notice = open_embedder(settings)
    milvus = open_milvus(settings) if index in (None, settings.index) else None
    opened = Index.open(index or settings.index, embedder, milvus)
    generator, generator_notice = open_generator(settings)
    notices = tuple(notice for notice in (embedder_notice, generator_notice) if notice is not None)
    return Chatbot(opened, generator, style=settings.style), notices


def states_dir() -> Path:
    """Where prompt states are kept between runs: `shawahid/states` in the user's cache."""
    from platformdirs import user_cache_path

    return user_cache_path("shawahid", appauthor=False) / "states"
