// Search without an answer: passages of the documents with the sentences that match marked, page by page.

import { h, leaveOnEscape } from "./dom.js";
import { sourceCard } from "./source.js";
import { fill } from "./text.js";

export class SearchView {
  constructor(page) {
    this.page = page;
    this.field = page.say(page.say(h("input", { type: "search", maxlength: "1000", autocomplete: "off", dir: "auto" }), "search_words", "label"), "search_words", "placeholder");
    this.field.addEventListener("keydown", (event) => leaveOnEscape(event, this.dialog));
    const form = h(
      "form",
      { class: "maker", role: "search", onsubmit: (event) => (event.preventDefault(), this.search()) },
      this.field,
      page.say(h("button", { type: "submit", class: "button solid" }), "search"),
    );
    this.said = h("p", { class: "panel-note", role: "status" });
    this.list = h("div", { class: "results" });
    this.dialog = h(
      "dialog",
      { class: "dialog library", "aria-labelledby": "search-title" },
      h("div", { class: "dialog-head" }, page.say(h("h2", { id: "search-title" }), "search_title"), page.button("close", "close", () => this.dialog.close())),
      h("div", { class: "dialog-body" }, form, page.filters.bar(), this.said, this.list),
    );
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    page.filters.listeners.push(() => this.dialog.open && this.field.value.trim() && this.search());
    page.root.append(this.dialog);
  }

  open() {
    this.page.restate(this.dialog);
    this.page.filters.draw();
    if (!this.dialog.open) this.dialog.showModal();
    this.field.focus();
    this.field.select();
  }

  /** Search in one document only. */
  within(id) {
    this.page.filters.set({ documents: [id] });
    this.open();
  }

  async search(offset = 0) {
    const { page } = this;
    const question = this.field.value.trim();
    if (!question) return;
    const order = (this.order = (this.order ?? 0) + 1);
    if (!offset) this.list.replaceChildren();
    fill(this.said, page.t("state_searching"), page.base);
    const { collection } = page;
    const view = await page.call("search", { question, collection, filter: page.filters.value, offset });
    if (order !== this.order) return; // other words were searched for since
    this.list.querySelector(".more")?.remove();
    if (view.error) {
      fill(this.said, view.error[page.language], page.base);
      return;
    }
    const cards = view.hits.map((hit) => sourceCard(page, { id: "search", collection }, hit, true));
    this.list.append(...cards);
    const all = this.list.querySelectorAll(".source").length;
    fill(this.said, all ? page.t("search_found", { n: all }) : page.t("panel_nothing"), page.base);
    if (view.more) this.list.append(page.plain("show_more", () => this.search(offset + view.hits.length), "more"));
    page.restate(this.list);
    if (offset) cards[0]?.querySelector("button")?.focus();
    this.dialog.dataset.shown = String(all);
  }
}
