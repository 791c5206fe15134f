// Work under way: what is being done, how much of it is, and a way to stop it.

import { h } from "./dom.js";
import { fill } from "./text.js";

export class WorkBar {
  /** `cancel` asks the server to stop the work. The caller asks again while `cancelling`: one click is enough. */
  constructor(page, cancel) {
    this.page = page;
    this.cancelling = false;
    this.text = h("p");
    this.bar = h("progress", { max: "1" });
    this.stop = h("button", { type: "button", class: "button link" });
    this.stop.addEventListener("click", () => {
      if (this.cancelling) return;
      this.cancelling = true;
      this.drawStop();
      page.announce(page.t("cancelling"));
      cancel();
    });
    this.element = h("div", { class: "work", hidden: true }, this.text, this.bar, this.stop);
    this.drawStop();
  }

  /** `share` from 0 to 1, or null where it is not known; `stoppable` where there is something to stop. */
  show(text, share = null, stoppable = true) {
    this.element.hidden = false;
    this.stop.hidden = !stoppable;
    this.drawStop();
    fill(this.text, text, this.page.base);
    this.bar.setAttribute("aria-label", text);
    if (share === null) this.bar.removeAttribute("value");
    else this.bar.value = share;
  }

  /** The button stays in its place and keeps the focus; what it was pressed for may take a while. */
  drawStop() {
    const text = this.page.t(this.cancelling ? "cancelling" : "cancel");
    this.stop.setAttribute("aria-disabled", String(this.cancelling));
    if (this.stop.textContent !== text) fill(this.stop, text, this.page.base);
  }

  hide() {
    this.element.hidden = true;
    this.cancelling = false;
  }
}
