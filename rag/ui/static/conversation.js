// The conversation: the box where a question is written, the turns, and the one that is being answered.

import { h, icon, recall, remember, unguessable } from "./dom.js";
import { orient } from "./text.js";
import { TurnView } from "./turn.js";

const SILENCE = 20000; // ms without a word from the server, after which the connection is taken for lost
const ENDED = ["done", "error", "stopped"];

export class Conversation {
  constructor(page) {
    this.page = page;
    this.turns = [];
    this.running = null;
    this.editing = null; // the turn whose question stands in the box to be changed
    this.previous = []; // the conversation before this one
    this.keeping = recall("keep") === "yes";
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
      h("div", { class: "field" }, this.box, this.sendButton),
      page.say(h("p", { class: "hint" }), "keys"),
    );
    this.list.addEventListener("click", (event) => page.panel.onCite(event));
  }

  /** What was kept from the last time, and an eye on the connection. */
  begin() {
    if (this.keeping) this.restore();
    setInterval(() => this.watchConnection(), 1000);
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

  ask(question, replaced = null) {
    if (this.running) return;
    const { page } = this;
    page.ahead.leave();
    if (this.editing) this.endEditing(this.editing !== replaced);
    if (replaced) this.remove(replaced);
    const before = this.turns.at(-1);
    const history = this.history();
    const { collection } = page;
    const turn = { id: unguessable(), question, collection, state: "waiting", place: 0, found: null, draft: "", searched: "", answer: null };
    turn.element = h("li", { class: "turn", id: `turn-${turn.id}`, "aria-busy": "true" });
    this.turns.push(turn);
    this.list.append(turn.element);
    this.running = turn;
    page.panel.selected = turn;
    this.changed();
    if (before) this.draw(before);
    this.draw(turn);
    page.panel.draw();
    this.thread.scrollTop = this.thread.scrollHeight;
    this.heard = performance.now();
    page.trigger("ask", { turn: turn.id, question, history, collection });
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
    const turn = this.turns.find((item) => item.id === view?.turn);
    if (!turn || ENDED.includes(turn.state)) return;
    this.heard = performance.now();
    const foundNow = view.found && !turn.found;
    Object.assign(turn, { state: view.state, place: view.place, found: view.found, draft: view.draft, searched: view.searched });
    if (view.answer) turn.answer = view.answer;
    if (view.error) turn.error = view.error;
    if (ENDED.includes(view.state)) this.finish(turn);
    if (foundNow || turn.answer || view.state === "error") this.page.panel.draw();
    this.schedule(turn);
  }

  finish(turn) {
    const { page } = this;
    if (this.running === turn) this.running = null;
    turn.element.removeAttribute("aria-busy");
    this.changed();
    if (turn.answer) this.keep();
    if (turn.state === "error") page.announce(turn.error[page.language], true);
    else if (turn.answer) page.announce(`${this.view.verdict(turn.answer).text || turn.answer.text} ${page.t("sources_count", { n: turn.answer.sources.length })}`);
    else page.announce(page.t("status_stopped"));
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

  /** Begin a new conversation. The last one can be brought back until the next question. */
  clear() {
    const { page } = this;
    if (this.running) page.call("stop", this.running.id);
    if (this.editing) this.endEditing();
    const ended = this.turns.filter((turn) => ENDED.includes(turn.state));
    if (ended.length) this.previous = ended;
    this.running = null;
    this.turns = [];
    page.panel.selected = null;
    this.list.replaceChildren();
    this.keep();
    this.changed();
    page.panel.draw();
    page.panel.show(false);
    this.box.focus();
  }

  bringBack() {
    this.turns = this.previous;
    this.previous = [];
    this.list.replaceChildren(...this.turns.map((turn) => turn.element));
    this.keep();
    this.redraw();
    this.page.panel.draw();
    this.thread.scrollTop = this.thread.scrollHeight;
    this.box.focus();
  }

  remove(turn) {
    turn.element.remove();
    this.turns = this.turns.filter((item) => item !== turn);
    if (this.page.panel.selected === turn) this.page.panel.selected = null;
  }

  // --- keeping it on this computer ---------------------------------------------------------------------------------------

  toggleKeeping() {
    this.keeping = !this.keeping;
    remember("keep", this.keeping ? "yes" : null);
    if (this.keeping) this.keep();
    else remember("turns", null);
    this.page.toast(this.page.t(this.keeping ? "kept" : "not_kept"));
  }

  keep() {
    if (!this.keeping) return;
    const kept = this.turns.filter((turn) => turn.answer).slice(-200);
    remember("turns", JSON.stringify(kept.map(({ id, question, searched, answer, collection }) => ({ id, question, searched, answer, collection }))));
  }

  restore() {
    let kept = [];
    try {
      kept = JSON.parse(recall("turns") || "[]");
    } catch {
      // Written by another version, or cut short: begin a new one.
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
}
