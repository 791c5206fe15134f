// Suggested questions: three to begin with and three after each answer, as buttons. They are made while nobody waits, so what is missing
// is asked for again after a while.

import { h } from "./dom.js";
import { fill } from "./text.js";

const SHOWN = 3;
const AGAIN = 4000; // ms until more may have been made
const TIMES = 30; // after which nothing more is asked for

export class Suggested {
  constructor(page) {
    this.page = page;
    this.asking = 0; // the last series of requests; an earlier one ends
  }

  /** Give the questions to begin with, and again when there are more. */
  opening(give) {
    this.follow({}, give);
  }

  /** Put the questions to go on with below an answer. */
  after(turn) {
    const cited = turn.answer.sources.map((source) => [source.document, source.start, source.end]);
    const asked = this.page.conversation.turns.flatMap((item) => [item.question, item.answer?.searched ?? ""]).filter(Boolean);
    this.follow({ language: turn.answer.language, cited, asked, collection: turn.collection }, (suggestions) => {
      turn.suggested = suggestions;
      this.show(turn);
    });
  }

  /** Put the questions below an answer that stands there already. The rest is left as it is: somebody may be selecting words of it. */
  show(turn) {
    const { thread } = this.page.conversation;
    const atEnd = thread.scrollHeight - thread.scrollTop - thread.clientHeight < 80;
    turn.element.querySelector(":scope > .suggested")?.remove();
    turn.element.append(...this.below(turn));
    if (atEnd) thread.scrollTop = thread.scrollHeight;
  }

  /** Ask until there are enough, they come to an end, or something else is asked for. */
  async follow(asked, give) {
    const { page } = this;
    const series = ++this.asking;
    let before = "";
    for (let time = 0; time < TIMES && series === this.asking; time += 1) {
      const request = { collection: page.collection, language: page.language, ...asked };
      const view = page.notice.status.opened === false || page.conversation.running || document.hidden ? null : await page.call("suggestions", request);
      if (series !== this.asking || (view?.error && !view.lost && view.error.key !== "ui.error_not_ready")) return;
      if (view?.suggestions) {
        const shown = JSON.stringify(view.suggestions);
        if (shown !== before) give(view.suggestions);
        before = shown;
        // Buttons are not replaced under the pointer once there are enough in the reader's language.
        const own = view.suggestions.filter((one) => one.language === request.language);
        if (!view.more || own.length >= SHOWN) return;
      }
      await new Promise((done) => setTimeout(done, AGAIN));
    }
  }

  /** Buttons that ask. */
  list(questions) {
    const { page } = this;
    const items = questions.map(({ text }) => {
      const button = h("button", { type: "button", class: "example", "data-key": `suggested-${text}`, onclick: () => page.conversation.ask(text) });
      return h("li", {}, fill(button, text));
    });
    return h("ul", { class: "examples", role: "list" }, ...items);
  }

  /** What stands below the last answer; nothing below the others. */
  below(turn) {
    const { page } = this;
    if (!turn.suggested?.length || page.conversation.turns.at(-1) !== turn || page.conversation.running) return [];
    return [h("div", { class: "suggested" }, fill(h("h3", { class: "label" }), page.t("suggested"), page.base), this.list(turn.suggested))];
  }
}
