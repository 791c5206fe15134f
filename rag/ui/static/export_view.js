// Saving and printing: one dialog for a conversation, a notebook, an overview or a table, with the forms that each can take.

import * as exporting from "./export.js";
import { h } from "./dom.js";
import { conversationPaper } from "./paper.js";
import { fill } from "./text.js";

const FORMS = ["docx", "pdf", "md", "html", "bib", "ris"];
const CITING = ["bib", "ris"]; // nothing without sources

export class ExportView {
  constructor(page) {
    this.page = page;
    this.problem = h("p", { class: "error", role: "alert", hidden: true });
    this.list = h("ul", { class: "forms", role: "list" });
    this.dialog = h(
      "dialog",
      { class: "dialog", "aria-labelledby": "export-title" },
      h("div", { class: "dialog-head" }, page.say(h("h2", { id: "export-title" }), "export_title_dialog"), page.button("close", "close", () => this.dialog.close())),
      h("div", { class: "dialog-body" }, this.problem, this.list),
    );
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    page.root.append(this.dialog);
    // Whoever prints the page itself gets the conversation, not a picture of the window.
    window.addEventListener("beforeprint", () => {
      const { turns } = page.conversation;
      if (!page.printed && turns.some((turn) => turn.answer)) exporting.place(page, conversationPaper(page, turns));
    });
    window.addEventListener("afterprint", () => exporting.clear(page));
  }

  /** Offer the forms of a paper; files are called `name`. */
  open(paper, name) {
    const { page } = this;
    this.paper = paper;
    this.name = name;
    this.problem.hidden = true;
    page.restate(this.dialog);
    this.list.replaceChildren(
      ...FORMS.filter((form) => paper.notes.length || !CITING.includes(form)).map((form) => {
        const button = h(
          "button",
          { type: "button", class: "form", "data-form": form, onclick: () => this.choose(form) },
          fill(h("span", { class: "form-name" }), page.t(`export_${form}`), page.base),
          fill(h("span", { class: "small" }), page.t(`export_text_${form}`), page.base),
        );
        return h("li", {}, button);
      }),
    );
    this.dialog.showModal();
    this.list.querySelector("button").focus();
  }

  async choose(form) {
    const { page, paper, name } = this;
    if (form === "md") exporting.save(`${name}.md`, "text/markdown", exporting.markdown(paper));
    else if (form === "html") exporting.save(`${name}.html`, "text/html", exporting.html(page, paper));
    else if (form === "pdf") {
      exporting.place(page, paper);
      window.print();
      return;
    } else {
      const file = await page.call("export_file", { paper: paper.plain, form });
      this.problem.hidden = !file.error;
      if (file.error) {
        fill(this.problem, file.error[page.language], page.base);
        return;
      }
      exporting.saveFile({ ...file, name: `${name}.${form}` });
    }
    this.dialog.close();
    page.toast(page.t("saved"));
  }
}
