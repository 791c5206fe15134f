// Working notes: answers and passages that a reader pinned, with the reader's own words around them, in an order of the reader's own.
// They are kept as conversations are. Each note is a record of its own, so that two tabs overwrite nothing of each other's.

import { about, place } from "./about.js";
import { h, recall, remember, unguessable } from "./dom.js";
import { Paper } from "./paper.js";
import { fill, orient, paragraphs } from "./text.js";

const PAUSE = 400; // ms after the last key until a text is stored
const STEP = 1024; // between the numbers that order notes

/** What Gradio hands over is a view of its own state, which the database could not take. */
const plain = (value) => JSON.parse(JSON.stringify(value));

export class NotebookView {
  constructor(page) {
    this.page = page;
    this.notebook = null;
    this.notes = [];
    this.removed = null; // the note that was removed last, to be brought back
    this.choice = page.say(h("select", { onchange: () => this.choose(this.choice.value) }), "notebook", "label");
    this.tools = h(
      "div",
      { class: "shelf" },
      this.choice,
      (this.above = page.button("note_write_above", "edit", () => this.write(0), { text: true })),
      page.button("notebook_new", "fresh", () => this.create(), { text: true }),
      page.button("notebook_delete", "trash", () => this.confirm()),
    );
    this.sure = h("div");
    this.title = page.say(h("input", { type: "text", maxlength: "200", dir: "auto", autocomplete: "off", class: "notebook-title" }), "notebook_name", "label");
    this.title.addEventListener("change", () => this.rename());
    this.list = h("ol", { class: "notes", role: "list" });
    this.list.addEventListener("click", (event) => this.onCite(event));
    this.feet = h("div", { class: "notebook-feet" });
    this.keeping = h("div", { class: "standing-of-shelf" });
    this.body = h("div", { class: "dialog-body" }, this.tools, this.sure, this.title, this.list, this.feet, this.keeping);
    this.dialog = h(
      "dialog",
      { class: "dialog notebook", "aria-labelledby": "notebook-title" },
      h("div", { class: "dialog-head" }, page.say(h("h2", { id: "notebook-title" }), "notes"), page.button("close", "close", () => this.dialog.close())),
      this.body,
    );
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    this.dialog.addEventListener("close", () => {
      this.save();
      this.removed = null;
    });
    page.root.append(this.dialog);
  }

  get store() {
    return this.page.conversation.store;
  }

  async open() {
    this.page.restate(this.dialog);
    this.sure.replaceChildren();
    await this.load();
    this.drawKeeping();
    if (!this.dialog.open) this.dialog.showModal();
    this.dialog.focus();
  }

  /** The notebook that was used last, or the first one. */
  async load() {
    this.all = await this.store.notebooks();
    const wanted = recall("notebook");
    this.notebook = this.all.find(({ id }) => id === (this.notebook?.id ?? wanted)) ?? this.all[0] ?? null;
    this.notes = this.notebook ? await this.store.notes(this.notebook.id) : [];
    this.draw();
  }

  // --- drawing -----------------------------------------------------------------------------------------------------------

  draw() {
    const { page } = this;
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    this.tools.hidden = this.title.hidden = !this.notebook;
    this.choice.hidden = this.all.length < 2;
    this.above.hidden = !this.notes.length;
    this.choice.replaceChildren(
      ...this.all.map(({ id, title }) => {
        const option = h("option", { value: id }, title);
        option.selected = id === this.notebook?.id;
        return option;
      }),
    );
    if (this.notebook && document.activeElement !== this.title) this.title.value = this.notebook.title;
    this.list.replaceChildren(...this.notes.map((note, at) => this.item(note, at)), ...(this.removed ? [this.undo()] : []));
    const parts = [];
    if (!this.notes.length) parts.push(fill(h("p", { class: "panel-note" }), page.t("notes_none"), page.base));
    const write = page.button("note_write", "edit", () => this.write(), { text: true, kind: "outline" });
    const save = page.button("export_notes", "save", () => this.exported(), { text: true, kind: "solid" });
    save.hidden = !this.notes.length;
    this.feet.replaceChildren(...parts, h("div", { class: "row" }, write, save));
    page.restate(this.body);
    for (const area of this.list.querySelectorAll("textarea")) this.fit(area);
    if (focused) this.list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    this.dialog.dataset.loaded = String(this.notes.length);
  }

  item(note, at) {
    const { page } = this;
    const act = (key, picture, action) => {
      const button = page.button(key, picture, action);
      button.dataset.key = `${key}-${note.id}`;
      return button;
    };
    const up = act("note_up", "higher", () => this.move(at, -1));
    const down = act("note_down", "lower", () => this.move(at, 1));
    up.disabled = !at;
    down.disabled = at === this.notes.length - 1;
    const tools = h(
      "div",
      { class: "note-tools" },
      up,
      down,
      act("note_write_below", "edit", () => this.write(at + 1)),
      act("note_remove", "trash", () => this.remove(note)),
    );
    return h("li", { class: `note ${note.kind}-note` }, this[note.kind](note), tools);
  }

