// The sentence behind a citation's number, shown next to it while the pointer or the focus is on it.

import { place } from "./about.js";
import { h } from "./dom.js";
import { fill, paragraphs } from "./text.js";

const LEAVING = 200; // ms in which the pointer may go from the number to the sentence
const GAP = 6; // pixels

export class Peek {
  constructor(page) {
    this.page = page;
    this.element = h("div", { class: "peek", id: "peek", role: "tooltip", hidden: true });
    this.link = null;
  }

  /** Follow the pointer and the focus inside an element. */
  watch(inside) {
    const link = (event) => event.target.closest?.("a.cite");
    inside.addEventListener("pointerover", (event) => event.pointerType === "mouse" && link(event) && this.show(link(event)));
    inside.addEventListener("pointerout", (event) => event.pointerType === "mouse" && link(event) && this.leave());
    inside.addEventListener("focusin", (event) => link(event)?.matches(":focus-visible") && this.show(link(event)));
    inside.addEventListener("focusout", () => this.hide());
    inside.addEventListener("click", () => this.hide());
    inside.addEventListener("scroll", () => this.move(inside), { passive: true });
    this.element.addEventListener("pointerenter", () => clearTimeout(this.leaving));
    this.element.addEventListener("pointerleave", () => this.leave());
  }

  show(link) {
    clearTimeout(this.leaving);
    if (link === this.link) return;
    const { page } = this;
    const turn = page.conversation.turns.find((item) => item.id === link.dataset.turn);
    const source = turn?.answer?.sources.find((item) => item.number === Number(link.dataset.number));
    if (!source) return;
    this.hide();
    const head = h("p", { class: "where" }, fill(h("bdi"), source.title || source.document));
    if (source.locator) head.append(" · ", fill(h("bdi"), place(page, source.locator), page.base));
    const marked = source.pieces.filter((piece) => piece.mark);
    const said = h("div", { class: "peek-text" });
    paragraphs(said, marked.map(({ text, words }) => ({ text, mark: words, words })), page.base);
    this.element.replaceChildren(head, said);
    this.element.hidden = false;
    link.setAttribute("aria-describedby", this.element.id);
    this.link = link;
    this.put(link.getBoundingClientRect());
  }

  /** Below the number, or above it where there is no room; never over the edge of the window. */
  put(at) {
    const box = this.element.getBoundingClientRect();
    const left = Math.min(Math.max(GAP, (at.left + at.right - box.width) / 2), innerWidth - box.width - GAP);
    const below = at.bottom + GAP + box.height <= innerHeight;
    this.element.style.left = `${left}px`;
    this.element.style.top = `${below ? at.bottom + GAP : Math.max(GAP, at.top - GAP - box.height)}px`;
  }

  /** Stay with the number while it is in sight. */
  move(inside) {
    if (!this.link) return;
    const [at, box] = [this.link.getBoundingClientRect(), inside.getBoundingClientRect()];
    if (at.bottom < box.top || at.top > box.bottom) this.hide();
    else this.put(at);
  }

  leave() {
    clearTimeout(this.leaving);
    this.leaving = setTimeout(() => this.hide(), LEAVING);
  }

  /** Returns whether there was something to hide. */
  hide() {
    clearTimeout(this.leaving);
    if (this.element.hidden) return false;
    this.element.hidden = true;
    this.link?.removeAttribute("aria-describedby");
    this.link = null;
    return true;
  }
}
