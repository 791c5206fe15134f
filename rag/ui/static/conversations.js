// The list of conversations: found by their words, opened, renamed, deleted; and whether this browser keeps them, said plainly.

import { h, leaveOnEscape } from "./dom.js";
import { folded } from "./store.js";
import { fill } from "./text.js";

const STEP = 50; // conversations drawn at a time

const day = (time) => new Date(time - new Date(time).getTimezoneOffset() * 60000).toISOString();

export class ConversationsView {
  constructor(page) {
    this.page = page;
    this.shown = STEP;
    this.field = page.say(page.say(h("input", { type: "search", autocomplete: "off", dir: "auto" }), "conversations_search", "label"), "conversations_search", "placeholder");
    this.field.addEventListener("input", () => {
      this.shown = STEP;
      this.draw();
    });
    this.field.addEventListener("keydown", (event) => leaveOnEscape(event, this.dialog));
    this.keeping = h("div", { class: "standing-of-shelf" });
    this.list = h("div", { class: "conversations" });
    this.dialog = h(
      "dialog",
      { class: "dialog", "aria-labelledby": "conversations-title" },
      h("div", { class: "dialog-head" }, page.say(h("h2", { id: "conversations-title" }), "conversations"), page.button("close", "close", () => this.dialog.close())),
      h("div", { class: "dialog-body" }, this.field, this.list, this.keeping),
    );
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    page.root.append(this.dialog);
  }

  async open() {
    this.page.restate(this.dialog);
    this.field.value = "";
    this.shown = STEP;
    this.all = [];
    delete this.dialog.dataset.loaded;
    this.drawKeeping();
    this.dialog.showModal();
    this.field.focus();
    await this.load();
  }

  /** Follow a change, where the list is looked at. A name that is being written is left alone. */
  async refresh() {
    if (this.dialog.open && !this.list.querySelector("input")) await this.load();
  }

  async load() {
    this.all = await this.page.conversation.store.conversations();
    this.draw();
    this.dialog.dataset.loaded = String(this.all.length);
  }

  /** Those that hold every word of the search. */
  found() {
    const words = folded(this.field.value).split(" ").filter(Boolean);
    const holds = ({ title, texts }) => {
      const text = `${folded(title)}\n${Object.values(texts ?? {}).join("\n")}`;
      return words.every((word) => text.includes(word));
    };
    return words.length ? this.all.filter(holds) : this.all;
  }

  draw() {
    const { page } = this;
    const found = this.found();
    const today = day(Date.now()).slice(0, 10);
    const parts = [];
    let heading = "";
    let list = null;
    for (const conversation of found.slice(0, this.shown)) {
      const key = day(conversation.updated).startsWith(today) ? "conversations_today" : "conversations_earlier";
      if (key !== heading) {
        heading = key;
        list = h("ul", { role: "list" });
        parts.push(fill(h("h3"), page.t(key), page.base), list);
      }
      list.append(this.item(conversation, key === "conversations_today"));
    }
    if (!found.length) parts.push(fill(h("p", { class: "panel-note" }), page.t(this.all.length ? "conversations_nothing" : "conversations_none"), page.base));
    if (found.length > this.shown) parts.push(page.plain("show_more", () => ((this.shown += STEP), this.draw()), "more"));
    this.list.replaceChildren(...parts);
  }

  item(conversation, today) {
    const { page } = this;
    const { id, title, updated } = conversation;
    const when = today ? day(updated).slice(11, 16) : day(updated).slice(0, 10);
    const open = h(
      "button",
      { type: "button", class: "conversation", "aria-current": id === page.conversation.id ? "true" : null, onclick: () => this.choose(id) },
      fill(h("span", { class: "conversation-title" }), title),
      h("span", { class: "times", dir: "ltr" }, when),
    );
    const line = h("li", {}, open);
    const act = (key, picture, action) => {
      const button = page.button(key, picture, action);
      const label = page.t(key, { title });
      button.setAttribute("aria-label", label);
      button.title = label;
      delete button.dataset.sayLabel;
      return button;
    };
    line.append(
      act("conversation_rename", "edit", () => this.rename(line, conversation)),
      act("conversation_delete", "trash", () => this.confirm(line, conversation)),
    );
    return line;
  }

  async choose(id) {
    this.dialog.close();
    if (id !== this.page.conversation.id) await this.page.conversation.open(id);
    this.page.conversation.box.focus();
  }

  rename(line, { id, title }) {
    const { page } = this;
    const field = h("input", { type: "text", maxlength: "200", dir: "auto", autocomplete: "off", "aria-label": page.t("conversation_name") });
    field.value = title;
    const leave = () => (this.load(), this.field.focus());
    const save = async () => {
      await page.conversation.stored(page.conversation.store.rename(id, field.value));
      leave();
    };
    const form = h(
      "form",
      { class: "maker", onsubmit: (event) => (event.preventDefault(), save()) },
      field,
      fill(h("button", { type: "submit", class: "button solid" }), page.t("feedback_send"), page.base),
    );
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // of the form, not of the dialog
      leave();
    });
    line.replaceChildren(form);
    field.focus();
    field.select();
  }

  confirm(line, { id, title }) {
    const { page } = this;
    const question = h(
      "div",
      { class: "sure", role: "group" },
      fill(h("p"), page.t("conversation_delete_sure", { title }), page.base),
      page.plain("conversation_delete_yes", () => this.remove(id), "danger"),
      page.plain("keep_it", () => (this.draw(), this.field.focus()), "quiet"),
    );
    line.replaceChildren(question);
    question.querySelector("button:last-child").focus();
  }

  async remove(id) {
    const { conversation } = this.page;
    await conversation.stored(conversation.store.remove(id));
    if (conversation.previous === id) conversation.previous = "";
    if (conversation.id === id) conversation.clear();
    await this.load();
    this.field.focus();
  }

  /** Whether conversations are kept, and where; a click changes it. */
  drawKeeping() {
    const { page } = this;
    const { lasting, refused } = page.conversation.store;
    const text = fill(h("p"), page.t(lasting ? "kept_here" : refused ? "kept_refused" : "kept_not"), page.base);
    const change = lasting ? page.plain("keep_end", () => this.confirmEnd(), "outline") : page.plain("keep_begin", () => this.keep(true), "outline");
    this.keeping.replaceChildren(text, ...(refused ? [] : [change]));
  }

  confirmEnd() {
    const { page } = this;
    const question = h(
      "div",
      { class: "sure", role: "group" },
      fill(h("p"), page.t("keep_end_sure", { n: this.all.length }), page.base),
      page.plain("keep_end_yes", () => this.keep(false), "danger"),
      page.plain("keep_it", () => (this.drawKeeping(), this.keeping.querySelector("button").focus()), "quiet"),
    );
    this.keeping.replaceChildren(question);
    question.querySelector("button:last-child").focus();
  }

  async keep(lasting) {
    const { page } = this;
    await page.conversation.keepAll(lasting);
    this.drawKeeping();
    await this.load();
    page.conversation.redraw(); // links lead only to what is kept
    page.announce(this.keeping.querySelector("p").textContent);
    this.keeping.querySelector("button")?.focus();
  }
}
