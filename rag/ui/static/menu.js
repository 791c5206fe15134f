// The menu of what is done with a conversation as a whole: saving it, and the page about quality.

import { h } from "./dom.js";
import { conversationPaper } from "./paper.js";
import { fill } from "./text.js";

export class Menu {
  constructor(page) {
    this.page = page;
    this.list = h("div", { class: "menu", hidden: true });
    this.button = page.button("more", "more", () => this.unfold());
    this.button.setAttribute("aria-expanded", "false");
    this.element = h("div", { class: "menu-place" }, this.button, this.list);
    document.addEventListener("pointerdown", (event) => {
      if (!this.list.hidden && !event.target.closest(".menu-place")) this.unfold(false);
    });
  }

  unfold(open = this.list.hidden) {
    this.list.hidden = !open;
    this.button.setAttribute("aria-expanded", String(open));
    if (!open) return;
    const { page } = this;
    const { turns } = page.conversation;
    const item = (key, action, attributes = {}) => {
      const chosen = () => (this.unfold(false), this.button.focus(), action());
      return fill(h("button", { type: "button", class: "menu-item", onclick: chosen, ...attributes }), page.t(key), page.base);
    };
    const disabled = !turns.some((turn) => turn.answer);
    this.list.replaceChildren(
      item("export_conversation", () => page.exportView.open(conversationPaper(page, turns), "shawahid"), { disabled }),
      item(page.theme === "dark" ? "theme_light" : "theme_dark", () => page.switchTheme(), { class: "menu-item narrow-only" }),
      item("stored", () => page.storedView.open()),
      item("quality", () => page.qualityView.open()),
      fill(h("a", { class: "menu-item", href: this.api(), target: "_blank", rel: "noopener" }), page.t("api"), page.base),
      ...(page.boot.login ? [item("log_out", () => this.logOut()), item("log_out_everywhere", () => this.logOut("?everywhere"))] : []),
    );
    this.list.querySelector("button:not(:disabled)").focus();
  }

  /** The page of the API, in the language of this one. */
  api() {
    return new URL(`api?language=${this.page.language}`, new URL(this.page.boot.script, location.href));
  }

  /** End the login of this browser, or of all that have its key. The page that comes then asks for the password. */
  async logOut(where = "") {
    const { page } = this;
    const left = await fetch(new URL(`logout${where}`, new URL(page.boot.script, location.href)), { method: "POST", cache: "no-store" }).catch(() => null);
    if (left?.ok || left?.status === 401) location.reload();
    else page.toast(page.t("error_connection"));
  }

  /** Close it, if it is open; whether it was. */
  escape() {
    if (this.list.hidden) return false;
    this.unfold(false);
    this.button.focus();
    return true;
  }
}
