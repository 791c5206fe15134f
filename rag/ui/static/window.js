// The chat window. Python sends the state of the turn that is being answered, each time whole; everything else lives here.

import { copy, h, icon, recall, remember, unguessable } from "./dom.js";
import { DocumentView } from "./document.js";
import * as exporting from "./export.js";
import { FeedbackView } from "./feedback.js";
import { LibraryView } from "./library.js";
import { Models } from "./models.js";
import { QualityView } from "./quality.js";
import { direction, fill, orient, paragraphs, write } from "./text.js";

const SILENCE = 20000; // ms without a word from the server, after which the connection is taken for lost
const LONG = 60; // characters of a quotation in the other direction, after which it stands by itself
const WIDE = "(min-width: 60rem)";

export function mount(element, props, trigger, watch, server) {
  const place = new URL("window.css", import.meta.url).href;
  const style = h("link", { rel: "stylesheet", href: place });
  style.addEventListener("load", () => {
    const page = new Page(element.querySelector(".isnad-host"), props.boot, trigger, server);
    watch("value", () => page.receive(props.value));
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
    this.turns = [];
    this.running = null;
    this.selected = null;
    this.opener = null;
    this.language = this.chosenLanguage();
    this.theme = recall("theme") || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    this.status = { state: "preparing", opened: false, notices: [], generator: "", documents: 0, error: null };
  }

  chosenLanguage() {
    const kept = recall("language");
    if (kept === "ar" || kept === "en") return kept;
    return (navigator.language || "").startsWith("ar") ? "ar" : this.boot.language;
  }

  t(key, fields = {}) {
    const text = this.boot.strings[this.language][key] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => fields[name] ?? whole);
  }

  get base() {
    return this.language === "ar" ? "rtl" : "ltr";
  }

  // --- skeleton ----------------------------------------------------------------------------------------------------------

  start() {
    this.models = new Models(this);
    this.build();
    this.documentView = new DocumentView(this);
    this.feedbackView = new FeedbackView(this);
    this.qualityView = new QualityView(this);
    if (this.boot.library) {
      this.library = new LibraryView(this);
      this.tools.prepend(this.button("documents", "files", () => this.library.open(), { text: true }));
    }
    this.keeping = recall("keep") === "yes";
    if (this.keeping) this.restore();
    this.dress();
    this.poll();
    setInterval(() => this.watchConnection(), 1000);
    document.addEventListener("keydown", (event) => this.onKey(event));
    matchMedia(WIDE).addEventListener("change", () => this.showPanel(false));
    this.box.focus();
    this.root.dataset.ready = "true";
  }

  /** An element whose text, label or placeholder follows the language of the interface. */
  /** What a function of the server returns; where it can't be reached, an error like those it returns. */
  async call(name, argument = null) {
    try {
      return await this.server[name](argument);
    } catch {
      const { strings } = this.boot;
      return { error: { en: strings.en.error_connection, ar: strings.ar.error_connection } };
    }
  }

  say(element, key, target = "text") {
    element.dataset[`say${target[0].toUpperCase()}${target.slice(1)}`] = key;
    return element;
  }

  button(key, picture, action, { text = false, kind = "quiet" } = {}) {
    const button = h("button", { type: "button", class: `button ${kind}`, onclick: action }, icon(picture));
    if (text) button.append(this.say(h("span", { class: "button-text" }), key));
    return this.say(button, key, "label");
  }

  build() {
    this.languageButton = h("button", { type: "button", class: "button quiet language", onclick: () => this.switchLanguage() });
    this.themeButton = this.button("theme", "moon", () => this.switchTheme());
    this.menu = h("div", { class: "menu", hidden: true });
    this.menuButton = this.button("more", "more", () => this.unfold());
    this.menuButton.setAttribute("aria-expanded", "false");
    this.tools = h(
      "div",
      { class: "tools" },
      this.button("new", "fresh", () => this.clear(), { text: true }),
      this.languageButton,
      this.themeButton,
      h("div", { class: "menu-place" }, this.menuButton, this.menu),
    );
    this.bar = h(
      "header",
      { class: "bar" },
      h("h1", { class: "brand" }, h("img", { src: new URL("icon.svg", import.meta.url).href, alt: "" }), this.say(h("span"), "name")),
      this.say(h("p", { class: "tagline" }), "tagline"),
      this.tools,
    );
    this.noticeText = h("div", { class: "notice-text" });
    this.noticeBar = this.models.bar();
    this.notice = h("div", { class: "notice", hidden: true }, this.noticeText, this.noticeBar.element);
    this.welcome = h("div", { class: "welcome" });
    this.list = h("ol", { class: "turns", role: "list" });
    this.thread = this.say(h("div", { class: "thread", tabindex: "0", role: "log", "aria-live": "off" }, this.welcome, this.list), "answers", "label");
    this.box = this.say(
      this.say(h("textarea", { id: "question", rows: "1", enterkeyhint: "send", autocomplete: "off", spellcheck: "true" }), "placeholder", "placeholder"),
      "question",
      "label",
    );
    this.box.addEventListener("input", () => this.fit());
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
        event.preventDefault();
        this.send();
      }
    });
    this.sendButton = this.button("send", "send", () => (this.running ? this.stop() : this.send()), { kind: "main send" });
    this.composer = h(
      "form",
      { class: "composer", onsubmit: (event) => event.preventDefault() },
      h("div", { class: "field" }, this.box, this.sendButton),
      this.say(h("p", { class: "hint" }), "keys"),
    );
    this.panelList = h("div", { class: "panel-list" });
    this.panelTitle = h("h2", { id: "panel-title", tabindex: "-1" });
    this.panelClose = this.button("close", "close", () => this.showPanel(false, true));
    this.panel = h(
      "aside",
      { class: "panel", "aria-labelledby": "panel-title" },
      h("div", { class: "panel-head" }, this.panelTitle, this.panelClose),
      this.panelList,
    );
    this.live = h("div", { class: "offscreen", role: "status" });
    this.alarm = h("div", { class: "offscreen", role: "alert" });
    this.talk = h("section", { class: "talk" }, this.notice, this.thread, this.composer);
    this.say(this.talk, "conversation", "label");
    this.toastBox = h("div", { class: "toast", "aria-hidden": "true", hidden: true });
    this.root = h("div", { id: "isnad" }, this.bar, this.talk, this.panel, this.live, this.alarm, this.toastBox);
    document.addEventListener("pointerdown", (event) => {
      if (!this.menu.hidden && !event.target.closest(".menu-place")) this.unfold(false);
    });
    this.host.append(this.root);
    this.list.addEventListener("click", (event) => this.onCite(event));
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
    this.drawWelcome();
    this.drawNotice();
    this.drawSend();
    for (const turn of this.turns) this.draw(turn);
    this.drawPanel();
    this.fit();
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

  // --- what the engine is doing ------------------------------------------------------------------------------------------

  async poll() {
    await this.refreshStatus();
    setTimeout(() => this.poll(), this.status.state === "preparing" ? 1000 : 15000);
  }

  async refreshStatus() {
    try {
      const status = await this.server.status(this.library?.collection ?? "");
      if (status.state) this.status = status;
    } catch {
      // The next look will tell; a question under way tells by itself.
    }
    this.drawNotice();
    this.drawWelcome();
  }

  drawNotice() {
    const { state, error, notices, generator, opened, offer, task } = this.status;
    const lines = [];
    let kind = "";
    if (state === "preparing") {
      lines.push(this.t(opened ? "warming" : "preparing"));
      kind = "busy";
    } else if (error) {
      lines.push(error[this.language]);
      kind = "bad";
    }
    if (opened && !generator) lines.push(this.t("quotations_only"));
    // Where the window itself offers to fetch a model, it does not tell of the command that does.
    for (const notice of notices) if (!offer || notice.key !== "models.missing") lines.push(notice[this.language]);
    const working = this.models.following;
    this.notice.hidden = lines.length === 0 && !working;
    this.notice.dataset.kind = kind;
    const key = JSON.stringify([lines, kind, this.language, working, offer?.name]);
    if (this.notice.dataset.shown !== key) {
      this.notice.dataset.shown = key;
      this.noticeText.replaceChildren(...lines.map((line) => fill(h("p"), line, this.base)));
      if (error && state === "failed") this.noticeText.append(this.plain("try_again", () => this.server.start(null)));
      if (offer && !working) {
        const text = this.t("model_offer", { name: offer.name, size: this.models.size(offer.bytes) });
        const button = fill(h("button", { type: "button", class: "button link" }), text, this.base);
        button.addEventListener("click", () => this.models.fetch(offer, (question) => this.noticeText.replaceChildren(...(question ? [question] : []))));
        this.noticeText.append(button);
      }
    }
    if (task?.state === "running" && !working) this.models.follow();
  }

  plain(key, action, kind = "link") {
    return fill(h("button", { type: "button", class: `button ${kind}`, onclick: action }), this.t(key), this.base);
  }

  drawWelcome() {
    this.welcome.hidden = this.turns.length > 0;
    if (this.welcome.hidden) return;
    if (this.welcome.dataset.shown !== this.language) this.buildWelcome();
    // Only the number changes while somebody may be pressing an example: a button that is replaced under the pointer loses its click.
    this.counted.hidden = !this.status.documents;
    if (this.status.documents) fill(this.counted, this.t("documents_count", { n: this.status.documents }), this.base);
  }

  buildWelcome() {
    this.welcome.dataset.shown = this.language;
    this.counted = h("p", { class: "small" });
    const examples = h("ul", { class: "examples", role: "list" });
    // The reader's own language first.
    const order = [...this.boot.examples].sort((a, b) => (b.language === this.language) - (a.language === this.language));
    for (const example of order) {
      const button = h("button", { type: "button", class: "example", onclick: () => this.ask(example.text) });
      examples.append(h("li", {}, fill(button, example.text)));
    }
    this.welcome.replaceChildren(
      fill(h("h2"), this.t("welcome"), this.base),
      fill(h("p"), this.t("welcome_text"), this.base),
      this.counted,
    );
    if (this.boot.examples.length) {
      this.welcome.append(fill(h("h3"), this.t("examples"), this.base), examples);
    }
  }

  // --- menu, exporting, keeping ------------------------------------------------------------------------------------------

  unfold(open = this.menu.hidden) {
    this.menu.hidden = !open;
    this.menuButton.setAttribute("aria-expanded", String(open));
    if (!open) return;
    const item = (key, action, attributes = {}) => fill(h("button", { type: "button", class: "menu-item", onclick: () => (this.unfold(false), this.menuButton.focus(), action()), ...attributes }), this.t(key), this.base);
    const none = !this.turns.some((turn) => turn.answer);
    this.menu.replaceChildren(
      item("export_markdown", () => exporting.save("isnad.md", "text/markdown", exporting.markdown(this, this.turns)), { disabled: none }),
      item("export_html", () => exporting.save("isnad.html", "text/html", exporting.html(this, this.turns)), { disabled: none }),
      item("keep", () => this.toggleKeeping(), { "aria-pressed": String(this.keeping), class: "menu-item toggle" }),
      item("quality", () => this.qualityView.open()),
    );
    this.menu.querySelector("button:not(:disabled)").focus();
  }

  toggleKeeping() {
    this.keeping = !this.keeping;
    remember("keep", this.keeping ? "yes" : null);
    if (this.keeping) this.keepTurns();
    else remember("turns", null);
    this.toast(this.t(this.keeping ? "kept" : "not_kept"));
  }

  keepTurns() {
    if (!this.keeping) return;
    const kept = this.turns.filter((turn) => turn.answer).slice(-200);
    remember("turns", JSON.stringify(kept.map(({ id, question, searched, answer, collection }) => ({ id, question, searched, answer, collection }))));
  }

  restore() {
    let kept = [];
    try {
      kept = JSON.parse(recall("turns") || "[]");
    } catch {
      // Written by another version, or cut short: begin anew.
    }
    for (const { id, question, searched, answer, collection } of kept) {
      if (typeof id !== "string" || !/^[0-9a-f]{32}$/.test(id) || typeof question !== "string" || !answer?.paragraphs) continue;
      const turn = { id, question, searched, answer, collection, state: "done", place: 0, found: null, draft: "" };
      turn.element = h("li", { class: "turn", id: `turn-${id}` });
      this.turns.push(turn);
      this.list.append(turn.element);
    }
    requestAnimationFrame(() => (this.thread.scrollTop = this.thread.scrollHeight));
  }

  /** A word that something was done, for the eye and the screen reader. */
  toast(text, urgent = false) {
    fill(this.toastBox, text, this.base);
    this.toastBox.hidden = false;
    this.announce(text, urgent);
    clearTimeout(this.toastTimer);
    this.toastTimer = setTimeout(() => (this.toastBox.hidden = true), 5000);
  }

  changedCollection() {
    this.refreshStatus();
  }

  announce(text, urgent = false) {
    const region = urgent ? this.alarm : this.live;
    region.textContent = "";
    requestAnimationFrame(() => (region.textContent = text));
  }

  // --- asking ------------------------------------------------------------------------------------------------------------

  fit() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight, 200)}px`;
    orient(this.box, this.box.value, this.base);
  }

  drawSend() {
    const key = this.running ? "stop" : "send";
    this.sendButton.replaceChildren(icon(key));
    this.sendButton.dataset.sayLabel = key;
    this.sendButton.setAttribute("aria-label", this.t(key));
    this.sendButton.title = this.t(key);
    this.sendButton.classList.toggle("stopping", Boolean(this.running));
  }

  send() {
    const question = this.box.value.trim();
    if (!question || this.running) return;
    this.box.value = "";
    this.fit();
    this.ask(question);
  }

  ask(question, replaced = null) {
    if (this.running) return;
    if (replaced) this.remove(replaced);
    const before = this.turns.at(-1);
    const collection = this.library?.collection ?? "";
    const turn = { id: unguessable(), question, collection, state: "waiting", place: 0, found: null, draft: "", searched: "", answer: null };
    const history = this.turns.filter((item) => item.answer).slice(-4).map((item) => [item.answer.searched || item.question, item.answer.text]);
    this.turns.push(turn);
    this.running = turn;
    this.selected = turn;
    turn.element = h("li", { class: "turn", id: `turn-${turn.id}`, "aria-busy": "true" });
    this.list.append(turn.element);
    this.drawWelcome();
    this.drawSend();
    if (before) this.draw(before);
    this.draw(turn);
    this.drawPanel();
    this.thread.scrollTop = this.thread.scrollHeight;
    this.heard = performance.now();
    this.trigger("ask", { turn: turn.id, question, history, collection: turn.collection });
  }

  async stop() {
    const turn = this.running;
    if (!turn) return;
    turn.stopping = true;
    try {
      await this.server.stop(turn.id);
    } catch {
      this.fail(turn, "error_connection");
    }
  }

  /** The state of a turn as Python sees it now. */
  receive(view) {
    const turn = this.turns.find((item) => item.id === view?.turn);
    if (!turn || turn.state === "done" || turn.state === "error" || turn.state === "stopped") return;
    this.heard = performance.now();
    const foundNow = view.found && !turn.found;
    Object.assign(turn, { state: view.state, place: view.place, found: view.found, draft: view.draft, searched: view.searched });
    if (view.answer) turn.answer = view.answer;
    if (view.error) turn.error = view.error;
    if (["done", "error", "stopped"].includes(view.state)) this.finish(turn);
    if (foundNow || turn.answer || view.state === "error") this.drawPanel();
    this.schedule(turn);
  }

  finish(turn) {
    if (this.running === turn) this.running = null;
    turn.element.removeAttribute("aria-busy");
    this.drawSend();
    if (turn.answer) this.keepTurns();
    if (turn.state === "error") this.announce(turn.error[this.language], true);
    else if (turn.answer) this.announce(`${this.verdict(turn.answer).text} ${this.t("sources_count", { n: turn.answer.sources.length })}`);
    else this.announce(this.t("status_stopped"));
  }

  fail(turn, key) {
    turn.state = "error";
    turn.error = { en: this.boot.strings.en[key], ar: this.boot.strings.ar[key] };
    this.finish(turn);
    this.schedule(turn);
  }

  watchConnection() {
    if (this.running && performance.now() - this.heard > SILENCE) this.fail(this.running, "error_connection");
  }

  clear() {
    if (this.running) this.server.stop(this.running.id).catch(() => {});
    this.running = null;
    this.turns = [];
    this.selected = null;
    this.list.replaceChildren();
    this.keepTurns();
    this.drawWelcome();
    this.drawSend();
    this.drawPanel();
    this.showPanel(false);
    this.box.focus();
  }

  remove(turn) {
    turn.element.remove();
    this.turns = this.turns.filter((item) => item !== turn);
    if (this.selected === turn) this.selected = null;
  }

  // --- a turn ------------------------------------------------------------------------------------------------------------

  /** Draw at the next frame, however many states arrive before it. */
  schedule(turn) {
    if (turn.scheduled) return;
    turn.scheduled = true;
    requestAnimationFrame(() => {
      turn.scheduled = false;
      const atEnd = this.thread.scrollHeight - this.thread.scrollTop - this.thread.clientHeight < 80;
      this.draw(turn);
      if (atEnd) this.thread.scrollTop = this.thread.scrollHeight;
    });
  }

  draw(turn) {
    const focused = turn.element.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    turn.element.dataset.state = turn.state;
    const parts = [h("h2", { class: "question" }, fill(h("span"), turn.question, direction(turn.question) || this.base))];
    orient(parts[0], turn.question, this.base);
    if (turn.searched && turn.searched !== turn.question) {
      parts.push(h("p", { class: "searched" }, fill(h("span", { class: "label" }), this.t("understood"), this.base), " ", fill(h("bdi"), turn.searched)));
    }
    if (turn.error) parts.push(fill(h("p", { class: "error" }), turn.error[this.language], this.base));
    else if (turn.answer) parts.push(this.answer(turn), this.standing(turn));
    else if (turn.draft) parts.push(this.draft(turn));
    if (!turn.answer && !turn.error) parts.push(this.progress(turn));
    if (turn.answer || turn.error || turn.state === "stopped") parts.push(this.actions(turn));
    turn.element.replaceChildren(...parts);
    if (focused) turn.element.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  draft(turn) {
    const block = h("div", { class: "answer draft" });
    paragraphs(block, [{ text: turn.draft }], direction(turn.question) || this.base);
    return block;
  }

  answer(turn) {
    const block = h("div", { class: "answer" });
    const base = turn.answer.language === "ar" ? "rtl" : "ltr";
    for (const pieces of turn.answer.paragraphs) {
      const paragraph = h("p", { dir: base, lang: turn.answer.language });
      // A paragraph is written in the language of the answer even where most of it is a quotation in the other.
      let place = paragraph;
      pieces.forEach((piece, index) => {
        const own = direction(piece.text) || base;
        const inner = own === base ? h("span") : h("bdi", { dir: own, lang: own === "rtl" ? "ar" : "en", class: "foreign" });
        if (own !== base && piece.text.length > LONG) {
          // Several lines in the other direction stand by themselves; their marks of quotation go with them.
          inner.classList.add("apart");
          write(inner, piece.text, own);
          place = inner;
          paragraph.append(inner);
        } else {
          if (own === base && piece.text.trim() && !/^[”»"]/.test(piece.text)) place = paragraph;
          place.append(write(inner, piece.text, own));
        }
        piece.cites.forEach((number, at) => place.append(this.cite(turn, number, `${index}-${at}`)));
      });
      block.append(paragraph);
    }
    for (const quote of block.querySelectorAll(".apart")) tidyQuotation(quote);
    return block;
  }

  cite(turn, number, key) {
    const source = turn.answer.sources.find((item) => item.number === number);
    return h(
      "a",
      {
        class: "cite",
        href: `#source-${turn.id}-${number}`,
        "data-number": number,
        "data-turn": turn.id,
        "data-key": `cite-${number}-${key}`,
        title: source ? source.title || source.document : "",
        "aria-label": this.t("cite", { n: number, title: source ? source.title || source.document : "" }),
      },
      `[${number}]`,
    );
  }

  /** How an answer stands, in a word: a kind for its colour and icon, and the text. */
  verdict(answer) {
    if (answer.status === "no_evidence") return { kind: "none", icon: "none", text: this.t("status_none") };
    if (answer.status === "unsupported") return { kind: "part", icon: "quote", text: this.t("status_unsupported") };
    if (answer.status === "stopped") return { kind: "part", icon: "stop", text: this.t("status_stopped") };
    if (answer.first === null) return { kind: "good", icon: "quote", text: this.t("status_quoted") };
    if (answer.rejected.length) return { kind: "part", icon: "part", text: this.t("status_part", { n: answer.rejected.length }) };
    return { kind: "good", icon: "good", text: this.t("status_proved") };
  }

  standing(turn) {
    const { answer } = turn;
    const { kind, icon: picture, text } = this.verdict(answer);
    const line = h("p", { class: "standing" }, h("span", { class: `verdict ${kind}` }, icon(picture), fill(h("span"), text, this.base)));
    const seconds = (value) => this.t("seconds", { n: value < 10 ? value.toFixed(1) : Math.round(value) });
    const times = [];
    if (answer.first !== null) times.push(this.t("time_first", { s: seconds(answer.first) }));
    times.push(this.t("time_total", { s: seconds(answer.total) }));
    line.append(fill(h("span", { class: "times" }), times.join(" · "), this.base));
    const block = h("div", { class: "standing-block" }, line);
    if (answer.rejected.length) block.append(this.rejected(turn));
    return block;
  }

  rejected(turn) {
    const details = h("details", { class: "rejected", open: turn.open }, fill(h("summary", { "data-key": "rejected" }), this.t("rejected"), this.base));
    details.addEventListener("toggle", () => (turn.open = details.open));
    const list = h("ul");
    for (const item of turn.answer.rejected) {
      list.append(h("li", {}, fill(h("span", { class: "left-out" }), item.text), fill(h("span", { class: "reason" }), this.t(turn.answer.status === "stopped" ? "reason_stopped" : `reason_${item.reason}`), this.base)));
    }
    details.append(list);
    return details;
  }

  progress(turn) {
    const keys = { waiting: "state_waiting", preparing: "state_preparing", searching: "state_searching", reading: "state_reading", writing: "state_writing" };
    if (turn.state === "stopped") return h("p", { class: "progress" }, fill(h("span"), this.t("status_stopped"), this.base));
    const text = turn.state === "queued" ? this.t("state_queued", { n: turn.place }) : this.t(keys[turn.state] || "state_waiting");
    return h("p", { class: "progress" }, h("span", { class: "dots", "aria-hidden": "true" }), fill(h("span"), text, this.base));
  }

  actions(turn) {
    const row = h("div", { class: "actions" });
    const add = (key, picture, action, options) => {
      const button = this.button(key, picture, action, options);
      button.dataset.key = key;
      row.append(button);
      return button;
    };
    if (turn.answer?.sources.length || turn.answer?.nearest.length) {
      const button = add("sources", "book", () => this.select(turn, true), { text: true });
      button.setAttribute("aria-pressed", String(this.selected === turn));
    }
    if (turn.answer) add("copy", "copy", (event) => this.copyAnswer(turn, event.currentTarget));
    if (this.turns.at(-1) === turn) {
      add("retry", "retry", () => this.ask(turn.question, turn));
      add("edit", "edit", () => this.edit(turn));
    }
    if (turn.answer && turn.answer.status !== "stopped") {
      const good = add("good", "up", async () => {
        if (await this.feedbackView.good(turn)) turn.said = "good";
        this.draw(turn);
      });
      good.setAttribute("aria-pressed", String(turn.said === "good"));
      // The thumb of "bad" is that of "good", turned over by the style.
      const bad = add("bad", "up", () => this.feedbackView.open(turn));
      bad.setAttribute("aria-pressed", String(turn.said === "bad"));
    }
    this.restate(row);
    return row;
  }

  edit(turn) {
    if (this.running) return;
    this.remove(turn);
    this.box.value = turn.question;
    this.drawWelcome();
    this.drawPanel();
    this.fit();
    this.box.focus();
  }

  async copyAnswer(turn, button) {
    const { answer } = turn;
    const notes = answer.sources.map((source) => `[${source.number}] ${this.named(source)}: ${answer.language === "ar" ? `«${source.quote}»` : `“${source.quote}”`}`);
    const copied = await copy([answer.text, ...notes].join("\n\n"));
    this.announce(this.t(copied ? "copied" : "copy_failed"));
    if (copied) {
      button.replaceChildren(icon("good"));
      setTimeout(() => button.replaceChildren(icon("copy")), 1500);
    }
  }

  named(source) {
    return [source.title, source.document, source.locator].filter(Boolean).join(" — ");
  }

  // --- sources -----------------------------------------------------------------------------------------------------------

  select(turn, open) {
    const before = this.selected;
    this.selected = turn;
    this.opener = document.activeElement?.dataset.key || null;
    for (const item of new Set([before, turn])) if (item && this.turns.includes(item)) this.draw(item);
    this.drawPanel();
    if (open) {
      this.showPanel(true);
      this.panelTitle.focus();
    }
  }

  onCite(event) {
    const link = event.target.closest("a.cite");
    if (!link) return;
    event.preventDefault();
    const turn = this.turns.find((item) => item.id === link.dataset.turn);
    if (!turn) return;
    const key = link.dataset.key;
    if (this.selected !== turn) this.select(turn, false);
    this.opener = key;
    this.showPanel(true);
    this.activate(Number(link.dataset.number));
  }

  /** Bring up one source: scroll to it, set it off, move the focus to it. */
  activate(number) {
    for (const card of this.panelList.querySelectorAll(".source")) card.classList.toggle("active", card.dataset.number === String(number));
    const card = this.panelList.querySelector(`.source[data-number="${number}"]`);
    if (!card) return;
    card.focus({ preventScroll: true });
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const mark = card.querySelector("mark");
    const target = card.offsetHeight > this.panelList.clientHeight && mark ? mark : card;
    target.scrollIntoView({ block: target === card ? "start" : "center", behavior: calm ? "auto" : "smooth" });
  }

  back() {
    const turn = this.selected;
    this.showPanel(false);
    const link = turn?.element.querySelector(`[data-key="${CSS.escape(this.opener || "")}"]`) || turn?.element.querySelector("a.cite, .actions button");
    (link || this.box).focus();
  }

  /** On a narrow screen the sources lie over the conversation; on a wide one they always stand beside it. */
  showPanel(open, back = false) {
    const wide = matchMedia(WIDE).matches;
    this.root.classList.toggle("panel-open", open && !wide);
    this.talk.inert = open && !wide;
    this.bar.inert = open && !wide;
    this.panel.inert = !open && !wide;
    if (back) this.back();
  }

  drawPanel() {
    const turn = this.selected || this.turns.at(-1);
    fill(this.panelTitle, this.t("sources"), this.base);
    const parts = [];
    if (turn && this.turns.length > 1) parts.push(h("p", { class: "panel-question" }, fill(h("bdi"), turn.question)));
    const note = (key) => parts.push(fill(h("p", { class: "panel-note" }), this.t(key), this.base));
    if (!turn || (!turn.found && !turn.answer)) note("panel_empty");
    else if (!turn.answer) {
      note(turn.found.length ? "panel_found" : "panel_nothing");
      for (const source of turn.found) parts.push(this.card(turn, source, true));
    } else {
      if (!turn.answer.sources.length) note(turn.answer.nearest.length ? "panel_nearest" : "panel_nothing");
      for (const source of turn.answer.sources) parts.push(this.card(turn, source, false));
      const others = turn.answer.nearest.map((source) => this.card(turn, source, true));
      if (others.length && turn.answer.sources.length) {
        parts.push(h("details", { class: "others" }, fill(h("summary"), this.t("panel_others", { n: others.length }), this.base), ...others));
      } else parts.push(...others);
    }
    this.panelList.replaceChildren(...parts);
    this.restate(this.panelList);
  }

  card(turn, source, brief) {
    const number = brief ? null : source.number;
    const titleId = `source-title-${turn.id}-${number ?? source.start}`;
    const head = h("h3", { id: brief ? null : titleId }, fill(h("bdi"), source.title || source.document));
    const card = h(
      "article",
      {
        class: brief ? "source brief" : "source",
        id: brief ? null : `source-${turn.id}-${number}`,
        tabindex: brief ? null : "-1",
        "data-number": number,
        "aria-labelledby": brief ? null : titleId,
      },
      h("div", { class: "source-head" }, brief ? null : h("span", { class: "number", dir: "ltr" }, String(number)), head),
    );
    const where = [source.title ? source.document : "", source.locator].filter(Boolean);
    if (where.length) {
      const line = h("p", { class: "where" });
      where.forEach((text, index) => line.append(...(index ? [" · "] : []), fill(h("bdi"), text)));
      card.append(line);
    }
    // A quotation is its own proof; anything else is shown beside the sentence that proves it.
    if (!brief && source.claims.some((claim) => plain(claim) !== plain(source.quote))) {
      const box = h("div", { class: "claims" }, fill(h("p", { class: "label" }), this.t("answer_says"), this.base));
      for (const claim of source.claims) paragraphs(box, [{ text: claim }], this.base);
      card.append(box, fill(h("p", { class: "label" }), this.t("source_says"), this.base));
    }
    const passage = h("blockquote", { class: "passage" });
    paragraphs(passage, brief ? around(source.pieces) : source.pieces);
    card.append(passage);
    const feet = h("div", { class: "feet" });
    const open = this.plain("open_document", () => this.documentView.open(source, turn.collection));
    feet.append(open);
    if (!brief) feet.append(this.plain("back_to_answer", () => this.back()));
    card.append(feet);
    return card;
  }

  onKey(event) {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (!this.menu.hidden) {
      this.unfold(false);
      this.menuButton.focus();
    } else if (this.running) this.stop();
    else if (this.root.classList.contains("panel-open")) this.showPanel(false, true);
    else if (this.panel.contains(document.activeElement)) this.back();
  }
}

