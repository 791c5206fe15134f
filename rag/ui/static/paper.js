// A paper: what is saved or printed of a conversation, a notebook, an overview or a table. Lines of runs, and the notes that they cite,
// numbered in the order in which they are first cited.

import { place } from "./about.js";

export class Paper {
  constructor(page, title) {
    this.page = page;
    this.title = title;
    this.language = page.language;
    this.blocks = [];
    this.notes = [];
    this.numbers = new Map();
  }

  /** The number of the note of a source; the same place of the same document is one note. */
  note(source, collection = "") {
    const key = JSON.stringify([collection, source.document, source.start, source.end, source.quote]);
    if (!this.numbers.has(key)) {
      const { document, title, author, date, url, quote } = source;
      this.notes.push({ document, title, place: place(this.page, source.locator ?? ""), author, date, source: source.source, url, quote });
      this.numbers.set(key, this.notes.length);
    }
    return this.numbers.get(key);
  }

  add(form, runs, more = {}) {
    const all = (typeof runs === "string" ? [{ text: runs }] : runs).map((run) => ({ notes: [], ...run }));
    if (all.some((run) => run.text.trim() || run.notes.length)) this.blocks.push({ form, runs: all, ...more });
  }

  heading(text, level = 2) {
    this.add("heading", text, { level });
  }

  /** An answer with its grade below it. */
  answer(answer, collection) {
    for (const pieces of answer.paragraphs) {
      const runs = pieces.map(({ text, cites }) => ({ text, notes: cites.map((number) => this.cited(answer, number, collection)).filter(Boolean) }));
      this.add("text", runs);
    }
    this.add("label", this.page.conversation.view.verdict(answer).text);
  }

  cited(answer, number, collection) {
    const source = answer.sources.find((each) => each.number === number);
    return source ? this.note(source, collection) : null;
  }

  /** What the server takes of it. */
  get plain() {
    const { title, language, blocks, notes } = this;
    return { title, language, blocks, notes };
  }
}

/** The answered questions of a conversation. */
export function conversationPaper(page, turns) {
  const paper = new Paper(page, `${page.t("name")}: ${page.t("export_title", { date: today() })}`);
  for (const turn of turns) {
    if (!turn.answer) continue;
    paper.heading(turn.question);
    paper.answer(turn.answer, turn.collection);
  }
  return paper;
}

export const today = () => new Date().toISOString().slice(0, 10);
