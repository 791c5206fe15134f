"""Arabic in terminals."""

from __future__ import annotations

import pytest

from rag.text.terminal import for_terminal, orders_itself

# "سلام" in joined letter forms, from left to right as a terminal prints it: meem, lam-alef, seen.
SALAM = "\ufee1\ufefc\ufeb3"


def visual(text: str, width: int = 80) -> list[str]:
    return for_terminal(text, itself=False, is_terminal=True, width=width).split("\n")


def test_files_and_pipes_get_text_unchanged() -> None:
    for text in ("سلام", "hello", "a\x1b[31mb", "سطر\nسطر"):
        assert for_terminal(text, is_terminal=False) == text


def test_english_is_left_alone_in_a_terminal() -> None:
    assert for_terminal("hello\nworld", itself=False, is_terminal=True) == "hello\nworld"


def test_a_terminal_that_orders_text_gets_each_line_isolated() -> None:
    assert for_terminal("سلام\n\nنعم", itself=True, is_terminal=True) == "\u2067سلام\u2069\n\n\u2067نعم\u2069"


def test_any_other_gets_letters_joined_in_visual_order() -> None:
    assert visual("سلام") == [SALAM]
    assert visual("سلام 25 Bing") == [f"Bing 25 {SALAM}"]


def test_lines_stay_in_their_order() -> None:
    assert visual("سلام\n\nسلام سلام") == [SALAM, "", f"{SALAM} {SALAM}"]


def test_a_long_line_is_broken_before_it_is_reordered() -> None:
    """Else the terminal would break it, and show its beginning on the last row."""
    lines = visual("سلام " * 9 + "نعم", width=24)
    assert lines[0] == " ".join([SALAM] * 5)
    assert lines[-1].endswith(SALAM)
    assert lines[-1].startswith(for_terminal("نعم", itself=False, is_terminal=True))
    assert all(len(line) <= 24 for line in lines)


def test_control_characters_of_a_document_do_not_reach_the_terminal() -> None:
    assert for_terminal("a\x1b[2Jb\x07\tc\r\nd\x9b", is_terminal=True) == "a[2Jb\tc\nd"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"TERM": "xterm-256color"}, False),
        ({"VTE_VERSION": "7600"}, True),
        ({"VTE_VERSION": "5202"}, False),
        ({"VTE_VERSION": "odd"}, False),
        ({"KONSOLE_VERSION": "230800"}, True),
        ({"TERM": "mlterm"}, True),
        ({"TERM_PROGRAM": "Apple_Terminal"}, True),
        ({"TERM_PROGRAM": "Apple_Terminal", "SHAWAHID_BIDI": "shawahid"}, False),
        ({"SHAWAHID_BIDI": "terminal"}, True),
        ({"SHAWAHID_BIDI": "nonsense"}, False),
    ],
)
def test_which_terminals_order_text_themselves(environment: dict[str, str], expected: bool) -> None:
    assert orders_itself(environment) is expected
