"""Text and Markdown: encodings, front matter, headings."""

from __future__ import annotations

import re
from typing import Any

from rag.documents.formats.content import Content, Limits, heading, metadata, one_line
from rag.errors import DocumentError
from rag.schema import Mark
from rag.text.folding import nfc
from rag.text.language import script

# Encodings that Arabic and English text files are found in; a closed list, so that a short text is not taken for Big5.
_ENCODINGS = ["utf_8", "utf_16_le", "utf_16_be", "cp1256", "cp1252"]
_HEADING = re.compile(r"^#{1,6}[ \t]+(?P<label>[^\s#].*)$", re.MULTILINE)
_FRONT = re.compile(r"\A(?P<fence>---|\+\+\+)[ \t]*\r?\n(?P<fields>.*?)^(?P=fence)[ \t]*(?:\r?\n|\Z)\s*", re.DOTALL | re.MULTILINE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")
_LONGEST_FRONT = 64 * 2**10


def decode(data: bytes, name: str) -> str:
    """The text of a file in UTF-8, UTF-8 with BOM, UTF-16 or Windows-1256. Raises DocumentError when it is no text."""
    for bom, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(bom):
            try:
                text = data.decode(encoding)
            except UnicodeDecodeError as error:
                raise DocumentError("error.not_text", name=name) from error
            if "\0" in text:
                raise DocumentError("error.not_text", name=name)
            return text
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        # UTF-16 of a few Arabic words is valid UTF-8 as well: every second character of it is a control character.
        if _controls(text) <= len(text) // 10 and "\0" not in text:
            return text
    from charset_normalizer import from_bytes  # decides by which decoding reads as language

    best = from_bytes(data, cp_isolation=_ENCODINGS, threshold=0.3).best()
    if best is None:
        raise DocumentError("error.not_text", name=name)
    text = str(best)
    letters = [character for character in text if character.isalpha()]
    # Almost any pair of bytes, read as UTF-16, is a letter of some script.
    strange = sum(script(letter) == "und" for letter in letters)
    readable = len(letters) + sum(character.isspace() for character in text)
    if "\0" in text or _controls(text) > len(text) // 100 or readable < len(text) // 2 or strange > len(letters) // 4:
        raise DocumentError("error.not_text", name=name)
    return text


def _controls(text: str) -> int:
    return len(_CONTROL.findall(text))


def _label(heading: re.Match[str]) -> str:
    """What a Markdown heading says, without the #s that may close it."""
    label = heading["label"].rstrip()
    bare = label.rstrip("#")
    return bare.rstrip() if bare != label and bare[-1:].isspace() else label


def read_text(data: bytes, name: str, limits: Limits) -> Content:
    """A plain text, as it is."""
    return Content(nfc(decode(data, name)))


def read_markdown(data: bytes, name: str, limits: Limits) -> Content:
    """Markdown as it is written, its headings as marks; fields before the text (YAML or TOML) are metadata, not text."""
    text = nfc(decode(data, name))
    fields: dict[str, str] = {}
    front = _FRONT.match(text)
    if front and len(front["fields"]) <= _LONGEST_FRONT and (raw := _fields(front)) is not None:
        fields = metadata(raw)
        text = text[front.end() :]
    marks = tuple(Mark(m.start(), heading(_label(m))) for m in _HEADING.finditer(text))
    first = _HEADING.search(text)
    title = fields.pop("title", "") or (one_line(_label(first), 200) if first else "")
    return Content(text, marks, title, fields)


def _fields(front: re.Match[str]) -> dict[str, str] | None:
    """The fields of a front matter, values as text, lists joined; None where it is none (a rule, a table)."""
    try:
        raw = _toml(front["fields"]) if front["fence"] == "+++" else _yaml(front["fields"])
    except (ValueError, RecursionError):
        return None
    if not isinstance(raw, dict):
        return None
    return {str(key): _flat(value) for key, value in raw.items()}


def _toml(text: str) -> Any:
    import tomllib

    return tomllib.loads(text)


def _yaml(text: str) -> Any:
    import yaml

    try:
        # Aliases, by which a few lines grow to gigabytes, are refused; the base loader keeps `2024-10-14` as it is written.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.BaseLoader)):
            return None
        return yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _flat(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value if not isinstance(item, (list, dict)))
    return "" if isinstance(value, dict) else str(value)
