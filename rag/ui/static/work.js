// Work under way: what is being done, how much of it is, and a way to stop it.

import { h } from "./dom.js";
import { fill } from "./text.js";

export class WorkBar {
  constructor(page, cancel) {
    this.page = page;
    this.text = h("p");
    this.bar = h("progress", { max: "1" });
    this.stop = page.say(h("button", { type: "button", class: "button link", onclick: cancel }), "cancel");
    this.element = h("div", { class: "work", hidden: true }, this.text, this.bar, this.stop);
  }

  /** `share` from 0 to 1, or null where it is not known; `stoppable` where there is something to stop. */
  show(text, share = null, stoppable = true) {
    this.element.hidden = false;
    this.stop.hidden = !stoppable;
    this.page.restate(this.element);
    fill(this.text, text, this.page.base);
    this.bar.setAttribute("aria-label", text);
    if (share === null) this.bar.removeAttribute("value");
    else this.bar.value = share;
  }

  hide() {
    this.element.hidden = true;
  }
}
