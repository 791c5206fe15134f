"""What Markdown files hold beyond CommonMark, as rules of the parser, so that none of it is looked for inside code.

Each rule leaves a token of its own or text: marks of site generators, boxes (`:::`, `!!!`, `[!NOTE]`), tabs, footnotes, definitions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rag.documents.formats.templates import COMPONENT, MARK, shown

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline

_ALERT = re.compile(r"\[\[\[[\w-]+\]\]\]|\[!\w[^\[\]\n]*(?:\[[^\[\]]*\](?:\([^()\n]*\))?)?[^\[\]\n]*\](?:\([^()\n]*\))?")
_TEMPLATE_TARGET = re.compile(r"\([^()\n]*?(?:\{\{.*?\}\}|\{%.*?%\}|<%.*?%>)(?:[^()\n]|\([^()\n]*\))*\)")
_ONE_LINE_BOX = re.compile(r":::[^\n]*\S[^\n]*:::\s*$")
_IMPORT = re.compile(
    r"""import\s[^\n]*?\bfrom\s+['"][^'"\n]+['"];?\s*$|import\s+['"][^'"\n]+['"];?\s*$|export\s+(?:const|default|function)\s[^\n]*$"""
)
_CODE_TAG = re.compile(r"\{%-?\s*(highlight|code|codeblock|comment|raw_code)\b[^%]*%\}\s*$|\{\{[<%]\s*(highlight|comment)\b.*?[%>]\}\}\s*$")
_DASHED = re.compile(r"--- (/?)([A-Za-z][\w -]{0,30}) ---\s*$")
_BOX_TITLE = re.compile(r"title:\s*(\S.*)$")
_TAB = re.compile(r"===[+!]{0,2} +[\"“](?P<title>[^\"”\n]*)[\"”]\s*$")

_MOST_LINES = 2000
"""Lines of code in a tag of a site generator."""
_MOST_FIELDS = 20


def parser(nesting: int, fields: Mapping[str, str]) -> MarkdownIt:
    """Return a parser of CommonMark with tables and these rules. `fields` are those at the head of the file, to which marks refer."""
    from markdown_it import MarkdownIt
    from mdit_py_plugins.admon import admon_plugin
    from mdit_py_plugins.container import container_plugin
    from mdit_py_plugins.deflist import deflist_plugin
    from mdit_py_plugins.footnote import footnote_plugin

    found = MarkdownIt("commonmark", {"maxNesting": nesting}).enable(["table", "strikethrough"])
    found.use(footnote_plugin, inline=False, move_to_end=False).use(deflist_plugin).use(admon_plugin)
    found.use(container_plugin, "box", validate=lambda params, *_: bool(params.strip()))
    found.block.ruler.before("fence", "code_tag", _code_tag)
    found.block.ruler.before("fence", "dashed", _dashed, {"alt": ["paragraph"]})
    found.block.ruler.before("container_box", "one_line_box", _one_line_box, {"alt": ["paragraph"]})
    found.block.ruler.before("paragraph", "imports", _imports)
    found.block.ruler.before("paragraph", "tab", _tab, {"alt": ["paragraph"]})

    def template(state: StateInline, silent: bool) -> bool:
        match = None
        if state.src[state.pos] in "{<":
            match = MARK.match(state.src, state.pos, state.posMax) or COMPONENT.match(state.src, state.pos, state.posMax)
        if match is None:
            return False
        if not silent and (text := shown(match, fields)):
            state.push("text", "", 0).content = text
        state.pos = match.end()
        return True

    found.inline.ruler.before("link", "template", template)
    found.inline.ruler.before("link", "alert", _alert)
    found.inline.ruler.before("link", "template_link", _template_link)
    return found


def _alert(state: StateInline, silent: bool) -> bool:
    """Read over `[!NOTE]`, `[!INCLUDE [name](path)]`, `[!VIDEO address]`, `[[[name]]]`: the name of a box or an instruction."""
    if not state.src.startswith(("[!", "[[["), state.pos):
        return False
    match = _ALERT.match(state.src, state.pos, state.posMax)
    if match is None or match[0].startswith("[!["):
        return False
    state.pos = match.end()
    return True


def _template_link(state: StateInline, silent: bool) -> bool:
    """Read a link or picture whose address holds a mark of a site generator as its words."""
    start = state.pos + 1 if state.src.startswith("![", state.pos) else state.pos
    if not state.src.startswith("[", start):
        return False
    from markdown_it.helpers import parseLinkLabel

    end = parseLinkLabel(state, start)
    match = _TEMPLATE_TARGET.match(state.src, end + 1, state.posMax) if end >= 0 else None
    if match is None:
        return False
    if not silent and start == state.pos:
        most, state.pos, state.posMax = state.posMax, start + 1, end
        state.push("link_open", "a", 1).attrs = {"href": "{}"}
        state.md.inline.tokenize(state)
        state.push("link_close", "a", -1)
        state.posMax = most
    state.pos = match.end()
    return True


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _code_tag(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read `{% highlight python %}` … `{% endhighlight %}` as code, and a comment as nothing."""
    line = _line(state, start)
    match = _CODE_TAG.match(line) if line.startswith("{") else None
    if match is None:
        return False
    name = match[1] or match[2]
    closing = re.compile(rf"\{{%-?\s*end{name}\b|\{{\{{[<%]\s*/{name}\b")
    last = next((at for at in range(start + 1, min(end, start + _MOST_LINES)) if closing.match(_line(state, at))), None)
    if last is None:
        return False
    if silent:
        return True
    if name != "comment":
        token = state.push("fence", "code", 0)
        token.content = state.getLines(start + 1, last, state.sCount[start], True)
        token.map = [start, last + 1]
    state.line = last + 1
    return True


