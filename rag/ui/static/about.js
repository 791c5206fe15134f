// The metadata of a document: its kind, author, date and source.

import { h } from "./dom.js";
import { fill } from "./text.js";

/** A line of that, after `parts`, which are texts; null where there is nothing to say. Whatever a file says of itself is text. */
export function about({ kind, author, date, source, url }, parts = []) {
  const items = [];
  if (kind) items.push(h("span", { class: "kind", dir: "ltr" }, kind));
  for (const text of [...parts, author, date]) if (text) items.push(fill(h("bdi"), text));
  if (url) items.push(address(url));
  else if (source) items.push(fill(h("bdi"), source));
  if (!items.length) return null;
  const line = h("p", { class: "where" });
  items.forEach((item, index) => line.append(...(index ? [" · "] : []), item));
  return line;
}

const PLACES = { "p.": "place_page", row: "place_row", slide: "place_slide", sheet: "place_sheet" };

/** Where a passage stands in its document, in the language of the interface: "p. 3" is «ص 3» in Arabic. */
export function place(page, locator) {
  const [, kind, rest] = locator.match(/^(p\.|row|slide|sheet) (.+)$/) ?? [];
  return kind ? page.t(PLACES[kind], { n: rest }) : locator;
}

const SHOWN = 90; // characters of an address

/** An address as a person reads it: without the scheme, its letters decoded, and only the ends of a long one. */
export function readable(url) {
  const bare = url.replace(/^https?:\/\//, "").replace(/\/$/, "");
  let text = bare;
  try {
    text = decodeURI(bare).replace(/[\s\p{C}\u200b-\u200f\u202a-\u202e\u2066-\u2069]/gu, encodeURIComponent); // nothing unseen, and no space
  } catch {
    // Not UTF-8: as it is.
  }
  const letters = [...text];
  return letters.length > SHOWN ? `${letters.slice(0, SHOWN - 30).join("")}…${letters.slice(-29).join("")}` : text;
}

/** An address as a link that sends no referrer; anything but http and https stays text. */
function address(url) {
  const shown = h("bdi", { dir: "ltr" }, readable(url));
  if (!/^https?:\/\//.test(url)) return shown;
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, shown);
}
