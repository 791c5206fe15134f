// The chat window: its frame, its language and its colours. Each part of it stands in a module of its own; Python sends the state of
// the turn that is being answered, each time whole, and everything else lives in the page.

import { Ahead } from "./prefetch.js";
import { Conversation } from "./conversation.js";
import { ConversationsView } from "./conversations.js";
import { h, icon, recall, remember } from "./dom.js";
import { DocumentView } from "./document.js";
import { ExportView } from "./export_view.js";
import { FeedbackView } from "./feedback.js";
import { Filters } from "./filters.js";
import { LibraryView } from "./library.js";
import { Menu } from "./menu.js";
import { Models } from "./models.js";
import { NotebookView } from "./notebook.js";
import { Notice } from "./notice.js";
import { OverviewView } from "./overview.js";
import { Panel } from "./panel.js";
import { Peek } from "./peek.js";
import { QualityView } from "./quality.js";
import { StoredView } from "./stored.js";
import { SearchView } from "./search.js";
import { TableView } from "./table.js";
import { Suggested } from "./suggested.js";
import { fill } from "./text.js";
import { Welcome } from "./welcome.js";

export function mount(element, props, trigger, watch, server) {
  const place = new URL("window.css", import.meta.url).href;
  const style = h("link", { rel: "stylesheet", href: place });
  style.addEventListener("load", () => {
    const page = new Page(element.querySelector(".shawahid-host"), props.boot, trigger, server);
    watch("value", () => page.conversation.receive(props.value));
    page.start();
  });
  document.head.append(style);
}

