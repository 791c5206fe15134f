// Which documents are asked and searched: the collection, and conditions on its documents, as chips that can be taken away.

import { h, icon } from "./dom.js";
import { fill } from "./text.js";

const none = () => ({ documents: [], folders: [], kinds: [], languages: [], since: "", until: "" });

export class Filters {
  constructor(page) {
    this.page = page;
    this.chosen = none();
    this.bars = [];
    this.listeners = [];
  }

  /** What the server takes, or null where there is no condition. */
  get value() {
    const { documents, folders, kinds, languages, since, until } = this.chosen;
    const some = documents.length || folders.length || kinds.length || languages.length || since || until;
    return some ? { documents, folders, kinds, languages, since, until } : null;
  }

  set(changes) {
    this.chosen = { ...this.chosen, ...changes };
    this.draw();
    for (const listener of this.listeners) listener();
  }

  clear() {
    this.set(none());
  }

  /** The conditions in words: [[text, what is left without it], ...]. */
  words(chosen = this.chosen) {
    const { page } = this;
    chosen = { ...none(), ...chosen }; // an older version kept fewer conditions
    const without = (name, value) => ({ [name]: chosen[name].filter((each) => each !== value) });
    return [
      ...chosen.documents.map((id) => [id, without("documents", id)]),
      ...chosen.folders.map((folder) => [`${folder}/`, without("folders", folder)]),
      ...chosen.kinds.map((kind) => [kind, without("kinds", kind)]),
      ...chosen.languages.map((language) => [page.t(`language_${language}`), without("languages", language)]),
      ...(chosen.since ? [[page.t("filter_since", { date: chosen.since }), { since: "" }]] : []),
      ...(chosen.until ? [[page.t("filter_until", { date: chosen.until }), { until: "" }]] : []),
    ];
  }

  /** A row that shows them, and a form to change them, for wherever somebody asks or searches. */
  bar() {
    const { page } = this;
    const form = h("div", { class: "filter-form", hidden: true });
    const unfold = (open) => {
      form.hidden = !open;
      opener.setAttribute("aria-expanded", String(open));
    };
    const opener = page.button("filter", "filter", () => {
      unfold(form.hidden);
      if (form.hidden) return;
      form.querySelector("select, input").focus();
      this.learn();
    });
    unfold(false);
    const chips = h("ul", { class: "chips", role: "list" });
    page.say(chips, "filters", "label");
    const bar = { element: h("div", { class: "filters" }, h("div", { class: "filter-line" }, chips, opener), form), chips, form, unfold };
    this.bars.push(bar);
    return bar.element;
  }

  /** Give the room of the forms back: a question was asked, and the chips say of what. */
  fold() {
    for (const { unfold } of this.bars) unfold(false);
  }

  draw() {
    const { page } = this;
    for (const { chips, form } of this.bars) {
      const focused = chips.contains(document.activeElement);
      const items = this.words().map(([text, rest]) => {
        const remove = h("button", { type: "button", class: "chip-remove", onclick: () => this.set(rest) }, icon("close"));
        remove.setAttribute("aria-label", page.t("filter_remove", { name: text }));
        remove.title = page.t("filter_remove", { name: text });
        return h("li", { class: "chip" }, fill(h("bdi"), text), remove);
      });
      if (page.library) items.unshift(h("li", {}, this.collection()));
      chips.replaceChildren(...items);
      if (focused) (chips.querySelector(".chip-remove") ?? chips.querySelector("button") ?? page.conversation.box).focus();
      this.drawForm(form);
    }
  }

  /** The collection that is asked, always by its name; a click leads to the choice. */
  collection() {
    const { page } = this;
    const name = page.library.askedName();
    const button = fill(h("button", { type: "button", class: "chip collection", onclick: () => page.library.open() }), name, page.base);
    button.setAttribute("aria-label", `${page.t("collection")}: ${name}`);
    return button;
  }

  /** Learn the names of the documents and folders of the collection, where they may have changed. */
  async learn() {
    const { page } = this;
    const key = `${page.collection} ${page.notice.status.documents}`;
    if (this.known?.key === key) return;
    const view = await page.call("names", page.collection);
    if (view.error) return;
    this.known = { key, ...view };
    this.draw();
  }

  /** A field for the name of a document, with the names to choose from. */
  documentField(id) {
    const names = this.known?.documents ?? [];
    const list = h("datalist", { id });
    list.append(...names.map(([value, title]) => h("option", { value, label: title || null })));
    const field = h("input", { type: "text", list: id, autocomplete: "off", dir: "auto" });
    field.addEventListener("change", () => {
      const wanted = field.value.trim();
      const found = names.find(([value, title]) => value === wanted || title === wanted);
      if (found) this.set({ documents: [...new Set([...this.chosen.documents, found[0]])] });
      else field.value = "";
    });
    return h("span", { class: "document-field" }, field, list);
  }

  drawForm(form) {
    const { page } = this;
    const labelled = (key, field) => h("label", {}, fill(h("span", { class: "label" }), page.t(key), page.base), field);
    const select = (name, options) => {
      const field = h("select", { onchange: () => this.set({ [name]: field.value ? [field.value] : [] }) });
      for (const [value, text] of [["", page.t("filter_any")], ...options]) {
        const option = h("option", { value }, text);
        option.selected = value === (this.chosen[name][0] ?? "");
        field.append(option);
      }
      return field;
    };
    const date = (name) => {
      const field = h("input", { type: "date", value: this.chosen[name], onchange: () => this.set({ [name]: field.value }) });
      return field;
    };
    const at = [...form.querySelectorAll("select, input")].indexOf(document.activeElement);
    const folders = this.known?.folders ?? [];
    form.replaceChildren(
      labelled("column_name", this.documentField(`documents-${this.bars.findIndex((bar) => bar.form === form)}`)),
      ...(folders.length ? [labelled("filter_folder", select("folders", folders.map((folder) => [folder, folder])))] : []),
      labelled("filter_kind", select("kinds", page.boot.kinds.map((kind) => [kind, kind]))),
      labelled("column_language", select("languages", ["ar", "en"].map((language) => [language, page.t(`language_${language}`)]))),
      labelled("filter_from", date("since")),
      labelled("filter_to", date("until")),
      ...(this.value ? [page.plain("filter_clear", () => this.clear())] : []),
    );
    if (at >= 0) form.querySelectorAll("select, input")[at].focus();
  }
}
