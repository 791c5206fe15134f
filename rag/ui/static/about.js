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

/** An address as a link that sends no referrer; anything but http and https stays text. */
function address(url) {
  const shown = h("bdi", { dir: "ltr" }, url.replace(/^https?:\/\//, ""));
  if (!/^https?:\/\//.test(url)) return shown;
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, shown);
}
