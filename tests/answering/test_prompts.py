"""Prompt templates are checked when they are loaded; numbering has one home."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.answering.prompts import Template, answer_prompt, format_sources, prompts_dir, template, transcript
from rag.errors import PromptInvalid
from rag.schema import Evidence, Passage, Span, Turn

GOOD = "--- system ---\nBe brief. {{x}}\n\n--- user ---\n{evidence}\n\nQuestion: {question}\n"


def evidence(text: str, id: int = 1) -> Evidence:
    passage = Passage(id, "d", Span(0, len(text)), text, "", "en", "", (Span(0, len(text)),))
    return Evidence(passage, Span(0, len(text)), text, 0.5)


def load(tmp_path: Path, text: str | bytes, name: str = "answer.en.txt") -> Template:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return Template.load(path)


def test_a_template_is_a_sequence_of_messages(tmp_path: Path) -> None:
    loaded = load(tmp_path, GOOD)
    assert loaded.messages == (("system", "Be brief. {{x}}"), ("user", "{evidence}\n\nQuestion: {question}"))
    assert loaded.fill(evidence="[1] a", question="ما {هذا}؟ {evidence}") == (
        {"role": "system", "content": "Be brief. {x}"},
        {"role": "user", "content": "[1] a\n\nQuestion: ما {هذا}؟ {evidence}"},  # what was filled in is not filled again
    )


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "error.prompt_form"),
        ("no messages {question}", "error.prompt_form"),
        ("before\n" + GOOD, "error.prompt_form"),
        ("--- system ---\n{evidence} {question}", "error.prompt_form"),
        ("--- user ---\n{question}", "error.prompt_fields"),
        ("--- user ---\n{evidence} {question} {extra}", "error.prompt_fields"),
        ("--- user ---\n{evidence} {question} {}", "error.prompt_fields"),
        ("--- user ---\n{evidence} {question.real}", "error.prompt_fields"),
        ("--- system ---\n{question}\n--- user ---\n{evidence} {question}", "error.prompt_fields"),
        ("--- user ---\n{evidence} {question", "error.prompt_unreadable"),
        (b"\xff\xfe--- user ---", "error.prompt_unreadable"),
    ],
)
def test_what_is_wrong_with_a_template_is_said(tmp_path: Path, text: str | bytes, key: str) -> None:
    with pytest.raises(PromptInvalid) as caught:
        load(tmp_path, text)
    assert caught.value.key == key
    assert "answer.en.txt" in str(caught.value)


def test_a_missing_template_is_said(tmp_path: Path) -> None:
    with pytest.raises(PromptInvalid):
        Template.load(tmp_path / "answer.en.txt")


@pytest.mark.parametrize("path", sorted(prompts_dir().glob("*.txt")), ids=lambda path: path.name)
def test_every_template_that_comes_with_shawahid_is_sound(path: Path) -> None:
    assert Template.load(path).messages[0][0] == "system"


def test_both_languages_have_each_template() -> None:
    kinds = {path.name.split(".")[0] for path in prompts_dir().glob("*.txt")}
    assert {f"{kind}.{language}.txt" for kind in kinds for language in ("ar", "en")} == {p.name for p in prompts_dir().glob("*.txt")}
    assert template("answer", "ar").name == "answer.ar.txt"
    assert template("answer", "fr").name == "answer.en.txt"


def test_sources_are_numbered_from_one_each_on_a_line() -> None:
    assert format_sources([]) == ""
    assert format_sources([evidence("one\n two"), evidence("اثنان", 2)]) == "[1] one two\n[2] اثنان"
    prompt = answer_prompt("من؟", "ar", [evidence("one"), evidence("two", 2)])
    assert prompt.sources[1 - 1].text == "one"
    assert "[2] two" in prompt.messages[-1]["content"]
    assert prompt.messages[-1]["content"].endswith("من؟")


def test_the_transcript_keeps_the_last_turns_short() -> None:
    turns = [Turn(f"q{n}", "a" * 400 + f"\n{n}") for n in range(5)]
    assert transcript([]) == ""
    assert transcript(turns, 2) == f"Q: q3\nA: {'a' * 300}\nQ: q4\nA: {'a' * 300}"
