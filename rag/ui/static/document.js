// A whole document in a dialog: its text, scrolled to the sentence that proves the answer, and next to it the pages of its file.

import { h } from "./dom.js";
import { OriginalView, saver } from "./original.js";
import { fill, parts } from "./text.js";

const STEP = 60000; // characters fetched at a time
const WIDE = "(min-width: 68rem)";

export class DocumentView {
  constructor(page) {
    this.page = page;
    this.title = h("h2", { id: "document-title" });
    this.where = h("p", { class: "where" });
    this.text = h("div", { class: "document-text", tabindex: "0", role: "region", "aria-labelledby": "document-title" });
    this.original = new OriginalView(page, (number, start) => this.follow(number, start));
    const close = page.button("close", "close", () => this.dialog.close());
    this.seek = page.button("search_document", "search", () => this.search(), { text: true });
    this.about = page.button("overview", "book", () => page.overviewView.open(this.id), { text: true });
    this.saver = saver(page);
    this.pinner = page.button("pin_selection", "pin", () => this.pin(), { text: true });
    this.pinner.addEventListener("mousedown", (event) => event.preventDefault()); // the selection stays
    document.addEventListener("selectionchange", () => (this.pinner.hidden = !this.selection()));
    this.pinner.hidden = true;
    this.sides = h("div", { class: "sides", role: "group" }, this.side("text"), this.side("page"));
    page.say(this.sides, "document_sides", "label");
    this.dialog = h(
      "dialog",
      { class: "dialog document", "aria-labelledby": "document-title" },
      h("div", { class: "dialog-head" }, h("div", {}, this.title, this.where), h("div", { class: "head-tools" }, this.sides, this.pinner, this.about, this.seek, this.saver, close)),
      h("div", { class: "document-sides" }, this.text, this.original.element),
    );
    page.root.append(this.dialog);
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    this.dialog.addEventListener("close", () => {
      this.original.close();
      this.opener?.focus();
    });
    matchMedia(WIDE).addEventListener("change", () => this.dialog.open && this.turn(this.shown));
  }

  side(name) {
    const button = h("button", { type: "button", class: "side", "data-side": name, onclick: () => this.turn(name) });
    return this.page.say(button, `document_${name}`);
  }

  /** Show the text, or the pages of the file; on a wide screen both stand there. */
  turn(side) {
    const both = this.paged && matchMedia(WIDE).matches;
    this.shown = this.paged ? side : "text";
    this.dialog.classList.toggle("both", both);
    this.sides.hidden = !this.paged || both;
    this.text.hidden = !both && this.shown !== "text";
    this.original.element.hidden = !this.paged || (!both && this.shown !== "page");
    for (const button of this.sides.children) button.setAttribute("aria-pressed", String(button.dataset.side === this.shown));
    if (this.original.element.hidden || this.original.wanted === this.wanted) return;
    this.opened = this.original.open(this.wanted, this.title.textContent);
  }

  /** The words that are selected in the text. */
  selection() {
    const selection = document.getSelection();
    return this.dialog.open && this.text.contains(selection?.anchorNode) && this.text.contains(selection.focusNode) ? selection.toString().trim() : "";
  }

  /** What to pin: the selected words, or, of a table, whole rows, in which each value stands with its column. */
  chosen() {
    const { anchorNode, focusNode } = document.getSelection();
    const cell = (node) => (node.closest ? node : node.parentElement).closest("tbody :is(td, th)");
    const [one, other] = [cell(anchorNode), cell(focusNode)];
    if (!one || !other || one === other) return { start: this.wanted.start, end: this.wanted.start, quote: this.selection() };
    const ends = [one, other].flatMap((each) => [Number(each.parentElement.dataset.start), Number(each.parentElement.dataset.end)]);
    return { start: Math.min(...ends), end: Math.max(...ends) };
  }

