"""JSON and JSON lines: records with a text field; their other fields are metadata, or are written with the text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rag.documents.formats.content import ROW, Content, Limits, Writer, metadata
from rag.documents.formats.plain import decode
from rag.errors import DocumentError

TEXT_FIELDS = ("text", "content", "body", "article", "page_content", "document", "passage", "abstract", "النص", "المحتوى")
"""Where a record's text is looked for, in this order."""

_LISTS = ("data", "records", "documents", "items", "articles", "results", "rows")


def read_json(data: bytes, name: str, limits: Limits) -> Content:
    """One JSON value: an object is one record, a list (or an object that holds just one list of objects) one for each item."""
    value = _parse(decode(data, name).lstrip("\ufeff"), name, "")
    if isinstance(value, dict):
        inner = next((value[key] for key in _LISTS if _is_records(value.get(key))), None)
        records = [value] if inner is None or _text_field(value) else inner
    else:
        records = value if isinstance(value, list) else [value]
    return _content(records, name, limits)


def read_lines(data: bytes, name: str, limits: Limits) -> Content:
    """JSON lines: one record a line. Raises DocumentError, with the line's number, for a line that is no JSON."""
    lines = enumerate(decode(data, name).lstrip("\ufeff").split("\n"), start=1)
    return _content([_parse(line, name, f"line {number}: ") for number, line in lines if line.strip()], name, limits)


def is_question_set(first: bytes) -> bool:
    """Whether the first line of a JSON lines file is a question, claim or dialogue of an evaluation, which is no document."""
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


def _content(records: list[Any], name: str, limits: Limits) -> Content:
    writer = Writer(name, limits)
    if len(records) == 1 and isinstance(records[0], dict) and (field := _text_field(records[0])):
        record = records[0]
        fields = metadata({key: value for key, value in _flat(record, name, limits) if key != field})
        writer.block(record[field])
        return writer.content(fields.pop("title", ""), fields)
    shared = _shared(records, name, limits) if len(records) > 1 else {}
    for number, record in enumerate(records, start=1):
        writer.mark(ROW.format(n=number))
        named = _text_field(record) if isinstance(record, dict) else None
        pairs = list(_flat(record, name, limits))
        title = next((value for key, value in pairs if key.casefold() in ("title", "headline")), "") if named else ""
        first = True
        lines = [title] if title else []
        lines += [f"{key}: {value}" if key else value for key, value in pairs if key != named and key not in shared and value != title]
        for line in lines:
            writer.block(line, "\n\n" if first else "\n")
            first = False
        if named:
            writer.block(record[named])
    fields = metadata(shared)
    return writer.content(fields.pop("title", ""), fields)


def _text_field(record: dict[str, Any]) -> str:
    lowered = {key.casefold(): key for key in record}
    for field in TEXT_FIELDS:
        if field in lowered and isinstance(record[lowered[field]], str) and record[lowered[field]].strip():
            return lowered[field]
    return ""


def _is_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _shared(records: list[Any], name: str, limits: Limits) -> dict[str, str]:
    """The fields that all records have with the same value: they are said once, of the document."""
    shared: dict[str, str] | None = None
    for record in records:
        if not isinstance(record, dict):
            return {}
        field = _text_field(record)
        pairs = {key: value for key, value in _flat(record, name, limits) if key != field}
        shared = pairs if shared is None else {key: value for key, value in shared.items() if pairs.get(key) == value}
        if not shared:
            return {}
    return shared or {}


def _flat(value: Any, name: str, limits: Limits) -> Iterator[tuple[str, str]]:
    """The leaves of a value with their dotted names, lists of plain values joined; empty ones are left out."""
    waiting: list[tuple[str, Any, int]] = [("", value, 0)]
    while waiting:
        path, item, depth = waiting.pop()
        if depth > limits.nesting:
            raise DocumentError("error.too_nested", name=name)
        if isinstance(item, dict):
            inner = [(f"{path}.{key}" if path else str(key), child, depth + 1) for key, child in item.items()]
            waiting += reversed(inner)
        elif isinstance(item, list):
            if all(not isinstance(child, (dict, list)) for child in item):
                item = ", ".join(_leaf(child) for child in item)
            else:
                waiting += reversed([(path, child, depth + 1) for child in item])
                continue
        if not isinstance(item, (dict, list)) and (text := _leaf(item)):
            yield path, text


def _leaf(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else " ".join(str(value).split())
