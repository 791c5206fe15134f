"""Tables on a page: ruled ones by their lines, open ones by the alignment of their cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from rag.documents.formats.pdf.layout import Piece, TextLine, Word, lines_of, mostly_rtl, read_line, rows

_SNAP = 3.5  # points: closer lines are one line drawn twice
_SNAP_OF_AREAS = 6.0  # a background colour ends a little inside its cell
_MOST_RULES = 1200
_COVERED = 0.6
_CELL_GAP = 0.75  # em: between cells of an open table
_COLUMN_GAP = 0.5
_ROW_GAP = 2.8
_SPACE_IN_TABLE = 5.0  # em: between the parts of an open table
_FEW_ROWS = 4
_MOST_REPEATED = 2.5
_MOST_IN_CELL = 60  # words, if they are most of the page
_NEAR = 10.0  # points: between a row of names and its table
_LONGEST_OPEN_CELL = 70
_LEADERS = re.compile(r"^[.…·_‥]{3,}$")


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line on the page, horizontal if `top` equals `bottom`, vertical if `left` equals `right`."""

    left: float
    bottom: float
    right: float
    top: float
    drawn: bool = True
    """False for the edge of a filled area: a cell's colour, or a highlight behind a line of text."""


@dataclass(slots=True)
class GridCell:
    """The content of a cell; a merged cell is the same object in each of its positions."""

    words: list[Word] = field(default_factory=list)
    text: str = ""
    pieces: list[Piece] = field(default_factory=list)
    bold: bool = False
    box: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """Its left, bottom, right and top edges, if it is ruled."""
    turned: list[TextLine] = field(default_factory=list)
    """Its vertical lines of text."""

    @property
    def filled(self) -> bool:
        """Whether it has any content."""
        return bool(self.words or self.turned)


@dataclass(slots=True)
class Grid:
    """A table on the page: rows of cells, columns in reading order."""

    left: float
    right: float
    top: float
    bottom: float
    cells: list[list[GridCell]]
    ruled: bool = True
    rtl: bool = False
    edges: tuple[float, ...] = ()
    """The left and right edges of the columns, from left to right, those without content included."""
    kept: tuple[int, ...] = ()
    """Of a ruled table, the columns between its edges that `cells` holds."""

    def read(self, as_drawn: bool = False) -> None:
        """Order the words of each cell, and the columns by the direction of the table."""
        seen: set[int] = set()
        for row in self.cells:
            for cell in row:
                if id(cell) in seen:
                    continue
                seen.add(id(cell))
                lines = lines_of(cell.words, as_drawn)
                for line in lines:
                    if self.rtl and not line.rtl and not any(c.isalpha() for c in line.text):
                        line.rtl = True
                        read_line(line, as_drawn)
                lines = [*cell.turned, *lines]
                cell.pieces = [piece for line in lines for piece in line.pieces]
                cell.text = " ".join(line.text for line in lines)
                cell.bold = bool(lines) and all(line.bold for line in lines)
        if _is_read_from_the_right(self.cells, self.rtl):
            self.cells = [row[::-1] for row in self.cells]


Frame = list[tuple[float, float, float, float]]
"""The boxes (left, bottom, right, top) that lines make around whole columns of text."""


@dataclass(slots=True)
class Panel:
    """A box with text and tables of its own."""

    left: float
    right: float
    top: float
    bottom: float
    words: list[Word] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)

    def holds(self, x: float, y: float) -> bool:
        """Return whether a point is inside."""
        return self.left <= x <= self.right and self.bottom <= y <= self.top


# --- ruled tables ---------------------------------------------------------------------------------------------------------


Turned = tuple[float, float, TextLine]
"""A vertical line of text, with its centre on the page."""


def ruled_grids(
    rules: Sequence[Rule], words: Sequence[Word], turned: list[Turned], frames: list[Frame] | None = None
) -> tuple[list[Grid], list[Word]]:
    """Return the tables that are ruled or made of coloured areas, and the words outside them. Vertical lines of text in a table are removed
    from `turned`; lines around whole columns of text are added to `frames`."""
    around: list[Frame] = [] if frames is None else frames
    grids, left = _grids_of([rule for rule in rules if rule.drawn], words, words, turned, _SNAP, around)
    if any(not rule.drawn for rule in rules) and left:
        more, left = _grids_of(rules, left, words, turned, _SNAP_OF_AREAS, [])
        grids += more
    joined = _joined(sorted(grids, key=lambda grid: -grid.top))
    for grid in joined:
        left = _with_names_above(grid, left)
    return joined, left