def _dashed(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read over the name of a box between dashes (`--- task ---`, `--- /task ---`) and the fields below it, but for their title;
    `--- code ---` holds code."""
    match = _DASHED.match(_line(state, start))
    if match is None:
        return False
    if silent:
        return True
    first = start + 1
    if not match[1] and first < end and _line(state, first).strip() == "---":
        closing = next((at for at in range(first + 1, min(end, first + _MOST_FIELDS)) if _line(state, at).strip() == "---"), None)
        if closing is not None:
            for at in range(first + 1, closing):
                if title := _BOX_TITLE.match(_line(state, at)):
                    _push_paragraph(state, title[1], at)
            first = closing + 1
    if match[2] == "code" and not match[1]:
        lines = range(first, min(end, start + _MOST_LINES))
        last = next((at for at in lines if _line(state, at).startswith("--- /code ---")), None)
        if last is not None:
            token = state.push("fence", "code", 0)
            token.content, token.map = state.getLines(first, last, state.sCount[start], True), [start, last + 1]
            first = last + 1
    state.line = first
    return True


def _push_paragraph(state: StateBlock, text: str, line: int) -> None:
    state.push("paragraph_open", "p", 1).map = [line, line + 1]
    token = state.push("inline", "", 0)
    token.content, token.map, token.children = text, [line, line + 1], []
    state.push("paragraph_close", "p", -1)


def _one_line_box(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read over a box that opens and closes on one line: `:::image source="a.png":::`, `:::row-end:::`."""
    if _ONE_LINE_BOX.match(_line(state, start)) is None:
        return False
    if not silent:
        state.line = start + 1
    return True


def _imports(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read over the imports and exports of MDX, which stand in lines of their own."""
    at = start
    while at < end and _IMPORT.match(_line(state, at)):
        at += 1
    if at == start or (at < end and _line(state, at).strip()):
        return False
    if not silent:
        state.line = at
    return True


def _tab(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read `=== "Name"` and the indented lines below as a paragraph of the name and the blocks in them."""
    match = _TAB.match(_line(state, start))
    if match is None:
        return False
    if silent:
        return True
    indent, last = state.blkIndent, start + 1
    while last < end and (state.isEmpty(last) or state.sCount[last] >= indent + 4):
        last += 1
    _push_paragraph(state, match["title"], start)
    most, state.lineMax, state.blkIndent = state.lineMax, last, indent + 4
    state.md.block.tokenize(state, start + 1, last)
    state.lineMax, state.blkIndent = most, indent
    state.line = last
    return True
