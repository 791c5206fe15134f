// What the engine is doing and what it lacks, in a line above the conversation.

import { h } from "./dom.js";
import { fill } from "./text.js";

export class Notice {
  constructor(page) {
    this.page = page;
    this.asked = 0;
    this.answered = 0;
    this.status = { state: "preparing", opened: false, notices: [], generator: "", documents: 0, error: null };
    this.text = h("div", { class: "notice-text" });
    this.element = h("div", { class: "notice", hidden: true }, this.text, page.models.bar().element);
  }

  async poll() {
    await this.refresh();
    setTimeout(() => this.poll(), this.status.state === "preparing" ? 1000 : 15000);
  }

  async refresh() {
    const { page } = this;
    const order = ++this.asked;
    const status = await page.call("status", page.collection);
    if (order < this.answered) return; // what was asked later has come already: this is how it was
    this.answered = order;
    if (status.state) this.status = status; // else the next poll will show it; a running question shows it by itself
    this.draw();
    page.welcome.draw();
  }

  draw() {
    const { page } = this;
    const { state, error, notices, generator, opened, offer, task, job } = this.status;
    const lines = [];
    let kind = "";
    if (state === "preparing") {
      lines.push(page.t(opened ? "warming" : "preparing"));
      kind = "busy";
    } else if (error) {
      lines.push(error[page.language]);
      kind = "bad";
    }
    if (opened && !generator) lines.push(page.t("quotations_only"));
    // Where the window itself offers to fetch a model, it does not show the command that does.
    for (const notice of notices) if (!offer || notice.key !== "models.missing") lines.push(notice[page.language]);
    const working = page.models.following;
    const indexing = Boolean(page.library && !page.library.outside.element.hidden);
    this.element.hidden = lines.length === 0 && !working && !indexing;
    this.element.dataset.kind = kind;
    const key = JSON.stringify([lines, kind, page.language, working, offer?.name]);
    if (this.element.dataset.shown !== key) {
      this.element.dataset.shown = key;
      this.text.replaceChildren(...lines.map((line) => fill(h("p"), line, page.base)));
      if (error && state === "failed") this.text.append(page.plain("try_again", () => page.call("start")));
      if (offer && !working) this.text.append(this.offer(offer));
    }
    if (task?.state === "running" && !working) page.models.follow();
    if (job && page.library && !page.library.busy && job.id !== page.library.job) page.library.follow(job);
  }

  /** A button that fetches a model where there is none. */
  offer(model) {
    const { page } = this;
    const text = page.t("model_offer", { name: model.name, size: page.models.size(model.bytes) });
    const ask = (question) => this.text.replaceChildren(...(question ? [question] : []));
    return fill(h("button", { type: "button", class: "button link", onclick: () => page.models.fetch(model, ask) }), text, page.base);
  }
}
