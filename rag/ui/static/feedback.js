// What a reader says of an answer. Each becomes a line of a question set.

import { h } from "./dom.js";
import { fill } from "./text.js";

export class FeedbackView {
  constructor(page) {
    this.page = page;
    this.form = h("form", { class: "dialog-body feedback-form", onsubmit: (event) => (event.preventDefault(), this.save()) });
    this.dialog = h(
      "dialog",
      { class: "dialog", "aria-labelledby": "feedback-title" },
      h("div", { class: "dialog-head" }, page.say(h("h2", { id: "feedback-title" }), "feedback_title"), page.button("close", "close", () => this.dialog.close())),
      this.form,
    );
    page.root.append(this.dialog);
  }

  /** Everything the server needs of a turn to make a question of it. */
  about(turn) {
    const { answer } = turn;
    return {
      collection: turn.collection,
      question: answer.searched || turn.question,
      answered: answer.status !== "no_evidence",
      claims: answer.sources.flatMap((source) => source.claims),
      quotes: answer.sources.map((source) => [source.document, source.quote]),
    };
  }

  send(turn, said) {
    return this.page.call("feedback", { ...this.about(turn), ...said });
  }

  async good(turn) {
    const view = await this.send(turn, { kind: "good" });
    this.page.toast(view.error ? view.error[this.page.language] : this.page.t("feedback_kept"), Boolean(view.error));
    return !view.error;
  }

  open(turn) {
    const { page } = this;
    this.turn = turn;
    page.restate(this.dialog);
    const kinds = turn.answer.status === "no_evidence" ? ["should_answer"] : ["wrong_answer", "wrong_source", "should_decline"];
    const label = (key, field) => h("label", { class: "stacked" }, fill(h("span"), page.t(key), page.base), field);
    this.right = h("textarea", { rows: "2", dir: "auto" });
    this.proof = h("textarea", { rows: "3", dir: "auto" });
    this.rightLabel = label("feedback_right", this.right);
    this.proofLabel = label("feedback_proof", this.proof);
    this.problem = h("p", { class: "error", role: "alert", hidden: true });
    const radios = kinds.map((kind, index) => {
      const radio = h("input", { type: "radio", name: "kind", value: kind, checked: index === 0, hidden: kinds.length === 1, onchange: () => this.shape() });
      return h("label", { class: "choice" }, radio, fill(h("span"), page.t(`feedback_${kind}`), page.base));
    });
    this.form.replaceChildren(
      fill(h("p", { class: "panel-note" }), page.t("feedback_text"), page.base),
      h("fieldset", {}, page.say(h("legend", { class: "offscreen" }), "feedback_title"), ...radios),
      this.rightLabel,
      this.proofLabel,
      this.problem,
      h("div", { class: "feet" }, fill(h("button", { type: "submit", class: "button solid" }), page.t("feedback_send"), page.base)),
    );
    page.restate(this.form);
    this.shape();
    this.dialog.showModal();
  }

  get kind() {
    return this.form.querySelector("input[name=kind]:checked").value;
  }

  shape() {
    this.rightLabel.hidden = !["wrong_answer", "should_answer"].includes(this.kind);
    this.proofLabel.hidden = !["wrong_source", "should_answer"].includes(this.kind);
  }

  async save() {
    const { page } = this;
    const said = { kind: this.kind, right: this.rightLabel.hidden ? "" : this.right.value, proof: this.proofLabel.hidden ? "" : this.proof.value };
    const view = await this.send(this.turn, said);
    this.problem.hidden = !view.error;
    if (view.error) {
      fill(this.problem, view.error[page.language], page.base);
      return;
    }
    this.dialog.close();
    this.turn.said = "bad";
    page.conversation.keep(this.turn);
    page.conversation.draw(this.turn);
    page.toast(page.t("feedback_kept"));
  }
}
