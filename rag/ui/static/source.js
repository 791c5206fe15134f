// A source as a card: where it stands, what the answer says from it, and the passage with the sentence that proves it.

import { about, place } from "./about.js";
import { h } from "./dom.js";
import { fill, paragraphs } from "./text.js";

/** The card of a source; a `brief` one was found and is not cited: it has no number. */
export function sourceCard(page, turn, source, brief) {
  const number = brief ? null : source.number;
  const titleId = `source-title-${turn.id}-${number ?? source.start}`;
  const head = h("h3", { id: brief ? null : titleId }, fill(h("bdi"), source.title || source.document));
  const card = h(
    "article",
    {
      class: brief ? "source brief" : "source",
      id: brief ? null : `source-${turn.id}-${number}`,
      tabindex: brief ? null : "-1",
      "data-number": number,
      "aria-labelledby": brief ? null : titleId,
    },
    h("div", { class: "source-head" }, brief ? null : h("span", { class: "number", dir: "ltr" }, String(number)), head),
  );
  const where = about(source, [source.title ? source.document : "", place(page, source.locator)]);
  if (where) card.append(where);
  // A quotation needs no support; anything else is shown with the sentence that supports it.
  const claims = brief ? [] : source.claims.filter((claim) => plain(claim) !== plain(source.quote));
  if (claims.length) {
    const box = h("div", { class: "claims" }, fill(h("p", { class: "label" }), page.t("answer_says"), page.base));
    for (const claim of claims) paragraphs(box, [{ text: claim }], page.base);
    card.append(box, fill(h("p", { class: "label" }), page.t("source_says"), page.base));
  }
  const passage = h("blockquote", { class: "passage" });
  paragraphs(passage, brief ? around(source.pieces) : source.pieces);
  const feet = h("div", { class: "feet" }, page.plain("open_document", () => page.documentView.open(source, turn.collection)));
  feet.append(page.plain("pin_passage", () => page.notebookView.pinPassage(source, turn.collection)));
  if (!brief) feet.append(page.plain("back_to_answer", () => page.panel.back()));
  card.append(passage, feet);
  return card;
}

const plain = (text) => text.replace(/\s+/g, " ").trim();

/** A source in a line of text, for what is copied or saved. */
export function named(page, source) {
  return [source.title, source.document, place(page, source.locator), source.author, source.date, source.source].filter(Boolean).join(" — ");
}

/** The supporting sentences with a little of what stands around them. */
function around(pieces, reach = 110) {
  const marked = pieces.some((piece) => piece.mark);
  return pieces.map(({ text, mark, words }, index) => {
    if (mark) return { text, mark, words };
    const last = index === pieces.length - 1;
    if (!marked) return { text: text.length > 3 * reach ? `${text.slice(0, 3 * reach).replace(/\S*$/, "")}…` : text };
    if (index === 0 && text.length > reach && !last) return { text: `…${text.slice(-reach).replace(/^\S*/, "")}` };
    if (last && text.length > reach) return { text: `${text.slice(0, reach).replace(/\S*$/, "")}…` };
    if (text.length > 2 * reach) return { text: `${text.slice(0, reach).replace(/\S*$/, "")}… …${text.slice(-reach).replace(/^\S*/, "")}` };
    return { text };
  });
}
