// A conversation as a file: Markdown, or a page of its own to print, both with their sources as footnotes.

import { h } from "./dom.js";
import { named } from "./source.js";
import { direction, fill, paragraphs, write } from "./text.js";

const POLICY = "default-src 'none'; style-src 'unsafe-inline'";
const STYLE = `
body { font: 12pt/1.75 "IBM Plex Sans Arabic", "Noto Naskh Arabic", "Segoe UI", Tahoma, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; color: #1c1f23; background: #fff; }
h1 { font-size: 1.4em; } h2 { font-size: 1.1em; margin: 2rem 0 .4rem; page-break-after: avoid; }
p, li, h1, h2, blockquote { text-align: start; } p { margin: .4rem 0; }
.standing { color: #565b63; font-size: .9em; } ol { font-size: .92em; border-top: 1px solid #dcd9d0; padding: .6rem 0 0; } li { margin-inline-start: 2rem; }
mark { background: #ffe594; } a { color: #0b5a4b; } sup { line-height: 1; }
@media print { body { margin: 0; max-width: none; } a { color: inherit; } }
`;

/** Numbers of all sources of a conversation: `number(turn, n)` counts them from 1 to the last. */
function numbering(turns) {
  const numbers = new Map();
  for (const turn of turns) {
    for (const source of turn.answer?.sources ?? []) numbers.set(`${turn.id} ${source.number}`, numbers.size + 1);
  }
  return (turn, number) => numbers.get(`${turn.id} ${number}`);
}

const answered = (turns) => turns.filter((turn) => turn.answer);

export function markdown(page, turns) {
  turns = answered(turns);
  const number = numbering(turns);
  // What a document or a model wrote is text here too: nothing of it becomes markup in whatever shows the file.
  const plain = (text) => text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "").replace(/[\\`*_{}[\]<>#|~!&]/g, "\\$&").replace(/\s*\n\s*/g, " ");
  const lines = [`# ${plain(page.t("name"))}: ${plain(page.t("export_title", { date: today() }))}`];
  const notes = [];
  for (const turn of turns) {
    lines.push(`## ${plain(turn.question)}`);
    for (const pieces of turn.answer.paragraphs) {
      lines.push(pieces.map((piece) => plain(piece.text) + piece.cites.map((n) => `[^${number(turn, n)}]`).join("")).join(""));
    }
    const { text } = page.conversation.view.verdict(turn.answer);
    if (text) lines.push(`*${plain(text)}*`);
    for (const source of turn.answer.sources) notes.push(`[^${number(turn, source.number)}]: ${plain(named(page, source))}: ${quoted(plain(source.quote))}`);
  }
  return [...lines, ...notes].join("\n\n") + "\n";
}

export function html(page, turns) {
  turns = answered(turns);
  const number = numbering(turns);
  const body = h("body", {}, fill(h("h1"), `${page.t("name")}: ${page.t("export_title", { date: today() })}`, page.base));
  const notes = h("ol", {});
  for (const turn of turns) {
    body.append(fill(h("h2"), turn.question));
    const base = turn.answer.language === "ar" ? "rtl" : "ltr";
    for (const pieces of turn.answer.paragraphs) {
      const paragraph = h("p", { dir: base, lang: turn.answer.language });
      for (const piece of pieces) {
        const own = direction(piece.text) || base;
        paragraph.append(write(h(own === base ? "span" : "bdi", { dir: own }), piece.text, own));
        for (const n of piece.cites) paragraph.append(h("sup", {}, h("a", { href: `#note-${number(turn, n)}` }, `[${number(turn, n)}]`)));
      }
      body.append(paragraph);
    }
    const { text } = page.conversation.view.verdict(turn.answer);
    if (text) body.append(fill(h("p", { class: "standing" }), text, page.base));
    for (const source of turn.answer.sources) {
      const note = h("li", { id: `note-${number(turn, source.number)}` }, fill(h("p"), named(page, source)));
      paragraphs(note, [{ text: source.quote, mark: true }]);
      note.dir = direction(source.quote) || page.base; // its number stands where its text begins
      notes.append(note);
    }
  }
  if (notes.childNodes.length) body.append(fill(h("h2"), page.t("sources"), page.base), notes);
  const head = h(
    "head",
    {},
    h("meta", { charset: "utf-8" }),
    h("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    h("meta", { "http-equiv": "Content-Security-Policy", content: POLICY }),
    h("title", {}, page.t("title")),
    h("style", {}, STYLE),
  );
  return `<!doctype html>\n${h("html", { lang: page.language, dir: page.base }, head, body).outerHTML}\n`;
}

const quoted = (text) => (direction(text) === "rtl" ? `«${text}»` : `“${text}”`);
const today = () => new Date().toISOString().slice(0, 10);

/** Give the reader a file. */
export const save = (name, type, text) => saveBlob(name, new Blob([text], { type: `${type};charset=utf-8` }));

export function saveBlob(name, blob) {
  const address = URL.createObjectURL(blob);
  const link = h("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
