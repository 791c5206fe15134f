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
const RTL_RUN = /[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff](?:[^\p{Script=Latin}\n]*[\u0600-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufeff])?/gu;

/** "rtl", "ltr", or "" without letters: by which script has more, as the index decides it (an Arabic letter counts 1.5). */
export function direction(text) {
  const arabic = (text.match(ARABIC) || []).length;
  const latin = (text.match(LATIN) || []).length;
  if (!arabic && !latin) return "";
  return 1.5 * arabic >= latin ? "rtl" : "ltr";
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
    const near = last && /^[ \u00a0]$/.test(text.slice(last[1], start));
    const before = last ? text.slice(last[0], last[1]) : "";
    if (near && (HAS_LATIN.test(before) || UNIT.test(match[0]))) last[1] = end;
    else found.push([start, end]);
  }
  return found.filter(([start, end]) => /\D/.test(text.slice(start, end)));
}

/** Append a text to an element, with each part that runs against `dir` isolated in a <bdi>. */
export function write(element, text, dir) {
  text = text.replace(CONTROLS, "");
  let at = 0;
  for (const [start, end] of runs(text, dir)) {
    if (start > at) element.append(text.slice(at, start));
    const inner = document.createElement("bdi");
    inner.dir = dir === "ltr" ? "rtl" : "ltr";
    inner.textContent = text.slice(start, end);
    if (end - start <= 16) inner.className = "short"; // "8 GB" is not broken at the end of a line
    element.append(inner);
    at = end;
  }
  if (at < text.length) element.append(text.slice(at));
  return element;
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
