"""JSON and JSON lines: every list of objects is a table of records, captioned with the fields around it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from rag.documents.formats.decoding import decode
from rag.documents.formats.metadata import standard_metadata
from rag.documents.tree import CELL_SEPARATOR, ROW, Content, Limits, TreeWriter
from rag.errors import DocumentError

TEXT_FIELDS = ("text", "content", "body", "article", "page_content", "document", "passage", "abstract", "النص", "المحتوى")
"""The fields that may hold a record's text, in order of preference."""
_TITLES = ("title", "headline", "العنوان")
_FEW = 3
"""The longest list of objects inside a record that is written in the record's own row; a longer one is a table of its own."""
_LONGEST_CAPTION = 380
_Object = Mapping[str, Any]


def read_json(data: bytes, name: str, limits: Limits) -> Content:
    """Return the records of a JSON value. An object with a text field is one document, its other fields are metadata."""
    return _content(_parse(decode(data, name).lstrip("\ufeff"), name, ""), name, limits)


def read_lines(data: bytes, name: str, limits: Limits) -> Content:
    """Return JSON lines, one record a line. Raises DocumentError, with the line's number, for a line that is not JSON."""
    lines = enumerate(decode(data, name).lstrip("\ufeff").split("\n"), start=1)
    return _content([_parse(line, name, f"line {number}: ") for number, line in lines if line.strip()], name, limits)


def is_question_set(first: bytes) -> bool:
    """Return whether the first line of a JSON lines file is a question, claim or dialogue of an evaluation rather than a document."""
    try:
        record = json.loads(first)
    except (ValueError, RecursionError):
        return False
    if not isinstance(record, dict) or "id" not in record:
        return False
    return ("evidence" in record and ("question" in record or "claim" in record)) or isinstance(record.get("turns"), list)


def _parse(text: str, name: str, where: str) -> Any:
    try:
        return json.loads(text, parse_constant=str)
    except json.JSONDecodeError as error:
        place = where or f"line {error.lineno}: "
        raise DocumentError("error.not_json", name=name, reason=f"{place}{error.msg}") from error
    except ValueError as error:  # a number of thousands of digits
        raise DocumentError("error.not_json", name=name, reason=f"{where}{error}") from error
    except RecursionError as error:
        raise DocumentError("error.too_nested", name=name) from error


def _content(value: Any, name: str, limits: Limits) -> Content:
    writer = TreeWriter(name, limits)
    fields: dict[str, str] = {}
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        value = value[0]
    if isinstance(value, dict) and (field := _text_field(value)):
        fields = standard_metadata(dict(_leaves({k: v for k, v in value.items() if k != field}, name, limits)))
        for paragraph in str(value[field]).split("\n\n"):
            writer.paragraph(paragraph)
        return writer.content(fields.pop("title", ""), fields)
    if isinstance(value, dict) and value.get("type") == "FeatureCollection" and _is_records(value.get("features")):
        rest = {key: item for key, item in value.items() if key not in ("type", "crs", "bbox")}
        value = {**rest, "features": [_feature(feature) for feature in value["features"]]}
    if isinstance(value, dict) and len(value) == 1 and _is_records(next(iter(value.values()))):
        (value,) = value.values()
    if _is_records(value):
        fields = standard_metadata(_shared(value, name, limits))
    _write(writer, value, name, limits)
    return writer.content(fields.pop("title", ""), fields)


def _write(writer: TreeWriter, value: Any, name: str, limits: Limits) -> None:
    """Write a value: its single fields, then each of its lists of objects as a table captioned with the fields around it."""
    waiting: list[tuple[Any, tuple[str, ...], str, int]] = [(value, (), "", 1)]
    while waiting:
        item, around, label, depth = waiting.pop()
        if depth > limits.nesting:
            raise DocumentError("error.too_nested", name=name)
        if _is_records(item):
            waiting += reversed(_write_records(writer, item, around, label, depth, name, limits))
        elif isinstance(item, dict):
            own, inner = _parted(item, 0, name, limits)
            here = tuple(f"{key}: {text}" for key, text in own)
            if own and not inner:
                writer.mark(label) if label else None
                writer.table([key for key, _ in own], [[text for _, text in own]], _caption(around, label), label="")
            elif own and sum(map(len, here)) > _LONGEST_CAPTION:  # else it is the caption of what follows
                writer.paragraph(CELL_SEPARATOR.join(here))
            waiting += reversed([(child, (*around, *here), _joined(label, key), depth + 1) for key, child in inner])
        elif isinstance(item, list):
            if all(not isinstance(child, (dict, list)) for child in item):
                for number, child in enumerate(item, start=1):
                    writer.mark(ROW.format(n=number))
                    writer.item(_leaf(child), "")
            else:
                waiting += reversed([(child, around, label, depth + 1) for child in item])
        elif text := _leaf(item):
            writer.paragraph(f"{label}: {text}" if label else text)


