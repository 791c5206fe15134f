// The conversation: the box where a question is written, the turns, and the one that is being answered.

import { h, icon, recall, remember, unguessable } from "./dom.js";
import { Store } from "./store.js";
import { orient } from "./text.js";
import { TurnView } from "./turn.js";

const SILENCE = 20000; // ms without a word from the server, after which the connection is taken for lost
const ENDED = ["done", "error", "stopped"];
const ADDRESS = /^#\/c\/([0-9a-f]{32})(?:\/([0-9a-f]{32}))?$/; // of a conversation, and of an answer in it

const blank = { state: "waiting", place: 0, found: null, draft: "", searched: "", answer: null, error: null, filter: null };

/** A turn as it is stored. What Gradio hands over is a view of its own state, which the database could not take. */
function plainTurn({ id, conversation, at, question, searched, answer, error, collection, filter, said }) {
  return JSON.parse(JSON.stringify({ id, conversation, at, question, searched, answer, error, collection, filter, said }));
}

export class Conversation {
  constructor(page) {
    this.page = page;
    this.turns = [];
    this.running = null;
    this.editing = null; // the turn whose question stands in the box to be changed
    this.id = ""; // of the conversation; it begins with its first question
    this.elsewhere = []; // turns of other conversations that have not ended yet
    this.previous = ""; // the conversation before this one
    // One person's computer keeps them unless told otherwise; where several people log in, only if told so.
    const keep = recall("keep");
    this.store = new Store(keep ? keep === "yes" : !page.boot.login, (id) => this.changedElsewhere(id));
    this.view = new TurnView(page);
    this.list = h("ol", { class: "turns", role: "list" });
    const { element } = page.welcome;
    this.thread = page.say(h("div", { class: "thread", tabindex: "0", role: "log", "aria-live": "off" }, element, this.list), "answers", "label");
    this.box = page.say(
      page.say(h("textarea", { id: "question", rows: "1", enterkeyhint: "send", autocomplete: "off", spellcheck: "true" }), "placeholder", "placeholder"),
      "question",
      "label",
    );
    this.box.addEventListener("input", () => {
      this.fit();
      page.ahead.typed(this.box.value);
    });
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
        event.preventDefault();
        this.send();
      }
    });
    this.sendButton = page.button("send", "send", () => (this.running ? this.stop() : this.send()), { kind: "main send" });
    this.note = h(
      "p",
      { class: "editing-note", hidden: true },
      page.say(h("span"), "editing"),
      " ",
      page.say(h("button", { type: "button", class: "button link", onclick: () => this.endEditing() }), "editing_end"),
    );
    this.composer = h(
      "form",
      { class: "composer", onsubmit: (event) => event.preventDefault() },
      this.note,
      page.filters.bar(),
      h("div", { class: "field" }, this.box, this.sendButton),
      page.say(h("p", { class: "hint" }), "keys"),
    );
    this.list.addEventListener("click", (event) => page.panel.onCite(event));
  }

  /** The conversation that the address names, and an eye on the connection. */
  async begin() {
    setInterval(() => this.watchConnection(), 1000);
    window.addEventListener("popstate", () => this.goTo());
    await this.goTo();
  }

  // --- drawing -----------------------------------------------------------------------------------------------------------

  redraw() {
    this.changed();
    for (const turn of this.turns) this.draw(turn);
    this.fit();
  }

  draw(turn) {
    this.view.draw(turn);
  }

  /** Draw at the next frame, however many states arrive before it. */
  schedule(turn) {
    if (turn.scheduled) return;
    turn.scheduled = true;
    requestAnimationFrame(() => {
      turn.scheduled = false;
      const { thread } = this;
      const atEnd = thread.scrollHeight - thread.scrollTop - thread.clientHeight < 80;
      this.draw(turn);
      if (atEnd) thread.scrollTop = thread.scrollHeight;
    });
  }

  /** There are more or fewer turns, or another one runs. */
  changed() {
    this.page.root.classList.toggle("fresh", this.turns.length === 0);
    this.page.welcome.draw();
    const key = this.running ? "stop" : "send";
    this.sendButton.replaceChildren(icon(key));
    this.sendButton.dataset.sayLabel = key;
    this.sendButton.setAttribute("aria-label", this.page.t(key));
    this.sendButton.title = this.page.t(key);
    this.sendButton.classList.toggle("stopping", Boolean(this.running));
  }

  fit() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight, 200)}px`;
    orient(this.box, this.box.value, this.page.base);
  }

  // --- asking ------------------------------------------------------------------------------------------------------------

  send() {
    const question = this.box.value.trim();
    if (!question || this.running) return;
    this.box.value = "";
    this.fit();
    this.ask(question, this.editing);
  }

  /** What was asked and answered before, for a question that follows up on it. */
  history() {
    const answered = this.turns.filter((turn) => turn.answer);
    return answered.slice(-4).map((turn) => [turn.answer.searched || turn.question, turn.answer.text]);
  }

  ask(question, replaced = null, filter = this.page.filters.value) {
    if (this.running) return;
    const { page } = this;
    page.ahead.leave();
    page.filters.fold();
    if (this.editing) this.endEditing(this.editing !== replaced);
    if (replaced) this.remove(replaced);
    const before = this.turns.at(-1);
    const history = this.history();
    const { collection } = page;
    if (!this.id) {
      this.id = unguessable();
      window.history.pushState(null, "", `#/c/${this.id}`);
    }
    const at = Math.max(Date.now(), (before?.at ?? 0) + 1);
    const turn = { ...blank, id: unguessable(), conversation: this.id, at, question, collection, filter };
    this.place(turn).setAttribute("aria-busy", "true");
    this.running = turn;
    this.keep(turn);
    page.panel.selected = turn;
    this.changed();
    if (before) this.draw(before);
    this.draw(turn);
    page.panel.draw();
    this.thread.scrollTop = this.thread.scrollHeight;
    this.heard = performance.now();
    page.trigger("ask", { turn: turn.id, question, history, collection, filter });
  }

  async stop() {
    const turn = this.running;
    if (!turn) return;
    const answer = await this.page.call("stop", turn.id);
    if (answer?.error) this.fail(turn, "error_connection");
  }

  /** Stop what runs, or leave a question as it was; whether there was anything of it. */
  escape() {
    if (this.running) this.stop();
    else if (this.editing) this.endEditing();
    else return false;
    return true;
  }

  /** The state of a turn as Python sees it now. */
  receive(view) {
    const turn = [...this.turns, ...this.elsewhere].find((item) => item.id === view?.turn);
    if (!turn || ENDED.includes(turn.state)) return;
    this.heard = performance.now();
    const foundNow = view.found && !turn.found;
    Object.assign(turn, { state: view.state, place: view.place, found: view.found, draft: view.draft, searched: view.searched });
    if (view.answer) turn.answer = view.answer;
    if (view.error) turn.error = view.error;
    if (ENDED.includes(view.state)) this.finish(turn);
    if (!this.turns.includes(turn)) return;
    if (foundNow || turn.answer || view.state === "error") this.page.panel.draw();
    this.schedule(turn);
  }

  finish(turn) {
    const { page } = this;
    if (this.running === turn) this.running = null;
    turn.element.removeAttribute("aria-busy");
    this.keep(turn);
    this.elsewhere = this.elsewhere.filter((item) => item !== turn);
    if (!this.turns.includes(turn)) return;
    this.changed();
    if (turn.state === "error") page.announce(turn.error[page.language], true);
    else if (turn.answer) page.announce(`${this.view.verdict(turn.answer).text || turn.answer.text} ${page.t("sources_count", { n: turn.answer.sources.length })}`);
    else page.announce(page.t("status_stopped"));
    if (turn.answer && turn.state === "done") page.suggested.after(turn);
  }

  fail(turn, key) {
    turn.state = "error";
    turn.error = this.page.both(key);
    this.finish(turn);
    this.schedule(turn);
  }

  watchConnection() {
    if (this.running && performance.now() - this.heard > SILENCE) this.fail(this.running, "error_connection");
  }

  // --- changing and leaving ----------------------------------------------------------------------------------------------

  /** Put a question into the box to be changed; its answer stays until the new one is sent. */
  edit(turn) {
    if (this.running) return;
    this.editing = turn;
    turn.element.classList.add("editing");
    this.note.hidden = false;
    this.box.value = turn.question;
    this.fit();
    this.box.focus();
    this.page.announce(this.page.t("editing"));
  }

  endEditing(empty = true) {
    this.editing?.element.classList.remove("editing");
    this.editing = null;
    this.note.hidden = true;
    if (!empty) return;
    this.page.ahead.leave();
    this.box.value = "";
    this.fit();
    this.box.focus();
  }

  /** Begin anew. What was said until then is among the conversations. */
  clear() {
    if (this.id) window.history.pushState(null, "", window.location.pathname + window.location.search);
    this.show("", []);
    this.box.focus();
  }

  async bringBack() {
    await this.open(this.previous);
    this.box.focus();
  }

  remove(turn) {
    this.stored(this.store.removeTurn(turn));
    turn.element.remove();
    this.turns = this.turns.filter((item) => item !== turn);
    if (this.page.panel.selected === turn) this.page.panel.selected = null;
  }

  // --- conversations ------------------------------------------------------------------------------------------------------

  /** Open a conversation, at one of its answers or at its end; whether there is one of that id. */
  async open(id, at = "") {
    const turns = await this.store.turns(id).catch(() => []); // a database that can't be read
    if (!turns.length) return false;
    const hash = `#/c/${id}${at ? `/${at}` : ""}`;
    if (window.location.hash !== hash) window.history.pushState(null, "", hash);
    this.show(id, turns, at);
    return true;
  }

  /** Show what the address names, after Back or on opening the page. */
  async goTo() {
    const [, id = "", at = ""] = window.location.hash.match(ADDRESS) ?? [];
    if (id && (id === this.id || (await this.open(id, at)))) {
      if (at) this.pointTo(at);
      return;
    }
    if (id) this.page.toast(this.page.t("conversation_gone"));
    if (this.id || id) this.show("", []);
  }

  /** Put the turns of a conversation in the place of those that are shown. What runs is stopped, and what it gave goes to its own. */
  show(id, stored, at = "") {
    const { page } = this;
    if (this.editing) this.endEditing();
    if (this.running) {
      page.call("stop", this.running.id);
      this.elsewhere.push(this.running);
    }
    if (this.turns.length && this.id !== id) this.previous = this.id;
    this.id = id;
    this.running = null;
    this.turns = [];
    this.list.replaceChildren();
    page.panel.selected = null;
    for (const turn of stored) this.place(this.revived(turn));
    this.redraw();
    page.panel.draw();
    page.panel.show(false);
    if (at) this.pointTo(at);
    else requestAnimationFrame(() => (this.thread.scrollTop = this.thread.scrollHeight));
  }

  /** A stored turn as one that is shown. One that did not end was left with its page: it can be asked again. */
  revived(turn) {
    const running = this.elsewhere.find((item) => item.id === turn.id);
    if (running) return running;
    return { ...blank, ...turn, state: turn.error ? "error" : turn.answer ? "done" : "stopped" };
  }

  place(turn) {
    turn.element ??= h("li", { class: "turn", id: `turn-${turn.id}`, tabindex: "-1" });
    this.turns.push(turn);
    this.list.append(turn.element);
    return turn.element;
  }

  /** Set off the answer that a link leads to. */
  pointTo(id) {
    const turn = this.turns.find((item) => item.id === id);
    if (!turn) return;
    for (const each of this.turns) each.element.classList.toggle("pointed", each === turn);
    this.page.panel.select(turn, false);
    requestAnimationFrame(() => {
      turn.element.scrollIntoView({ block: "start" });
      turn.element.focus({ preventScroll: true });
    });
  }

  /** The address of an answer, for this browser. */
  link(turn) {
    return `${window.location.origin}${window.location.pathname}#/c/${turn.conversation}/${turn.id}`;
  }

  /** Another tab added to a conversation, renamed or deleted it: what is shown here follows, and nothing of it is lost. */
  async changedElsewhere(id) {
    this.page.conversationsView?.refresh();
    this.page.notebookView?.changedElsewhere();
    if (!this.id || (id && id !== this.id) || this.running || this.editing) return;
    const stored = await this.store.turns(this.id);
    const ended = stored.filter((turn) => turn.answer || turn.error);
    const known = this.turns.filter((turn) => turn.answer || turn.error).map((turn) => turn.id);
    if (this.running || (ended.length === known.length && ended.every((turn) => known.includes(turn.id)))) return;
    if (stored.length) this.show(this.id, ended);
  }

  /** Store a turn as it is now; one that has only been asked is stored too, so that a page that is left loses no question. */
  keep(turn) {
    return this.stored(this.store.save(plainTurn(turn)));
  }

  /** Tell where the browser could not store something; the page itself still shows it. */
  async stored(work) {
    try {
      await work;
      this.page.conversationsView?.refresh();
    } catch {
      this.page.toast(this.page.t("not_stored"), true);
    }
  }

  async keepAll(lasting) {
    remember("keep", lasting ? "yes" : "no");
    await this.stored(this.store.keep(lasting));
    if (lasting) return;
    for (const turn of this.turns) await this.store.save(plainTurn(turn));
    await this.page.notebookView.kept();
  }
}