def _with_names_above(grid: Grid, words: list[Word]) -> list[Word]:
    """Move the lines just above a table that name its columns into it; return the other words. Such lines are bold, unlike the first row of
    the table, and each of their words is over one column."""
    first = [word for cell in grid.cells[0] for word in cell.words]
    if len(grid.kept) < _FEWEST_NAMED or len(grid.kept) != len(grid.cells[0]) or not first or all(word.bold for word in first):
        return words
    names: dict[int, list[Word]] = {}
    below = grid.top
    for base, row in reversed(rows([word for word in words if word.base > grid.top])):
        places = [_column_of(word, grid.edges) for word in row]
        far = _CLOSE if names else _SPACE_IN_TABLE / 2
        if base - below > far * max(word.size for word in row) or not all(word.bold for word in row) or None in places:
            break
        for word, place in zip(row, places, strict=True):
            names.setdefault(place or 0, []).append(word)
        below = base
    if len(set(names) & set(grid.kept)) < max(_FEWEST_NAMED, 0.6 * len(grid.kept)):
        return words
    columns = sorted({*names, *grid.kept})
    places_of = {column: at for at, column in enumerate(grid.kept)}
    grid.cells = [[row[places_of[n]] if n in places_of else GridCell() for n in columns] for row in grid.cells]
    grid.cells.insert(0, [GridCell(names.get(n, [])) for n in columns])
    grid.kept = tuple(columns)
    grid.top = below + max(word.size for own in names.values() for word in own)
    moved = {id(word) for own in names.values() for word in own}
    return [word for word in words if id(word) not in moved]


def _column_of(word: Word, edges: Sequence[float]) -> int | None:
    """Return the column over which a word stands, None if it stands over none or several."""
    return next((n for n, (left, right) in enumerate(pairwise(edges)) if left - 1 <= word.left and word.right <= right + 1), None)


def _joined(grids: Sequence[Grid]) -> list[Grid]:
    """Merge a header row with a box of its own into the table directly below it."""
    found: list[Grid] = []
    for grid in grids:
        above = found[-1] if found else None
        if (
            above is not None
            and 0 <= above.bottom - grid.top < _NEAR
            and len(above.cells) <= 2
            and len(above.cells[0]) == len(grid.cells[0])
            and abs(above.left - grid.left) < _NEAR
            and abs(above.right - grid.right) < _NEAR
        ):
            found[-1] = Grid(
                grid.left, grid.right, above.top, grid.bottom, [*above.cells, *grid.cells], grid.ruled, grid.rtl, grid.edges, grid.kept
            )
        else:
            found.append(grid)
    return found


def _grids_of(
    rules: Sequence[Rule], words: Sequence[Word], page: Sequence[Word], turned: list[Turned], snap: float, frames: list[Frame]
) -> tuple[list[Grid], list[Word]]:
    level = [rule for rule in rules if rule.top - rule.bottom <= rule.right - rule.left]
    upright = [rule for rule in rules if rule.top - rule.bottom > rule.right - rule.left]
    if not level or not upright or len(level) > _MOST_RULES or len(upright) > _MOST_RULES:
        return [], list(words)
    rtl = mostly_rtl(page)
    left = list(words)
    grids: list[Grid] = []
    for some_level, some_upright in _connected(level, upright):
        grid, left = _ruled_grid(some_level, some_upright, left, rtl, len(page), turned, snap, level, frames)
        if grid is not None:
            grids.append(grid)
    return grids, left


def _connected(level: Sequence[Rule], upright: Sequence[Rule]) -> Iterable[tuple[list[Rule], list[Rule]]]:
    """Yield groups of lines that cross or touch."""
    import numpy as np

    a = np.array([(rule.left, rule.right, (rule.top + rule.bottom) / 2) for rule in level])
    b = np.array([(rule.bottom, rule.top, (rule.left + rule.right) / 2) for rule in upright])
    touch = (
        (a[:, None, 0] - _SNAP <= b[None, :, 2])
        & (b[None, :, 2] <= a[:, None, 1] + _SNAP)
        & (b[None, :, 0] - _SNAP <= a[:, None, 2])
        & (a[:, None, 2] <= b[None, :, 1] + _SNAP)
    )
    waiting = set(range(len(level)))
    done: set[int] = set()
    while waiting:
        some_level, some_upright, fresh = set[int](), set[int](), {waiting.pop()}
        while fresh:
            some_level |= fresh
            crossing = set(np.flatnonzero(touch[sorted(fresh)].any(axis=0)).tolist()) - some_upright - done
            some_upright |= crossing
            fresh = set(np.flatnonzero(touch[:, sorted(crossing)].any(axis=1)).tolist()) - some_level if crossing else set()
        waiting -= some_level
        done |= some_upright
        if some_upright:
            yield [level[n] for n in sorted(some_level)], [upright[n] for n in sorted(some_upright)]


def _snapped(values: Iterable[float], snap: float) -> list[float]:
    """Return coordinates, nearly equal ones merged."""
    found: list[list[float]] = []
    for value in sorted(values):
        if found and value - found[-1][-1 if snap > _SNAP else 0] <= snap:
            found[-1].append(value)
        else:
            found.append([value])
    return [sum(group) / len(group) for group in found]


