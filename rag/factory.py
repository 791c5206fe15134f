"""Open models, an index and a chatbot from settings."""

from __future__ import annotations

from pathlib import Path

from rag.answering.chatbot import Chatbot
from rag.answering.confidence import is_measured
from rag.answering.generator_translator import GeneratorTranslator
from rag.answering.generator_trials import tried
from rag.arguments import require_type
from rag.config import GENERATOR, NO_TRANSLATOR, Settings
from rag.errors import BadSetting, ExtraMissing, ModelMissing, ShawahidError
from rag.extras import require
from rag.files import user_cache
from rag.models.advice import recommended
from rag.models.embedder import SentenceTransformerEmbedder
from rag.models.generator import Generator
from rag.models.installed import find, profile, usable_profile
from rag.models.llama.generator import LlamaCpp
from rag.models.question_encoder import for_one_question
from rag.models.remote_generator import RemoteGenerator, is_address
from rag.models.translator import Translator
from rag.retrieval.index import Index
from rag.storage.milvus.client import MilvusIndex
from rag.tracing import export_traces

NO_GENERATOR = "none"


def open_embedder(settings: Settings) -> tuple[SentenceTransformerEmbedder, ShawahidError | None]:
    """Return the embedder that the settings name, and a notice for the user if the light one had to replace it.

    Raises ModelMissing if neither is on this machine.
    """
    require_type("settings", settings, Settings)
    chosen, notice = usable_profile(settings.profile)
    if settings.embedder:
        chosen_name, notice = settings.embedder, None
    else:
        chosen_name = chosen.embedder
    model = find(chosen_name, "embedder")
    threads = settings.threads or None
    if (entry := model.entry) is None:
        return SentenceTransformerEmbedder(model.path, model.name, threads=threads, device=settings.device), notice
    embedder = SentenceTransformerEmbedder(
        model.path,
        model.name,
        entry.query_prefix,
        entry.passage_prefix,
        threads,
        token_size=entry.token_size,
        device=settings.device,
    )
    return embedder, notice


def open_generator(settings: Settings) -> tuple[LlamaCpp | RemoteGenerator | None, ShawahidError | None]:
    """Return the generator that the settings name, or None and a notice for the user if it is not on this machine.

    Sends no request to a remote server yet. Raises BadSetting for an invalid address.
    """
    require_type("settings", settings, Settings)
    name = recommended(settings.generator) or profile(settings.profile).generator
    if name == NO_GENERATOR:
        return None, None
    if is_address(name):
        return RemoteGenerator(name, settings.generator_key), None
    try:
        model = find(name, "generator")
        require("generator")
    except (ModelMissing, ExtraMissing) as error:
        return None, error
    threads = settings.threads or None
    return LlamaCpp(model.path, model.name, threads=threads, states=states_dir(), gpu_layers=settings.gpu_layers), None


def open_translator(settings: Settings, generator: Generator | None = None) -> tuple[Translator | None, ShawahidError | None]:
    """Return the translator that the settings name, or None if there is none; with a notice for the user about one that translates badly.

    "generator" names the `generator` itself, which also translates without being named if it passed a trial on this machine.
    Without one, answers are complete and quotations are not translated.
    """
    require_type("settings", settings, Settings)
    if generator is None or settings.translator == NO_TRANSLATOR:
        return None, None
    trial = tried(generator.name)
    if settings.translator == GENERATOR:
        failed = BadSetting("models.translates_badly", name=trial.name) if trial is not None and not trial.translates else None
        return GeneratorTranslator(generator), failed
    if trial is not None and trial.translates:
        return GeneratorTranslator(generator, languages=trial.translates), None
    return None, None


def open_milvus(settings: Settings) -> MilvusIndex | None:
    """Return the Milvus collection to search, or None if vectors and keywords are searched in the index folder.

    Sends no request yet. Raises BadSetting.
    """
    return MilvusIndex(settings.milvus, settings.milvus_token) if settings.milvus else None


def open_chatbot(settings: Settings, index: Path | None = None, *, for_one: bool = False) -> tuple[Chatbot, tuple[ShawahidError, ...]]:
    """Return a chatbot over an index, and notices for the user about models that were replaced or are missing.

    One that is opened `for_one` question answers it without torch where it can: sooner, and in one thread only. Sends
    traces if the settings say so. Raises ModelMissing, ModelCorrupt, IndexMissing, IndexMismatch, IndexCorrupt, ExtraMissing.
    """
    require_type("settings", settings, Settings)
    if settings.traces:
        export_traces()
    embedder, embedder_notice = open_embedder(settings)
    milvus = open_milvus(settings) if index in (None, settings.index) else None
    opened = Index.open(index or settings.index, for_one_question(embedder) if for_one else embedder, milvus)
    generator, generator_notice = open_generator(settings)
    translator, translator_notice = open_translator(settings, generator)
    known = (embedder_notice, generator_notice, translator_notice, _untried(generator))
    notices = tuple(notice for notice in known if notice is not None)
    return Chatbot(opened, generator, style=settings.style, translator=translator), notices


def _untried(generator: LlamaCpp | RemoteGenerator | None) -> ShawahidError | None:
    """Return the notice that a generator writes nothing yet; None for one that was measured or tried."""
    if generator is None or is_measured(generator.name) or tried(generator.name) is not None:
        return None
    return BadSetting("models.untried", name=generator.name, command="shawahid models try")


def states_dir() -> Path:
    """Return the folder where prompt states are kept between runs: `shawahid/states` in the user's cache."""
    return user_cache() / "states"
