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
    const shown = `${page.language} ${page.collection}`;
    if (this.element.dataset.shown !== shown) this.build(shown);
    // Only the number changes while somebody may be pressing an example: a button that is replaced under the pointer loses its click.
    const { documents } = page.notice.status;
    this.back.hidden = !page.conversation.previous;
    this.counted.hidden = !documents;
    if (documents) fill(this.counted, page.t("documents_count", { n: documents }), page.base);
  }

  build(shown) {
    const { page } = this;
    this.element.dataset.shown = shown;
    this.counted = h("p", { class: "small" });
    this.back = page.plain("bring_back", () => page.conversation.bringBack());
    this.element.replaceChildren(
      fill(h("h2"), page.t("welcome"), page.base),
      fill(h("p"), page.t("welcome_text"), page.base),
      this.counted,
      h("div", {}, this.back),
    );
    this.offered = h("div");
    this.element.append(this.offered);
    this.offer(page.boot.examples);
    page.suggested.opening((suggestions) => suggestions.length && this.offer(suggestions));
  }

  /** Questions to begin with, the reader's own language first. */
  offer(questions) {
    const { page } = this;
    if (!questions.length) return;
    const order = [...questions].sort((a, b) => (b.language === page.language) - (a.language === page.language));
    this.offered.replaceChildren(fill(h("h3"), page.t("examples"), page.base), page.suggested.list(order));
  }
}
