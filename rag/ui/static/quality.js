// The models in use, what the index holds, and the evaluations that were run on this computer.

import { h } from "./dom.js";
import { fill } from "./text.js";

export class QualityView {
  constructor(page) {
    this.page = page;
    this.body = h("div", { class: "dialog-body quality" });
    this.dialog = h(
      "dialog",
      { class: "dialog", "aria-labelledby": "quality-title" },
      h("div", { class: "dialog-head" }, page.say(h("h2", { id: "quality-title" }), "quality"), page.button("close", "close", () => this.dialog.close())),
      this.body,
    );
    page.root.append(this.dialog);
  }

  async open() {
    const { page } = this;
    page.restate(this.dialog);
    this.body.replaceChildren(fill(h("p"), page.t("loading"), page.base));
    this.dialog.showModal();
    let view;
    try {
      view = await page.server.quality(page.library?.collection ?? "");
    } catch {
      const { strings } = page.boot;
      view = { error: { en: strings.en.error_connection, ar: strings.ar.error_connection } };
    }
    if (view.error) {
      this.body.replaceChildren(fill(h("p", { class: "error" }), view.error[page.language], page.base));
      return;
    }
    const heading = (key) => fill(h("h3"), page.t(key), page.base);
    const pair = (key, value) => [fill(h("dt"), page.t(key), page.base), fill(h("dd"), value)];
    const reports = view.reports.map(({ name, date }) => {
      const address = new URL("report", new URL(page.boot.script, location.href));
      address.searchParams.set("name", name);
      const link = fill(h("a", { href: address.href, target: "_blank", rel: "noopener" }), name);
      return h("li", {}, link, " ", h("span", { class: "small", dir: "ltr" }, date));
    });
    this.body.replaceChildren(
      heading("quality_models"),
      h("dl", {}, ...pair("quality_generator", view.generator || page.t("quality_none")), ...pair("quality_embedder", view.embedder)),
      heading("quality_index"),
      fill(h("p"), page.t("quality_holds", view), page.base),
      heading("quality_reports"),
      reports.length ? h("ul", {}, ...reports) : fill(h("p"), page.t("quality_no_reports"), page.base),
      ...view.feedback.map((path) => fill(h("p", { class: "small" }), page.t("quality_questions", { path }), page.base)),
    );
  }
}
