"""An index and a chatbot as records of JSON, from which they are opened again: paths and settings, never models or secrets.

What settings cannot name (a model or a store of one's own, values of one's own) is an error: it would be another one when it is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rag.answering.chatbot import Chatbot
from rag.answering.confidence import Calibration
from rag.answering.generator_translator import GeneratorTranslator
from rag.config import GENERATOR, NO_TRANSLATOR, Settings
from rag.errors import BadSetting
from rag.factory import NO_GENERATOR, open_embedder, open_generator, open_milvus, open_translator
from rag.models.catalogue import catalogue
from rag.models.reader import EncoderReader, open_reader
from rag.models.remote_generator import RemoteGenerator
from rag.models.translator import Translator
from rag.retrieval.index import Index

Saved = dict[str, Any]


def index_record(index: Index) -> Saved:
    """Return the record of an index: its path, its embedder as `SHAWAHID_EMBEDDER` has it and, if it is searched there, the Milvus
    collection. Raises BadSetting."""
    if index.has_own_store:
        raise BadSetting("error.unsaved", part="vectors", name=type(index).__name__)
    milvus = index.milvus
    return {
        "path": str(index.folder.resolve()),
        "embedder": _setting("embedder", index.embedder, "folder"),
        **({"milvus": f"{milvus.address}#{milvus.collection}"} if milvus is not None else {}),
    }


def open_index(record: object) -> Index:
    """Open an index from its record; secrets come from the environment. Raises BadSetting, and as `open_embedder` and `Index.open` do."""
    if isinstance(record, Index):
        return record
    known = _validated(record, {"path", "embedder"}, {"milvus"})
    settings = replace(Settings.load(), embedder=known["embedder"], milvus=known.get("milvus", ""))
    embedder, _ = open_embedder(settings)
    return Index.open(Path(known["path"]), embedder, open_milvus(settings))


def chatbot_record(chatbot: Chatbot) -> Saved:
    """Return the record of a chatbot: that of its index, its generator and translator as `SHAWAHID_GENERATOR` and `SHAWAHID_TRANSLATOR`
    have them, its style, whether it checks its answers and has a reader, and its folder of prompts. Raises BadSetting."""
    generator, translator, embedder = chatbot.generator, chatbot.translator, chatbot.index.embedder
    if generator is None:
        setting = NO_GENERATOR
    else:
        setting = generator.address if isinstance(generator, RemoteGenerator) else _setting("generator", generator, "path")
    if chatbot.reader is not None and not isinstance(chatbot.reader, EncoderReader):
        raise BadSetting("error.unsaved", part="reader", name=chatbot.reader.name)
    if chatbot.calibration != Calibration.of(embedder.name, generator.name if generator else None):
        raise BadSetting("error.unsaved", part="calibration", name=embedder.name)
    return {
        "index": index_record(chatbot.index),
        "generator": setting,
        "translator": _translator_setting(translator),
        "style": chatbot.style,
        "check": chatbot.checks,
        "reader": chatbot.reader is not None or open_reader(embedder) is None,
        **({"prompts": str(chatbot.prompts.resolve())} if chatbot.prompts is not None else {}),
    }


def open_chatbot(record: object) -> Chatbot:
    """Open a chatbot from its record. Raises as `open_index` and `open_generator` do, and ModelMissing if a model of it is not here."""
    if isinstance(record, Chatbot):
        return record
    known = _validated(record, {"index", "generator", "translator", "style", "check", "reader"}, {"prompts"})
    settings = replace(Settings.load(), generator=known["generator"], translator=known["translator"])
    generator, missing = open_generator(settings)
    if missing is not None:
        raise missing
    translator, missing = open_translator(settings, generator)
    if missing is not None:
        raise missing
    prompts = Path(known["prompts"]) if "prompts" in known else None
    index = open_index(known["index"])
    return Chatbot(
        index,
        generator,
        prompts=prompts,
        check=bool(known["check"]),
        style=known["style"],
        reader="own" if known["reader"] else None,
        translator=translator,
    )


def _translator_setting(translator: Translator | None) -> str:
    if translator is None:
        return NO_TRANSLATOR
    if not isinstance(translator, GeneratorTranslator):
        raise BadSetting("error.unsaved", part="translator", name=translator.name)
    return GENERATOR


def _setting(part: str, model: Any, place: str) -> str:
    """Return how a setting names a model: by its name in the catalogue, else by its place. Raises BadSetting if it has none."""
    path = getattr(model, place, None)
    if not isinstance(path, Path):
        raise BadSetting("error.unsaved", part=part, name=model.name)
    return model.name if model.name in catalogue() else str(path.resolve())


def _validated(record: object, needed: set[str], allowed: set[str]) -> Mapping[str, Any]:
    """Return a record with the fields that it needs and no others. Raises BadSetting."""
    if not isinstance(record, Mapping):
        raise BadSetting("error.record", value=type(record).__name__)
    if wrong := sorted(needed ^ (record.keys() - allowed)):
        raise BadSetting("error.record", value=wrong[0])
    return record
