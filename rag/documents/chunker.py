"""Cut documents into passages: runs of whole sentences, list items and table rows, each with the context it needs to be understood
alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby, islice

from rag.arguments import require_whole
from rag.documents.titles import SEPARATOR, is_contents
from rag.documents.tree import heading_paths
from rag.errors import BadSetting
from rag.schema import Block, BlockKind, Document, Passage, Span
from rag.text.announcements import announces, ends_with_colon, says_that_more_follows
from rag.text.language import detect
from rag.text.self_contained import refers_back
from rag.text.sentences import sentences
from rag.text.words import words

_LONGEST_ITEM = 2
"""The longest list item that is one sentence, as a multiple of the longest sentence."""
_LONGEST_SENTENCE = 2
"""The longest passage that is not ended within a sentence, as a multiple of the length that passages are filled up to."""
_END_MARKS = frozenset(".!?…؟؛۔")
_CLOSING = "\"'”’»)]}"
_ENDS_SENTENCE = _END_MARKS.union(_CLOSING)
_REACH = 8
_HEADINGS_ALONE = 3
_HEADING_WORDS = 4
_HEADING_SENTENCE = 8
"""Headings with nothing below them are a passage if they are a list, of this many headings with these words, or as long as a sentence."""
_LONGEST_CODE = 1.5
"""The longest passage that is not ended within a block of code, as a multiple of the length that passages are filled up to."""
_LEAST_REMAINDER = 0.25
"""What is left of a section stays with the passage before it if it is shorter than this share of a passage."""
_WORD = re.compile(r"[^\W\d_]{2}")
_NUMBER = re.compile(r"\d[\d.,]*")
_MOST_NUMBERS = 8
_LONGEST_LABEL = 3
"""Words of a line without a number, a mark at its end, or a heading above it, that says nothing alone."""
_LONGEST_SCRAP = 90
_SCRAP_WORDS = 12
"""A passage of at most these characters and words, without a sentence or a value, is read with the one before or after it."""
_VALUE = re.compile(r"[:：]\s*\w")
_LONGEST_TITLE = 80
_LONGEST_LEAD = 400
"""Characters of a paragraph that introduces a list and is kept in one piece."""


@dataclass(frozen=True, slots=True)
class Chunker:
    """Passage lengths in characters. Part of the index's identity: other settings make another index.

    `passage` is the length that passages are filled up to; `sentence` the length past which a sentence is cut at clause marks.
    """

    passage: int = 800
    sentence: int = 280

    def __post_init__(self) -> None:
        require_whole("passage", self.passage, 1)
        require_whole("sentence", self.sentence, 1)
        if not 40 <= self.sentence <= self.passage:
            raise BadSetting("error.chunker", passage=self.passage, sentence=self.sentence)

    def settings(self) -> dict[str, int]:
        """Return the settings as the manifest records them."""
        return asdict(self)

    def cut(self, document: Document, first_id: int = 1) -> list[Passage]:
        """Return the passages of a document in order, with consecutive ids from `first_id`."""
        units = _units_of_blocks(document, self.sentence) if document.blocks else _units_of_text(document, self.sentence)
        groups = list(_group(document.text, units, self.passage))
        spoken = [group for group in groups if _says_something(group, _span(group).of(document.text), document.title)]
        spoken = _with_scraps(document.text, spoken, self.passage) if document.blocks else spoken
        return [_passage(document, group, id) for id, group in enumerate(spoken or groups, start=first_id)]


@dataclass(frozen=True, slots=True)
class _Unit:
    """A span that is quoted whole. `opens` marks a unit that must begin a passage, `paragraph` one that begins a paragraph, `continues`
    one that goes on with the sentence of the unit before it, or has no words, `announces` one that means little without what follows.
    `code_end` is the end of the block of code that a line belongs to."""

    span: Span
    path: tuple[str, ...] = ()
    lead: Span | None = None
    introduces: bool = False
    opens: bool = False
    paragraph: bool = True
    continues: bool = False
    announces: bool = False
    kind: BlockKind = BlockKind.PARAGRAPH
    code_end: int = 0


@dataclass(slots=True)
class _Group:
    """The units of a passage; `outside` is the lead of all units if it lies in an earlier passage. `cut` marks the later parts of a
    sentence that is longer than a passage: their lead is how the sentence begins."""

    units: list[_Unit] = field(default_factory=list)
    outside: Span | None = None
    cut: bool = False


def _units_of_text(document: Document, longest: int) -> Iterator[_Unit]:
    """Yield the sentences of a plain text; a mark opens a passage, except a heading that follows another."""
    marks = [(mark.offset, mark.label.startswith("§")) for mark in document.marks]
    heading, at, end = False, 0, 0
    for span in sentences(document.text, longest):
        opened = []
        while at < len(marks) and marks[at][0] <= span.start:
            opened.append(marks[at][1])
            at += 1
        new_section = bool(opened) and not (heading and all(opened))
        new_paragraph = re.search(r"\n\s*\n|\n$", document.text[end : span.start]) is not None
        yield _Unit(span, opens=new_section, paragraph=new_paragraph, announces=announces(span.of(document.text)))
        heading = opened[-1] if opened else heading and bool(opened)
        end = span.end


def _units_of_blocks(document: Document, longest: int) -> Iterator[_Unit]:
    """Yield the sentences, items and rows of a document's blocks. A heading counts only if nothing stands below it: with others like it
    it is a list. Less than a few words of these are left out, unless there is nothing else."""
    leads = {block.lead for block in document.blocks if block.lead is not None}
    paths = heading_paths(document)
    opens, some = True, False
    bare: list[_Unit] = []
    for at, (block, path) in enumerate(zip(document.blocks, paths, strict=True)):
        if block.kind is BlockKind.HEADING:
            opens = True
            following = document.blocks[at + 1] if at + 1 < len(document.blocks) else None
            if _is_bare(document.blocks, at):
                over = bare[-1].lead if bare else document.blocks[at - 1].span if at and _announces_headings(document, at - 1) else None
                under = path if over is None else bare[-1].path if bare else paths[at - 1]
                bare.append(_Unit(block.span, under, over, opens=over is None and (not bare or bare[-1].path != under)))
            if following is None or following.kind is not BlockKind.HEADING:
                lists = [list(run) for _, run in groupby(bare, key=lambda unit: unit.path)]
                kept = [unit for run in lists if _is_list(document.text, run) for unit in run]
                kept = kept or (bare if following is None and not some else [])
                yield from kept
                some = some or bool(kept)
                bare = []
            continue
        some = True
        introduces = block.span in leads
        lead = block.lead if block.lead != block.span else None
        spans = list(_spans(document.text, block, longest, introduces))
        needs_next = _announces_block(document.text, document.blocks, at) or _announces_headings(document, at)
        for number, span in enumerate(spans):
            yield _Unit(
                span,
                path,
                lead,
                introduces,
                opens,
                number == 0,
                _continues(document.text, span) if number else _goes_on(document, at),
                needs_next and number == len(spans) - 1,
                block.kind,
                block.span.end if block.kind is BlockKind.CODE else 0,
            )
            opens = False


def _spans(text: str, block: Block, longest: int, introduces: bool) -> Iterable[Span]:
    """Return the quotable spans of a block: whole rows, short items and leads; lines of code; sentences of everything else."""
    length = len(block.span)
    whole = (
        block.kind is BlockKind.ROW
        or (block.kind is BlockKind.ITEM and length <= _LONGEST_ITEM * longest)
        or (introduces and length <= _LONGEST_LEAD)
    )
    if whole:
        return [block.span]
    written = block.span.of(text)
    if block.kind is BlockKind.CODE:
        return [Span(*line.span()).shifted(block.span.start) for line in re.finditer(r"\S[^\n]*", written)]
    return [span.shifted(block.span.start) for span in sentences(written, longest)]


def _is_bare(blocks: Sequence[Block], at: int) -> bool:
    """Return whether nothing stands below a heading."""
    following = blocks[at + 1] if at + 1 < len(blocks) else None
    return following is None or (following.kind is BlockKind.HEADING and following.level <= blocks[at].level)


def _announces_headings(document: Document, at: int) -> bool:
    """Return whether a block ends with a colon before a heading with nothing below it, which is what it announces."""
    block, following = document.blocks[at], at + 1 if at + 1 < len(document.blocks) else None
    if following is None or block.kind is BlockKind.HEADING or document.blocks[following].kind is not BlockKind.HEADING:
        return False
    return ends_with_colon(block.span.of(document.text)) and _is_bare(document.blocks, following)


def _is_list(text: str, headings: Sequence[_Unit]) -> bool:
    """Return whether headings with nothing below them are a list, or one that is as long as a sentence or is announced."""
    words = sum(len(unit.span.of(text).split()) for unit in headings)
    return headings[0].lead is not None or words >= _HEADING_SENTENCE or (len(headings) >= _HEADINGS_ALONE and words >= _HEADING_WORDS)


def _goes_on(document: Document, at: int) -> bool:
    """Return whether a paragraph goes on with the sentence of the block before it, over the end of a page or a line."""
    block, before = document.blocks[at], document.blocks[at - 1] if at else None
    if before is None or block.kind is not BlockKind.PARAGRAPH or before.kind not in (BlockKind.PARAGRAPH, BlockKind.ITEM):
        return False
    end = document.text[max(before.span.start, before.span.end - _REACH) : before.span.end].rstrip()[-1:]
    return document.text[block.span.start].islower() and end not in _ENDS_SENTENCE and not ends_with_colon(end)


def _announces_block(text: str, blocks: Sequence[Block], at: int) -> bool:
    """Return whether a block means little without the next one: it ends with a colon, is a question, or says that something follows."""
    block, following = blocks[at], blocks[at + 1] if at + 1 < len(blocks) else None
    if following is None or block.kind is BlockKind.HEADING:
        return False
    written = block.span.of(text)
    if following.kind is BlockKind.HEADING:
        return ends_with_colon(written) and (len(written) > _LONGEST_TITLE or says_that_more_follows(written))
    if block.kind is BlockKind.ROW and following.kind is not BlockKind.ROW:
        return announces(written)
    if block.kind not in (BlockKind.PARAGRAPH, BlockKind.ITEM):
        return False
    if block.kind is BlockKind.ITEM and following.kind is BlockKind.ITEM and following.level <= block.level:
        return ends_with_colon(written) and not ends_with_colon(following.span.of(text))
    if announces(written) or (_is_title_like(written, block) and not _is_title_like(following.span.of(text), following)):
        return True
    return following.kind is not BlockKind.PARAGRAPH and says_that_more_follows(written)


def _is_title_like(written: str, block: Block) -> bool:
    """Return whether a paragraph is a short line without a mark at its end, as titles are that are not marked as such."""
    short = block.kind is BlockKind.PARAGRAPH and len(written) <= _LONGEST_TITLE and "\n" not in written
    return short and written.rstrip()[-1:].isalnum()


def _group(text: str, units: Iterable[_Unit], longest: int) -> Iterator[_Group]:
    """Yield passages filled up to `longest`, never ending with a lead; after a lead in an earlier passage, nothing but its items."""
    waiting = list(units)
    sections = _section_ends(waiting)
    group, first, at = _Group(), 0, 0
    opening: Span | None = None
    while at < len(waiting):
        unit = waiting[at]
        opening = opening if unit.continues else unit.span
        if group.units and _breaks(text, group, waiting, at, sections[at], longest):
            back = _understandable(text, waiting, first, at, longest)
            yield _Group(group.units[: back - first], group.outside, group.cut)
            first = at = back
            unit = waiting[at]
            same = unit.continues and unit.path == waiting[at - 1].path
            group = _Group(outside=opening, cut=True) if same and opening is not None else _Group()
            opening = opening if unit.continues else unit.span
        if not group.units and unit.lead is not None:
            group.outside, group.cut = unit.lead, False
        group.units.append(unit)
        at += 1
    if group.units:
        yield group


def _with_scraps(text: str, groups: Sequence[_Group], longest: int) -> list[_Group]:
    """Return the passages with each that is only a few words, the lines of a cover or a label, put to the one before it in its section,
    or to the one after it there or in a section below."""
    found: list[_Group] = []
    waiting: list[_Unit] = []
    for number, group in enumerate(groups):
        if waiting:
            group = _Group([*waiting, *group.units])
            waiting = []
        following = groups[number + 1] if number + 1 < len(groups) else None
        if _is_scrap(group, _span(group).of(text)):
            path, most = _path(group), longest + _LONGEST_SCRAP
            last = found[-1] if found else None
            if last is not None and last.outside is None and _path(last) == path and _reach(last, group) <= most:
                last.units += group.units
                continue
            below = following is not None and following.outside is None and _path(following)[: len(path)] == path
            if following is not None and below and _reach(group, following) <= most:
                waiting = group.units
                continue
        found.append(group)
    return found


def _is_scrap(group: _Group, written: str) -> bool:
    """Return whether a passage is a few words that are neither a sentence nor a name with its value."""
    said = written.split()
    if group.outside is not None or len(written) > _LONGEST_SCRAP or len(said) > _SCRAP_WORDS:
        return False
    if any(unit.kind not in (BlockKind.PARAGRAPH, BlockKind.HEADING) for unit in group.units):
        return False
    return not _is_sentence(said) and _VALUE.search(written) is None


def _is_sentence(said: Sequence[str]) -> bool:
    """Return whether words end as a sentence does and are more than a name with an abbreviation at its end ("Rivergrove Homes, Inc.")."""
    return said[-1].rstrip(_CLOSING)[-1:] in _END_MARKS and not (len(said) > 1 and all(word[:1].isupper() for word in said))


def _reach(first: _Group, last: _Group) -> int:
    """Return the number of characters from the beginning of one passage to the end of another."""
    return _span(last).end - _span(first).start


def _path(group: _Group) -> tuple[str, ...]:
    """Return the headings above a passage: those of its first unit where that begins a section, else those that all units share."""
    path = group.units[0].path
    if group.units[0].opens:
        return path
    for unit in group.units[1:]:
        same = 0
        while same < min(len(path), len(unit.path)) and path[same] == unit.path[same]:
            same += 1
        path = path[:same]
    return path


def _section_ends(units: Sequence[_Unit]) -> list[int]:
    """Return for each unit where the last unit ends that stands in the same section."""
    ends = [0] * len(units)
    for at in range(len(units) - 1, -1, -1):
        following = units[at + 1] if at + 1 < len(units) else None
        ends[at] = units[at].span.end if following is None or following.opens or following.path != units[at].path else ends[at + 1]
    return ends


def _understandable(text: str, units: Sequence[_Unit], first: int, at: int, longest: int) -> int:
    """Return where a passage that would begin with the unit `at` can be understood: there, or at most half a passage before, where a
    sentence refers back to nothing. What announces a section is read with it. The passage before it begins with the unit `first`."""
    if _announces_section(units[at - 1], units[at]):
        begin = at - 1
        while begin > first and not units[begin].paragraph:
            begin -= 1
        return begin if begin > first and units[at].span.start - units[begin].span.start <= longest // 2 else at
    for begin in range(at, first, -1):
        unit, before = units[begin], units[begin - 1]
        if units[at].span.start - unit.span.start > longest // 2 or unit.opens or unit.path != before.path:
            break
        if unit.continues or before.announces or before.introduces:
            continue
        prose = unit.kind is BlockKind.PARAGRAPH and unit.lead is None
        if (prose and not refers_back(unit.span.of(text))) or unit.kind is BlockKind.ITEM or (begin == at and not prose):
            return begin
    return at


def _continues(text: str, span: Span) -> bool:
    """Return whether a span of a block goes on with the sentence of the one before it, or has nothing that could be read alone."""
    if not any(map(str.isalnum, span.of(text))):
        return True
    before = text[max(0, span.start - _REACH) : span.start]
    said = before.rstrip()
    return bool(said) and said[-1] not in _ENDS_SENTENCE and "\n" not in before[len(said) :]


def _sentence_end(units: Sequence[_Unit], at: int, longest: int) -> int:
    """Return where the sentence ends that begins with a unit, or some end past the length `longest`."""
    end = units[at].span.end
    for unit in islice(units, at + 1, None):
        if not unit.continues or end - units[at].span.start > longest:
            break
        end = unit.span.end
    return end


def _breaks(text: str, group: _Group, units: Sequence[_Unit], at: int, section_end: int, longest: int) -> bool:
    """Return whether the unit `at` begins a new passage; its section goes on to `section_end`."""
    first, last, unit = group.units[0], group.units[-1], units[at]
    start, cut = first.span.start, group.cut and not unit.continues
    if _announces_section(last, unit):  # "is amended as follows:" above the heading of what follows
        announced = not any(one.paragraph for one in group.units[1:])
        if section_end - start <= longest or (announced and unit.span.end - start <= longest):
            return False
    if unit.opens or unit.path != last.path or cut:
        return True
    if not group.cut and group.outside is not None and unit.lead != group.outside and all(unit.lead != one.span for one in group.units):
        return True
    if last.introduces and unit.lead == last.span:
        return False  # a list's first item stays with its introduction, however long the two are
    if unit.continues:
        return unit.span.end - start > _LONGEST_SENTENCE * longest
    if unit.code_end and not unit.paragraph and unit.code_end - start <= _LONGEST_CODE * longest:
        return False
    if last.announces or _is_remainder(unit, start, section_end, longest):
        return unit.span.end - start > _LONGEST_SENTENCE * longest
    end = _needed_end(units, at, longest)
    if end - start > longest:
        return True
    new = unit.paragraph and unit.lead is None and last.span.end - start > longest // 2
    return new and not (unit.kind is BlockKind.PARAGRAPH and refers_back(unit.span.of(text)))


def _announces_section(last: _Unit, unit: _Unit) -> bool:
    """Return whether a unit announces what stands below the next heading, one of its own rank or below."""
    return last.announces and unit.opens and unit.path[: len(last.path) - 1] == last.path[:-1]


def _is_remainder(unit: _Unit, start: int, section_end: int, longest: int) -> bool:
    """Return whether so little is left of a section that it means little alone."""
    least = _LEAST_REMAINDER * longest
    return (
        unit.kind not in (BlockKind.ROW, BlockKind.CODE)
        and section_end - unit.span.start < least
        and section_end - start <= longest + least
    )


def _needed_end(units: Sequence[_Unit], at: int, longest: int) -> int:
    """Return where what a unit begins can end: its sentence, or with what it announces the first of that; a block of code that fits."""
    start = units[at].span.start
    end = units[at].span.end
    while at < len(units):
        unit = units[at]
        sentence_end = _sentence_end(units, at, longest)
        end = sentence_end if sentence_end - start <= longest else max(end, unit.span.end)
        if unit.code_end - start <= longest:
            end = max(end, unit.code_end)
        following = units[at + 1] if at + 1 < len(units) else None
        leads = unit.introduces and following is not None and following.lead == unit.span
        if not (unit.announces or leads) or following is None or following.opens or end - start > longest:
            break
        at += 1
    return end


def _says_something(group: _Group, text: str, title: str) -> bool:
    """Return whether a passage is more than signs, than its title again, than a label without a heading or a value, or than many numbers of
    which nothing says what they are."""
    said = text.split()
    if group.outside is None and len(said) <= _LONGEST_LABEL and ends_with_colon(text):
        return False
    if group.units[0].path or group.outside is not None:
        return sum(map(str.isalnum, text)) > 1
    if not _WORD.search(text):
        return any(map(str.isalnum, text)) and len(_NUMBER.findall(text)) <= _MOST_NUMBERS
    if len(text) <= _LONGEST_TITLE and group.units[0].kind is not BlockKind.ROW and set(words(text)) <= set(words(title)):
        return False
    label = group.units[0].kind is BlockKind.PARAGRAPH and not any(map(str.isdigit, text)) and not _is_sentence(said)
    return not label or len(said) > _LONGEST_LABEL


def _span(group: _Group) -> Span:
    return Span(group.units[0].span.start, group.units[-1].span.end)


def _passage(document: Document, group: _Group, id: int) -> Passage:
    units, span = group.units, _span(group)
    text = span.of(document.text)
    language = detect(text)
    places = {unit.span: number for number, unit in enumerate(units)}
    leads = tuple(places.get(unit.lead, -1) if unit.lead is not None else -1 for unit in units)
    locators = tuple(document.locator_of(unit.span) for unit in units)
    return Passage(
        id=id,
        document_id=document.id,
        span=span,
        text=text,
        title=document.title,
        language=document.language if language == "und" else language,
        locator=locators[0],
        sentences=tuple(unit.span for unit in units),
        path=_without_title(_path(group), document.title),
        lead=" ".join(group.outside.of(document.text).split()) if group.outside is not None else "",
        leads=leads if any(lead >= 0 for lead in leads) else (),
        locators=locators if len(set(locators)) > 1 else (),
    )


def _without_title(path: Sequence[str], title: str) -> tuple[str, ...]:
    """Return the headings of a path, except one that repeats the document's title or the last part of it, or stands over its contents."""
    kept = (label for label in path if label != title and not title.endswith(f"{SEPARATOR}{label}"))
    return tuple(label for label in kept if not is_contents(label))
