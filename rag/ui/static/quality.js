// The models in use and the choice among them, what the index holds, and the evaluations that were run on this computer.

import { h, recall, remember } from "./dom.js";
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
      ...this.complaints(view),
    );
  }

  /** The questions of this reader's own collections, the score of those of the one that is asked, and a way to write another. */
  complaints({ feedback: sets, mine }) {
    const { page } = this;
    if (!sets.length && !mine) return [];
    const lines = sets.map(({ name, count }) => fill(h("li"), page.t("quality_questions", { name: name || page.t("collection_default"), count }), page.base));
    const here = sets.find(({ id }) => id === page.collection);
    this.score = h("div", { class: "own-score", role: "status" });
    const known = here && JSON.parse(recall(`score-${page.collection}`) ?? "null");
    if (known) this.drawScore(known);
    return [
      fill(h("h3"), page.t("quality_feedback"), page.base),
      fill(h("p", { class: "small" }), page.t("quality_feedback_text"), page.base),
      h("ul", {}, ...lines),
      this.score,
      h("p", { class: "own-tools" }, here ? page.plain("own_ask", () => this.measure(), "outline") : null, " ", mine ? page.plain("own_add", () => this.write(), "outline") : null),
    ];
  }

  /** Ask the collection's own questions again, one after the other, as long as the dialog is open. */
  async measure() {
    const { page } = this;
    const { collection } = page;
    const wrong = [];
    let right = 0;
    for (let number = 0, of = 1; number < of; number += 1) {
      const view = await page.call("own_question", { collection, number });
      if (view.error) {
        this.score.replaceChildren(fill(h("p", { class: "error" }), view.error[page.language], page.base));
        return;
      }
      if (!this.dialog.open) return;
      ({ of } = view);
      if (view.right) right += 1;
      else if (view.question) wrong.push(view.question);
      this.score.replaceChildren(fill(h("p"), page.t("own_asking", { n: number + 1, of, right }), page.base));
      if (number + 1 >= of && of) {
        const found = { right, of, percent: Math.round((100 * right) / of), date: new Date().toISOString().slice(0, 10), wrong };
        remember(`score-${collection}`, JSON.stringify(found));
        this.drawScore(found);
        this.score.dataset.done = "true";
      }
    }
  }

  /** A score, and the questions that were not answered rightly; each is asked in the conversation by a click. */
  drawScore(found) {
    const { page } = this;
    const parts = [fill(h("p"), page.t("own_score", found), page.base)];
    if (found.wrong.length) {
      const ask = (question) => (this.dialog.close(), page.conversation.ask(question));
      const items = found.wrong.map((question) => h("li", {}, fill(h("button", { type: "button", class: "button link reading", onclick: () => ask(question) }), question)));
      parts.push(fill(h("p", { class: "small" }), page.t("own_wrong"), page.base), h("ul", {}, ...items));
    }
    this.score.replaceChildren(...parts);
  }

  /** A form for a question, its right answer, and the sentence that proves it. */
  write() {
    const { page } = this;
    const label = (key, field) => h("label", { class: "stacked" }, fill(h("span"), page.t(key), page.base), field);
    const question = h("textarea", { rows: "2", dir: "auto", required: true });
    const right = h("textarea", { rows: "2", dir: "auto" });
    const proof = h("textarea", { rows: "3", dir: "auto" });
    const none = h("input", { type: "checkbox", onchange: () => shape() });
    const labels = [label("feedback_right", right), label("feedback_proof", proof)];
    const shape = () => labels.forEach((each) => (each.hidden = none.checked));
    const problem = h("p", { class: "error", role: "alert", hidden: true });
    const save = async () => {
      const said = { kind: none.checked ? "should_decline" : "should_answer", right: right.value, proof: proof.value, answered: false };
      const view = await page.call("feedback", { collection: page.collection, question: question.value, claims: [], quotes: [], ...said });
      problem.hidden = !view.error;
      if (view.error) fill(problem, view.error[page.language], page.base);
      else {
        remember(`score-${page.collection}`, null); // it is of fewer questions
        await this.redraw();
        page.announce(page.t("feedback_kept"));
      }
    };
    const form = h(
      "form",
      { class: "feedback-form", onsubmit: (event) => (event.preventDefault(), save()) },
      label("own_question", question),
      h("label", { class: "choice" }, none, fill(h("span"), page.t("own_none"), page.base)),
      ...labels,
      problem,
      h("div", { class: "feet" }, fill(h("button", { type: "submit", class: "button solid" }), page.t("feedback_send"), page.base)),
    );
    this.body.querySelector(".own-tools").replaceChildren(form);
    question.focus();
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
