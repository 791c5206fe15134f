// The review table: the same questions put to several documents, a row for each, every cell with the place it comes from.

import { place } from "./about.js";
import { saveFile } from "./export.js";
import { Paper } from "./paper.js";
import { h } from "./dom.js";
import { fill } from "./text.js";
import { WorkBar } from "./work_bar.js";

const MOST = 20; // questions
const MOST_DOCUMENTS = 100;

export class TableView {
  constructor(page) {
    this.page = page;
    this.questions = page.say(h("textarea", { rows: "3", dir: "auto" }), "table_questions", "label");
    page.say(this.questions, "table_questions", "placeholder");
    this.choice = h("div", { class: "choices" });
    this.choice.addEventListener("change", () => this.count());
    this.counted = h("summary");
    const tick = (checked) => () => {
      for (const box of this.choice.querySelectorAll("input")) box.checked = checked;
      this.count();
    };
    const ticks = h("div", { class: "row" }, ...["table_all", "table_none"].map((key) => page.say(page.plain(key, tick(key === "table_all")), key)));
    this.work = new WorkBar(page, () => (this.stopped = true));
    this.problem = h("p", { class: "error", role: "alert", hidden: true });
    this.result = h("div", { class: "review", tabindex: "0", role: "region", "aria-labelledby": "table-title" });
    this.feet = h("div", { class: "feet" });
    const form = h(
      "form",
      { onsubmit: (event) => (event.preventDefault(), this.fillIn()) },
      this.questions,
      (this.folder = h("details", { class: "table-documents" }, this.counted, ticks, this.choice)),
      (this.submit = page.say(h("button", { type: "submit", class: "button solid" }), "table_fill")),
    );
    this.dialog = h(
      "dialog",
      { class: "dialog wide", "aria-labelledby": "table-title" },
      h("div", { class: "dialog-head" }, page.say(h("h2", { id: "table-title" }), "table_title"), page.button("close", "close", () => this.dialog.close())),
      h("div", { class: "dialog-body" }, form, this.problem, this.work.element, this.result, this.feet),
    );
    this.dialog.addEventListener("close", () => (this.stopped = true));
    page.root.append(this.dialog);
  }

  async open() {
    const { page } = this;
    page.restate(this.dialog);
    this.dialog.showModal();
    this.questions.focus();
    const view = await page.call("documents", page.collection);
    if (view.error) return this.fail(view.error);
    const rows = view.documents.filter((row) => row.passages !== null);
    const wanted = page.filters.value?.documents;
    this.choice.replaceChildren(
      ...rows.map((row, index) => {
        const checked = wanted?.length ? wanted.includes(row.id) : index < MOST_DOCUMENTS;
        const box = h("input", { type: "checkbox", value: row.id, checked });
        const id = row.title ? fill(h("bdi", { class: "file" }), row.id) : null; // titles may be alike
        return h("label", { class: "choice" }, box, h("span", {}, fill(h("bdi"), row.title || row.id), " ", id ?? ""));
      }),
    );
    this.count();
    this.dialog.dataset.loaded = String(rows.length);
  }

  /** How many documents are chosen, also where their list is folded. */
  count() {
    const boxes = [...this.choice.querySelectorAll("input")];
    fill(this.counted, this.page.t("table_documents", { n: boxes.filter((box) => box.checked).length, total: boxes.length }), this.page.base);
  }

  fail(error) {
    this.problem.hidden = !error;
    if (error) fill(this.problem, error[this.page.language], this.page.base);
  }

  /** Ask document after document; what is there is shown at once, and remains where it is stopped. */
  async fillIn() {
    const { page } = this;
    const questions = [...new Set(this.questions.value.split("\n").map((line) => line.trim()).filter(Boolean))];
    const documents = [...this.choice.querySelectorAll("input:checked")].map((box) => box.value);
    if (this.filling || !questions.length) return;
    if (questions.length > MOST || !documents.length || documents.length > MOST_DOCUMENTS) {
      this.fail(page.both("table_limits", { questions: MOST, documents: MOST_DOCUMENTS }));
      return;
    }
    this.fail(null);
    this.filling = true;
    this.folder.open = false; // the table needs the room
    this.stopped = false;
    this.feet.replaceChildren();
    const head = [page.t("column_name"), ...questions].map((text) => fill(h("th", { scope: "col" }), text));
    const body = h("tbody");
    this.result.replaceChildren(h("table", {}, page.say(h("caption", { class: "offscreen" }), "table_title"), h("thead", {}, h("tr", {}, ...head)), body));
    page.restate(this.result);
    const asked = { collection: page.collection, questions };
    const done = [];
    const rows = [];
    for (const document of documents) {
      if (this.stopped) break;
      this.work.show(page.t("table_filling", { done: done.length, total: documents.length }), done.length / documents.length);
      const row = await page.call("table_row", { ...asked, document });
      if (row.error) {
        this.fail(row.error);
        break;
      }
      body.append(this.row(row, asked.collection));
      done.push(document);
      rows.push(row);
    }
    this.work.hide();
    this.filling = false;
    const save = (form) => page.plain(`table_${form}`, () => this.save({ ...asked, documents: done, form, language: page.language }), "outline");
    const more = page.plain("table_more", () => page.exportView.open(this.paper(questions, rows, asked.collection), "shawahid-table"), "outline");
    if (done.length) this.feet.replaceChildren(save("xlsx"), save("csv"), more);
    page.announce(page.t("table_done", { n: done.length }));
    this.dialog.dataset.filled = String(done.length);
  }

  row({ document, title, cells }, collection) {
    const { page } = this;
    const cell = ({ text, source, original }) => {
      if (!source) return fill(h("td", { class: "unsaid" }), page.t("table_unsaid"), page.base);
      const where = place(page, source.locator) || page.t("open_document");
      const open = fill(h("button", { type: "button", class: "button link", onclick: () => page.documentView.open(source, collection) }), where, page.base);
      const translated = original ? [fill(h("p", { class: "label" }), page.t("translated"), page.base), fill(h("p"), text), fill(h("p"), original)] : [];
      const pin = page.button("pin_passage", "pin", () => page.notebookView.pinPassage(source, collection));
      return h("td", {}, ...(original ? translated : [fill(h("p"), text)]), h("span", { class: "line-feet" }, open, pin));
    };
    const line = h("tr", {}, fill(h("th", { scope: "row" }), title || document), ...cells.map(cell));
    page.restate(line); // the names of its buttons
    return line;
  }

  async save(asked) {
    const file = await this.page.call("table_file", asked);
    if (file.error) return this.fail(file.error);
    saveFile(file);
  }

  /** The table with its citations as notes. */
  paper(questions, rows, collection) {
    const { page } = this;
    const paper = new Paper(page, page.t("table_title"));
    const cell = ({ text, source }) => [{ text: text || page.t("table_unsaid"), bold: false, notes: source ? [paper.note(source, collection)] : [] }];
    const plain = (text) => [{ text, bold: false, notes: [] }];
    const table = [[page.t("column_name"), ...questions].map(plain), ...rows.map((row) => [plain(row.title || row.document), ...row.cells.map(cell)])];
    paper.blocks.push({ form: "table", rows: table });
    return paper;
  }
}
