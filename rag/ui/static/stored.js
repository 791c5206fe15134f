// What is stored of a reader, in this browser and on the server, each with a way to delete it.

import { h } from "./dom.js";
import { fill } from "./text.js";

export class StoredView {
  constructor(page) {
    this.page = page;
    this.body = h("div", { class: "dialog-body stored" });
    this.dialog = h(
      "dialog",
      { class: "dialog", "aria-labelledby": "stored-title" },
      h("div", { class: "dialog-head" }, page.say(h("h2", { id: "stored-title" }), "stored"), page.button("close", "close", () => this.dialog.close())),
      this.body,
    );
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    page.root.append(this.dialog);
  }

  async open() {
    this.page.restate(this.dialog);
    this.body.replaceChildren(fill(h("p"), this.page.t("loading"), this.page.base));
    this.dialog.showModal();
    await this.draw();
  }

  async draw() {
    const { page } = this;
    const { store } = page.conversation;
    const conversations = await store.conversations();
    const held = page.boot.library ? await page.call("stored") : null;
    const heading = (key) => fill(h("h3"), page.t(key), page.base);
    const parts = [heading("stored_browser")];
    const kept = store.lasting ? "stored_conversations" : "stored_conversations_page";
    parts.push(this.line(page.t(kept, { n: conversations.length }), conversations.length && "stored_conversations_sure", () => this.conversations()));
    const notebooks = await store.notebooks();
    parts.push(this.line(page.t("stored_notebooks", { n: notebooks.length }), notebooks.length && "stored_notebooks_sure", () => this.notebooks()));
    parts.push(this.line(page.t("stored_choices"), this.choices().length && "stored_choices_sure", () => this.forgetChoices()));
    parts.push(heading("stored_server"));
    if (held?.error) parts.push(fill(h("p", { class: "error" }), held.error[page.language], page.base));
    else if (held) {
      parts.push(this.line(page.t("stored_collections", held), held.collections && "stored_collections_sure", () => this.forget("collections")));
      parts.push(this.line(page.t("stored_feedback", { n: held.feedback }), held.feedback && "stored_feedback_sure", () => this.forget("feedback")));
    }
    parts.push(fill(h("p"), page.t("stored_nothing_else"), page.base));
    if (page.boot.login) parts.push(fill(h("p"), page.t("stored_key"), page.base));
    this.body.replaceChildren(...parts);
    this.dialog.dataset.loaded = "true";
  }

  /** What is stored, and a button that deletes it once it has been asked for twice. */
  line(text, sure, action) {
    const { page } = this;
    const box = h("div", { class: "stored-line" }, fill(h("p"), text, page.base));
    if (!sure) return box;
    const button = page.plain("stored_delete", () => {
      const question = h(
        "div",
        { class: "sure", role: "group" },
        fill(h("p"), page.t(sure), page.base),
        page.plain("stored_delete_yes", action, "danger"),
        page.plain("keep_it", () => (question.replaceWith(button), button.focus()), "quiet"),
      );
      button.replaceWith(question);
      question.querySelector("button:last-child").focus();
    }, "outline");
    button.setAttribute("aria-label", `${page.t("stored_delete")}: ${text}`);
    box.append(button);
    return box;
  }

  async conversations() {
    const { conversation } = this.page;
    await conversation.stored(conversation.store.removeAll());
    conversation.clear();
    await this.done();
  }

  async notebooks() {
    const { conversation } = this.page;
    await conversation.stored(conversation.store.removeAll("notebooks"));
    await this.done();
  }

  choices() {
    try {
      return Object.keys(window.localStorage).filter((key) => key.startsWith("shawahid."));
    } catch {
      return [];
    }
  }

  async forgetChoices() {
    for (const key of this.choices()) window.localStorage.removeItem(key);
    await this.done();
  }

  async forget(what) {
    const { page } = this;
    const view = await page.call("forget", what);
    if (view.error) page.toast(view.error[page.language], true);
    if (what === "collections" && page.collection && !view.error) await page.library.choose("");
    await this.done(!view.error);
  }

  async done(deleted = true) {
    await this.draw();
    if (deleted) this.page.announce(this.page.t("stored_deleted"));
    this.dialog.querySelector("button").focus();
  }
}
