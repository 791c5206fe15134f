"""Filters of other frameworks as filters of a search. What cannot be carried over is an error: a filter that is ignored shows one tenant
the documents of another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rag.errors import BadSetting
from rag.schema import Filter

Condition = tuple[str, str, object]
"""A field, an operator (==, in, >=, <=) and a value."""

_LISTS = {"document": "documents", "language": "languages", "collection": "collections"}
_LISTS |= {name: name for name in _LISTS.values()}


def filter_of(given: object) -> Filter | None:
    """Return a filter given as one of ours, as a mapping from fields to values, or not at all.

    Fields are those of `Filter` and those that passages are returned with: `document`, `language`, `collection`, `since`, `until`,
    `metadata`; any other is a field of the metadata. Raises BadSetting.
    """
    if given is None or isinstance(given, Filter):
        return given
    if not isinstance(given, Mapping):
        raise BadSetting("error.filter_type", value=type(given).__name__)
    conditions = [(key, "==", value) for key, value in given.items() if key != "metadata"]
    inner = given.get("metadata", {})
    if not isinstance(inner, Mapping):
        raise BadSetting("error.filter_value", name="metadata", value=inner)
    return filter_from([*conditions, *((f"metadata.{key}", "==", value) for key, value in inner.items())])


def filter_record(filter: Filter | None) -> dict[str, Any] | None:
    """Return a filter as JSON that `filter_of` reads."""
    if filter is None:
        return None
    lists = {"languages": list(filter.languages), "collections": list(filter.collections)}
    found: dict[str, Any] = {} if filter.documents is None else {"documents": list(filter.documents)}
    found |= {name: values for name, values in (lists | {"since": filter.since, "until": filter.until}).items() if values}
    metadata = {name: list(_values(value)) for name, value in filter.metadata.items()}
    return found | ({"metadata": metadata} if metadata else {})


def filter_from(conditions: Iterable[Condition]) -> Filter:
    """Return the filter that meets all conditions. Raises BadSetting for an operator, a field or a value that it cannot express."""
    found: Filter = Filter()
    for name, operator, value in conditions:
        found = both(found, _single(str(name), operator, value)) or found
    return found


def _single(name: str, operator: str, value: object) -> Filter:
    if name in ("since", "until") and operator == "==":
        return Filter(since=_text(name, value)) if name == "since" else Filter(until=_text(name, value))
    if name in ("date", "metadata.date"):
        text = _text(name, value)
        if operator in ("==", ">=", "<="):
            return Filter(since=text if operator != "<=" else "", until=text if operator != ">=" else "")
    if operator not in ("==", "in"):
        raise BadSetting("error.filter_operator", name=name, value=operator)
    values = () if _LISTS.get(name) == "documents" and value in ([], ()) else _texts(name, value)  # of no document
    if name in _LISTS:
        kind: dict[str, Any] = {_LISTS[name]: values}
        return Filter(**kind)
    return Filter(metadata={name.removeprefix("metadata."): values})


def both(one: Filter | None, other: Filter | None) -> Filter | None:
    """Return the filter that lets through what each of two lets through."""
    if not one or not other:
        return one or other
    nothing = False

    def shared(left: Iterable[str], right: Iterable[str]) -> tuple[str, ...]:
        nonlocal nothing
        left, right = tuple(left), tuple(right)
        if not left or not right:
            return left or right
        kept = tuple(value for value in left if value in right)
        nothing = nothing or not kept
        return kept

    ids = one.documents if other.documents is None else other.documents if one.documents is None else None
    if one.documents is not None and other.documents is not None:
        ids = tuple(id for id in one.documents if id in other.documents)
    languages, collections = shared(one.languages, other.languages), shared(one.collections, other.collections)
    metadata = {
        name: shared(_values(one.metadata.get(name, ())), _values(other.metadata.get(name, ())))
        for name in dict.fromkeys([*one.metadata, *other.metadata])
    }
    until = min(filter(None, [one.until, other.until]), key=lambda day: f"{day}-99"[:10], default="")  # "2020" is to the end of it
    return Filter(
        documents=() if nothing else ids,
        languages=languages,
        collections=collections,
        since=max(one.since, other.since),
        until=until,
        metadata=metadata,
    )


def _values(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise BadSetting("error.filter_value", name=name, value=value)
    return value


def _texts(name: str, value: object) -> tuple[str, ...]:
    values = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, (list, tuple, set, frozenset)) else ()
    if not values or not all(isinstance(each, str) for each in values):
        raise BadSetting("error.filter_value", name=name, value=value)
    return tuple(str(each) for each in values)
