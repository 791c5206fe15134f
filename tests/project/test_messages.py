"""Every sentence Shawahid says exists in both languages, says the same things, and is said somewhere."""

from __future__ import annotations

import ast
import re
import string

import pytest

from rag import errors
from rag.errors import ShawahidError
from rag.messages import say, table
from tests.helpers import ROOT

SOURCES = [*sorted((ROOT / "rag").rglob("*.py")), ROOT / "app.py", *sorted((ROOT / "tools").glob("*.py"))]
GROUPS = {key.split(".")[0] for key in table()}


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def literals() -> dict[str, str]:
    """Every string constant of the code that looks like a key, with the file it is in; f-strings as patterns."""
    found: dict[str, str] = {}
    for path in SOURCES:
        if not path.exists():
            continue
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        pieces = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in pieces:
                found[node.value] = path.name
            elif isinstance(node, ast.JoinedStr):
                parts = [re.escape(str(p.value)) if isinstance(p, ast.Constant) else ".+" for p in node.values]
                found["~" + "".join(parts)] = path.name
    return found


USED = literals()

# The window's page and scripts are handed every string of "ui", and name it without the group.
WINDOW = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "rag/ui").rglob("*") if path.suffix in {".js", ".html", ".py"})


def used_by_the_window(key: str) -> bool:
    group, name = key.split(".", 1)
    composed = name.rpartition("_")[0] + "_"  # `reason_${verdict}`
    pattern = rf"\b{re.escape(name)}\b|\b{re.escape(composed)}[\"'`${{]"
    return group == "ui" and re.search(pattern, WINDOW) is not None


@pytest.mark.parametrize("key", sorted(table()))
def test_both_languages_are_there_with_the_same_fields(key: str) -> None:
    texts = table()[key]
    assert set(texts) == {"en", "ar"}
    assert fields(texts["en"]) == fields(texts["ar"])
    assert re.search("[a-z]", texts["en"]) or texts["en"] == texts["ar"]
    assert re.search("[\u0620-\u064a]", texts["ar"])


def test_every_key_that_the_code_names_exists() -> None:
    named = {text for text in USED if re.fullmatch(rf"(?:{'|'.join(GROUPS)})\.[a-z_0-9]+", text)}
    assert len(named) > 60  # the search itself works
    assert named - set(table()) == set()


def test_every_key_is_used() -> None:
    patterns = [re.compile(text[1:]) for text in USED if text.startswith(tuple(rf"~{group}\." for group in GROUPS))]
    unused = [key for key in table() if key not in USED and not any(p.fullmatch(key) for p in patterns)]
    assert [key for key in unused if not used_by_the_window(key)] == []


@pytest.mark.parametrize("key", [key for key in sorted(table()) if key.startswith("error.")])
def test_an_error_says_what_to_do(key: str) -> None:
    """Every message has a second clause or sentence after what happened."""
    for language in ("en", "ar"):
        assert re.search(r"[.;,:؛،]\s", table()[key][language]), table()[key][language]


def test_say_fills_in_fields_in_the_language_asked_for() -> None:
    assert say("cli.skipped", "en", reason="x.txt") == "Left out: x.txt"
    assert say("cli.skipped", "ar", reason="x.txt") == "لم يُفهرس: x.txt"
    assert say("cli.skipped", "fr", reason="x.txt") == "Left out: x.txt"
    with pytest.raises(KeyError):
        say("no.such_key")


def test_an_error_speaks_both_languages() -> None:
    error = ShawahidError("error.k", value=0)
    assert str(error) == "The number of results must be 1 or more; got 0."
    assert error.text("ar") == "يجب أن يكون عدد النتائج 1 أو أكثر؛ القيمة المعطاة 0."
    assert error.text() == str(error)


def test_every_error_ends_a_command_with_a_code_of_its_kind() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ShawahidError)]
    assert len(kinds) >= 15
    assert all(1 <= kind.exit_code <= 8 and 400 <= kind.http_status < 600 for kind in kinds)
    assert (errors.BadQuestion.exit_code, errors.NothingToIndex.exit_code, errors.ModelMissing.exit_code) == (2, 3, 4)
    assert (errors.FetchFailed.exit_code, errors.IndexMissing.exit_code, errors.IndexBusy.exit_code) == (5, 6, 7)
    assert errors.DiskFull.exit_code == 8
