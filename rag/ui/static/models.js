// The choice among the generators of this computer, fetching one that is missing, and trying out what one can do.

import { h } from "./dom.js";
import { fill } from "./text.js";
import { WorkBar } from "./work_bar.js";

const PACE = 500; // ms between two looks at the work
const LOOKS = 40; // that may fail one after another before the connection is taken for lost
const NONE = "none";
const KINDS = { same: "trial_same", across: "trial_across", into_ar: "trial_into_ar", into_en: "trial_into_en" };
const FEW = 12; // sentences tried, of which nothing can be told
const VERDICTS = { can: "trial_can", cannot: "trial_cannot", unknown: "trial_unknown" };

export class Models {
  constructor(page) {
    this.page = page;
    this.bars = []; // one in the notice, one in the dialog
    this.following = false;
  }

  bar() {
    const bar = new WorkBar(this.page, () => this.page.call("halt"));
    this.bars.push(bar);
    return bar;
  }

  named(name) {
    return name === NONE ? this.page.t("quality_none") : name;
  }

  size(bytes) {
    return this.page.t("gigabytes", { n: (bytes / 1e9).toFixed(1) });
  }

  /** The choice as a list; `ask` puts a question, about terms or a trial, above the list. */
  list(rows, ask) {
    const { page } = this;
    const list = h("ul", { class: "models", role: "list" });
    for (const row of rows) {
      const present = row.status === "present";
      const name = fill(h("span", { class: "model-name" }), this.named(row.name), row.name === NONE ? page.base : "");
      const text = h("div", { class: "model-text" }, name, ...this.about(row).map((line) => fill(h("span", { class: "small" }), line, page.base)));
      const acts = h("div", { class: "model-acts" });
      if (row.used) acts.append(fill(h("span", { class: "model-used" }), page.t("model_used"), page.base));
      else if (present) acts.append(this.act("model_use", "model_use_name", row, () => this.use(row.name)));
      else acts.append(this.act("model_fetch", "model_fetch_name", row, () => this.fetch(row, ask)));
      if (present && row.minutes) acts.append(this.act("trial", "trial_name", row, () => this.tryOut(row, ask)));
      list.append(h("li", { "aria-current": row.used ? "true" : null }, text, acts));
    }
    return list;
  }

  act(key, full, row, action) {
    const button = this.page.plain(key, action, "outline");
    button.setAttribute("aria-label", this.page.t(full, { name: this.named(row.name) }));
    return button;
  }

  /** What a model needs, and what it was found able to do here, line by line. */
  about(row) {
    const { page } = this;
    if (row.name === NONE) return [page.t("model_none_text")];
    const needs = [
      row.bytes ? page.t("model_disk", { size: this.size(row.bytes) }) : "",
      row.memory ? page.t("model_memory", { n: row.memory }) : "",
      row.licence,
    ];
    const { trial } = row;
    const seconds = trial && page.t("seconds", { n: trial.seconds < 10 ? trial.seconds : Math.round(trial.seconds) });
    const found = trial ? [page.t("model_tried", { ...trial, s: seconds })] : row.measured ? [] : [page.t("model_untried")];
    if (trial && trial.tried < FEW) found.push(page.t("model_tried_few"));
    if (row.measured) found.push(page.t("model_measured"));
    else if (trial) found.push(...this.verdicts(trial));
    return [row.advised ? page.t("model_advised") : "", needs.filter(Boolean).join(" · "), ...found, row.note?.[page.language]].filter(Boolean);
  }

  /** What a trial found that a model may do, may not, and what it was too slow for, each in a sentence. */
  verdicts(trial) {
    const { page } = this;
    const all = new Intl.ListFormat(page.language);
    const said = Object.entries(VERDICTS).filter(([verdict]) => trial[verdict].length);
    return said.map(([verdict, key]) => page.t(key, { what: all.format(trial[verdict].map((kind) => page.t(KINDS[kind]))) }));
  }

  /** Say what a trial costs, and begin it if that is wanted. */
  tryOut(row, ask) {
    const { page } = this;
    const text = page.t("trial_sure", { name: row.name, n: row.minutes, size: this.size(row.bytes) });
    const yes = page.plain("trial_begin", async () => (ask(null), this.began(await page.call("try_out", row.name))), "solid");
    const no = page.plain("trial_refuse", () => ask(null), "quiet");
    const panel = h("div", { class: "sure", role: "group" }, fill(h("p"), text, page.base), yes, no);
    ask(panel);
    panel.scrollIntoView({ block: "nearest" });
    yes.focus();
  }

  async use(name) {
    this.began(await this.page.call("use", name));
  }

  /** Where a model has terms of its own they are shown first, and accepted or not. */
  async fetch(row, ask) {
    const { page } = this;
    if (!row.consent) {
      this.began(await this.page.call("fetch", { name: row.name, accepted: false }));
      return;
    }
    const terms = h("a", { href: row.terms, target: "_blank", rel: "noopener noreferrer", dir: "ltr" }, row.terms);
    const yes = page.plain("model_accept", async () => this.began(await this.page.call("fetch", { name: row.name, accepted: true })), "solid");
    const no = page.plain("model_refuse", () => ask(null), "quiet");
    ask(h("div", { class: "sure", role: "group" }, fill(h("p"), page.t("model_terms", { name: row.name, licence: row.licence }), page.base), h("p", {}, terms), yes, no));
    no.focus();
  }

  began(task) {
    if (task.error && task.state !== "running") this.page.toast(task.error[this.page.language] ?? String(task.error), true);
    else this.follow();
  }

  text(task) {
    const { page } = this;
    if (task.doing === "open") return page.t("model_opening", { name: this.named(task.name) });
    if (task.doing === "try") return page.t(task.total ? "trial_running" : "trial_loading", task);
    const step = task.step?.[page.language] ?? page.t("loading");
    return page.t("model_fetching", { name: task.name, step, done: this.size(task.done), total: this.size(task.total) });
  }

  /** Watch the work to its end; it goes on when the page is closed. */
  async follow() {
    if (this.following) return;
    this.following = true;
    const { page } = this;
    let task;
    for (let failed = 0; ; ) {
      task = await page.call("task");
      failed = task?.lost ? failed + 1 : 0;
      if (task?.state === "running") {
        const share = task.total ? task.done / task.total : null;
        if (this.bars.some((bar) => bar.cancelling)) for (const bar of this.bars) bar.cancelling = true;
        for (const bar of this.bars) bar.show(this.text(task), share, task.doing !== "open");
        if (this.bars[0].cancelling && task.doing !== "open") page.call("halt");
        page.notice.draw();
      } else if (!failed || failed > LOOKS) break;
      await new Promise((resolve) => setTimeout(resolve, PACE));
    }
    this.following = false;
    for (const bar of this.bars) bar.hide();
    await page.notice.refresh();
    page.qualityView.redraw();
    if (!task) return;
    if (task.error) page.toast(task.error[page.language] ?? String(task.error), true);
    else {
      const [cancelled, done] = task.doing === "try" || task.trial ? ["trial_cancelled", task.trial?.tried < FEW ? "trial_done_few" : "trial_done"] : ["model_cancelled", "model_done"];
      page.toast(page.t(task.state === "cancelled" ? cancelled : done, { ...task.trial, name: this.named(task.name) }));
    }
  }
}
