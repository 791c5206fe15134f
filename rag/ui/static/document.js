// A whole document in a dialog, scrolled to the sentence that proves the answer.

import { h } from "./dom.js";
import { fill, paragraphs } from "./text.js";

const STEP = 60000; // characters fetched at a time

export class DocumentView {
  constructor(page) {
    this.page = page;
    this.title = h("h2", { id: "document-title" });
    this.where = h("p", { class: "where" });
    this.text = h("div", { class: "document-text", tabindex: "0", role: "region", "aria-labelledby": "document-title" });
    const close = page.button("close", "close", () => this.dialog.close());
    this.seek = page.button("search_document", "search", () => this.search(), { text: true });
    this.about = page.button("overview", "book", () => page.conversation.overview(this.id), { text: true });
    this.dialog = h(
      "dialog",
      { class: "dialog document", "aria-labelledby": "document-title" },
      h("div", { class: "dialog-head" }, h("div", {}, this.title, this.where), h("div", { class: "head-tools" }, this.about, this.seek, close)),
      this.text,
    );
    page.root.append(this.dialog);
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    this.dialog.addEventListener("close", () => this.opener?.focus());
  }

  /** Search in this document; another collection than the one that is asked can't be searched from here. */
  search() {
    const { id } = this;
    this.dialog.close();
    this.page.searchView.within(id);
  }

  async open(source, collection) {
    this.id = source.document;
    this.seek.hidden = this.about.hidden = (collection ?? "") !== this.page.collection;
    this.opener = document.activeElement;
    this.page.restate(this.dialog);
    fill(this.title, source.title || source.document, this.page.base);
    this.where.hidden = !source.title; // else it is the title
    this.where.replaceChildren(fill(h("bdi"), source.document));
    this.text.replaceChildren(fill(h("p", { class: "panel-note" }), this.page.t("loading"), this.page.base));
    this.dialog.showModal();
    await this.load({ collection, id: source.document, start: source.start, end: source.end });
  }

  async load(wanted, keep = "mark") {
    const view = await this.page.call("document", wanted);
    if (view.error) {
      this.text.replaceChildren(fill(h("p", { class: "error" }), view.error[this.page.language], this.page.base));
      return;
    }
    const height = this.text.scrollHeight;
    const top = this.text.scrollTop;
    const body = h("div", { class: "document-body" });
    const mark = paragraphs(body, view.pieces);
    const parts = [body];
    const again = (from, to, hold) => this.load({ ...wanted, from, to }, hold);
    if (view.start > 0) parts.unshift(this.page.plain("earlier", () => again(Math.max(0, view.start - STEP), view.end, "end"), "more"));
    if (view.end < view.length) parts.push(this.page.plain("later", () => again(view.start, Math.min(view.length, view.end + STEP), "start"), "more"));
    this.text.replaceChildren(...parts);
    if (keep === "end") this.text.scrollTop = this.text.scrollHeight - height + top;
    else if (keep === "start") this.text.scrollTop = top;
    else if (mark) mark.scrollIntoView({ block: "center" });
    this.text.focus({ preventScroll: true });
    this.dialog.dataset.loaded = view.id;
  }
}
