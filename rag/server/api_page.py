"""A page of the API for people, made from its OpenAPI description: every operation with its fields, and a form that sends it.

It needs nothing from another host. Its texts are in both languages; the descriptions of fields are those of the description, in English.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from html import escape
from importlib import resources
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from rag.messages import say
from rag.server.error_responses import language_of

PATH = "/shawahid/api"
Schema = Mapping[str, Any]

EXAMPLES: Mapping[str, Any] = {
    "POST /v1/ask": {"question": "من كتب الرسالة؟"},
    "POST /v1/search": {"question": "Who wrote the letter?", "k": 3},
    "POST /v1/table": {"questions": ["متى بدأ العقد؟", "What does it cost?"]},
    "POST /v1/documents": {"id": "hr/leave", "text": "يحق للموظف 30 يوم إجازة.", "metadata": {"date": "2024-10-14"}},
    "POST /v1/chat/completions": {"model": "shawahid", "messages": [{"role": "user", "content": "من كتب الرسالة؟"}]},
    "POST /v1/responses": {"model": "shawahid", "input": "Who wrote the letter?"},
    "POST /v1/embeddings": {"model": "MODEL", "input": ["من كتب الرسالة؟"], "input_type": "query"},
}
"""A body for each operation that takes JSON."""
_GROUPS = {
    "questions": ("/v1/ask", "/v1/search", "/v1/table", "/v1/suggestions"),
    "documents": ("/v1/document", "/v1/overview", "/v1/contradictions", "/v1/jobs", "/v1/indexing"),
    "openai": ("/v1/chat", "/v1/responses", "/v1/embeddings", "/v1/models"),
    "server": ("/healthz", "/metrics"),
}
"""The beginnings of the paths of each group, in order."""
_DEPTH = 3
"""How deep the fields of fields are listed."""
_LIMITS = ("minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems")


def routes(described: Callable[[], Schema]) -> list[Route]:
    """Return the routes of the page and its two files, open like the script for other pages: they hold no secret and nothing of the
    documents."""

    async def page(request: Request) -> Response:
        asked = request.query_params.get("language", "")
        language = asked if asked in ("ar", "en") else language_of({"accept-language": request.headers.get("accept-language", "")})
        return HTMLResponse(api_page(described(), language))

    found = [Route(PATH, page)]
    for name, kind in (("api.css", "text/css"), ("api.js", "text/javascript")):
        found.append(Route(f"/shawahid/{name}", _file(name, f"{kind}; charset=utf-8")))
    return found


def _file(name: str, kind: str) -> Callable[[Request], Any]:
    content = resources.files("rag.server").joinpath("static", name).read_bytes()

    async def serve(request: Request) -> Response:
        return Response(content, media_type=kind)

    return serve


def api_page(described: Schema, language: str) -> str:
    """Return the page of an OpenAPI description."""
    return _ApiPage(described, language).html()


def operation_name(method: str, path: str) -> str:
    """Return the name of an operation as its texts and its place in the page have it: "put_v1_documents_id"."""
    return re.sub(r"\W+", "_", f"{method.lower()}{path}").strip("_")


class _ApiPage:
    def __init__(self, described: Schema, language: str) -> None:
        self._described = described
        self._language = language
        self._open = "securitySchemes" not in described["components"]

    def _say(self, key: str, **fields: object) -> str:
        return escape(say(f"reference.{key}", self._language, **fields))

    def html(self) -> str:
        arabic, other = self._language == "ar", "en" if self._language == "ar" else "ar"
        operations = [
            (method.upper(), path, found) for path, methods in self._described["paths"].items() for method, found in methods.items()
        ]
        grouped = [(group, [each for each in operations if each[1].startswith(beginnings)]) for group, beginnings in _GROUPS.items()]
        links = "".join(
            f"<li><b>{self._say(f'group_{group}')}</b><ul>"
            + "".join(
                f'<li><a href="#{operation_name(method, path)}">{self._summary(method, path)} {_code(f"{method} {path}")}</a></li>'
                for method, path, _ in found
            )
            + "</ul></li>"
            for group, found in grouped
        )
        body = "".join(self._operation(*each) for _, found in grouped for each in found)
        token = f'<label>{self._say("token")} <input id="token" type="password" autocomplete="off" dir="ltr"></label>'
        return (
            f'<!doctype html><html lang="{self._language}" dir="{"rtl" if arabic else "ltr"}"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{self._say("title")}</title>'
            f'<link rel="icon" href="/shawahid/icon.svg"><link rel="stylesheet" href="/shawahid/api.css">'
            f'<script src="/shawahid/api.js" defer></script></head><body><header><h1>{self._say("title")}</h1>'
            f'<a href="?language={other}" lang="{other}">{"English" if arabic else "العربية"}</a></header><main>'
            f"<p>{escape(say('server.api', self._language))}</p>"
            f'<p>{self._say("intro")} <a href="/openapi.json">{_code("/openapi.json")}</a></p>'
            f"<p>{self._say('access_open' if self._open else 'access')}</p>{'' if self._open else token}"
            f'<nav aria-label="{self._say("operations")}"><ul>{links}</ul></nav>{body}</main></body></html>'
        )

    def _summary(self, method: str, path: str) -> str:
        return self._say(operation_name(method, path))

    def _operation(self, method: str, path: str, operation: Schema) -> str:
        name = operation_name(method, path)
        parameters = operation.get("parameters", [])
        content = operation.get("requestBody", {}).get("content", {})
        scopes = [scope for needed in operation.get("security", []) for scopes in needed.values() for scope in scopes]
        parts = [
            f'<section id="{name}"><h2>{self._summary(method, path)}</h2><p class="address">{_code(f"{method} {path}")}</p>',
            f"<p>{self._say('scopes')} {' · '.join(map(_code, scopes))}</p>" if scopes else "",
            f'<p lang="en" dir="ltr">{_marked(operation["description"])}</p>' if operation.get("description") else "",
            self._table("parameters", [_row(each["name"], each["schema"], each.get("required", False), each) for each in parameters]),
        ]
        schema = content.get("application/json", {}).get("schema")
        if schema:
            parts.append(self._table("body", list(self._fields(schema))))
        parts += [
            self._responses(operation),
            self._example(method, path, parameters, content),
            self._form(method, path, parameters, content),
        ]
        return "".join(parts) + "</section>"

    def _table(self, title: str, rows: list[tuple[str, str, bool, str]]) -> str:
        if not rows:
            return ""
        mark = f'&nbsp;<b title="{self._say("required")}">*</b>'
        lines = "".join(
            f'<tr><td>{_code(name)}{mark if required else ""}</td><td>{_code(kind)}</td><td lang="en" dir="ltr">{_marked(text)}</td></tr>'
            for name, kind, required, text in rows
        )
        heads = "".join(f"<th>{self._say(head)}</th>" for head in ("field", "kind", "meaning"))
        return f"<h3>{self._say(title)}</h3><table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"

    def _responses(self, operation: Schema) -> str:
        lines = []
        for status, response in operation["responses"].items():
            schema = response.get("content", {}).get("application/json", {}).get("schema", {})
            rows = list(self._fields(schema)) if status.startswith("2") else []
            lines.append(f'<li><b dir="ltr">{escape(status)}</b> <span lang="en">{_marked(response.get("description", ""))}</span>')
            lines.append(
                f"<details><summary>{self._say('fields')}</summary>{self._table('answer', rows)}</details></li>" if rows else "</li>"
            )
        return f"<h3>{self._say('responses')}</h3><ul>{''.join(lines)}</ul>"

    def _example(self, method: str, path: str, parameters: list[Schema], content: Schema) -> str:
        return f'<h3>curl</h3><pre dir="ltr">{escape(curl(method, path, parameters, content, token=not self._open))}</pre>'

    def _form(self, method: str, path: str, parameters: list[Schema], content: Schema) -> str:
        fields = [
            f'<label>{_code(each["name"])} <input name="{escape(each["name"])}" data-in="{escape(each["in"])}" dir="auto"></label>'
            for each in parameters
        ]
        if "application/json" in content:
            example = json.dumps(EXAMPLES.get(f"{method} {path}", {}), ensure_ascii=False, indent=2)
            fields.append(f'<label>JSON <textarea rows="6" dir="ltr" spellcheck="false">{escape(example)}</textarea></label>')
        elif content:
            fields.append(f'<label>{self._say("file")} <input type="file"></label>')
        return (
            f"<details><summary>{self._say('try')}</summary>"
            f'<form data-method="{method}" data-path="{escape(path)}" data-unreachable="{self._say("unreachable")}">'
            f"{''.join(fields)}<button>{self._say('send')}</button>"
            f'<output></output><pre dir="ltr" hidden></pre></form></details>'
        )

    # --- schemas ----------------------------------------------------------------------------------------------------------

    def _resolved(self, schema: Schema) -> Schema:
        """Return a schema itself in place of a reference to it."""
        reference = str(schema.get("$ref", ""))
        return self._described["components"]["schemas"][reference.rpartition("/")[2]] if reference else schema

    def _fields(self, schema: Schema, before: str = "", depth: int = _DEPTH) -> Iterator[tuple[str, str, bool, str]]:
        """Yield a row for each field of an object, and of the objects in it: its name, kind, whether it is required, and its meaning."""
        schema = self._resolved(schema)
        for name, field in schema.get("properties", {}).items():
            yield _row(f"{before}{name}", field, name in schema.get("required", ()), field, self._resolved)
            if depth > 1:
                for inner, end in self._objects(field):
                    yield from self._fields(inner, f"{before}{name}{end}.", depth - 1)

    def _objects(self, schema: Schema) -> Iterator[tuple[Schema, str]]:
        """Yield the objects that a field may hold, each with "[]" if it holds a list of them."""
        found = self._resolved(schema)
        if "properties" in found:
            yield found, ""
        elif "items" in found:
            yield from ((inner, f"[]{end}") for inner, end in self._objects(found["items"]))
        for choice in found.get("anyOf", ()):
            yield from self._objects(choice)


def curl(method: str, path: str, parameters: list[Schema], content: Schema, *, token: bool) -> str:
    """Return the command that sends a request, with the parameters that it needs."""
    needed = [each["name"] for each in parameters if each["in"] == "query" and each.get("required")]
    query = "&".join(f"{name}={name.upper()}" for name in needed)
    address = re.sub(r"\{(\w+)\}", lambda found: found[1].upper(), path)
    parts = ["curl", *([f"-X {method}"] if method not in ("GET", "POST") else [])]
    parts += ["-H 'authorization: Bearer TOKEN'"] if token and path != "/healthz" else []
    parts.append(f"'http://localhost:7860{address}{'?' if query else ''}{query}'")
    if "application/json" in content:
        body = json.dumps(EXAMPLES.get(f"{method} {path}", {}), ensure_ascii=False)
        parts += ["-H 'content-type: application/json'", f"-d '{body}'"]
    elif content:
        parts.append("--data-binary @FILE")
    return " \\\n  ".join([" ".join(parts[:2]) if len(parts) > 1 else parts[0], *parts[2:]])


def _row(
    name: str, schema: Schema, required: bool, described: Schema, resolved: Callable[[Schema], Schema] = lambda schema: schema
) -> tuple[str, str, bool, str]:
    limits = [f"{limit} {schema[limit]}" for limit in _LIMITS if limit in schema]
    default = [f"default {json.dumps(schema['default'], ensure_ascii=False)}"] if schema.get("default") not in (None, "", [], {}) else []
    text = described.get("description", "") or schema.get("description", "")
    return name, _kind(schema, resolved), required, " · ".join(filter(None, [text, *limits, *default]))


def _kind(schema: Schema, resolved: Callable[[Schema], Schema]) -> str:
    """Return what a field holds, in a few words."""
    found = resolved(schema)
    if "const" in found:
        return json.dumps(found["const"], ensure_ascii=False)
    if "enum" in found:
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in found["enum"])
    if "anyOf" in found:
        return " | ".join(dict.fromkeys(_kind(choice, resolved) for choice in found["anyOf"]))
    if found.get("type") == "array":
        return f"[{_kind(found.get('items', {}), resolved)}]"
    return str(found.get("type", "any"))


def _code(text: str) -> str:
    return f'<code dir="ltr">{escape(text)}</code>'


def _marked(text: str) -> str:
    """Return a description as HTML: what stands between backticks is code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(" ".join(text.split())))
