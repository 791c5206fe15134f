// Elements, icons and what is remembered on this computer.

/** An element with attributes (on* are listeners, class is the class) and children; strings become text. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const PATHS = {
  send: "M4 12h15M13 6l6 6-6 6",
  stop: "M7 7h10v10H7z",
  close: "M6 6l12 12M18 6L6 18",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2.5M12 19.5V22M2 12h2.5M19.5 12H22M4.9 4.9l1.8 1.8M17.3 17.3l1.8 1.8M4.9 19.1l1.8-1.8M17.3 6.7l1.8-1.8",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
  copy: "M9 9h10v11H9zM5 15V4h10",
  retry: "M4.5 12a7.5 7.5 0 1 0 2.4-5.5M4.5 4v4.5H9",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  good: "M4 12.5l5 5L20 6.5",
  up: "M7 11v9H4v-9zM7 11l4-7c1.6 0 2.4 1 2.1 2.5L12.4 10H18a2 2 0 0 1 2 2.4l-1.2 6a2 2 0 0 1-2 1.6H7",
  part: "M12 7.5v5.5M12 16.6v.2M12 3.2l9.3 16.3H2.7z",
  none: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18M8 12h8",
  quote: "M10 7c-3 1-4.5 3.2-4.5 6.4V17h4.6v-4.6H7.6M19 7c-3 1-4.5 3.2-4.5 6.4V17h4.6v-4.6h-2.5",
  book: "M4 5.5c3-1 5.5-.8 8 1 2.5-1.8 5-2 8-1v13c-3-1-5.5-.8-8 1-2.5-1.8-5-2-8-1zM12 6.5v13",
  files: "M8 3.5h7l4 4V17H8zM15 3.5v4h4M5 8v12.5h10",
  talk: "M4 5h16v11H9l-4 3.5V16H4zM8 9h8M8 12h5",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.5 15.5L20 20",
  filter: "M4 6h16M7 12h10M10 18h4",
  fresh: "M12 5v14M5 12h14",
  save: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 19.5h14",
  gauge: "M4 18a8.5 8.5 0 1 1 16 0M12 15l4-5",
  trash: "M5 7h14M9.5 7V4.5h5V7M7 7l1 13h8l1-13M10.5 11v5.5M13.5 11v5.5",
  larger: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M15.5 15.5L20 20M10.5 7.7v5.6M7.7 10.5h5.6",
  back: "M14.5 6l-6 6 6 6",
  forth: "M9.5 6l6 6-6 6",
  pin: "M9 4h6l-1 6 3 3.5H7L10 10zM12 13.5V20",
  note: "M6 3.5h9l4 4V20.5H6zM9 10h7M9 13.5h7M9 17h4",
  higher: "M6 14.5l6-6 6 6",
  lower: "M6 9.5l6 6 6-6",
  more: "M5 12h.01M12 12h.01M19 12h.01",
};

export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", class: `icon icon-${name}`, "aria-hidden": "true" })) {
    svg.setAttribute(key, value);
  }
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** Close a dialog with Escape from its search field, which would only be emptied by it. */
export function leaveOnEscape(event, dialog) {
  if (event.key !== "Escape" || event.isComposing) return;
  event.preventDefault();
  dialog.close();
}

/** A value of localStorage, or null where there is none or it can't be read (private windows may refuse). */
export function recall(key) {
  try {
    return window.localStorage.getItem(`shawahid.${key}`);
  } catch {
    return null;
  }
}

export function remember(key, value) {
  try {
    if (value === null) window.localStorage.removeItem(`shawahid.${key}`);
    else window.localStorage.setItem(`shawahid.${key}`, value);
  } catch {
    // Not remembered; nothing else is lost.
  }
}

/** A name that nobody can guess; crypto.randomUUID exists in secure contexts only, and a shared window may not be one. */
export function unguessable() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = h("textarea", { class: "offscreen" });
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}
