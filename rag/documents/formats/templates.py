"""The marks of site generators in Markdown and HTML: Liquid and Jinja, Hugo's shortcodes, Blade, attribute lists, includes.

They are instructions to a program, not text. Of an instruction only what a reader of the finished page would see is kept: a value of the
page's own fields, a quoted text, and the arguments that hold text (`title="…"`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

HOLE = "…"
"""Stands for a value that only the site generator knows."""
MARK = re.compile(
    r"""
      \{%-?\s*comment\s*-?%\}.{0,4000}?\{%-?\s*endcomment\s*-?%\}
    | \{\{(?P<shortcode>[<%])(?P<call>.{0,2000}?)[%>]\}\}  # Hugo: {{< note title="Rain" >}}, {{% tip %}}
    | \{\{\{?(?!\{)(?P<value>.{0,2000}?)\}?\}\}            # Liquid, Jinja, Vue, Handlebars: {{ page.title }}
    | \{%(?P<tag>.{0,2000}?)%\}                           # Liquid, Jinja: {% include note.html text="Rain" %}
    | \{\#(?=[ \t\n]).{0,2000}?\#\}                       # Jinja: {# a comment #}
    | \{/\*.{0,2000}?\*/\}                                # MDX: {/* a comment */}
    | \{:(?!:)[^{}\n]*\} | \{::[^{}\n]*\}                 # kramdown: {: .class }, {::nomarkdown}
    | \{(?:[.\#][\w:-]+)(?:[ \t]+[^{}\n]*)?\}             # attributes: {#id}, {.class width=3}
    | <%.{0,2000}?%>                                      # ERB, EJS
    | (?<![\w@.])@section[ ]?\([^()\n]{1,80}\)[^<>@{]{0,80}@endsection\b  # Blade: a value for the frame of the page
    | (?<![\w@.])@(?:end[a-z]+|csrf|else|parent|php|stop|show)\b(?!\.)  # Blade
    | (?<![\w@.])@(?:extends|section|yield|include[A-Za-z]*|if|elseif|unless|isset|empty|for|foreach|forelse|while|switch|case|push|stack
        |component|slot|auth|guest|can|error|method|lang|json|vite|livewire|props|class|php)[ ]?\((?:[^()\n]|\([^()\n]*\)){0,500}\)
    """,
    re.VERBOSE | re.DOTALL,
)
COMPONENT = re.compile(r"</?(?=[A-Z][\w.]*[a-z])[A-Z][\w.]*(?P<arguments>\s[^<>]{0,2000}?)?/?>")
"""A tag of MDX, which names a program's component: <TabItem label="Linux">."""
_ARGUMENT = re.compile(r"""([\w-]+)\s*[=:]\s*("[^"]*"|'[^']*'|“[^”]*”)""")
_LITERAL = re.compile(r"""\s*("[^"]*"|'[^']*')\s*(?:\||$)""", re.DOTALL)
_FIELD = re.compile(r"\s*(?:page|frontmatter|\$frontmatter|\.Page|\$page|meta)\.([\w.]+)\s*(?:\||$)", re.IGNORECASE)
_QUOTED = re.compile(r"""^\s*[\w-]+\s+("[^"]*\s[^"]*"|'[^']*\s[^']*')\s*$""")
_TAG = re.compile(r"<[^<>]{0,2000}>")
_FEW = 3
_SEEN = frozenset("text title label caption content body heading header message name value question answer summary".split())
"""Arguments whose value is shown to the reader."""
_WORDLESS = re.compile(r"[^\W\d_]")
_PATH = re.compile(r"\S*[/\\]\S*|\S+\.\w{2,5}|#\S*|[\w-]*_[\w-]*|https?:\S*")
_NAMED_AFTER_FILES = frozenset(("name", "value"))


def without_templates(text: str, fields: Mapping[str, str] | None = None) -> str:
    """Return a text with each mark of a site generator replaced by what a reader of the page would see.

    >>> without_templates('{% include note.html text="Bring water." %}{{ page.title }}: {{ site.phone }}', {"title": "Hiking"})
    'Bring water.Hiking: …'
    """
    if "{" not in text and "<%" not in text and "@" not in text:
        return text
    return MARK.sub(lambda match: shown(match, fields), text)


def is_program(text: str) -> bool:
    """Return whether a file is a program of a site generator and no text: the marks hold more words than what stands between them."""
    marks = sum(len(match[0].split()) for match in MARK.finditer(text))
    return marks > len(_TAG.sub(" ", MARK.sub(" ", text)).split())


def has_words(text: str) -> bool:
    """Return whether a piece of text says anything in spite of its holes: it has some words, and more of them if it begins with one."""
    words = sum(any(map(str.isalnum, word)) for word in text.split())
    return words >= (2 * _FEW if text.startswith(HOLE) else _FEW)


def shown(match: re.Match[str], fields: Mapping[str, str] | None = None) -> str:
    """Return what a reader of the finished page sees of a mark: "" for most."""
    if match.re is COMPONENT:
        return _call(match["arguments"] or "")
    if match["value"] is not None:
        return _value(match["value"], fields or {})
    call = match["call"] if match["shortcode"] else match["tag"]
    return _call(call) if call else ""


def _value(expression: str, fields: Mapping[str, str]) -> str:
    """Return the value of an expression where it is written down; a hole for any other."""
    if literal := _LITERAL.match(expression):
        return literal[1][1:-1]
    if field := _FIELD.match(expression):
        return fields.get(field[1], HOLE)
    return HOLE if re.match(r"\s*[\w.$]", expression) else ""


def _call(call: str) -> str:
    """Return the texts among the arguments of a shortcode or tag."""
    if call.lstrip().startswith(("/", "end", "assign", "if", "elsif", "unless", "for", "set", "extends", "block")):
        return ""
    if quoted := _QUOTED.match(call):
        return quoted[1][1:-1]
    texts = [value[1:-1].strip() for key, value in _ARGUMENT.findall(call) if key.lower() in _SEEN and _is_text(key.lower(), value[1:-1])]
    return ". ".join(text.rstrip(". ") for text in texts) + ("." if len(texts) > 1 or (texts and texts[0].endswith(".")) else "")


def _is_text(key: str, value: str) -> bool:
    """Return whether the value of an argument is text for a reader: words, not a path or a code."""
    value = value.strip()
    if not _WORDLESS.search(value) or _PATH.fullmatch(value):
        return False
    return key not in _NAMED_AFTER_FILES or " " in value
