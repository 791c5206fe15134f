// The key that a browser's collections belong to: shown on request, and taken from another browser.

import { copy, h } from "./dom.js";
import { fill } from "./text.js";

const LINK = /^#key=([A-Za-z0-9_-]{43})$/;

export class KeyView {
  /** `changed` is called when the collections of another key are here. */
  constructor(page, changed) {
    this.page = page;
    this.changed = changed;
    this.own = page.say(h("input", { type: "text", readonly: true, dir: "ltr", spellcheck: "false", autocomplete: "off", class: "secret" }), "key_own", "label");
    this.copier = page.say(h("button", { type: "button", class: "button outline", onclick: () => this.copy() }), "key_copy");
    this.linker = page.say(h("button", { type: "button", class: "button outline", onclick: () => this.copy(this.link()) }), "key_copy_link");
    this.shown = h("div", { class: "key-row", hidden: true }, this.own, this.copier, this.linker);
    this.toggle = h("button", { type: "button", class: "button outline", onclick: () => (this.shown.hidden ? this.show() : this.hide()) });
    this.other = page.say(h("input", { type: "text", dir: "ltr", spellcheck: "false", autocomplete: "off", autocapitalize: "off", class: "secret", required: true }), "key_other", "label");
    page.say(this.other, "key_other", "placeholder");
    this.problem = h("p", { class: "error", role: "alert", hidden: true });
    const form = h(
      "form",
      { class: "key-row", onsubmit: (event) => (event.preventDefault(), this.use()) },
      this.other,
      page.say(h("button", { type: "submit", class: "button outline" }), "key_use"),
    );
    this.element = h(
      "details",
      { class: "key", hidden: true, ontoggle: () => this.element.open || this.hide() },
      page.say(h("summary"), "key"),
      page.say(h("p"), "key_text"),
      h("div", {}, this.toggle, " ", page.say(h("button", { type: "button", class: "button outline", onclick: () => this.renew() }), "key_renew")),
      this.shown,
      form,
      this.problem,
    );
    this.draw();
  }

  draw() {
    this.toggle.dataset.sayText = this.shown.hidden ? "key_show" : "key_hide";
    this.page.restate(this.element);
  }

  /** What the server says to a POST; where it can't be reached, an error like those it returns. */
  async post(name, body) {
    try {
      const place = new URL(`key/${name}`, new URL(this.page.boot.script, location.href));
      return await (await fetch(place, { method: "POST", body: JSON.stringify(body), cache: "no-store" })).json();
    } catch {
      return { error: this.page.both("error_connection") };
    }
  }

  tell(error) {
    this.problem.hidden = !error;
    if (error) fill(this.problem, error[this.page.language] ?? error.message, this.page.base);
  }

  async show() {
    const { key, error } = await this.post("show", {});
    this.tell(error);
    if (error) return;
    this.own.value = key;
    this.shown.hidden = false;
    this.draw();
    this.own.select();
  }

  /** Replace the key: the old one stops working, and the other browsers with this key need the new one. */
  async renew() {
    const { key, error } = await this.post("renew", {});
    this.tell(error);
    if (error) return;
    this.own.value = key;
    this.shown.hidden = false;
    this.draw();
    this.page.toast(this.page.t("key_renewed"));
  }

  /** The key is in the page only while it is looked at. */
  hide() {
    this.own.value = "";
    this.shown.hidden = true;
    this.draw();
  }

  /** An address that brings the key to another browser, behind the sign that no browser sends to a server. */
  link() {
    return `${window.location.origin}${window.location.pathname}#key=${this.own.value}`;
  }

  /** Where the page was opened with such an address, offer the key; it is used when the reader says so. */
  async offer() {
    const [, key] = window.location.hash.match(LINK) ?? [];
    if (!key) return;
    window.history.replaceState(null, "", window.location.pathname);
    if (!this.page.boot.login) return;
    await this.page.library.open();
    this.element.open = true;
    this.other.value = key;
    this.page.toast(this.page.t("key_offered"));
    this.other.form.querySelector("button").focus();
  }

  async copy(text = this.own.value) {
    const copied = await copy(text);
    this.page.toast(this.page.t(copied ? "copied" : "copy_failed"));
  }

  async use() {
    const { error } = await this.post("use", { key: this.other.value });
    this.tell(error);
    if (error) return;
    this.other.value = "";
    this.hide();
    this.element.open = false;
    await this.changed();
  }
}
