// What stands where no question has been asked yet.

import { h } from "./dom.js";
import { fill } from "./text.js";

export class Welcome {
  constructor(page) {
    this.page = page;
    this.element = h("div", { class: "welcome" });
  }

  draw() {
    const { page } = this;
    this.element.hidden = page.conversation.turns.length > 0;
    if (this.element.hidden) return;
    if (this.element.dataset.shown !== page.language) this.build();
    // Only the number changes while somebody may be pressing an example: a button that is replaced under the pointer loses its click.
    const { documents } = page.notice.status;
    this.back.hidden = !page.conversation.previous;
    this.counted.hidden = !documents;
    if (documents) fill(this.counted, page.t("documents_count", { n: documents }), page.base);
  }

  build() {
    const { page } = this;
    this.element.dataset.shown = page.language;
    this.counted = h("p", { class: "small" });
    this.back = page.plain("bring_back", () => page.conversation.bringBack());
    this.element.replaceChildren(
      fill(h("h2"), page.t("welcome"), page.base),
      fill(h("p"), page.t("welcome_text"), page.base),
      this.counted,
      h("div", {}, this.back),
    );
    const { examples } = page.boot;
    if (!examples.length) return;
    // The reader's own language first.
    const order = [...examples].sort((a, b) => (b.language === page.language) - (a.language === page.language));
    const items = order.map(({ text }) => {
      const button = h("button", { type: "button", class: "example", onclick: () => page.conversation.ask(text) });
      return h("li", {}, fill(button, text));
    });
    this.element.append(fill(h("h3"), page.t("examples"), page.base), h("ul", { class: "examples", role: "list" }, ...items));
  }
}