def _ruled_grid(
    level: Sequence[Rule],
    upright: Sequence[Rule],
    words: list[Word],
    rtl: bool,
    of_page: int,
    turned: list[Turned],
    snap: float,
    every: Sequence[Rule],
    frames: list[Frame],
) -> tuple[Grid | None, list[Word]]:
    """Return the table that lines form and the words outside it; no table if the lines are a frame or a box."""
    xs = _snapped([(rule.left + rule.right) / 2 for rule in upright] + [min(r.left for r in level), max(r.right for r in level)], snap)
    ys = _snapped([(rule.top + rule.bottom) / 2 for rule in level] + [min(r.bottom for r in upright), max(r.top for r in upright)], snap)
    ys.reverse()
    columns, lines = len(xs) - 1, len(ys) - 1
    if columns < 1 or lines < 1 or columns * lines < 2 or columns > 80 or lines > 400:
        return None, words
    below = _borders([(rule.left, rule.right, (rule.top + rule.bottom) / 2) for rule in level], xs, ys)
    beside = _borders([(rule.bottom, rule.top, (rule.left + rule.right) / 2) for rule in upright], ys[::-1], xs)
    # below[j][i]: a line at ys[j] over column i; beside[i][j']: a line at xs[i] along row j' (from the bottom)
    cells: list[list[GridCell | None]] = [[None] * columns for _ in range(lines)]
    for j in range(lines):
        for i in range(columns):
            if cells[j][i] is not None:
                continue
            width = 1
            while i + width < columns and not beside[i + width][lines - 1 - j] and cells[j][i + width] is None:
                width += 1
            height = 1
            while (
                j + height < lines
                and not any(below[j + height][i + n] for n in range(width))
                and all(cells[j + height][i + n] is None for n in range(width))
                and not any(beside[i + n][lines - 1 - j - height] for n in range(1, width))
            ):
                height += 1
            cell = GridCell(box=(xs[i], ys[j + height], xs[i + width], ys[j]))
            for down in range(height):
                for along in range(width):
                    cells[j + down][i + along] = cell
    inside: list[tuple[Word, GridCell]] = []
    outside: list[Word] = []
    for word in words:
        x, y = (word.left + word.right) / 2, word.base + 0.25 * word.size
        if not (xs[0] <= x <= xs[-1] and ys[-1] <= y <= ys[0]):
            outside.append(word)
            continue
        i = max(n for n in range(columns) if xs[n] <= x)
        j = max(n for n in range(lines) if ys[n] >= y)
        cell_here = cells[j][i]
        assert cell_here is not None
        inside.append((word, cell_here))
    for word, cell in inside:
        cell.words.append(word)
    for one in turned:
        if xs[0] <= one[0] <= xs[-1] and ys[-1] <= one[1] <= ys[0]:
            i = max(n for n in range(columns) if xs[n] <= one[0])
            j = max(n for n in range(lines) if ys[n] >= one[1])
            if (turned_cell := cells[j][i]) is not None:
                turned_cell.turned.append(one[2])
    whole = [[cell for cell in row if cell is not None] for row in cells]
    whole = [row for row in whole if any(cell.filled for cell in row)]
    boxes = [cell.box for cell in {id(cell): cell for row in cells for cell in row if cell is not None}.values()]
    if not whole or max(len(cell.words) for row in whole for cell in row) > max(_MOST_IN_CELL, 0.5 * of_page):
        frames.append(boxes)
        return None, words  # a frame around the page
    whole = _split_lines([_unmerged(row, xs) for row in whole])
    keep = [i for i in range(columns) if any(row[i].filled for row in whole) and not _repeats(whole, i)]
    whole = [[row[i] for i in keep] for row in whole]
    whole = [row for n, row in enumerate(whole) if n == 0 or any(cell.filled and cell not in whole[n - 1] for cell in row)]
    filled = {id(cell): cell for row in whole for cell in row if cell.filled}
    if not _is_table(list(filled.values()), whole):
        frames.append(boxes)
        return None, words
    few = len(whole) <= _FEW_ROWS
    if few and (_goes_on_beside(inside, outside, xs) or _lines_go_on(xs, ys, every, min(2, len(whole)))):
        return None, words
    if _lacks_names(whole, inside, outside):
        return None, words
    turned[:] = [one for one in turned if not (xs[0] <= one[0] <= xs[-1] and ys[-1] <= one[1] <= ys[0])]
    table_words = [word for word, _ in inside]
    letters = any(c.isalpha() for word in table_words for text in word.texts for c in text)
    return (
        Grid(
            xs[0],
            xs[-1],
            ys[0],
            ys[-1],
            whole,
            rtl=mostly_rtl(table_words) if letters else rtl,
            edges=tuple(xs),
            kept=tuple(keep),
        ),
        outside,
    )


def panels(frames: Sequence[Frame], words: Sequence[Word], grids: Sequence[Grid]) -> tuple[list[Panel], list[Word], list[Grid]]:
    """Return the boxes of frames that stand side by side and hold several lines each, which are read one after the other, and the words and
    tables outside them."""
    found: list[Panel] = []
    left, outside = list(words), list(grids)
    for frame in frames:
        own = [Panel(a, c, d, b) for a, b, c, d in frame]
        for panel in own:
            panel.words = [word for word in left if panel.holds((word.left + word.right) / 2, word.base + 0.25 * word.size)]
            panel.grids = [grid for grid in outside if panel.holds((grid.left + grid.right) / 2, (grid.top + grid.bottom) / 2)]
        own = [panel for panel in own if panel.words or panel.grids]
        deep = [panel for panel in own if len(rows(panel.words)) + 3 * len(panel.grids) >= _FEWEST_IN_PANEL and _is_of_words(panel)]
        if not any(a.right <= b.left + _SNAP and min(a.top, b.top) > max(a.bottom, b.bottom) for a in deep for b in deep):
            continue
        found += own
        taken = {id(item) for panel in own for item in (*panel.words, *panel.grids)}
        left = [word for word in left if id(word) not in taken]
        outside = [grid for grid in outside if id(grid) not in taken]
    return found, left, outside


