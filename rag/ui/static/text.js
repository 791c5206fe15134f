// Direction and isolation of mixed Arabic and Latin text. Everything here makes text nodes: no text is ever read as markup.

const ARABIC = /[\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff]/g;
const LATIN = /\p{Script=Latin}/gu;
const HAS_ARABIC = /[\u0621-\u064a\u066e-\u06d3\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc]/;
const HAS_LATIN = /\p{Script=Latin}/u;

// Embeddings and overrides in a document could make "100" read "001"; isolates could swallow what follows them.
const CONTROLS = /[\u202a-\u202e\u2066-\u2069]/g;

// A word of Latin letters and digits with what joins it: 4-bit, 2024-05-01, v1.2, https://example.org, C++, 50%.
const LTR_WORD = /(?:(?<![\p{L}\p{N}])[.+\-−$€£#@~/])?[\p{Script=Latin}\d](?:[\p{Script=Latin}\p{M}\d]|[._'’/:@+#&%,=?~_\-–−]{1,3}(?=[\p{Script=Latin}\d]))*(?:[+#]{1,2}|[%°$€£])?/gu;
const UNIT = /^(?:[kmgtp]i?b(?:\/s)?|b|bits?|bytes?|[kmg]?hz|[kmcnµ]?m|[kmµ]?g|[kmg]?w|kwh|[km]?v|mah|px|pt|dpi|fps|m?s|min|h|mph|km\/h|l|ml|°c|°f|usd|eur|gbp|sar|aed|egp|am|pm)$/i;
const CAPITAL = /^\p{Lu}/u;
// After these a full stop belongs to the word, and so does a comma before a company's form: "Acme, Inc.", "J. Smith", "Acme Ltd. أعلنت".
const ABBREVIATION = /(?:^|[ \u00a0.])(?:\p{Lu}|Ltd|Inc|Corp|Co|Bros|Dr|Mr|Mrs|Ms|Prof|Jr|Sr|St|No|Nos|vs|etc|ed|vol|pp?|Fig|e\.g|i\.e|[UE]\.[A-Z])$/u;
const FORM = /^(?:Ltd|Inc|LLC|LLP|PLC|Corp|Co|GmbH|Jr|Sr)$/i;
const ENGLISH_MONTH = "Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?";
const MONTH = `(?:${ENGLISH_MONTH}|يناير|فبراير|مارس|أبريل|إبريل|مايو|يونيو|يوليو|أغسطس|سبتمبر|أكتوبر|نوفمبر|ديسمبر|كانون الثاني|شباط|آذار|نيسان|أيار|حزيران|تموز|آب|أيلول|تشرين الأول|تشرين الثاني|كانون الأول|محرم|صفر|ربيع الأول|ربيع الآخر|جمادى الأولى|جمادى الآخرة|رجب|شعبان|رمضان|شوال|ذو القعدة|ذو الحجة)`;
const DIGIT = "[\\d\\u0660-\\u0669]";
const MONTH_NAME = new RegExp(`^(?:${ENGLISH_MONTH})$`, "i");
/** A date, which is not broken at the end of a line. */
const DATE = new RegExp(
  `(?<![\\p{L}\\d])(?:${DIGIT}{4}[-/.]${DIGIT}{1,2}[-/.]${DIGIT}{1,2}|${DIGIT}{1,2}[-/.]${DIGIT}{1,2}[-/.]${DIGIT}{4}|${DIGIT}{1,2}\\.? ${MONTH}\\.?(?:,? ${DIGIT}{4})?|${MONTH}\\.? (?:${DIGIT}{1,2}(?:, ${DIGIT}{4})?|${DIGIT}{4}))(?![\\p{L}\\d])`,
  "gu",
);
const RTL_RUN = /[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff](?:[^\p{Script=Latin}\n]*[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff])?/gu;

/** "rtl", "ltr", or "" without letters: by which script has more, as the index decides it (an Arabic letter counts 1.5).
 *
 * A text that begins in Arabic, or ends with an Arabic question mark, may hold more Latin letters, of names: then its names don't count.
 */
export function direction(text) {
  const count = (script, where = text) => (where.match(script) || []).length;
  const arabic = 1.5 * count(ARABIC);
  const latin = count(LATIN);
  if (!arabic && !latin) return "";
  if (arabic >= latin) return "rtl";
  const sentence = arabic && (/^[^\p{L}]*\p{Script=Arabic}/u.test(text) || /؟\s*$/.test(text));
  const common = sentence ? text.split(/[^\p{L}\p{M}\p{N}'’.@/_-]+/u).filter((word) => !CAPITAL.test(word)) : [];
  return sentence && arabic >= count(LATIN, common.join(" ")) ? "rtl" : "ltr";
}

/** Give an element the direction and language of a text; without letters, those of what it stands in. */
export function orient(element, text, fallback = "") {
  const found = direction(text) || fallback;
  if (found) {
    element.dir = found;
    element.lang = found === "rtl" ? "ar" : "en";
  }
  return found;
}

const SPACE = /^[ \u00a0]$/;

/** Whether what stands between a run and the next word makes one run of them: of two words, or of a number and its unit or month. */
function joins(before, between, word) {
  if (!HAS_LATIN.test(before)) return SPACE.test(between) && (UNIT.test(word) || MONTH_NAME.test(word));
  if (SPACE.test(between) || between === " & ") return true;
  if (/^\.[ \u00a0]$/.test(between)) return ABBREVIATION.test(before);
  return between === ", " && FORM.test(word);
}

/** The parts of a text that run against `dir`: [[start, end], ...], in UTF-16 units. */
export function runs(text, dir) {
  if (dir === "ltr") return [...text.matchAll(RTL_RUN)].map((m) => [m.index, m.index + m[0].length]);
  if (!HAS_ARABIC.test(text) && direction(text) === "ltr") return text.trim() ? [[0, text.length]] : [];
  const found = [];
  for (const match of text.matchAll(LTR_WORD)) {
    const start = match.index;
    const end = start + match[0].length;
    const last = found.at(-1);
    // "Wall Street" and "Windows 11" belong together, and so does "8 GB"; but "2023 Microsoft" are two neighbours.
    const before = last ? text.slice(last[0], last[1]) : "";
    if (last && joins(before, text.slice(last[1], start), match[0])) last[1] = end;
    else found.push([start, end]);
  }
  for (const run of found) if (text[run[1]] === "." && ABBREVIATION.test(text.slice(...run))) run[1] += 1;
  return found.filter(([start, end]) => /\D/.test(text.slice(start, end)));
}

/** Append a text to an element, with each part that runs against `dir` isolated in a <bdi>. */
export function write(element, text, dir) {
  text = text.replace(CONTROLS, "");
  let at = 0;
  for (const [start, end] of runs(text, dir)) {
    if (start > at) whole(element, text.slice(at, start));
    const inner = document.createElement("bdi");
    inner.dir = dir === "ltr" ? "rtl" : "ltr";
    if (end - start <= 16) {
      inner.className = "short"; // "8 GB" is not broken at the end of a line
      inner.textContent = text.slice(start, end);
    } else whole(inner, text.slice(start, end));
    element.append(inner);
    at = end;
  }
  if (at < text.length) whole(element, text.slice(at));
  return element;
}

/** Append a text whose dates stay whole at the end of a line. */
function whole(element, text) {
  let at = 0;
  for (const match of text.matchAll(DATE)) {
    if (match.index > at) element.append(text.slice(at, match.index));
    const date = document.createElement("span");
    date.className = "short";
    date.textContent = match[0];
    element.append(date);
    at = match.index + match[0].length;
  }
  if (at < text.length) element.append(text.slice(at));
}

/** Fill an element with one text: in `dir` where that is given, as for strings of the interface, else in its own direction. */
export function fill(element, text, dir = "") {
  element.replaceChildren();
  if (dir) {
    element.dir = dir;
    element.lang = dir === "rtl" ? "ar" : "en";
  }
  const own = dir || orient(element, text);
  return write(element, text, own || "ltr");
}

/** Pieces `{text, mark}` as paragraphs, each in its own direction; marked pieces stand in <mark>. Returns the first mark. */
export function paragraphs(element, pieces, fallback = "ltr") {
  const lines = [[]];
  for (const piece of pieces) {
    piece.text.split(/\r?\n|\r|\f|\u2028|\u2029/).forEach((text, index) => {
      if (index) lines.push([]);
      if (text) lines.at(-1).push({ text, mark: piece.mark, words: piece.words });
    });
  }
  let first = null;
  for (const line of lines) {
    const whole = line.map((piece) => piece.text).join("");
    if (!whole.trim()) continue;
    const block = document.createElement("p");
    const dir = orient(block, whole, fallback) || fallback;
    for (const piece of line) {
      if (piece.mark) {
        const mark = document.createElement("mark");
        if (piece.words) mark.className = "words";
        write(mark, piece.text, dir);
        block.append(mark);
        first ||= mark;
      } else {
        write(block, piece.text, dir);
      }
    }
    element.append(block);
  }
  return first;
}

/** The parts of a document: running text, the beginnings of pages, drawn by `divider`, and tables. Returns the first mark. */
export function parts(element, all, divider) {
  let first = null;
  for (const part of all) {
    if (part.page) element.append(divider(part.page));
    else if (part.table) {
      element.append(table(part.table));
      first ||= element.lastChild.querySelector("mark");
    } else first = paragraphs(element, part.pieces) || first;
  }
  return element.querySelector("mark") ?? first;
}

function table({ columns, rows, header, spans }) {
  const made = (tag) => document.createElement(tag);
  const grid = made("table");
  grid.className = "grid";
  const text = [...columns, ...rows.flat(2).map((piece) => piece.text)].join(" ");
  const dir = orient(grid, text, "ltr") || "ltr"; // its first column stands where reading begins
  if (columns.length) {
    const line = made("tr");
    for (const column of columns) {
      const cell = made("th");
      cell.scope = "col";
      line.append(fill(cell, column, direction(column) || dir));
    }
    grid.append(made("thead"));
    grid.tHead.append(line);
  }
  const body = made("tbody");
  for (const [number, row] of rows.entries()) {
    const line = made("tr");
    [line.dataset.start, line.dataset.end] = spans[number];
    row.forEach((pieces, column) => {
      const cell = made(column === header ? "th" : "td");
      if (column === header) cell.scope = "row";
      const whole = pieces.map((piece) => piece.text).join("");
      const own = orient(cell, whole, dir) || dir;
      for (const piece of pieces) {
        const inner = piece.mark ? made("mark") : made("span");
        cell.append(write(inner, piece.text, own));
      }
      line.append(cell);
    });
    body.append(line);
  }
  grid.append(body);
  const scroller = made("div");
  scroller.className = "grid-scroller";
  scroller.append(grid);
  return scroller;
}
