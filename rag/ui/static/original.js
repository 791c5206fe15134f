// The pages of a document's file as images, with the words of a quotation marked where they stand.

import { h, icon } from "./dom.js";
import { fill } from "./text.js";

const ZOOMS = [1, 1.4, 2]; // of the width that is there
const KEPT = 8; // pages whose images stay in the page

export class OriginalView {
  /** `turned` is called with the number of a page and where it begins in the text, when a reader turns to it. */
  constructor(page, turned) {
    this.page = page;
    this.turned = turned;
    this.zoom = 0;
    this.images = new Map(); // addresses of images by number and width, the oldest first
    this.number = page.say(h("input", { type: "text", inputmode: "numeric", class: "page-number", dir: "ltr", autocomplete: "off" }), "page_number", "label");
    this.number.addEventListener("change", () => this.turn(Number(this.number.value.replace(/[٠-٩]/g, (digit) => digit.charCodeAt(0) - 0x660)) || this.shown));
    this.before = page.button("page_before", "back", () => this.turn(this.shown - 1));
    this.after = page.button("page_after", "forth", () => this.turn(this.shown + 1));
    this.nearer = page.button("page_zoom", "larger", () => this.enlarge());
    this.total = h("span", { class: "page-total" });
    this.place = h("span", { class: "page-mark-note" });
    this.said = h("p", { class: "panel-note", role: "status" });
    this.image = h("img", { alt: "", draggable: "false" });
    this.marks = h("div", { class: "page-marks", "aria-hidden": "true" });
    this.sheet = h("div", { class: "page-sheet" }, this.image, this.marks);
    this.box = h("div", { class: "page-box", tabindex: "0", role: "region" }, this.said, this.sheet);
    this.element = h(
      "div",
      { class: "original", hidden: true },
      h("div", { class: "page-tools" }, this.before, this.number, this.total, this.after, this.nearer, this.place),
      this.box,
    );
    this.box.addEventListener("keydown", (event) => this.onKey(event));
    new ResizeObserver(() => this.sharpen()).observe(this.box);
  }

  /** Show the page on which a span stands: `wanted` names the document, its collection and the span. */
  async open(wanted, title) {
    this.close();
    this.wanted = wanted;
    this.title = title;
    const view = await this.page.call("original", wanted);
    if (wanted !== this.wanted) return;
    if (view.error) {
      fill(this.said, view.error[this.page.language], this.page.base);
      return;
    }
    this.view = view;
    this.sizes = new Map(view.pages.map(([number, width, height]) => [number, { width, height }]));
    fill(this.total, this.page.t("page_of", { n: view.pages.length }), this.page.base);
    await this.show(view.page, true);
  }

  close() {
    for (const address of this.images.values()) URL.revokeObjectURL(address);
    this.images.clear();
    this.view = null;
    this.wanted = null;
    this.shown = 0;
    this.zoom = 0;
    this.image.removeAttribute("src");
    this.marks.replaceChildren();
    this.said.replaceChildren();
  }

  /** Turn to a page, as a reader who looks at pages does; the text follows. */
  turn(number) {
    if (!this.view) return;
    const { pages } = this.view;
    const asked = Math.min(Math.max(number, pages[0][0]), pages.at(-1)[0]);
    this.number.value = String(asked);
    if (asked === this.shown) return;
    this.show(asked);
    this.turned(asked, this.view.starts[asked]);
  }

  onKey(event) {
    const step = { PageUp: -1, PageDown: 1 }[event.key];
    if (!step || !this.view) return;
    event.preventDefault();
    this.turn(this.shown + step);
  }

  enlarge() {
    this.zoom = (this.zoom + 1) % ZOOMS.length;
    this.lay();
    this.sharpen();
    this.toMark();
  }

  /** Give the sheet its place before its image has come, so that nothing moves when it does. */
  lay() {
    const { width, height } = this.sizes.get(this.shown);
    this.sheet.style.inlineSize = `${100 * ZOOMS[this.zoom]}%`;
    this.sheet.style.aspectRatio = width && height ? `${width} / ${height}` : "";
  }