def _write_records(
    writer: TreeWriter, records: Sequence[_Object], around: tuple[str, ...], label: str, depth: int, name: str, limits: Limits
) -> list[tuple[Any, tuple[str, ...], str, int]]:
    """Write a list of objects as a table, or as articles where they have a text; return the long lists inside them."""
    later: list[tuple[Any, tuple[str, ...], str, int]] = []
    shared = _shared(records, name, limits) if len(records) > 1 and depth == 1 else {}
    columns: dict[str, None] = {}
    rows: list[dict[str, str]] = []
    texts = any(_text_field(record) for record in records)
    for number, record in enumerate(records, start=1):
        field = _text_field(record)
        own, inner = _parted({key: value for key, value in record.items() if key != field}, _FEW, name, limits)
        pairs = {key: value for key, value in own if key not in shared}
        said = tuple(f"{key}: {value}" for key, value in own)
        later += [(child, (*around, *said[:_FEW]), _joined(label, key), depth + 1) for key, child in inner]
        if texts:
            _write_article(writer, pairs, str(record[field]) if field else "", number)
        columns.update(dict.fromkeys(pairs))
        rows.append(pairs)
    if not texts:
        names = list(columns)
        header = 0 if names and len({row.get(names[0], "") for row in rows}) > 0.7 * len(rows) else None
        writer.table(names, [[row.get(key, "") for key in names] for row in rows], _caption(around, label), header)
    return later


def _write_article(writer: TreeWriter, fields: Mapping[str, str], text: str, number: int) -> None:
    title = next((value for key, value in fields.items() if key.casefold() in _TITLES), "")
    writer.mark(ROW.format(n=number))
    if title:
        writer.heading(title, 2, marked=False)
    rest = {key: value for key, value in fields.items() if value != title}
    if rest:
        writer.table(list(rest), [list(rest.values())], label="")
    for paragraph in text.split("\n\n"):
        writer.paragraph(paragraph)


def _caption(around: Sequence[str], label: str) -> str:
    """Return the fields around a table on one line; the nearest ones if that would be too long."""
    parts = list(around)
    while parts and sum(len(part) + len(CELL_SEPARATOR) for part in parts) > _LONGEST_CAPTION:
        parts.pop(0)
    return CELL_SEPARATOR.join([*parts, label] if label else parts)


def _joined(label: str, key: str) -> str:
    return f"{label} {key}".strip()


def _parted(item: _Object, few: int, name: str, limits: Limits) -> tuple[list[tuple[str, str]], list[tuple[str, Any]]]:
    """Return the leaves of an object with their names, and its lists of more than `few` objects, which are written separately."""
    inner: list[tuple[str, Any]] = [(key, value) for key, value in item.items() if _is_records(value) and len(value) > few]
    wide = [(key, value) for key, value in item.items() if isinstance(value, dict) and _holds_records(value)]
    if not _scalars(item):  # an object that only wraps lists has no fields of its own
        inner = [(key, value) for key, value in item.items() if isinstance(value, (dict, list)) and _holds_records(value)]
        wide = []
    apart = {key for key, _ in (*inner, *wide)}
    own = list(_leaves({key: value for key, value in item.items() if key not in apart}, name, limits))
    return own, [*inner, *wide]


def _scalars(item: _Object) -> bool:
    return any(not isinstance(value, (dict, list)) and value is not None for value in item.values())


def _holds_records(value: Any) -> bool:
    """Return whether a value contains a list of objects within a few levels."""
    level = [value]
    for _ in range(4):
        if any(_is_records(item) for item in level):
            return True
        level = [child for item in level if isinstance(item, dict) for child in item.values()]
    return False


def _feature(feature: _Object) -> dict[str, Any]:
    """Return a GeoJSON feature as a record: its properties, and the coordinates of a point."""
    properties = feature.get("properties")
    record = dict(properties) if isinstance(properties, dict) else {}
    geometry = feature.get("geometry")
    if feature.get("id") is not None:
        record.setdefault("id", feature["id"])
    if isinstance(geometry, dict) and geometry.get("type") == "Point":
        record.setdefault("coordinates", geometry.get("coordinates"))
    elif isinstance(geometry, dict):
        record.setdefault("geometry", geometry.get("type"))
    return record


def _text_field(record: _Object) -> str:
    lowered = {key.casefold(): key for key in record}
    for field in TEXT_FIELDS:
        if field in lowered and isinstance(record[lowered[field]], str) and record[lowered[field]].strip():
            return lowered[field]
    return ""


def _is_records(value: Any) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _shared(records: Sequence[_Object], name: str, limits: Limits) -> dict[str, str]:
    """Return the fields that have the same value in all records: they are written once, for the whole document."""
    shared: dict[str, str] | None = None
    for record in records:
        field = _text_field(record)
        pairs = {key: value for key, value in _leaves(record, name, limits) if key != field}
        shared = pairs if shared is None else {key: value for key, value in shared.items() if pairs.get(key) == value}
        if not shared:
            return {}
    return shared or {}


def _leaves(value: Any, name: str, limits: Limits) -> Iterator[tuple[str, str]]:
    """Yield the leaves of a value with their paths; lists of plain values are joined, empty values skipped."""
    waiting: list[tuple[str, Any, int]] = [("", value, 0)]
    while waiting:
        path, item, depth = waiting.pop()
        if depth > limits.nesting:
            raise DocumentError("error.too_nested", name=name)
        if isinstance(item, dict):
            waiting += reversed([(_joined(path, str(key)), child, depth + 1) for key, child in item.items()])
            continue
        if isinstance(item, list):
            if any(isinstance(child, (dict, list)) for child in item):
                several = len(item) > 1
                numbered = [(f"{path} {number}" if several else path, child) for number, child in enumerate(item, start=1)]
                waiting += reversed([(label.strip(), child, depth + 1) for label, child in numbered])
                continue
            item = ", ".join(_leaf(child) for child in item)
        if text := _leaf(item):
            yield path, text


def _leaf(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else " ".join(str(value).split())