/** Around a quotation that stands by itself, the marks of its own language; those of the sentence around it go. */
function tidyQuotation(quote) {
  const before = quote.previousSibling;
  const after = [...quote.children].find((child) => child.tagName === "SPAN" && /^[”»"]$/.test(child.textContent));
  if (!before || !/[“«"]$/.test(before.textContent) || !after) return;
  before.textContent = before.textContent.slice(0, -1).trimEnd();
  after.textContent = quote.dir === "rtl" ? "»" : "”";
  quote.prepend(quote.dir === "rtl" ? "«" : "“");
}

const plain = (text) => text.replace(/\s+/g, " ").trim();

/** The supporting sentences with a little of what stands around them. */
function around(pieces, reach = 110) {
  const marked = pieces.some((piece) => piece.mark);
  return pieces.map(({ text, mark }, index) => {
    if (mark) return { text, mark };
    const last = index === pieces.length - 1;
    if (!marked) return { text: text.length > 3 * reach ? `${text.slice(0, 3 * reach).replace(/\S*$/, "")}…` : text };
    if (index === 0 && text.length > reach && !last) return { text: `…${text.slice(-reach).replace(/^\S*/, "")}` };
    if (last && text.length > reach) return { text: `${text.slice(0, reach).replace(/\S*$/, "")}…` };
    if (text.length > 2 * reach) return { text: `${text.slice(0, reach).replace(/\S*$/, "")}… …${text.slice(-reach).replace(/^\S*/, "")}` };
    return { text };
  });
}