  /** The reader's own words. */
  words(note) {
    const { page } = this;
    const area = page.say(page.say(h("textarea", { rows: "1", "data-key": `words-${note.id}` }), "note_words", "label"), "note_words", "placeholder");
    area.value = note.text;
    area.addEventListener("input", () => {
      note.text = area.value;
      this.fit(area);
      this.changed = note;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.save(), PAUSE);
    });
    area.addEventListener("blur", () => this.save());
    return area;
  }

  fit(area) {
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight + 2}px`;
    orient(area, area.value, this.page.base);
  }

  answer(note) {
    const { page } = this;
    const { view } = page.conversation;
    const { text } = view.verdict(note.answer);
    const block = h("div", {}, fill(h("h3"), note.question), view.answer({ id: note.id, answer: note.answer }));
    if (text) block.append(fill(h("p", { class: "label" }), text, page.base));
    return block;
  }

  passage(note) {
    const { page } = this;
    const { source } = note;
    const quote = h("blockquote", { class: "passage" });
    paragraphs(quote, [{ text: source.quote, mark: true }]);
    const name = fill(h("bdi"), source.title || source.document);
    const open = h("button", { type: "button", class: "button link reading", "data-key": `open-${note.id}`, onclick: () => this.openSource(source, note.collection) }, name);
    const where = about(source, [place(page, source.locator ?? "")]);
    return h("div", {}, quote, open, where);
  }

  undo() {
    const { page } = this;
    const back = page.plain("note_bring_back", () => this.bringBack(), "outline");
    back.dataset.key = "back";
    return h("li", { class: "note gone-note" }, fill(h("span"), page.t("note_removed"), page.base), back);
  }

  /** Whether notes are kept, and where; like conversations, and together with them. */
  drawKeeping() {
    const { page, store } = this;
    const text = fill(h("p"), page.t(store.lasting ? "notes_kept" : store.refused ? "notes_refused" : "notes_not_kept"), page.base);
    const change = page.plain("keep_begin", async () => {
      await page.conversation.keepAll(true);
      this.drawKeeping();
      page.announce(this.keeping.querySelector("p").textContent);
    }, "outline");
    this.keeping.replaceChildren(text, ...(store.lasting || store.refused ? [] : [change]));
  }

  // --- notebooks -----------------------------------------------------------------------------------------------------------

  async choose(id) {
    await this.save();
    remember("notebook", id);
    this.notebook = this.all.find((each) => each.id === id);
    this.removed = null;
    await this.load();
  }

  /** A new notebook, with a title that says when it was begun. */
  async create() {
    await this.save();
    const { page } = this;
    const title = this.all?.length ? page.t("notebook_of", { n: this.all.length + 1 }) : page.t("notes");
    this.notebook = { id: unguessable(), title, begun: Date.now() };
    this.notes = [];
    this.removed = null;
    remember("notebook", this.notebook.id);
    await page.conversation.stored(this.store.saveNotebook(this.notebook));
    if (!this.dialog.open) return;
    await this.load();
    this.title.focus();
    this.title.select();
  }

  async rename() {
    const title = this.title.value.trim().slice(0, 200);
    if (!title) this.title.value = this.notebook.title;
    else if (title !== this.notebook.title) {
      this.notebook.title = title;
      await this.page.conversation.stored(this.store.saveNotebook(this.notebook));
      await this.load();
    }
  }

  confirm() {
    const { page } = this;
    const { id, title } = this.notebook;
    const leave = () => (this.sure.replaceChildren(), this.title.focus());
    const question = h(
      "div",
      { class: "sure", role: "group" },
      fill(h("p"), page.t("notebook_delete_sure", { title, n: this.notes.length }), page.base),
      page.plain("conversation_delete_yes", async () => {
        await page.conversation.stored(this.store.removeNotebook(id));
        this.notebook = null;
        this.changed = null;
        this.sure.replaceChildren();
        await this.load();
        (this.notebook ? this.title : this.feet.querySelector("button")).focus();
      }, "danger"),
      page.plain("keep_it", leave, "quiet"),
    );
    this.sure.replaceChildren(question);
    question.querySelector("button:last-child").focus();
  }

  // --- notes ---------------------------------------------------------------------------------------------------------------

  /** Pin an answer: its words and sources, without the passages around them, which stay in the documents. */
  pinAnswer(turn) {
    const { text, paragraphs: pieces, sources, language, grade, status } = turn.answer;
    const kept = { text, paragraphs: pieces, sources: sources.map(({ pieces: passage, ...source }) => source), nearest: [], language, grade, status };
    return this.pin({ kind: "answer", question: turn.question, answer: kept, collection: turn.collection });
  }

  /** Pin what a source says: its supporting sentence, or, where none is marked, the passage. */
  pinPassage({ pieces, claims, number, ...source }, collection) {
    const quote = source.quote || pieces?.map((piece) => piece.text).join("") || "";
    return this.pin({ kind: "passage", source: { ...source, quote }, collection: collection ?? "" });
  }

  async pin(note) {
    const { page } = this;
    await this.load();
    if (!this.notebook) await this.create();
    await this.insert(plain(note), this.notes.length);
    page.toast(page.t("pinned", { title: this.notebook.title }));
  }

  /** Put a note at a place in the order; it can be written at once, also while it is being stored. */
  async insert(note, at) {
    const before = this.notes[at - 1]?.order ?? (this.notes[0]?.order ?? 0) - STEP;
    const after = this.notes[at]?.order ?? before + 2 * STEP;
    const whole = { order: (before + after) / 2, at: Date.now(), id: unguessable(), notebook: this.notebook.id, ...note };
    this.notes.splice(at, 0, whole);
    this.draw();
    if (note.kind === "words") this.list.querySelector(`[data-key="words-${whole.id}"]`).focus();
    await this.page.conversation.stored(this.store.saveNotes({ ...whole }));
  }

  async write(at = this.notes.length) {
    await this.save();
    if (!this.notebook) {
      this.notebook = { id: unguessable(), title: this.page.t("notes"), begun: Date.now() };
      await this.page.conversation.stored(this.store.saveNotebook(this.notebook));
      this.all = await this.store.notebooks();
    }
    await this.insert({ kind: "words", text: "" }, at);
  }

  /** Store the words that were written last. */
  async save() {
    clearTimeout(this.timer);
    const note = this.changed;
    this.changed = null;
    if (note) await this.page.conversation.stored(this.store.saveNotes(note));
  }

  async move(at, by) {
    await this.save();
    const [one, other] = [this.notes[at], this.notes[at + by]];
    [one.order, other.order] = [other.order, one.order];
    [this.notes[at], this.notes[at + by]] = [other, one];
    await this.page.conversation.stored(this.store.saveNotes(one, other));
    this.draw();
    const { activeElement } = document;
    if (activeElement.disabled) activeElement.parentElement.querySelector("button:not(:disabled)").focus();
    this.page.announce(this.page.t("note_moved", { n: at + by + 1, total: this.notes.length }));
  }

  async remove(note) {
    await this.save();
    this.removed = note;
    this.notes = this.notes.filter((each) => each !== note);
    await this.page.conversation.stored(this.store.removeNote(note));
    this.draw();
    this.list.querySelector('[data-key="back"]').focus();
  }

  async bringBack() {
    const { id } = this.removed;
    this.notes = [...this.notes, this.removed].sort((a, b) => a.order - b.order);
    await this.page.conversation.stored(this.store.saveNotes(this.removed));
    this.removed = null;
    this.draw();
    this.list.querySelector(`[data-key="note_remove-${id}"]`).focus();
  }

  // --- sources and files ---------------------------------------------------------------------------------------------------

  onCite(event) {
    const link = event.target.closest("a.cite");
    if (!link) return;
    event.preventDefault();
    const note = this.notes.find((each) => each.id === link.dataset.turn);
    const source = note?.answer.sources.find(({ number }) => number === Number(link.dataset.number));
    if (source) this.openSource(source, note.collection);
  }

  openSource(source, collection) {
    this.page.documentView.open(source, collection ?? "");
  }

  /** Another tab changed notes: show them as they are now, unless somebody writes here. */
  async changedElsewhere() {
    if (this.dialog.open && !this.changed && !this.body.contains(document.activeElement?.closest("textarea, input"))) await this.load();
  }

  /** After it was decided that nothing is kept: what is shown lives as long as the page. */
  async kept() {
    if (!this.notebook || this.store.lasting) return;
    await this.store.saveNotebook(this.notebook);
    if (this.notes.length) await this.store.saveNotes(...this.notes.map(plain));
  }

  paper() {
    const paper = new Paper(this.page, this.notebook.title);
    for (const note of this.notes) {
      if (note.kind === "words") for (const line of note.text.split("\n")) paper.add("text", line);
      else if (note.kind === "passage") paper.add("quote", [{ text: note.source.quote.replace(/\s+/g, " ").trim(), notes: [paper.note(note.source, note.collection)] }]);
      else {
        paper.heading(note.question);
        paper.answer(note.answer, note.collection);
      }
    }
    return paper;
  }

  async exported() {
    await this.save();
    const name = this.notebook.title.replace(/[\\/:*?"<>|\x00-\x1f]/g, " ").trim().slice(0, 80) || "notes";
    this.page.exportView.open(this.paper(), name);
  }
}
