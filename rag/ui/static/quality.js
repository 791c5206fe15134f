// The models in use and the choice among them, what the index holds, and the evaluations that were run on this computer.

import { h } from "./dom.js";
import { fill } from "./text.js";

export class QualityView {
  constructor(page) {
    this.page = page;
    this.body = h("div", { class: "dialog-body quality" });
    this.bar = page.models.bar();
    this.dialog = h(
      "dialog",
      { class: "dialog", "aria-labelledby": "quality-title" },
      h("div", { class: "dialog-head" }, page.say(h("h2", { id: "quality-title" }), "quality"), page.button("close", "close", () => this.dialog.close())),
      this.body,
    );
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    page.root.append(this.dialog);
  }

  async open() {
    const { page } = this;
    page.restate(this.dialog);
    this.body.replaceChildren(fill(h("p"), page.t("loading"), page.base));
    this.dialog.showModal();
    await this.redraw();
  }

  async redraw() {
    if (!this.dialog.open) return;
    const { page } = this;
    const view = await page.call("quality", page.collection);
    if (view.error) {
      this.body.replaceChildren(fill(h("p", { class: "error" }), view.error[page.language], page.base));
      return;
    }
    const heading = (key) => fill(h("h3"), page.t(key), page.base);
    const reports = view.reports.map(({ name, date }) => {
      const address = new URL("report", new URL(page.boot.script, location.href));
      address.searchParams.set("name", name);
      const link = fill(h("a", { href: address.href, target: "_blank", rel: "noopener" }), name);
      return h("li", {}, link, " ", h("span", { class: "small", dir: "ltr" }, date));
    });
    this.body.replaceChildren(
      heading("quality_models"),
      h("dl", {}, ...this.pair("quality_generator", view.generator || page.t("quality_none")), ...this.pair("quality_embedder", view.embedder)),
      ...this.choice(view.generators),
      heading("quality_index"),
      fill(h("p"), page.t("quality_holds", view), page.base),
      heading("quality_reports"),
      reports.length ? h("ul", {}, ...reports) : fill(h("p"), page.t("quality_no_reports"), page.base),
      ...this.complaints(view.feedback),
    );
  }

  /** The questions that complaints became, in this reader's own collections. */
  complaints(sets) {
    const { page } = this;
    if (!sets.length) return [];
    const lines = sets.map(({ name, count, path }) => {
      const line = fill(h("li"), page.t("quality_questions", { name: name || page.t("collection_default"), count }), page.base);
      if (path) line.append(h("br"), fill(h("bdi", { class: "small" }), path));
      return line;
    });
    return [fill(h("h3"), page.t("quality_feedback"), page.base), h("ul", {}, ...lines)];
  }

  pair(key, value) {
    return [fill(h("dt"), this.page.t(key), this.page.base), h("dd", {}, fill(h("bdi"), value))];
  }

  choice(rows) {
    const { page } = this;
    if (!rows.length) return [fill(h("p", { class: "small" }), page.t("model_elsewhere"), page.base)];
    const terms = h("div", { class: "terms" });
    const list = page.models.list(rows, (question) => terms.replaceChildren(...(question ? [question] : [])));
    return [fill(h("h3"), page.t("model_choice"), page.base), this.bar.element, terms, list];
  }
}
