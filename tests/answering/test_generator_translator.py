"""Translations by the generator, one text at a time, marked and held back like any other."""

from __future__ import annotations

import threading

import pytest

from rag.answering.generator_translator import GeneratorTranslator
from rag.answering.prompts import translation_prompt
from rag.answering.translation import SourceTranslator
from rag.config import Settings
from rag.factory import open_translator
from rag.testing import ScriptedGenerator


def answering(table: dict[str, str]) -> ScriptedGenerator:
    return ScriptedGenerator(lambda messages: table[messages[-1]["content"]])


@pytest.mark.parametrize(
    ("text", "target", "written"), [("وزير\n الصحة", "en", " the minister\nof health "), ("the minister", "ar", "الوزير")]
)
def test_the_generator_is_asked_for_one_line_in_the_other_language(text: str, target: str, written: str) -> None:
    plain = " ".join(text.split())
    translator = GeneratorTranslator(answering({plain: written}))
    assert translator.translate([text, " "], "", target) == [" ".join(written.split()), ""]
    system, user = translation_prompt(plain, target)
    assert user["content"] == plain
    assert ("into English" if target == "en" else "into Arabic") in system["content"]


def test_nothing_is_translated_after_stop() -> None:
    stop = threading.Event()
    stop.set()
    assert GeneratorTranslator(answering({})).translate(["وزير"], "ar", "en", stop) == [""]


def test_a_translation_with_another_number_is_held_back() -> None:
    table = {"خلال 30 يوما": "within 13 days", "خلال 60 يوما": "within 60 days"}
    own = SourceTranslator(GeneratorTranslator(answering(table)), "en")
    assert own.phrases(list(table)) == ["", "within 60 days"]


def test_the_setting_names_the_generator_and_by_default_nothing_translates() -> None:
    generator = answering({})
    chosen, notice = open_translator(Settings(translator="generator"), generator)
    assert isinstance(chosen, GeneratorTranslator)
    assert chosen.name == generator.name
    assert notice is None
    assert open_translator(Settings(translator="generator")) == (None, None)
    assert open_translator(Settings(), generator) == (None, None)
