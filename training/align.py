"""Align an English and an Arabic text, and filter the pairs that come of it.

Pages are compared by their structure: two sections belong together if their headings do, and their blocks if both sections have the same
sequence of paragraphs, list items and cells. Where two blocks have equally many sentences, each sentence is a pair.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from training.product import sentence_texts

MOST_WORDS = 60
RATIO = (0.4, 2.5)
"""Characters of the Arabic text for one of the English text."""
SENTENCE_RATIO = (0.45, 2.0)
"""The same for a sentence of several, where one may have been moved to another."""
MOST_WORDS_WHOLE = 45
"""The longest block that is a pair as a whole although its sentences differ in number."""
MOST_WORDS_TERM = 8

_ARABIC = re.compile(r"[\u0621-\u064a\u066e-\u06d3]")
_LATIN = re.compile(r"[A-Za-z]")
_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "0123456789" * 2)
_MARKS = re.compile(r"[\u0640\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]|[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f\u20e3\u2b00-\u2bff]")
"""Lengthening strokes, signs of direction and pictures."""
_CODE = re.compile(
    r"""
    [`{}<>|\\$] | https?:// | www\. | ~~ | \[[!^] | \]\( | :: | => | \w\(\)    # code, addresses, markup
    | \b\w+_\w+\b | --\w | \w*@\w+ | /[a-z]+/ | %\w+%?                         # names of variables, options, accounts, paths, placeholders
    | \.(?:md|py|js|json|ya?ml|html|css|ts|cs|java|exe)\b                      # names of files
    | \b(?!iPhone|iOS|eBay)[a-z]+[A-Z]\w*                                      # camelCase
    """,
    re.VERBOSE,
)
_ENGLISH_RUN = re.compile(r"(?:[A-Za-z]{2,}[\s,]+){4,}[A-Za-z]{2,}|(?:\b[a-z]{2,}[\s,]+){2,}[a-z]{2,}")
_TEMPLATES = re.compile(r"<!--.*?-->|\{#[^}]*\}|\{%.*?%\}|\{\{.*?\}\}|\{:[^}]*\}|^:::.*$", re.DOTALL | re.MULTILINE)
_DISCLAIMER = "<!-- CO-OP TRANSLATOR DISCLAIMER START"


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, paragraph, list item, cell or value: what it is, its text, and the words in it that are strong."""

    kind: str
    text: str
    strong: tuple[str, ...] = ()


Pair = tuple[str, str]


def clean(text: str) -> str:
    """Return a text on one line, without pictures, lengthening strokes, signs of direction and what begins an item."""
    text = " ".join(_MARKS.sub("", html.unescape(text)).split())
    text = re.sub(r"^(?:[-–—•:|>#]+\s*|\[!\w+\]\s*|\[[ xX]\]\s*)+", "", text)
    return re.sub(r"\s+([:;,.!?؟،؛])", r"\1", text).strip()


def numbers(text: str) -> Counter[str]:
    """Return the numbers of a text in European digits, without what groups their digits."""
    text = re.sub(r"(?<=\d)[,٬،. ٫\u00a0\u202f](?=\d)", "", text.translate(_DIGITS))
    return Counter(re.findall(r"\d+", text))


def fits(english: str, arabic: str, ratio: tuple[float, float] = RATIO) -> bool:
    """Return whether two cleaned texts may be translations of each other: each in its letters, of like length, with the same numbers."""
    if not english or not arabic or max(len(english.split()), len(arabic.split())) > MOST_WORDS or "\ufffd" in english + arabic:
        return False
    if _CODE.search(english) or _CODE.search(arabic) or _ENGLISH_RUN.search(arabic):
        return False
    return _in_its_letters(english, arabic) and ratio[0] <= len(arabic) / len(english) <= ratio[1] and numbers(english) == numbers(arabic)


def _in_its_letters(english: str, arabic: str) -> bool:
    latin = len(_LATIN.findall(english))
    if _ARABIC.search(english) or latin < 2 or latin < len("".join(english.split())) / 2:
        return False
    return len(_ARABIC.findall(arabic)) > len(_LATIN.findall(arabic))


def block_pairs(english: Block, arabic: Block) -> Iterator[Pair]:
    """Yield the pairs of two blocks that belong together: the term that is strong in both, and the sentences, or the whole."""
    if len(english.strong) == len(arabic.strong) == 1:
        term, in_arabic = (clean(block.strong[0]).strip(" :：") for block in (english, arabic))
        if len(term.split()) <= MOST_WORDS_TERM and term != clean(english.text) and fits(term, in_arabic):
            yield term, in_arabic
    first, second = clean(english.text), clean(arabic.text)
    sentences, in_arabic_too = sentence_texts(first), sentence_texts(second)
    if len(sentences) == len(in_arabic_too) > 1:
        yield from (pair for pair in zip(sentences, in_arabic_too, strict=True) if fits(*pair, SENTENCE_RATIO))
    elif (len(sentences) == len(in_arabic_too) or len(first.split()) <= MOST_WORDS_WHOLE) and fits(first, second):
        yield first, second


def page_pairs(english: Sequence[Block], arabic: Sequence[Block]) -> Iterator[Pair]:
    """Yield the pairs of two pages."""
    for ours, theirs in _matching(_sections(english), _sections(arabic)):
        if [block.kind for block in ours] == [block.kind for block in theirs]:
            if not _differ(ours, theirs):
                for first, second in zip(ours, theirs, strict=True):
                    yield from block_pairs(first, second)
        elif ours and theirs and ours[0].kind == theirs[0].kind and _is_heading(ours[0]):
            yield from block_pairs(ours[0], theirs[0])


def _is_heading(block: Block) -> bool:
    return re.fullmatch(r"h\d", block.kind) is not None


def _sections(blocks: Sequence[Block]) -> list[list[Block]]:
    """Return the blocks up to the first heading, and those from each heading to the next."""
    found: list[list[Block]] = [[]]
    for block in blocks:
        if _is_heading(block):
            found.append([])
        found[-1].append(block)
    return found


def _matching(english: list[list[Block]], arabic: list[list[Block]]) -> list[tuple[list[Block], list[Block]]]:
    """Return the sections that belong together: all if there are equally many, otherwise those of one shape at the beginning and end. One
    that could be at either, because a neighbour has the same shape, is left out."""
    if len(english) == len(arabic):
        return list(zip(english, arabic, strict=True))
    ours, theirs = ([[block.kind for block in section] for section in page] for page in (english, arabic))
    head, tail = _common(ours, theirs), _common(ours[::-1], theirs[::-1])
    either = max(0, head + tail - min(len(ours), len(theirs)))
    head, tail = max(0, head - either), max(0, tail - either)
    pairs = list(zip(english[:head], arabic[:head], strict=True))
    return pairs + list(zip(english[len(english) - tail :], arabic[len(arabic) - tail :], strict=True))


def _common(first: Sequence[Any], second: Sequence[Any]) -> int:
    """Return how many members two sequences have in common at their beginning."""
    count = 0
    while count < min(len(first), len(second)) and first[count] == second[count]:
        count += 1
    return count


def _differ(english: list[Block], arabic: list[Block]) -> bool:
    """Return whether more than one block, and more than 15 % of them, are too long or too short for what they stand against."""
    strange = 0
    for first, second in zip(english, arabic, strict=True):
        length = len(clean(first.text))
        if first.kind in {"paragraph", "item"} and length > 25 and not RATIO[0] <= len(clean(second.text)) / length <= 2.2:
            strange += 1
    return strange > max(1, 0.15 * len(english))


def keyed_pairs(english: Mapping[str, str], arabic: Mapping[str, str]) -> Iterator[Pair]:
    """Yield the pairs of two tables of texts by key. Arabic has more plural forms: those that English lacks stand against its `other`."""
    for key, text in arabic.items():
        original = english.get(key) or english.get(re.sub(r"\.(zero|two|few|many)$", ".other", key))
        if original and original != text:
            yield from page_pairs(markdown(_without_tags(original)), markdown(_without_tags(text)))


def _without_tags(text: str) -> str:
    text = re.sub(r"<br\s*/?>|</(?:p|li|h\d)>", "\n\n", text)
    return re.sub(r"</?[A-Za-z][^>]*>", "", text)


def flat(tree: Any, path: str = "") -> dict[str, str]:
    """Return the texts of nested tables and lists by their dotted path."""
    if isinstance(tree, str):
        return {path: tree}
    members = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return {key: text for name, value in members for key, text in flat(value, f"{path}.{name}").items()}


def markdown(text: str) -> list[Block]:
    """Read a Markdown page: the title and description of its front matter, and its blocks. Code is an empty block; HTML is left out."""
    from markdown_it import MarkdownIt

    found: list[Block] = []
    if front := re.match(r"---\n(.*?)\n---\s*\n", text, re.DOTALL):
        found.extend(Block(name, value) for name, value in _front_matter(front[1]).items())
        text = text[front.end() :]
    text = _TEMPLATES.sub("", text.split(_DISCLAIMER)[0])
    listed, kind = 0, ""
    for token in MarkdownIt("commonmark", {"html": True}).enable("table").parse(text):
        if token.type in {"bullet_list_open", "ordered_list_open"}:
            listed += 1
        elif token.type in {"bullet_list_close", "ordered_list_close"}:
            listed -= 1
        elif token.type in {"heading_open", "th_open", "td_open"}:
            kind = token.tag
        elif token.type in {"fence", "code_block"}:
            found.append(Block("code", ""))
        elif token.type == "inline":
            words, strong = _inline(token)
            if clean(words) or kind:
                found.append(Block(kind or ("item" if listed else "paragraph"), words, strong))
            kind = ""
    return found


def _front_matter(text: str) -> dict[str, str]:
    try:
        read = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    fields = read if isinstance(read, dict) else {}
    return {name: fields[name] for name in ("title", "description") if isinstance(fields.get(name), str)}


def _inline(token: Any) -> tuple[str, tuple[str, ...]]:
    """Return the text of an inline token, code within backticks so that the filter finds it, and its strong parts."""
    words: list[str] = []
    strong: list[str] = []
    within = False
    for child in token.children or ():
        piece = f"`{child.content}`" if child.type == "code_inline" else child.content if child.type == "text" else ""
        if child.type in {"softbreak", "hardbreak"}:
            piece = " "
        elif child.type == "strong_open":
            within = True
            strong.append("")
        elif child.type == "strong_close":
            within = False
        words.append(piece)
        if within:
            strong[-1] += piece
    return "".join(words), tuple(strong)


def web_page(text: str) -> list[Block]:
    """Read the headings, paragraphs and list items of the body of an HTML page, without what stands around its text. A paragraph that is
    strong as a whole is a heading, one within an item is an item."""
    from lxml import html as reader

    body = reader.document_fromstring(text).find("body")
    wanted = {"h1", "h2", "h3", "h4", "h5", "h6", "p", "li"}
    found = []
    for element in body.iter(*wanted) if body is not None else ():
        if any(parent.tag in {"header", "footer", "nav", "form"} for parent in element.iterancestors()):
            continue
        if words := " ".join(_own_text(element, wanted).split()):
            found.append(Block(_kind(element, words), words))
    return found


def _kind(element: Any, words: str) -> str:
    if element.tag.startswith("h"):
        return str(element.tag)
    if any(" ".join(strong.text_content().split()) == words for strong in element.iter("strong", "b")):
        return "h6"
    return "item" if element.tag == "li" or any(True for _ in element.iterancestors("li")) else "paragraph"


def _own_text(element: Any, blocks: set[str]) -> str:
    """Return an element's text without that of the blocks in it."""
    pieces = [element.text or ""]
    for child in element:
        if child.tag not in blocks | {"ol", "ul", "script", "style"} and isinstance(child.tag, str):
            pieces.append(_own_text(child, blocks))
        pieces.append(child.tail or "")
    return "".join(pieces)
