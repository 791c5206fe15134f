// One turn: the question, how it was understood, the answer with its citations, how it stands, and what can be done with it.

import { copy, h, icon } from "./dom.js";
import { named } from "./source.js";
import { direction, fill, orient, paragraphs, write } from "./text.js";

const LONG = 60; // characters of a quotation in the other direction, after which it stands by itself

export class TurnView {
  constructor(page) {
    this.page = page;
  }

  draw(turn) {
    const { page } = this;
    const focused = turn.element.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    turn.element.dataset.state = turn.state;
    const question = h("h2", { class: "question" }, fill(h("span"), turn.question, direction(turn.question) || page.base));
    orient(question, turn.question, page.base);
    const parts = [question];
    if (turn.filter) parts.push(this.only(turn.filter));
    if (turn.searched && turn.searched !== turn.question) parts.push(this.searched(turn));
    if (turn.error) parts.push(fill(h("p", { class: "error" }), turn.error[page.language], page.base));
    else if (turn.answer) parts.push(this.answer(turn), this.standing(turn));
    else if (turn.draft) parts.push(this.draft(turn));
    if (!turn.answer && !turn.error) parts.push(this.progress(turn));
    if (turn.answer || turn.error || turn.state === "stopped") parts.push(this.actions(turn));
    if (turn.answer) parts.push(...page.suggested.below(turn));
    turn.element.replaceChildren(...parts);
    if (focused) turn.element.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  /** How a follow-up was understood: in other words, or with words of a question before it. */
  searched({ question, searched }) {
    const { page } = this;
    const added = searched.startsWith(`${question} `) ? searched.slice(question.length).trim().split(/\s+/) : [];
    const label = fill(h("span", { class: "label" }), page.t(added.length ? "understood_with" : "understood"), page.base);
    return h("p", { class: "searched" }, label, " ", fill(h("bdi"), added.join(" · ") || searched));
  }

  /** From which documents only it was to be answered. */
  only(filter) {
    const { page } = this;
    const label = fill(h("span", { class: "label" }), page.t("filter_only"), page.base);
    const words = page.filters.words(filter).flatMap(([text], index) => [index ? " · " : " ", fill(h("bdi"), text)]);
    return h("p", { class: "searched" }, label, ...words);
  }

  draft(turn) {
    const block = h("div", { class: "answer draft" });
    paragraphs(block, [{ text: turn.draft }], direction(turn.question) || this.page.base);
    return block;
  }

  answer(turn) {
    const block = h("div", { class: "answer" });
    const base = turn.answer.language === "ar" ? "rtl" : "ltr";
    for (const whole of turn.answer.paragraphs) {
      const pieces = whole.flatMap((piece) => parted(piece, base));
      const paragraph = h("p", { dir: base, lang: turn.answer.language });
      // A paragraph is written in the language of the answer even where most of it is a quotation in the other.
      let place = paragraph;
      pieces.forEach((piece, index) => {
        const own = direction(piece.text) || base;
        const inner = own === base ? h("span") : h("bdi", { dir: own, lang: own === "rtl" ? "ar" : "en", class: "foreign" });
        if (piece.translated) inner.classList.add("translated");
        else if (pieces[index + 1]?.translated && piece.text.trim().length > 1) inner.classList.add("note"); // "Machine translation, …:"
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
        if (piece.cites.length) place.append(kept(inner, piece.cites.map((number, at) => this.cite(turn, number, `${index}-${at}`))));
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
        "aria-label": this.page.t("cite", { n: number, title: source ? source.title || source.document : "" }),
      },
      `[${number}]`,
    );
  }

  /** How an answer stands, in a word: a kind for its colour and icon, and the text; none of what says nothing from the documents. */
  verdict(answer) {
    if (answer.status === "answered" && !answer.sources.length) return { kind: "", icon: "", text: "" };
    if (answer.status === "no_evidence") return { kind: "none", icon: "none", text: this.page.t("status_none") };
    if (answer.status === "unsure") {
      const shown = { translated: "status_unsure_translated", unverified: "status_unsure_unverified" };
      return { kind: "part", icon: "quote", text: this.page.t(shown[answer.grade] ?? "status_unsure") };
    }
    if (answer.status === "unsupported") return { kind: "part", icon: "quote", text: this.page.t("status_unsupported") };
    if (answer.status === "stopped") return { kind: "part", icon: "stop", text: this.page.t("status_stopped") };
    if (answer.grade === "translated") return { kind: "part", icon: "part", text: this.page.t("status_translated") };
    if (answer.grade === "unverified") return { kind: "part", icon: "part", text: this.page.t("status_unverified") };
    // Neither is in the colour of what is right: a quotation proves itself, and not that it answers.
    if (answer.grade === "checked") return { kind: "shown", icon: "good", text: this.page.t("status_checked") };
    return { kind: "shown", icon: "quote", text: this.page.t("status_quoted") };
  }

  standing(turn) {
    const { answer } = turn;
    const { kind, icon: picture, text } = this.verdict(answer);
    const line = h("p", { class: "standing" });
    if (text) line.append(h("span", { class: `verdict ${kind}` }, icon(picture), fill(h("span"), text, this.page.base)));
    const seconds = (value) => this.page.t("seconds", { n: value < 0.095 ? value.toFixed(2) : value < 10 ? value.toFixed(1) : Math.round(value) });
    const times = [];
    if (answer.first !== null) times.push(this.page.t("time_first", { s: seconds(answer.first) }));
    times.push(this.page.t("time_total", { s: seconds(answer.total) }));
    line.append(fill(h("span", { class: "times" }), times.join(" · "), this.page.base));
    const block = h("div", { class: "standing-block" }, line);
    if (answer.unverified.length) block.append(this.unverified(turn));
    return block;
  }

  /** What the model wrote besides, and nothing was found for: apart, neither struck out nor part of the answer. */
  unverified(turn) {
    const details = h("details", { class: "unverified", open: turn.open }, fill(h("summary", { "data-key": "unverified" }), this.page.t("unverified"), this.page.base));
    details.addEventListener("toggle", () => (turn.open = details.open));
    const list = h("ul");
    for (const text of turn.answer.unverified) list.append(fill(h("li"), text));
    details.append(list);
    return details;
  }

  progress(turn) {
    const keys = { waiting: "state_waiting", preparing: "state_preparing", searching: "state_searching", reading: "state_reading", writing: "state_writing" };
    if (turn.state === "stopped") return h("p", { class: "progress" }, fill(h("span"), this.page.t("status_stopped"), this.page.base));
    const text = turn.state === "queued" ? this.page.t("state_queued", { n: turn.place }) : this.page.t(keys[turn.state] || "state_waiting");
    return h("p", { class: "progress" }, h("span", { class: "dots", "aria-hidden": "true" }), fill(h("span"), text, this.page.base));
  }

  actions(turn) {
    const { page } = this;
    const row = h("div", { class: "actions" });
    const add = (key, picture, action, options) => {
      const button = page.button(key, picture, action, options);
      button.dataset.key = key;
      row.append(button);
      return button;
    };
    if (turn.answer?.sources.length || turn.answer?.nearest.length) {
      const button = add("sources", "book", () => page.panel.select(turn, true), { text: true });
      button.setAttribute("aria-pressed", String(page.panel.selected === turn));
    }
    if (turn.answer) add("pin_answer", "pin", () => page.notebookView.pinAnswer(turn), { text: true });
    if (turn.answer) add("copy", "copy", (event) => this.copyAnswer(turn, event.currentTarget));
    if (turn.answer && page.conversation.store.lasting) {
      add("link", "link", async () => page.toast(page.t((await copy(page.conversation.link(turn))) ? "link_copied" : "copy_failed")));
    }
    if (page.conversation.turns.at(-1) === turn) {
      add("retry", "retry", () => page.conversation.ask(turn.question, turn, turn.filter));
      add("edit", "edit", () => page.conversation.edit(turn));
    }
    if (turn.answer && turn.answer.status !== "stopped") {
      const good = add("good", "up", async () => {
        if (await page.feedbackView.good(turn)) turn.said = "good";
        page.conversation.keep(turn);
        this.draw(turn);
      });
      good.setAttribute("aria-pressed", String(turn.said === "good"));
      // The thumb of "bad" is that of "good", turned over by the style.
      const bad = add("bad", "up", () => page.feedbackView.open(turn));
      bad.setAttribute("aria-pressed", String(turn.said === "bad"));
    }
    page.restate(row);
    return row;
  }

  async copyAnswer(turn, button) {
    const { answer } = turn;
    const notes = answer.sources.map((source) => `[${source.number}] ${named(this.page, source)}: ${answer.language === "ar" ? `«${source.quote}»` : `“${source.quote}”`}`);
    const copied = await copy([answer.text, ...notes].join("\n\n"));
    this.page.announce(this.page.t(copied ? "copied" : "copy_failed"));
    if (copied) {
      button.replaceChildren(icon("good"));
      setTimeout(() => button.replaceChildren(icon("copy")), 1500);
    }
  }
}

/** The answer's own words before a line that introduces a list in the other direction, and that line, as pieces of their own. */
function parted(piece, base) {
  const own = direction(piece.text);
  const found = !piece.cites.length && !piece.translated && own && own !== base && piece.text.match(/^([^“«]*\p{L}[^“«]*[“«])(.+)([”»])(:?\s*)([“«]?)$/su);
  if (!found) return [piece];
  const [, before, inner, closing, colon, opening] = found;
  const texts = [before, inner, closing, inner.length > LONG ? opening : colon + opening]; // what stands by itself needs no colon
  return texts.filter(Boolean).map((text) => ({ ...piece, text }));
}

/** Keep citation numbers on one line with the end of the text they support, so that none begins a line. */
function kept(piece, cites) {
  const last = piece.lastChild;
  if (last?.nodeType === Node.ELEMENT_NODE && last.className === "short") return h("span", { class: "kept" }, last, ...cites);
  const end = last?.nodeType === Node.TEXT_NODE ? last.data.match(/(?:[^\s\p{L}\p{N}]+|\S+)$/u) : null;
  const tail = end ? last.splitText(end.index) : "";
  return h("span", { class: "kept" }, tail, ...cites);
}

/** Around a quotation that stands by itself, the marks of its own language; those of the sentence around it go. */
function tidyQuotation(quote) {
  const before = quote.previousSibling;
  const after = [...quote.querySelectorAll("span")].flatMap((span) => [...span.childNodes]).find((node) => /^[”»"]$/.test(node.data));
  if (!before || !/[“«"]$/.test(before.textContent) || !after) return;
  before.textContent = before.textContent.slice(0, -1).trimEnd();
  after.data = quote.dir === "rtl" ? "»" : "”";
  quote.prepend(quote.dir === "rtl" ? "«" : "“");
}