class Page {
  constructor(host, boot, trigger, server) {
    this.host = host;
    this.boot = boot;
    this.trigger = trigger;
    this.server = server;
    this.language = this.chosenLanguage();
    this.theme = recall("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  }

  chosenLanguage() {
    const kept = recall("language");
    if (kept === "ar" || kept === "en") return kept;
    return (navigator.language || "").startsWith("ar") ? "ar" : this.boot.language;
  }

  async start() {
    this.models = new Models(this);
    this.filters = new Filters(this);
    this.notice = new Notice(this);
    this.suggested = new Suggested(this);
    this.welcome = new Welcome(this);
    this.conversation = new Conversation(this);
    this.ahead = new Ahead(this);
    this.panel = new Panel(this);
    this.peek = new Peek(this);
    this.menu = new Menu(this);
    this.build();
    this.documentView = new DocumentView(this);
    this.feedbackView = new FeedbackView(this);
    this.qualityView = new QualityView(this);
    this.tableView = new TableView(this);
    this.overviewView = new OverviewView(this);
    this.exportView = new ExportView(this);
    this.notebookView = new NotebookView(this);
    this.tools.prepend(this.button("notes", "note", () => this.notebookView.open(), { text: true }));
    this.storedView = new StoredView(this);
    if (this.boot.library) {
      this.library = new LibraryView(this);
      this.tools.prepend(this.button("documents", "files", () => this.library.open(), { text: true }));
    }
    this.searchView = new SearchView(this);
    this.tools.prepend(this.button("search", "search", () => this.searchView.open(), { text: true }));
    this.conversationsView = new ConversationsView(this);
    this.tools.prepend(this.button("conversations", "talk", () => this.conversationsView.open(), { text: true }));
    this.dress();
    await this.conversation.begin();
    this.notice.poll();
    document.addEventListener("keydown", (event) => this.onKey(event));
    this.conversation.box.focus();
    this.root.dataset.ready = "true";
    this.library?.key.offer();
  }

  build() {
    this.languageButton = h("button", { type: "button", class: "button quiet language", onclick: () => this.switchLanguage() });
    this.themeButton = this.button("theme", "moon", () => this.switchTheme());
    this.tools = h(
      "div",
      { class: "tools" },
      this.button("new", "fresh", () => this.conversation.clear(), { text: true }),
      this.languageButton,
      this.themeButton,
      this.menu.element,
    );
    this.bar = h(
      "header",
      { class: "bar" },
      h("h1", { class: "brand" }, h("img", { src: new URL("icon.svg", import.meta.url).href, alt: "" }), this.say(h("span"), "name")),
      this.say(h("p", { class: "tagline" }), "tagline"),
      this.tools,
    );
    this.live = h("div", { class: "offscreen", role: "status" });
    this.alarm = h("div", { class: "offscreen", role: "alert" });
    this.talk = h("section", { class: "talk" }, this.notice.element, this.conversation.thread, this.conversation.composer);
    this.say(this.talk, "conversation", "label");
    this.toastBox = h("div", { class: "toast", "aria-hidden": "true", popover: "manual", hidden: true });
    this.root = h("div", { id: "shawahid" }, this.bar, this.talk, this.panel.element, this.peek.element, this.live, this.alarm, this.toastBox);
    this.host.append(this.root);
    this.peek.watch(this.conversation.thread);
  }

  onKey(event) {
    if (event.key !== "Escape" || event.isComposing || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (!this.peek.hide() && !this.menu.escape() && !this.conversation.escape()) this.panel.escape();
  }

  // --- texts and their elements ------------------------------------------------------------------------------------------

  t(key, fields = {}, language = this.language) {
    const text = this.boot.strings[language][key] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => fields[name] ?? whole);
  }

  /** A string in both languages, for what has to follow the interface when that changes its language. */
  both(key, fields = {}) {
    return { en: this.t(key, fields, "en"), ar: this.t(key, fields, "ar") };
  }

  get base() {
    return this.language === "ar" ? "rtl" : "ltr";
  }

  /** An element whose text, label or placeholder follows the language of the interface. */
  say(element, key, target = "text") {
    element.dataset[`say${target[0].toUpperCase()}${target.slice(1)}`] = key;
    return element;
  }

  restate(root) {
    for (const element of root.querySelectorAll("[data-say-text]")) fill(element, this.t(element.dataset.sayText), this.base);
    for (const element of [root, ...root.querySelectorAll("[data-say-label]")]) {
      if (!element.dataset.sayLabel) continue;
      element.setAttribute("aria-label", this.t(element.dataset.sayLabel));
      if (element.tagName === "BUTTON") element.title = this.t(element.dataset.sayLabel);
    }
    for (const element of root.querySelectorAll("[data-say-placeholder]")) element.placeholder = this.t(element.dataset.sayPlaceholder);
  }

  button(key, picture, action, { text = false, kind = "quiet" } = {}) {
    const button = h("button", { type: "button", class: `button ${kind}`, onclick: action }, icon(picture));
    if (text) button.append(this.say(h("span", { class: "button-text" }), key));
    return this.say(button, key, "label");
  }

  plain(key, action, kind = "link") {
    return fill(h("button", { type: "button", class: `button ${kind}`, onclick: action }), this.t(key), this.base);
  }

  // --- what parts of the page have in common -----------------------------------------------------------------------------

  /** What a function of the server returns; where it can't be reached, an error like those it returns. */
  async call(name, argument = null) {
    try {
      const view = await this.server[name](argument);
      if (view !== undefined) return view; // Gradio only warns of a request that failed, and gives nothing
    } catch {
      // The same is shown for it.
    }
    return { lost: true, error: this.both("error_connection") };
  }

  /** The collection that is asked now. */
  get collection() {
    return this.library?.collection ?? "";
  }

  /** A word that something was done, for the eye and the screen reader. */
  toast(text, urgent = false) {
    fill(this.toastBox, text, this.base);
    this.toastBox.hidden = false;
    // A dialog would cover it, and in browsers that know no popovers it does.
    if (this.toastBox.showPopover) {
      if (this.toastBox.matches(":popover-open")) this.toastBox.hidePopover();
      this.toastBox.showPopover();
    }
    this.announce(text, urgent);
    clearTimeout(this.toastTimer);
    this.toastTimer = setTimeout(() => (this.toastBox.hidden = true), 5000);
  }

  announce(text, urgent = false) {
    const region = urgent ? this.alarm : this.live;
    const place = document.activeElement?.closest("dialog[open]") ?? this.root; // nothing outside an open dialog is read out
    if (region.parentElement !== place) place.append(region);
    region.textContent = "";
    requestAnimationFrame(() => (region.textContent = text));
  }

  // --- language and colours ----------------------------------------------------------------------------------------------

  /** Everything that depends on the language of the interface or the colours, at once. */
  dress() {
    const root = document.documentElement;
    root.lang = this.language;
    root.dir = this.base;
    root.dataset.theme = this.theme;
    document.body.classList.toggle("dark", this.theme === "dark");
    document.title = this.t("title");
    this.root.dir = this.base;
    this.root.lang = this.language;
    this.restate(this.root);
    const other = this.language === "ar" ? "en" : "ar";
    this.languageButton.textContent = other === "ar" ? "العربية" : "English";
    this.languageButton.lang = other;
    this.languageButton.dir = other === "ar" ? "rtl" : "ltr";
    this.themeButton.replaceChildren(icon(this.theme === "dark" ? "sun" : "moon"));
    this.themeButton.setAttribute("aria-pressed", String(this.theme === "dark"));
    this.filters.draw();
    this.notice.draw();
    this.conversation.redraw();
    this.panel.draw();
  }

  switchLanguage() {
    this.language = this.language === "ar" ? "en" : "ar";
    remember("language", this.language);
    this.dress();
  }

  switchTheme() {
    this.theme = this.theme === "dark" ? "light" : "dark";
    remember("theme", this.theme);
    this.dress();
  }
}