def _is_read_from_the_right(table: Sequence[Sequence[GridCell]], usual: bool) -> bool:
    """Return whether the columns are read from the right: `usual`, unless one side has names and the other numbers, which in tables in
    two languages may be either."""
    body = table[1:]
    sides = [[row[n] for row in body if row[n].words] for n in (0, -1)]
    if min(map(len, sides)) < _FEWEST_NAMED:
        return usual
    left, right = (sum(is_number(_plain(cell)) for cell in side) / len(side) for side in sides)
    if left >= _MOST_NUMBERS and right == 0 and any(word.letters[0] for cell in sides[1] for word in cell.words):
        return True
    return usual and not (left == 0 and right >= _MOST_NUMBERS)


def _is_of_words(panel: Panel) -> bool:
    """Return whether most lines of a panel have words, so that it is no column of the values of another."""
    lines = [row for _, row in rows(panel.words)]
    return sum(any(sum(word.letters) > 1 for word in row) for row in lines) >= 0.6 * len(lines)


def _goes_on_beside(inside: Sequence[tuple[Word, GridCell]], outside: Sequence[Word], xs: Sequence[float]) -> bool:
    """Return whether the rows of a small box continue right next to it, so that its lines are only some of a table's."""
    bases = {round(word.base): word.size for word, _ in inside}
    beside = {
        round(word.base)
        for word in outside
        if round(word.base) in bases and (0 <= word.left - xs[-1] < 1.2 * word.size or 0 <= xs[0] - word.right < 1.2 * word.size)
    }
    return len(beside) >= 0.5 * len(bases)


def _lines_go_on(xs: Sequence[float], ys: Sequence[float], level: Sequence[Rule], least: int) -> bool:
    """Return whether `least` or more horizontal lines of a box go on where it ends, so that it is a part of a table whose other columns
    have no lines between them."""
    going = {
        y
        for rule in level
        for y in ys
        if abs(rule.top - y) <= _SNAP
        and (abs(rule.left - xs[-1]) <= _SNAP < rule.right - xs[-1] or abs(rule.right - xs[0]) <= _SNAP < xs[0] - rule.left)
    }
    return len(going) >= least


def _lacks_names(table: Sequence[Sequence[GridCell]], inside: Sequence[tuple[Word, GridCell]], outside: Sequence[Word]) -> bool:
    """Return whether lines are drawn around the numbers of a table only, and the names of its rows stand on the same baselines outside."""
    for column in zip(*table[1:], strict=True):
        filled = [cell for cell in column if cell.words]
        if sum(is_number(_plain(cell)) for cell in filled) < 0.8 * len(filled):
            return False
    numbered = {round(word.base) for word, _ in inside if any(c.isdigit() for text in word.texts for c in text)}
    named = {round(word.base) for word in outside if any(c.isalpha() for text in word.texts for c in text)}
    beside = sum(any(base + shift in named for shift in (-2, -1, 0, 1, 2)) for base in numbered)
    return len(numbered) > _FEW_ROWS and beside >= 0.7 * len(numbered)