  async show(number, marked = false) {
    if (!this.sizes.has(number)) return;
    this.shown = number;
    const { page } = this;
    const { pages } = this.view;
    this.number.value = String(number);
    this.before.disabled = number <= pages[0][0];
    this.after.disabled = number >= pages.at(-1)[0];
    this.lay();
    this.image.removeAttribute("src");
    this.image.alt = page.t("page_alt", { n: number, title: this.title });
    this.box.setAttribute("aria-label", this.image.alt);
    const boxes = this.view.marks[number] ?? [];
    this.marks.replaceChildren(
      ...boxes.map(([left, top, width, height]) => {
        const mark = h("span", {});
        Object.assign(mark.style, { left: `${left}%`, top: `${top}%`, width: `${width}%`, height: `${height}%` });
        return mark;
      }),
    );
    this.drawPlace(number, boxes.length);
    delete this.box.dataset.shown;
    this.box.scrollTop = 0;
    if (marked) this.toMark();
    if (await this.draw(number)) this.draw(number + 1, true);
  }

  /** On which pages the quotation is marked; a way back to it; or that its place on the page is not known. */
  drawPlace(number, here) {
    const { page } = this;
    const on = Object.keys(this.view.marks).map(Number);
    const cited = this.wanted.end > this.wanted.start;
    if (!cited) this.place.replaceChildren();
    else if (!on.length) fill(this.place, page.t("page_unmarked"), page.base);
    else if (here) fill(this.place, page.t("page_marked"), page.base);
    else this.place.replaceChildren(page.plain("page_to_mark", () => (this.show(on[0], true), this.turned(on[0], this.view.starts[on[0]]))));
    this.place.dataset.marks = String(here);
  }

  toMark() {
    this.marks.firstChild?.scrollIntoView({ block: "center", inline: "center" });
  }

  /** The width in pixels that the page has on this screen. */
  get pixels() {
    return Math.ceil((this.box.clientWidth - 20) * ZOOMS[this.zoom] * Math.min(devicePixelRatio, 2)) || 900;
  }

  /** Fetch the image of a page; show it unless it is fetched ahead. Returns whether it is there. */
  async draw(number, ahead = false) {
    if (!this.view || !this.sizes.has(number)) return false;
    const { wanted } = this;
    const width = [600, 900, 1200, 1600, 2200].find((each) => each >= this.pixels) ?? 2200;
    const key = `${number}-${width}`;
    if (!this.images.has(key)) {
      if (!ahead) fill(this.said, this.page.t("loading"), this.page.base);
      const address = this.address("page");
      address.searchParams.set("page", number);
      address.searchParams.set("width", width);
      let problem = null;
      try {
        const response = await fetch(address);
        if (response.ok) this.keep(wanted, key, await response.blob());
        else problem = (await response.json()).error ?? this.page.both("error_connection");
      } catch {
        problem = this.page.both("error_connection");
      }
      if (wanted !== this.wanted) return false;
      if (problem) {
        if (!ahead && number === this.shown) fill(this.said, problem[this.page.language], this.page.base);
        return false;
      }
    }
    if (ahead || number !== this.shown || !this.images.has(key)) return true;
    this.said.replaceChildren();
    this.image.src = this.images.get(key);
    await this.image.decode().catch(() => {});
    if (!this.sizes.get(number)?.width && this.image.naturalWidth) {
      this.sheet.style.aspectRatio = `${this.image.naturalWidth} / ${this.image.naturalHeight}`;
    }
    this.width = width;
    this.box.dataset.shown = String(number);
    return true;
  }

  keep(wanted, key, blob) {
    if (wanted !== this.wanted) return;
    this.images.set(key, URL.createObjectURL(blob));
    for (const [old, address] of this.images) {
      if (this.images.size <= KEPT) break;
      if (this.image.src === address) continue;
      URL.revokeObjectURL(address);
      this.images.delete(old);
    }
  }

  /** Fetch the page again where it is shown wider than it was drawn. */
  sharpen() {
    clearTimeout(this.sharpening);
    if (this.view && this.image.src && this.width < Math.min(this.pixels, 2200)) this.sharpening = setTimeout(() => this.draw(this.shown), 200);
  }

  /** The address of the document's file or of a page of it. */
  address(name, wanted = this.wanted) {
    const address = new URL(name, new URL(this.page.boot.script, location.href));
    address.searchParams.set("collection", wanted.collection ?? "");
    address.searchParams.set("id", wanted.id);
    return address;
  }
}

/** A link that saves the file of a document. */
export function saver(page) {
  const link = h("a", { class: "button quiet", download: "" }, icon("save"), page.say(h("span", { class: "button-text" }), "save_original"));
  return page.say(link, "save_original", "label");
}
