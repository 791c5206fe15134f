// The overview of a document, or of all that are asked: what they say in their own words, each line with its place, and what they state
// differently.

import { place } from "./about.js";
import { h } from "./dom.js";
import { Paper } from "./paper.js";
import { fill, orient, write } from "./text.js";

export class OverviewView {
  constructor(page) {
    this.page = page;
    this.title = h("h2", { id: "overview-title" });
    this.where = h("p", { class: "where" });
    this.text = h("div", { class: "dialog-body overview", tabindex: "0", role: "region", "aria-labelledby": "overview-title" });
    this.feet = h(
      "div",
      { class: "dialog-feet" },
      page.button("overview_ask", "talk", () => this.ask(), { text: true, kind: "outline" }),
      page.button("export_overview", "save", () => page.exportView.open(this.paper(), "shawahid-overview"), { text: true, kind: "outline" }),
    );
    this.dialog = h(
      "dialog",
      { class: "dialog document", "aria-labelledby": "overview-title" },
      h("div", { class: "dialog-head" }, h("div", {}, this.title, this.where), page.button("close", "close", () => this.dialog.close())),
      this.text,
      this.feet,
    );
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    this.dialog.addEventListener("close", () => this.opener?.focus());
    page.root.append(this.dialog);
  }

  /** The overview of a document, or, without one, of those that are asked now. */
  async open(document = null) {
    const { page } = this;
    const order = (this.order = (this.order ?? 0) + 1);
    this.opener = window.document.activeElement;
    page.documentView.dialog.close(); // it may have been opened from there, and opens above this one again
    this.document = document;
    this.collection = page.collection;
    this.view = null;
    page.restate(this.dialog);
    fill(this.title, page.t("overview"), page.base);
    this.where.replaceChildren();
    this.feet.hidden = true;
    delete this.dialog.dataset.loaded;
    this.text.replaceChildren(fill(h("p", { class: "panel-note" }), page.t("overview_reading"), page.base));
    if (!this.dialog.open) this.dialog.showModal();
    this.text.focus();
    const asked = { collection: this.collection, document, filter: document === null ? page.filters.value : null };
    const view = await page.call("overview", asked);
    if (order !== this.order) return;
    if (view.error) return this.fail(view.error);
    this.view = view;
    this.draw();
    if (document === null && view.contradictions === null) {
      const more = await page.call("overview", { ...asked, contradictions: true });
      if (order !== this.order) return;
      if (more.error) return this.fail(more.error);
      this.view = more;
      this.draw();
    }
    this.dialog.dataset.loaded = document ?? "all";
  }

  fail(error) {
    this.text.append(fill(h("p", { class: "error", role: "alert" }), error[this.page.language], this.page.base));
  }

  name() {
    const { title, read, total } = this.view;
    return title || this.page.t(read === total ? "overview_of_documents" : "overview_of_some", { read, total });
  }

  heading(part) {
    return this.page.t(`overview_${part}`);
  }

  draw() {
    const { page, view } = this;
    fill(this.title, this.name(), view.title ? "" : page.base);
    if (view.title) fill(this.where, page.t("overview"), page.base);
    const top = this.text.scrollTop;
    const parts = [];
    for (const { name, lines } of view.parts) {
      parts.push(fill(h("h3"), this.heading(name), page.base), h("ul", { class: `lines ${name}`, role: "list" }, ...lines.map((line) => this.line(line, name))));
    }
    if (!view.parts.length) parts.push(fill(h("p", { class: "panel-note" }), page.t("overview_nothing"), page.base));
    if (this.document === null && view.total > 1) parts.push(fill(h("h3"), this.heading("contradictions"), page.base), ...this.contradictions(view.contradictions));
    if (parts.filter((part) => part.tagName === "H3").length > 1) parts.unshift(this.jumps(parts));
    this.text.replaceChildren(...parts);
    this.text.scrollTop = top;
    this.feet.hidden = !view.parts.length;
  }

  /** Buttons that lead to the parts, and say how many lines each has. */
  jumps(parts) {
    const buttons = parts.filter((part) => part.tagName === "H3").map((heading) => {
      let lines = 0;
      for (let at = parts.indexOf(heading) + 1; parts[at] && parts[at].tagName !== "H3"; at += 1) lines += parts[at].matches(".pair") ? 1 : parts[at].tagName === "UL" ? parts[at].children.length : 0;
      const jump = () => heading.scrollIntoView({ block: "start" });
      return fill(h("button", { type: "button", class: "chip jump", onclick: jump }), `${heading.textContent}${lines ? ` · ${lines}` : ""}`, this.page.base);
    });
    return h("div", { class: "chips jumps" }, ...buttons);
  }

  contradictions(pairs) {
    const { page } = this;
    const note = (key) => [fill(h("p", { class: "panel-note" }), page.t(key), page.base)];
    if (pairs === null) return note("overview_comparing");
    if (!pairs.length) return note("contradictions_none");
    return pairs.map((pair) => h("ul", { class: "lines pair", role: "list" }, ...pair.map((line) => this.line(line, "pair"))));
  }

  /** A line: for what it is listed, its words, and a button that opens the place. */
  line({ context, words, pieces, source }, part) {
    const { page } = this;
    const text = h("span", { class: "line-text" });
    const dir = orient(text, source.quote, page.base) || page.base;
    if (context) text.append(write(h("span", { class: "label" }), `${context}: `, dir));
    for (const piece of pieces) text.append(write(h(piece.bold ? "b" : "span"), piece.text, dir));
    const from = this.view.title ? "" : source.title || source.document;
    const where = [from, place(page, source.locator ?? "")].filter(Boolean).join(" · ") || page.t("open_document");
    const open = fill(h("button", { type: "button", class: "button link", onclick: () => page.documentView.open(source, this.collection) }), where, page.base);
    open.setAttribute("aria-label", page.t("overview_open", { where }));
    const pin = page.button("pin_passage", "pin", () => page.notebookView.pinPassage(source, this.collection));
    pin.setAttribute("aria-label", page.t("pin_passage"));
    pin.title = page.t("pin_passage");
    const label = words && (part === "names" || part === "dates") ? fill(h("span", { class: "line-words" }), words) : null;
    return h("li", {}, label, text, h("span", { class: "line-feet" }, open, pin));
  }

  /** Ask about what the overview is of. */
  ask() {
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
    const { page } = this;
    if (this.document !== null) page.filters.set({ documents: [this.document] });
    this.opener = null;
    page.conversation.box.focus();
  }

  paper() {
    const { page, view } = this;
    const paper = new Paper(page, view.title ? `${page.t("overview")}: ${view.title}` : this.name());
    const add = ({ context, pieces, source }) => {
      const runs = pieces.map(({ text, bold }) => ({ text, bold }));
      runs.at(-1).notes = [paper.note(source, this.collection)];
      paper.add("item", context ? [{ text: `${context}: ` }, ...runs] : runs);
    };
    for (const { name, lines } of view.parts) {
      paper.heading(this.heading(name));
      lines.forEach(add);
    }
    if (view.contradictions?.length) {
      paper.heading(this.heading("contradictions"));
      view.contradictions.forEach((pair, index) => {
        paper.add("label", page.t("overview_pair", { n: index + 1 }));
        pair.forEach(add);
      });
    }
    return paper;
  }
}
