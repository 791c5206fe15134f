// The sources next to the conversation: what was found, then what supports the answer, one card each.

import { h } from "./dom.js";
import { sourceCard } from "./source.js";
import { fill } from "./text.js";

const WIDE = "(min-width: 60rem)";

export class Panel {
  constructor(page) {
    this.page = page;
    this.selected = null; // the turn whose sources are shown; none: the last one's
    this.opener = null; // the key of the citation that led here
    this.list = h("div", { class: "panel-list" });
    this.title = h("h2", { id: "panel-title", tabindex: "-1" });
    const close = page.button("close", "close", () => this.show(false, true));
    this.element = h("aside", { class: "panel", "aria-labelledby": "panel-title" }, h("div", { class: "panel-head" }, this.title, close), this.list);
    matchMedia(WIDE).addEventListener("change", () => this.show(false));
  }

  select(turn, open) {
    const { conversation } = this.page;
    const before = this.selected;
    this.selected = turn;
    this.opener = document.activeElement?.dataset.key || null;
    for (const item of new Set([before, turn])) if (item && conversation.turns.includes(item)) conversation.draw(item);
    this.draw();
    if (open) {
      this.show(true);
      this.title.focus();
    }
  }

  onCite(event) {
    const link = event.target.closest("a.cite");
    if (!link) return;
    event.preventDefault();
    const turn = this.page.conversation.turns.find((item) => item.id === link.dataset.turn);
    if (!turn) return;
    const key = link.dataset.key;
    if (this.selected !== turn) this.select(turn, false);
    this.opener = key;
    this.show(true);
    this.activate(Number(link.dataset.number));
  }

  /** Bring up one source: scroll to it, set it off, move the focus to it. */
  activate(number) {
    for (const card of this.list.querySelectorAll(".source")) card.classList.toggle("active", card.dataset.number === String(number));
    const card = this.list.querySelector(`.source[data-number="${number}"]`);
    if (!card) return;
    card.focus({ preventScroll: true });
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const mark = card.querySelector("mark");
    const target = card.offsetHeight > this.list.clientHeight && mark ? mark : card;
    target.scrollIntoView({ block: target === card ? "start" : "center", behavior: calm ? "auto" : "smooth" });
  }

  back() {
    const turn = this.selected;
    this.show(false);
    const link = turn?.element.querySelector(`[data-key="${CSS.escape(this.opener || "")}"]`) || turn?.element.querySelector("a.cite, .actions button");
    (link || this.page.conversation.box).focus();
  }

  /** On a narrow screen the sources cover the conversation; on a wide one they are always next to it. */
  show(open, back = false) {
    const { page } = this;
    const wide = matchMedia(WIDE).matches;
    page.root.classList.toggle("panel-open", open && !wide);
    page.talk.inert = open && !wide;
    page.bar.inert = open && !wide;
    this.element.inert = !open && !wide;
    if (back) this.back();
  }

  /** Go back to the conversation from a source. */
  escape() {
    if (this.page.root.classList.contains("panel-open")) this.show(false, true);
    else if (this.element.contains(document.activeElement)) this.back();
  }

  draw() {
    const { page } = this;
    const { turns } = page.conversation;
    const turn = this.selected || turns.at(-1);
    fill(this.title, page.t("sources"), page.base);
    const parts = [];
    const note = (key) => parts.push(fill(h("p", { class: "panel-note" }), page.t(key), page.base));
    const card = (source, brief) => sourceCard(page, turn, source, brief);
    if (turn && turns.length > 1) parts.push(h("p", { class: "panel-question" }, fill(h("bdi"), turn.question)));
    if (!turn || (!turn.found && !turn.answer)) note("panel_empty");
    else if (!turn.answer) {
      note(turn.found.length ? "panel_found" : "panel_nothing");
      parts.push(...turn.found.map((source) => card(source, true)));
    } else {
      const { sources, nearest } = turn.answer;
      const why = turn.answer.status === "stopped" ? "panel_stopped" : "panel_nearest";
      if (!sources.length) note(nearest.length ? why : "panel_nothing");
      parts.push(...sources.map((source) => card(source, false)));
      const others = nearest.map((source) => card(source, true));
      if (others.length && sources.length) {
        parts.push(h("details", { class: "others" }, fill(h("summary"), page.t("panel_others", { n: others.length }), page.base), ...others));
      } else parts.push(...others);
    }
    this.list.replaceChildren(...parts);
    page.restate(this.list);
  }
}