  /** Pin what is selected to the notes. */
  async pin() {
    const { page } = this;
    const { collection, id } = this.wanted;
    const source = await page.call("passage", { collection, id, ...this.chosen() });
    if (source.error) page.toast(source.error[page.language], true);
    else await page.notebookView.pinPassage(source, collection);
  }

  /** Search in this document; another collection than the one that is asked can't be searched from here. */
  search() {
    const { id } = this;
    this.dialog.close();
    this.page.searchView.within(id);
  }

  async open(source, collection) {
    this.id = source.document;
    this.wanted = { collection, id: source.document, start: source.start, end: source.end, quote: source.quote ?? "" };
    this.seek.hidden = this.about.hidden = (collection ?? "") !== this.page.collection;
    this.opener = document.activeElement;
    this.page.restate(this.dialog);
    fill(this.title, source.title || source.document, this.page.base);
    this.where.hidden = !source.title; // else it is the title
    this.where.replaceChildren(fill(h("bdi"), source.document));
    this.text.replaceChildren(fill(h("p", { class: "panel-note" }), this.page.t("loading"), this.page.base));
    this.paged = false;
    this.saver.hidden = true;
    delete this.dialog.dataset.loaded;
    this.turn("text");
    this.dialog.showModal();
    const { wanted } = this;
    const view = await this.load(wanted);
    if (!view || wanted !== this.wanted) return;
    this.paged = view.paged;
    this.saver.hidden = !view.file;
    if (view.file) this.saver.href = this.original.address("original", wanted).href;
    this.turn("text");
    this.mark?.scrollIntoView({ block: "center" }); // the room of the text has changed
    this.dialog.dataset.loaded = view.id;
  }

  async load(wanted, keep = "mark") {
    const view = await this.page.call("document", wanted);
    if (view.error) {
      this.text.replaceChildren(fill(h("p", { class: "error" }), view.error[this.page.language], this.page.base));
      return null;
    }
    const height = this.text.scrollHeight;
    const top = this.text.scrollTop;
    const body = h("div", { class: "document-body" });
    this.range = view;
    this.mark = parts(body, view.parts, (number) => this.divider(number));
    const all = [body];
    const again = (from, to, hold) => this.load({ ...wanted, from, to }, hold);
    if (view.changed) all.unshift(fill(h("p", { class: "panel-note" }), this.page.t("document_changed"), this.page.base));
    if (view.start > 0) all.unshift(this.page.plain("earlier", () => again(Math.max(0, view.start - STEP), view.end, "end"), "more"));
    if (view.end < view.length) all.push(this.page.plain("later", () => again(view.start, Math.min(view.length, view.end + STEP), "start"), "more"));
    this.text.replaceChildren(...all);
    if (keep === "end") this.text.scrollTop = this.text.scrollHeight - height + top;
    else if (keep === "start") this.text.scrollTop = top;
    else if (keep === "mark") this.mark?.scrollIntoView({ block: "center" });
    if (keep !== "page") this.text.focus({ preventScroll: true });
    return view;
  }

  /** Where a page begins in the text; it leads to the page itself. */
  divider(number) {
    const { page } = this;
    const button = fill(h("button", { type: "button", class: "button link", onclick: () => this.toPage(number) }), page.t("place_page", { n: number }), page.base);
    button.title = page.t("page_show", { n: number });
    return h("div", { class: "page-break", "data-page": number }, button);
  }

  async toPage(number) {
    if (!this.paged) return;
    this.turn("page");
    await this.opened;
    if (this.original.view) this.original.show(number);
  }

  /** Bring the text to a page that a reader turned to, where it stands next to it. */
  async follow(number, start) {
    if (this.text.hidden || start === undefined) return;
    if (start < this.range.start || start >= this.range.end) {
      const from = Math.max(0, start - STEP / 2);
      await this.load({ ...this.wanted, from, to: from + STEP }, "page");
    }
    this.text.querySelector(`[data-page="${number}"]`)?.scrollIntoView({ block: "start" });
  }
}
