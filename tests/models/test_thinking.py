"""Thinking: switched off through the template, and never part of an answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import GenerationFailed
from rag.models.llama.engine import LlamaEngine
from rag.models.thinking import MARKS, ThoughtFilter, opened
from rag.schema import Message
from tests.tiny import write_tiny_model

ASKED: list[Message] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "متى؟"}]


def shown(*pieces: str) -> str:
    thoughts = ThoughtFilter()
    return "".join(thoughts.add(piece) for piece in pieces) + thoughts.end()


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (["The ferry", " sank."], "The ferry sank."),
        (["<think>", "It may", " be", "</think>", "\n\nغرقت العبّارة."], "غرقت العبّارة."),
        (["<th", "ink>\n\n</th", "ink>\n\n12"], "12"),
        (["a <", "b and c <th", "e d"], "a <b and c <the d"),
        (["12 < 13 <thi"], "12 < 13 <thi"),
        (["<think>It goes on and on"], ""),
        (["A.<think>", "no", "</think>B."], "A.B."),
        (["<|channel>thought\n", "<channel|>", "نعم"], "نعم"),
        (["<|channel|>", "analysis", "<|message|>", "Hm", "<|start|>assistant", "<|channel|>final<|message|>", "Yes"], "Yes"),
        (["<|channel|>final", "<|message|>Yes"], "Yes"),
        (["[THINK]hm[/THINK]Yes"], "Yes"),
        ([], ""),
    ],
)
def test_what_stands_between_think_marks_is_left_out(pieces: list[str], text: str) -> None:
    assert shown(*pieces) == text


@given(st.lists(st.sampled_from(["<think>", "</think>", "<", "th", "x", "كلمة", "\n"]), max_size=12), st.integers(1, 4))
def test_pieces_may_be_cut_anywhere(parts: list[str], size: int) -> None:
    text = "".join(parts)
    assert shown(*(text[at : at + size] for at in range(0, len(text), size))) == shown(text)
    assert "<think>" not in shown(text)


@pytest.mark.parametrize(("begin", "end"), MARKS)
def test_a_prompt_that_ends_in_a_thought_is_noticed(begin: str, end: str) -> None:
    assert opened(f"assistant\n{begin}\n") == end
    assert opened(f"assistant\n{begin}{end}\n\n") == ""


# --- templates ------------------------------------------------------------------------------------------------------------

# Jinja leaves out the last newline.
CHAT = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"


def prompt(tmp_path: Path, template: str, messages: list[Message] = ASKED) -> str:
    path = write_tiny_model(tmp_path / "tiny.gguf", template=template, marks=("<think>", "</think>"))
    engine = LlamaEngine(path, "tiny", 256, 1, 1)
    try:
        assert engine.prompt(messages)[: len(engine.opening(messages))] == engine.opening(messages)
        return b"".join(engine.piece(token, special=True) for token in engine.prompt(messages)).decode()
    finally:
        engine.close()


@pytest.mark.parametrize("switch", ["enable_thinking", "thinking"])
def test_a_template_that_knows_the_switch_gets_it(tmp_path: Path, switch: str) -> None:
    template = CHAT + f"{{% if {switch} is defined and not {switch} %}}<think>\n\n</think>\n\n{{% endif %}}"
    assert prompt(tmp_path, template).endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")


def test_a_thought_that_a_template_opens_is_closed(tmp_path: Path) -> None:
    assert prompt(tmp_path, CHAT + "<think>\n").endswith("<|im_start|>assistant\n<think></think>\n\n")


def test_any_other_template_stays_as_it_is(tmp_path: Path) -> None:
    assert prompt(tmp_path, CHAT).endswith("متى؟<|im_end|>\n<|im_start|>assistant")


@pytest.mark.parametrize(
    "refuses",
    [
        "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + CHAT,
        CHAT.replace("%}<|im_start|>{{ m.role }}", "if m.role != 'system' %}<|im_start|>{{ m.role }}"),
    ],
)
def test_orders_stand_before_the_question_where_a_template_has_no_place_for_them(tmp_path: Path, refuses: str) -> None:
    assert prompt(tmp_path, refuses) == "<|im_start|>user\nBe brief.\n\nمتى؟<|im_end|>\n<|im_start|>assistant"


def test_a_template_that_refuses_everything_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(GenerationFailed, match="not today"):
        prompt(tmp_path, "{{ raise_exception('not today') }}")
