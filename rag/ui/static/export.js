// A paper in the forms that the page itself writes: Markdown, a page of its own, and the page that is printed. Notes come at the end; real
// footnotes are for Word, which the server writes.

import { h } from "./dom.js";
import { direction, fill, write } from "./text.js";

const POLICY = "default-src 'none'; style-src 'unsafe-inline'";
const STYLE = `
body { font: 12pt/1.75 "IBM Plex Sans Arabic", "Noto Naskh Arabic", "Segoe UI", Tahoma, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; color: #1c1f23; background: #fff; }
h1 { font-size: 1.4em; } h2 { font-size: 1.1em; margin: 2rem 0 .4rem; page-break-after: avoid; } h3 { font-size: 1em; margin: 1.2rem 0 .3rem; page-break-after: avoid; }
p, li, h1, h2, h3, blockquote, th, td { text-align: start; } p { margin: .4rem 0; } ul { padding: 0; } li { margin-inline-start: 1.5rem; }
blockquote { margin: .6rem 0; padding-inline-start: 1rem; border-inline-start: 3px solid #0b5a4b; page-break-inside: avoid; }
.label { color: #565b63; font-size: .9em; } .notes { font-size: .92em; border-top: 1px solid #dcd9d0; padding: .6rem 0 0; } .notes li { margin-inline-start: 2rem; page-break-inside: avoid; }
table { border-collapse: collapse; width: 100%; font-size: .92em; } th, td { border: 1px solid #b9b5aa; padding: .35rem .5rem; vertical-align: top; } tr { page-break-inside: avoid; }
mark { background: #ffe594; } a { color: #0b5a4b; text-decoration: none; } sup { line-height: 1; font-size: .75em; } .short { white-space: nowrap; }
@media print { body { margin: 0; max-width: none; } a { color: inherit; } }
`;

const quoted = (text) => (direction(text) === "rtl" ? `«${text}»` : `“${text}”`);

/** A note's source in a line: title, document, place, author, date, source. */
export const reference = (note) => [...new Set([note.title, note.document, note.place, note.author, note.date, note.source].filter(Boolean))].join(" — ");

// --- Markdown --------------------------------------------------------------------------------------------------------------

// What a document or a model wrote is text here too: nothing of it becomes markup in whatever shows the file.
const plain = (text) => text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "").replace(/[\\`*_{}[\]<>#|~!&]/g, "\\$&").replace(/\s*\n\s*/g, " ");

function line(runs) {
  return runs
    .map(({ text, bold, notes }) => {
      const [, before, inner, after] = plain(text).match(/^(\s*)(.*?)(\s*)$/s);
      return (bold && inner ? `${before}**${inner}**${after}` : plain(text)) + notes.map((number) => `[^${number}]`).join("");
    })
    .join("");
}

function lines({ form, runs, level, rows }) {
  if (form === "heading") return `${"#".repeat(level)} ${line(runs)}`;
  if (form === "quote") return `> ${line(runs)}`;
  if (form === "item") return `- ${line(runs)}`;
  if (form === "label") return `*${line(runs)}*`;
  if (form !== "table") return line(runs).replace(/^(\s*)(\d+)([.)])/, "$1$2\\$3").replace(/^(\s*)([-+])(\s)/, "$1\\$2$3");
  const [head, ...body] = rows.map((row) => `| ${row.map(line).join(" | ")} |`);
  return [head, `|${" --- |".repeat(rows[0].length)}`, ...body].join("\n");
}

export function markdown({ title, blocks, notes }) {
  const all = [`# ${plain(title)}`];
  blocks.forEach((block, index) => {
    const isNext = block.form === "item" && blocks[index - 1]?.form === "item"; // of one list
    if (isNext) all[all.length - 1] += `\n${lines(block)}`;
    else all.push(lines(block));
  });
  const foot = notes.map((note, index) => `[^${index + 1}]: ${plain(reference(note))}${note.quote ? `: ${quoted(plain(note.quote))}` : ""}`);
  return `${[...all, ...foot].join("\n\n")}\n`;
}

// --- a page ----------------------------------------------------------------------------------------------------------------

/** Runs in an element that has the direction of most of its text; numbers of notes lead to `prefix` and the number. */
function written(element, runs, base, prefix) {
  const own = direction(runs.map((run) => run.text).join("")) || base;
  element.dir = own;
  element.lang = own === "rtl" ? "ar" : "en";
  for (const { text, bold, notes } of runs) {
    const dir = direction(text) || own;
    element.append(write(h(bold ? "b" : dir === own ? "span" : "bdi", { dir }), text, dir));
    for (const number of notes) element.append(h("sup", {}, h("a", { href: `#${prefix}${number}` }, `[${number}]`)));
  }
  return element;
}

/** The elements of a paper, with its notes at the end. */
function body(page, paper, prefix) {
  const base = paper.language === "ar" ? "rtl" : "ltr";
  const parts = [fill(h("h1"), paper.title)];
  const tags = { text: "p", quote: "blockquote", label: "p" };
  for (const { form, runs, level, rows } of paper.blocks) {
    if (form === "table") {
      const row = (cells, tag) => h("tr", {}, ...cells.map((cell) => written(h(tag), cell, base, prefix)));
      parts.push(h("table", { dir: base }, h("thead", {}, row(rows[0], "th")), h("tbody", {}, ...rows.slice(1).map((cells) => row(cells, "td")))));
    } else if (form === "item") {
      if (parts.at(-1).tagName !== "UL") parts.push(h("ul", { dir: base }));
      parts.at(-1).append(written(h("li"), runs, base, prefix));
    } else parts.push(written(h(form === "heading" ? `h${level}` : tags[form], form === "label" ? { class: "label" } : {}), runs, base, prefix));
  }
  if (!paper.notes.length) return parts;
  const notes = h("ol", { class: "notes" });
  paper.notes.forEach((note, index) => {
    const item = h("li", { id: `${prefix}${index + 1}` }, fill(h("p"), reference(note)));
    const own = direction(note.quote ?? "") || base;
    if (note.quote) item.append(fill(h("p"), quoted(note.quote.replace(/\s+/g, " ")), own));
    item.dir = own; // its number stands where its text begins
    notes.append(item);
  });
  return [...parts, fill(h("h2"), page.t("sources", {}, paper.language), base), notes];
}

export function html(page, paper) {
  const head = h(
    "head",
    {},
    h("meta", { charset: "utf-8" }),
    h("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    h("meta", { "http-equiv": "Content-Security-Policy", content: POLICY }),
    h("title", {}, paper.title),
    h("style", {}, STYLE),
  );
  const dir = paper.language === "ar" ? "rtl" : "ltr";
  return `<!doctype html>\n${h("html", { lang: paper.language, dir }, head, h("body", {}, ...body(page, paper, "note-"))).outerHTML}\n`;
}

/** Put a paper where only the printer sees it (window.css), and its title where browsers take the name of a PDF file from. */
export function place(page, paper) {
  clear(page);
  page.printed = { title: document.title };
  document.title = paper.title;
  document.body.append(h("div", { id: "shawahid-print", dir: paper.language === "ar" ? "rtl" : "ltr", lang: paper.language }, ...body(page, paper, "printed-note-")));
}

export function clear(page) {
  document.getElementById("shawahid-print")?.remove();
  if (page.printed) document.title = page.printed.title;
  page.printed = null;
}

// --- files -----------------------------------------------------------------------------------------------------------------

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

/** Give the reader a file that the server wrote: `{name, type, base64}`. */
export function saveFile({ name, type, base64 }) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  saveBlob(name, new Blob([bytes], { type }));
}