def _unmerged(row: list[GridCell], xs: Sequence[float]) -> list[GridCell]:
    """Return a row without the cell that spans several columns only because the lines between them are missing."""
    found = list(row)
    at = 0
    while at < len(row):
        end = at + 1
        while end < len(row) and row[end] is row[at]:
            end += 1
        if end - at >= 3:
            lines = [_segments(words) for _, words in rows(row[at].words)]
            parts = (
                [[n for n in range(at, end) if xs[n] - 1 <= (s[0].left + s[-1].right) / 2 <= xs[n + 1] + 1] for s in lines[0]]
                if lines
                else []
            )
            places = [part[0] for part in parts if part]
            if len(lines) == 1 and len(places) == len(parts) >= max(3, (end - at) // 2) and len(set(places)) == len(places):
                for n in range(at, end):
                    found[n] = GridCell(box=(xs[n], row[at].box[1], xs[n + 1], row[at].box[3]))
                for place, segment in zip(places, lines[0], strict=True):
                    found[place].words = segment
        at = end
    return found


def _repeats(table: Sequence[Sequence[GridCell]], column: int) -> bool:
    """Return whether a column only continues merged cells before it."""
    return column > 0 and all(row[column] is row[column - 1] or not row[column].filled for row in table)


def _is_table(filled: Sequence[GridCell], table: Sequence[Sequence[GridCell]]) -> bool:
    """Return whether filled cells are a table rather than boxes around paragraphs."""
    if len(filled) < 2 or not table or len(table[0]) < 2:
        return False
    once = sum(len(cell.words) for cell in filled)
    if once > _MOST_IN_CELL and sum(len(cell.words) for row in table for cell in row) > _MOST_REPEATED * once:
        return False  # boxes within boxes
    beside = sum(len({id(cell) for cell in row if cell.filled}) >= 2 for row in table)
    return beside >= 1 and (beside >= 2 or all(len(cell.words) <= 30 for cell in filled))


def _borders(rules: Sequence[tuple[float, float, float]], along: Sequence[float], across: Sequence[float]) -> list[list[bool]]:
    """For each place in `across` and each stretch of `along` (ascending), whether lines cover most of it.

    `rules` are (from, to, place).
    """
    covered = [[0.0] * (len(along) - 1) for _ in across]
    for start, end, place in rules:
        nearest = min(range(len(across)), key=lambda n: abs(across[n] - place))
        for n in range(len(along) - 1):
            overlap = min(end, along[n + 1]) - max(start, along[n])
            if overlap > 0:
                covered[nearest][n] += overlap
    return [[row[n] >= _COVERED * (along[n + 1] - along[n]) for n in range(len(along) - 1)] for row in covered]


def _split_lines(table: list[list[GridCell]]) -> list[list[GridCell]]:
    """Split rows that hold several records, where lines are drawn between columns only."""
    found: list[list[GridCell]] = []
    for row in table:
        by_line = [[words for _, words in rows(cell.words)] for cell in row]
        counts = [len(lines) for lines in by_line if lines]
        most = max(counts, default=0)
        same = sum(count == most for count in counts)
        numbers = sum(
            len(lines) == most and all(is_number("".join(t for word in line for t in word.texts)) for line in lines) for lines in by_line
        )
        several = (most >= 3 and same >= 2 and numbers >= 1) or (most == 2 and same == len(counts) and numbers >= 2)
        if several and len({id(cell) for cell in row}) == len(row):
            bases = sorted((median(word.base for word in line) for line in max(by_line, key=len)), reverse=True)
            parts = [[GridCell() for _ in row] for _ in bases]
            for at, cell in enumerate(row):
                for word in cell.words:
                    nearest = min(range(len(bases)), key=lambda n: abs(bases[n] - word.base))
                    parts[nearest][at].words.append(word)
            found += parts
        else:
            found.append(row)
    return found


# --- open tables ----------------------------------------------------------------------------------------------------------


def open_tables(words: Sequence[Word]) -> list[list[Word] | Grid]:
    """Return the words of a column from top to bottom, those of open tables as tables."""
    lines = [(base, _segments(row)) for base, row in rows(words)]
    rtl = mostly_rtl(words)
    found: list[list[Word] | Grid] = []
    run: list[Word] = []
    at = 0
    while at < len(lines):
        if not run and found and isinstance(above := found[-1], Grid) and _goes_on(above, *lines[at]):
            at += 1
            continue
        end = _extent(lines, at)
        if (stacked := _stacked(lines, at, rtl)) is not None:
            found += [run] if run else []
            run = []
            found.append(stacked[0])
            at = stacked[1]
            continue
        grid = _open_grid(lines[at:end], rtl) if end - at >= 2 else None
        if grid is None:
            end = at + 1
            run += [word for segment in lines[at][1] for word in segment]
        else:
            run = _with_first_lines(grid, run, lines, at)
            if run:
                found.append(run)
                run = []
            found.append(grid)
        at = end
    if run:
        found.append(run)
    return found


def _goes_on(grid: Grid, base: float, segments: Sequence[list[Word]]) -> bool:
    """Append a line to the open table above it if it is a row of it after a wider space: a name, and numbers, each in a column of its own.
    Return whether it is."""
    size = max(word.size for segment in segments for word in segment)
    if grid.ruled or len(grid.edges) != len(grid.cells[0]) + 1 or not 0 < grid.bottom - base < _SPACE_IN_TABLE * size:
        return False
    row = [GridCell() for _ in grid.cells[0]]
    for segment in segments:
        middle = (segment[0].left + segment[-1].right) / 2
        at = next((n for n, (left, right) in enumerate(pairwise(grid.edges)) if left - size <= middle <= right + size), None)
        if at is None or row[at].words:
            return False
        row[at].words = list(segment)
    texts = [_plain(cell) for cell in row if cell.words]
    if not any(is_number(text) and not is_year(text) for text in texts) or all(is_number(text) for text in texts):
        return False  # years alone name the columns of another table
    grid.cells.append(row)
    grid.bottom = base - 0.25 * size
    return True


def _with_first_lines(grid: Grid, run: list[Word], lines: Sequence[tuple[float, list[list[Word]]]], at: int) -> list[Word]:
    """Move the lines above an open table that begin the name of one of its columns into it; return the other words before it."""
    names = grid.cells[0]
    below = lines[at][0]
    while run and at > 0 and len(lines[at - 1][1]) == 1 and not _is_of_numbers(names):
        base, (segment,) = lines[at - 1]
        size = max(word.size for word in segment)
        over = [n for n, (left, right) in enumerate(pairwise(grid.edges)) if left - 1 <= segment[0].left and segment[-1].right <= right + 1]
        if base - below > _CLOSE * size or len(over) != 1 or len(over) == len(names) or not names[over[0]].words:
            break
        if over[0] == (len(names) - 1 if grid.rtl else 0) or not any(_is_of_numbers(row) for row in grid.cells[1:3]):
            break
        names[over[0]].words = [*segment, *names[over[0]].words]
        moved = {id(word) for word in segment}
        run = [word for word in run if id(word) not in moved]
        at, below = at - 1, base
    return run


def _stacked(lines: Sequence[tuple[float, list[list[Word]]]], at: int, rtl: bool) -> tuple[Grid, int] | None:
    """Return a form with each label above its value and several labels in one row, and the index of the row after it."""
    cells: list[list[GridCell]] = []
    n = at
    while n + 1 < len(lines):
        (base, labels), (below, values) = lines[n], lines[n + 1]
        if len(labels) < 2 or len(labels) != len(values):
            break
        sizes = [max(word.size for segment in row for word in segment) for row in (labels, values)]
        bold = [all(word.bold for segment in row for word in segment) for row in (labels, values)]
        if not (sizes[1] > 1.1 * sizes[0] or (bold[0] and not bold[1])):
            break
        if base - below > 2.2 * sizes[1] or (n + 2 < len(lines) and below - lines[n + 2][0] < 1.2 * (base - below)):
            break
        begins = [(a[-1].right, b[-1].right) if rtl else (a[0].left, b[0].left) for a, b in zip(labels, values, strict=True)]
        if any(abs(a - b) > 0.6 * sizes[1] for a, b in begins):
            break
        pairs = [[GridCell(list(a)), GridCell(list(b))] for a, b in zip(labels, values, strict=True)]
        cells += [pair[::-1] for pair in reversed(pairs)] if rtl else pairs
        n += 2
    if n < at + 4:
        return None
    words = [word for _, row in lines[at:n] for segment in row for word in segment]
    left, right = min(word.left for word in words), max(word.right for word in words)
    return Grid(left, right, lines[at][0] + words[0].size, lines[n - 1][0], cells, True, rtl, (left, right)), n


def _segments(row: list[Word]) -> list[list[Word]]:
    """Return the words of a row split at wide gaps; dot leaders count as such a gap."""
    row.sort(key=lambda word: word.left)
    found: list[list[Word]] = []
    apart = True
    for word in row:
        if _LEADERS.match("".join(word.texts)):
            apart = True
            continue
        if not apart and word.left - found[-1][-1].right > _CELL_GAP * max(word.size, found[-1][-1].size):
            apart = True
        if apart:
            found.append([])
        found[-1].append(word)
        apart = False
    return found


def _extent(lines: Sequence[tuple[float, list[list[Word]]]], at: int) -> int:
    """Return the end of the rows, from `at` on, that may be a table: most have several cells."""
    if len(lines[at][1]) < 2:
        return at + 1
    end = at + 1
    single = 0
    for n in range(at + 1, len(lines)):
        size = max((word.size for segment in lines[n][1] for word in segment), default=10.0)
        if lines[n - 1][0] - lines[n][0] > _ROW_GAP * size:
            break
        if len(lines[n][1]) >= 2:
            end, single = n + 1, 0
        else:
            single += 1
            if single > 2 or sum(len(word.texts) for segment in lines[n][1] for word in segment) > _LONGEST_OPEN_CELL:
                break
    return end


def _open_grid(lines: Sequence[tuple[float, list[list[Word]]]], rtl: bool) -> Grid | None:
    """Return rows of cells as a table if the white space between their cells runs through all of them."""
    several = [segments for _, segments in lines if len(segments) >= 2]
    if len(several) < 2:
        return None
    spans = sorted((segment[0].left, segment[-1].right) for segments in several for segment in segments)
    size = median(word.size for segments in several for segment in segments for word in segment)
    tolerance = 0 if len(several) < 6 else max(1, len(several) // 10)
    columns = _columns(spans, tolerance, _COLUMN_GAP * size)
    if len(columns) < 2:
        return None
    table: list[list[GridCell]] = []
    filled = 0
    for _, whole in lines:
        row: list[GridCell | None] = [None] * len(columns)
        segments = [part for segment in whole for part in _between_columns(segment, columns, size)]
        for segment in segments:
            left, right = segment[0].left, segment[-1].right
            over = [n for n, (a, b) in enumerate(columns) if min(b, right) - max(a, left) > 0.1 * size] or [
                min(range(len(columns)), key=lambda n: abs((columns[n][0] + columns[n][1]) - (left + right)))
            ]
            cell = next((row[n] for n in over if row[n] is not None), None) or GridCell()
            cell.words += segment
            for n in over:
                row[n] = cell
        filled += sum(cell is not None for cell in row)
        table.append([cell or GridCell() for cell in row])
    _spread_groups(table, columns)
    letters = sum(len(word.texts) for segments in several for segment in segments for word in segment)
    cells = sum(len(segments) for segments in several)
    if letters > _LONGEST_OPEN_CELL * cells or filled < 0.5 * len(several) * len(columns):
        return None
    numeric = [sum(is_number(_plain(row[n])) for row in table if row[n].words) for n in range(len(columns))]
    present = [sum(bool(row[n].words) for row in table) for n in range(len(columns))]
    has_numbers = any(count >= 0.5 * have and have >= 2 for count, have in zip(numeric, present, strict=True))
    if len(several) < 3 and not (len(columns) >= 3 and has_numbers):
        return None
    if len(columns) == 2 and any(_is_list_label(row[0 if not rtl else 1]) for row in table[:1]) and _has_labels(table, rtl):
        return None  # a list whose numbers or bullets are apart from its items
    if len(columns) > 2 and _has_labels_of_two_levels(table, rtl):
        return None
    if not has_numbers and not _aligned(table, columns, size, rtl):
        return None
    tops = [base + 0.8 * size for base, _ in lines]
    bottoms = [base - 0.25 * size for base, _ in lines]
    all_words = [word for segments in several for segment in segments for word in segment]
    letters_here = any(c.isalpha() for word in all_words for text in word.texts for c in text)
    edges = (columns[0][0], *((a[1] + b[0]) / 2 for a, b in pairwise(columns)), columns[-1][1])
    table, bases = _with_names_together(table, [base for base, _ in lines], size)
    merged = _records(table, bases, size)
    return Grid(
        columns[0][0], columns[-1][1], max(tops), min(bottoms), merged, False, mostly_rtl(all_words) if letters_here else rtl, edges
    )


def _between_columns(segment: list[Word], columns: Sequence[tuple[float, float]], size: float) -> list[list[Word]]:
    """Return a segment cut where a gap wider than a space is just between two columns."""
    parts = [[segment[0]]]
    for before, word in pairwise(segment):
        between = any(
            before.right <= b[0] + 1 and a[1] - 1 <= word.left and _centre([before]) < (a[1] + b[0]) / 2 < _centre([word])
            for a, b in pairwise(columns)
        )
        if between and word.left - before.right > _WIDER_THAN_SPACE * size:
            parts.append([])
        parts[-1].append(word)
    return parts


def _spread_groups(table: list[list[GridCell]], columns: Sequence[tuple[float, float]]) -> None:
    """Put the names of groups of columns, each written over the middle of its group, into all columns of the group."""
    first = next((n for n, row in enumerate(table) if _is_of_numbers(row)), 0)
    for n in range(min(first, _MOST_NAME_LINES)):
        row = table[n]
        named = [at for at in range(len(columns)) if any(below[at].words for below in table[n + 1 : first])]
        names = [cell for at, cell in enumerate(row) if cell.words and cell not in row[:at]]
        if len(names) < 2 or any(row.count(cell) > 1 for cell in names) or any(is_number(_plain(cell)) for cell in names):
            continue
        under = [at for at in named if at >= 1 or row[0].words]
        if groups := _groups_under([_centre(cell.words) for cell in names], [columns[at] for at in under]):
            for cell, (begin, end) in zip(names, groups, strict=True):
                for at in under[begin:end]:
                    row[at] = cell


def _groups_under(centres: Sequence[float], columns: Sequence[tuple[float, float]]) -> list[tuple[int, int]]:
    """Return the runs of columns, one after another and all of them, whose middles are nearest to the given places; nothing if they are as
    many as the columns, or if a place is not the middle of its run."""
    if not len(centres) < len(columns) <= _MOST_GROUPED or len(columns) < 2 * len(centres):
        return []
    # the best way to cover the first columns by the first groups: (distance, ends)
    best: list[dict[int, tuple[float, tuple[int, ...]]]] = [{0: (0.0, ())}]
    for centre in centres:
        reached: dict[int, tuple[float, tuple[int, ...]]] = {}
        for start, (distance, ends) in best[-1].items():
            for end in range(start + 1, len(columns) + 1):
                off = distance + abs((columns[start][0] + columns[end - 1][1]) / 2 - centre)
                if end not in reached or off < reached[end][0]:
                    reached[end] = off, (*ends, end)
        best.append(reached)
    if len(columns) not in best[-1]:
        return []
    ends = best[-1][len(columns)][1]
    runs = list(pairwise((0, *ends)))
    narrowest = min(b[1] - a[1] for a, b in pairwise(columns))
    middle = all(
        abs((columns[a][0] + columns[b - 1][1]) / 2 - centre) < _OFF_MIDDLE * narrowest
        for (a, b), centre in zip(runs, centres, strict=True)
    )
    return runs if middle and min(b - a for a, b in runs) >= 2 else []


def _centre(words: Sequence[Word]) -> float:
    return (min(word.left for word in words) + max(word.right for word in words)) / 2


_LIST_LABEL = re.compile(r"(?:\W{1,2}|\(?[\w]{1,3}[.)\-:]|[o\d]{1,2})$")


def _is_list_label(cell: GridCell) -> bool:
    return _LIST_LABEL.match(_plain(cell)) is not None


def _has_labels(table: Sequence[Sequence[GridCell]], rtl: bool) -> bool:
    """Return whether the first column holds the bullets or numbers of a list; lines that stand over both columns say nothing of it."""
    labels = [row[1 if rtl else 0] for row in table if row[1 if rtl else 0].words and row[0] is not row[1]]
    return bool(labels) and all(_is_list_label(cell) for cell in labels)


def _has_labels_of_two_levels(table: Sequence[Sequence[GridCell]], rtl: bool) -> bool:
    """Return whether every column but that of the text holds the numbers and bullets of a list with lists in it, one in a row."""
    labels: list[GridCell] = []
    for row in table:
        own = [cell for cell in (row[1:] if rtl else row[:-1]) if cell.words and sum(other is cell for other in row) == 1]
        if len(own) > 1 or not all(map(_is_list_label, own)):
            return False
        labels += own
    return len(labels) > 1 and not any(_plain(cell).isalnum() for cell in labels)


def _columns(spans: Sequence[tuple[float, float]], tolerance: int, narrowest: float) -> list[tuple[float, float]]:
    """Return the intervals covered by more than `tolerance` of the spans; intervals with too little white space between them are merged."""
    events = sorted([(left, 1) for left, _ in spans] + [(right, -1) for _, right in spans])
    found: list[tuple[float, float]] = []
    depth, start = 0, 0.0
    for place, step in events:
        above = depth > tolerance
        depth += step
        if depth > tolerance and not above:
            start = place
        elif depth <= tolerance and above:
            if found and start - found[-1][1] < narrowest:
                found[-1] = (found[-1][0], place)
            else:
                found.append((start, place))
    return found


def _aligned(table: Sequence[Sequence[GridCell]], columns: Sequence[tuple[float, float]], size: float, rtl: bool) -> bool:
    """Return whether the cells of each column begin at the same place."""
    for n in range(len(columns)):
        begins = [
            max(word.right for word in row[n].words) if rtl else min(word.left for word in row[n].words) for row in table if row[n].words
        ]
        if len(begins) >= 2:
            usual = median(begins)
            if sum(abs(begin - usual) < 0.5 * size for begin in begins) < 0.6 * len(begins):
                return False
    return True


def _with_names_together(table: list[list[GridCell]], bases: Sequence[float], size: float) -> tuple[list[list[GridCell]], list[float]]:
    """Merge the closely spaced lines above the first row of numbers into one header row."""
    first = next((n for n, row in enumerate(table) if _is_of_numbers(row)), 0)
    close = all(bases[n] - bases[n + 1] < _CLOSE * size for n in range(max(0, first - 1)))
    if not 2 <= first <= _MOST_NAME_LINES or not close or first + 2 > len(table):
        return table, list(bases)
    names = [GridCell() for _ in table[0]]
    for row in table[:first]:
        for at, cell in enumerate(row):
            names[at].words += cell.words
    return [names, *table[first:]], list(bases[first - 1 :])


_CLOSE = 1.6
_WIDER_THAN_SPACE = 0.5
_OFF_MIDDLE = 0.4
_MOST_GROUPED = 40
_FEWEST_NAMED = 3
_MOST_NUMBERS = 0.6
_FEWEST_IN_PANEL = 5
_MOST_NAME_LINES = 7


def _is_of_numbers(row: Sequence[GridCell]) -> bool:
    texts = [_plain(cell) for cell in row[1:] if cell.words]
    return len(texts) > 0 and sum(is_number(text) and not is_year(text) for text in texts) >= 0.6 * len(texts)


def _records(table: list[list[GridCell]], bases: Sequence[float], size: float) -> list[list[GridCell]]:
    """Join the lines of one row, where rows are further apart than the lines within a row."""
    pitches = [above - below for above, below in pairwise(bases)]
    if len(pitches) < 2:
        return table
    near, far = min(pitches), max(pitches)
    cut = (near + far) / 2
    wrapped = [n for n, pitch in enumerate(pitches) if pitch < cut]
    partial = sum(any(not cell.words for cell in table[n + 1]) for n in wrapped)
    if sum(_both_have_numbers(table[n], table[n + 1]) for n in wrapped) > 0.3 * len(wrapped):
        return table
    if far < 1.3 * near or not wrapped or partial < 0.8 * len(wrapped) or len(wrapped) > 0.7 * len(pitches):
        return table
    found: list[list[GridCell]] = [table[0]]
    for n, row in enumerate(table[1:]):
        if pitches[n] >= cut:
            found.append(row)
            continue
        for at, cell in enumerate(row):
            if cell.words and cell not in row[:at]:
                found[-1][at].words += cell.words
    return found


def _both_have_numbers(row: Sequence[GridCell], below: Sequence[GridCell]) -> bool:
    """Return whether two lines have a number each in the same column, so that they are two rows."""
    return any(a.words and b.words and is_number(_plain(a)) and is_number(_plain(b)) for a, b in zip(row, below, strict=True))


def _plain(cell: GridCell) -> str:
    return "".join(text for word in cell.words for text in word.texts)


_NO_VALUE = frozenset(("-", "–", "—", "n/a", "na", "nil", "..", "…", "لايوجد"))
_NUMBER = re.compile(r"[\d٠-٩۰-۹]")
_FEW_LETTERS = 4


def is_number(text: str) -> bool:
    """Return whether a cell holds a number, with its sign, currency or unit, or the sign for "none"."""
    bare = "".join(text.split()).casefold()
    if bare in _NO_VALUE:
        return True
    letters = sum(c.isalpha() for c in bare)
    return _NUMBER.search(bare) is not None and letters <= _FEW_LETTERS and sum(c.isdigit() for c in bare) >= letters


def is_year(text: str) -> bool:
    """Return whether a cell holds a year or a span of years, which names a column more often than it is a value."""
    bare = "".join(str(int(c)) if c.isdecimal() else c for c in "".join(text.split()))
    return re.fullmatch(r"(?:FY)?(?:19|20)\d\d(?:[-–/](?:19|20)?\d\d)?[a-zA-Z*]?(?:\[\d+\])?", bare) is not None
