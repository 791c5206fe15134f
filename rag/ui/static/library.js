// The documents: collections, what is in them, files added by button or drag, removed, and the indexing that follows.

import { about } from "./about.js";
import { h, leaveOnEscape, recall, remember } from "./dom.js";
import { KeyView } from "./key.js";
import { folded } from "./store.js";
import { fill } from "./text.js";
import { WorkBar } from "./work_bar.js";

const PACE = 400; // ms between two looks at the indexing
const megabytes = (bytes) => (bytes < 10 * 2 ** 20 ? Math.ceil(bytes / 2 ** 20 * 10) / 10 : Math.ceil(bytes / 2 ** 20)).toString();
const tellable = (name, error) => `${name}\n${error.en}`;
const STEP = 100; // documents drawn at a time
const FEW = 12; // documents that need no search for their names
const LOOKS = 50; // that may fail one after another before the connection is taken for lost

export class LibraryView {
  constructor(page) {
    this.page = page;
    this.collection = recall("collection") || "";
    this.problems = [];
    this.told = new Set(); // what was said of files that could not be read; said once, and then beside their names
    this.busy = null;
    this.job = null; // the name of the indexing that is followed; only this page knows it
    page.root.append(this.build());
  }

  build() {
    const { page } = this;
    this.title = page.say(h("h2", { id: "library-title" }), "documents");
    this.choice = page.say(h("select", { onchange: () => this.choose(this.choice.value) }), "collection", "label");
    this.name = page.say(h("input", { type: "text", maxlength: "40", autocomplete: "off" }), "collection_new_name", "label");
    page.say(this.name, "collection_new_name", "placeholder");
    this.maker = h(
      "form",
      { class: "maker", hidden: true, onsubmit: (event) => (event.preventDefault(), this.create()) },
      this.name,
      page.say(h("button", { type: "submit", class: "button solid" }), "collection_create"),
    );
    this.opener = page.button("collection_new", "fresh", () => this.unfold(), { text: true });
    this.opener.setAttribute("aria-expanded", "false");
    this.input = page.say(h("input", { type: "file", multiple: true, accept: ".txt,.md,.pdf,.docx,.xlsx,.xlsm,.pptx,.odt,.ods,.rtf,.html,.htm,.xhtml,.epub,.csv,.tsv,.json,.jsonl,.eml,.zip,.png,.jpg,.jpeg,.tif,.tiff,.webp,text/plain,text/markdown", class: "offscreen", tabindex: "-1" }), "add_files", "label");
    this.input.addEventListener("change", () => this.add([...this.input.files]));
    this.adder = page.say(h("button", { type: "button", class: "button solid", onclick: () => this.input.click() }), "add_files");
    this.folder = page.say(h("input", { type: "file", multiple: true, webkitdirectory: "", class: "offscreen", tabindex: "-1" }), "add_folder", "label");
    this.folder.addEventListener("change", () => this.addFolder([...this.folder.files].map((file) => [file.webkitRelativePath, file])));
    this.folderAdder = page.say(h("button", { type: "button", class: "button outline", onclick: () => this.folder.click() }), "add_folder");
    this.dropText = h("span", { class: "drop-text" });
    this.drop = h("div", { class: "drop" }, this.adder, this.folderAdder, this.input, this.folder, this.dropText);
    this.address = page.say(h("input", { type: "url", maxlength: "2000", autocomplete: "off", dir: "ltr", required: true }), "page_address", "label");
    page.say(this.address, "page_address", "placeholder");
    this.fetcher = h(
      "form",
      { class: "maker", onsubmit: (event) => (event.preventDefault(), this.fetchPage()) },
      this.address,
      page.say(h("button", { type: "submit", class: "button" }), "page_add"),
    );
    this.standing = h("div", { class: "standing-of-shelf" });
    this.work = new WorkBar(page, () => this.page.call("cancel", this.job));
    this.outside = new WorkBar(page, () => this.page.call("cancel", this.job)); // for when the dialog is closed
    page.notice.element.append(this.outside.element);
    this.news = h("div", { class: "news", role: "status" });
    this.finder = page.say(page.say(h("input", { type: "search", class: "document-finder", autocomplete: "off", dir: "auto", hidden: true }), "find_document", "label"), "find_document", "placeholder");
    this.finder.addEventListener("input", () => ((this.drawn = STEP), this.drawTable()));
    this.finder.addEventListener("keydown", (event) => leaveOnEscape(event, this.dialog));
    this.table = h("div", { class: "documents" });
    this.room = h("div", { class: "room" });
    this.key = new KeyView(page, async () => {
      const problems = await this.refresh();
      this.tell([page.t("key_used")], problems);
      this.choice.focus();
    });
    this.body = h("div", { class: "dialog-body" }, h("div", { class: "shelf" }, this.choice, this.opener), this.maker, this.standing, this.drop, this.fetcher, this.work.element, this.news, this.finder, this.table, this.room, this.key.element);
    this.dialog = h(
      "dialog",
      { class: "dialog library", "aria-labelledby": "library-title" },
      h("div", { class: "dialog-head" }, h("div", {}, this.title), page.button("close", "close", () => this.dialog.close())),
      this.body,
    );
    for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
      this.dialog.addEventListener(name, (event) => {
        event.preventDefault();
        this.drop.classList.toggle("over", name === "dragenter" || name === "dragover");
        if (name === "drop" && !this.drop.hidden) this.addDropped(event.dataTransfer);
      });
    }
    // A file that misses the dialog would take the place of the page, and of the conversation in it.
    for (const name of ["dragover", "drop"]) {
      document.addEventListener(name, (event) => {
        if (event.defaultPrevented || ![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
        event.preventDefault();
        if (name === "drop" && !document.querySelector("dialog[open]")) this.open(event.dataTransfer);
      });
    }
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    this.dialog.addEventListener("close", () => this.key.hide());
    return this.dialog;
  }

  /** Show what there is; files that were dropped on the page are added where this reader may add any. */
  async open(dropped = null) {
    const files = dropped && fromDrop(dropped); // what was dropped can be read now only
    this.page.restate(this.dialog);
    this.tell([]);
    this.finder.value = "";
    this.drawn = STEP;
    this.dialog.showModal();
    const problems = await this.refresh();
    if (files && !problems.length && this.shown.mine) this.addFolder(await files);
  }

  async addDropped(transfer) {
    this.addFolder(await fromDrop(transfer));
  }

  /** Text in the language of the interface, for what the server says in both. */
  text(error) {
    return error[this.page.language] ?? error.message ?? String(error);
  }

  /** What happened, and below it what did not work. */
  tell(lines, problems = []) {
    const paragraph = (kind) => (line) => fill(h("p", { class: kind }), line, this.page.base);
    this.news.replaceChildren(...lines.map(paragraph("good")), ...problems.map(paragraph("bad")));
  }

  /** Redraw the list; return what prevented it. */
  async refresh() {
    const view = await this.page.call("documents", this.collection);
    if (view.error) {
      this.tell([], [this.text(view.error)]);
      return [this.text(view.error)];
    }
    this.collection = view.collection;
    this.known = view.collections;
    const { page } = this;
    this.choice.replaceChildren(
      ...view.collections.map((each) => {
        const option = h("option", { value: each.id }, this.named(each));
        option.selected = each.id === view.collection;
        return option;
      }),
    );
    this.shown = view.collections.find((each) => each.id === view.collection);
    remember("collection_name", this.collection ? this.named(this.shown) : null); // to be named before it is looked up again
    page.filters.draw();
    this.drop.hidden = this.fetcher.hidden = !this.shown.mine;
    fill(this.dropText, page.t("drop_files", { limit: megabytes(page.boot.limits[".txt"]), packed: megabytes(page.boot.limits[".pdf"]) }), page.base);
    this.folderAdder.hidden = !("webkitdirectory" in this.folder);
    this.watched = view.watched;
    this.rows = view.documents;
    this.working = Boolean(view.job) || this.busy === "adding";
    this.ocr = view.ocr;
    this.drawStanding();
    this.drawTable();
    this.drawRoom(view.room);
    this.key.element.hidden = !page.boot.login;
    if (view.job && !this.busy) this.follow(view.job);
    return [];
  }

  named(collection) {
    if (!collection.id) return this.page.t("collection_default");
    return collection.mine ? collection.name : this.page.t("collection_shared", { name: collection.name });
  }

  /** Who sees the collection and who may change it, where there is more than one person. */
  drawStanding() {
    const { page } = this;
    const { mine, shared, shareable } = this.shown;
    const say = (key) => fill(h("p"), page.t(key), page.base);
    const parts = [];
    if (!mine) parts.push(say("collection_read"));
    else if (shareable) {
      const button = page.plain(shared ? "unshare" : "share", () => this.share(!shared), "outline");
      parts.push(say(shared ? "collection_open" : "collection_private"), button);
    }
    if (mine) parts.push(this.tools());
    this.standing.replaceChildren(...parts);
  }

  /** What can be done with a collection as a whole: another name, no documents, and the end of it. */
  tools() {
    const { page } = this;
    const box = h("div", { class: "shelf-tools" });
    if (this.watched !== null) {
      const follow = page.plain("collection_watch", () => this.watch(!this.watched), "link toggle");
      follow.setAttribute("aria-pressed", String(this.watched));
      follow.title = page.t("collection_watch_text");
      box.append(follow);
    }
    const empty = page.plain("collection_empty", () => this.ask(box, page.t("collection_empty_sure", { n: this.rows.length }), "collection_empty_yes", () => this.empty()));
    const all = this.shown.id
      ? [page.plain("collection_rename", () => this.rename(box)), empty, page.plain("collection_delete", () => this.ask(box, page.t("collection_delete_sure", { name: this.shown.name }), "collection_delete_yes", () => this.delete()))]
      : [empty];
    box.append(...all);
    return box;
  }

  /** Ask whether it is meant, in the place of what was clicked. */
  ask(box, text, key, action) {
    const { page } = this;
    const question = h(
      "div",
      { class: "sure", role: "group" },
      fill(h("p"), text, page.base),
      page.plain(key, action, "danger"),
      page.plain("keep_it", () => (this.drawStanding(), this.standing.querySelector(".shelf-tools button").focus()), "quiet"),
    );
    box.replaceChildren(question);
    question.querySelector("button:last-child").focus();
  }

  rename(box) {
    const { page } = this;
    const field = h("input", { type: "text", maxlength: "40", dir: "auto", autocomplete: "off", "aria-label": page.t("collection_new_name") });
    field.value = this.shown.name;
    const leave = () => (this.drawStanding(), this.standing.querySelector(".shelf-tools button").focus());
    const save = async () => {
      const view = await page.call("rename", { collection: this.collection, name: field.value });
      this.tell([], view.error ? [this.text(view.error)] : []);
      if (!view.error) await this.refresh();
      leave();
    };
    const form = h("form", { class: "maker", onsubmit: (event) => (event.preventDefault(), save()) }, field, fill(h("button", { type: "submit", class: "button solid" }), page.t("feedback_send"), page.base));
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // of the form, not of the dialog
      leave();
    });
    box.replaceChildren(form);
    field.focus();
    field.select();
  }

  async watch(on) {
    const view = await this.page.call("watch", { collection: this.collection, on });
    if (view.error) this.tell([], [this.text(view.error)]);
    else this.watched = on;
    this.drawStanding();
    this.standing.querySelector(".toggle")?.focus();
    if (!view.error) this.tell([this.page.t(on ? "collection_watch_text" : "collection_watch_end")]);
  }

  async empty() {
    const view = await this.page.call("empty", this.collection);
    this.drawStanding();
    if (view.error && view.state !== "running") this.tell([], [this.text(view.error)]);
    else this.follow(view);
  }

  async delete() {
    const { name } = this.shown;
    const view = await this.page.call("delete", this.collection);
    if (view.error) {
      this.drawStanding();
      this.tell([], [this.text(view.error)]);
      return;
    }
    await this.choose("");
    this.tell([this.page.t("collection_deleted", { name })]);
    this.choice.focus();
  }

  /** How much this person's collections hold, where that is counted, and a way to destroy what was removed from this one. */
  drawRoom(room) {
    const { page } = this;
    const lines = [];
    if (room?.most) lines.push(page.t("room", room));
    const removed = room && this.shown.mine && room.aside !== "0";
    if (removed) lines.push(page.t("aside", room));
    const parts = lines.length ? [fill(h("p"), lines.join(" "), page.base)] : [];
    if (removed) parts.push(page.plain("destroy", () => this.confirmDestroying(room), "outline"));
    this.room.replaceChildren(...parts);
  }

  confirmDestroying(room) {
    const { page } = this;
    const question = h(
      "div",
      { class: "sure", role: "group" },
      fill(h("p"), page.t("destroy_sure", room), page.base),
      page.plain("destroy_yes", () => this.destroy(), "danger"),
      page.plain("keep_it", () => (this.drawRoom(room), this.room.querySelector("button").focus()), "quiet"),
    );
    this.room.replaceChildren(question);
    question.querySelector("button:last-child").focus();
  }

  async destroy() {
    const view = await this.page.call("destroy", this.collection);
    if (view.error) this.tell([], [this.text(view.error)]);
    await this.refresh();
  }

  async share(shared) {
    const view = await this.page.call("share", { collection: this.collection, shared });
    if (view.error) {
      this.tell([], [this.text(view.error)]);
      return;
    }
    this.shown.shared = view.shared;
    this.drawStanding();
    this.standing.querySelector("button").focus();
    this.page.announce(this.standing.querySelector("p").textContent);
  }

  /** The documents whose names hold the words searched for, some at a time. */
  drawTable() {
    const { page, working } = this;
    const words = folded(this.finder.value).split(" ").filter(Boolean);
    const fit = words.length ? this.rows.filter(({ id, title }) => words.every((word) => folded(`${id} ${title}`).includes(word))) : this.rows;
    this.finder.hidden = this.rows.length <= FEW;
    if (!fit.length) {
      this.table.replaceChildren(fill(h("p", { class: "panel-note" }), page.t(this.rows.length ? "find_nothing" : "no_documents"), page.base));
      return;
    }
    const rows = fit.slice(0, this.drawn ?? STEP);
    const head = ["column_name", "column_language", "column_size", "column_passages", "column_added"].map((key) =>
      fill(h("th", { scope: "col" }), page.t(key), page.base),
    );
    const body = rows.map((row) => {
      const language = row.language === "ar" || row.language === "en" ? page.t(`language_${row.language}`) : row.language;
      const passages = row.passages === null ? page.t("not_indexed") : row.passages.toLocaleString("en");
      let bin = null;
      if (this.shown.mine) {
        bin = page.button("remove", "trash", () => this.confirm(row, bin));
        bin.setAttribute("aria-label", page.t("remove", { name: row.id }));
        bin.title = page.t("remove", { name: row.id });
        delete bin.dataset.sayLabel;
      }
      const name = h("th", { scope: "row" }, this.reading(row));
      const more = about(row, [row.title ? row.id : ""]);
      if (more) name.append(more);
      if (row.problem) name.append(this.failure(row, working));
      if (row.unread && this.shown.mine && !working) name.append(this.unread(row));
      return h(
        "tr",
        {},
        name,
        fill(h("td"), language, page.base),
        h("td", { class: "figure" }, row.characters?.toLocaleString("en") ?? ""),
        fill(h("td", { class: "figure" }), passages, page.base),
        h("td", { class: "figure" }, row.added),
        h("td", {}, bin),
      );
    });
    this.table.replaceChildren(
      h("table", {}, page.say(h("caption", { class: "offscreen" }), "documents"), h("thead", {}, h("tr", {}, ...head, h("td"))), h("tbody", {}, ...body)),
    );
    if (fit.length > rows.length) {
      const more = page.plain("show_more", () => ((this.drawn = rows.length + STEP), this.drawTable(), this.table.querySelectorAll("tbody tr")[rows.length]?.querySelector("button")?.focus()), "more");
      this.table.append(fill(h("p", { class: "panel-note", role: "status" }), page.t("documents_shown", { n: rows.length, all: fit.length }), page.base), more);
    }
    if (fit.some((row) => row.passages !== null)) {
      const all = page.plain("overview_of_all", () => page.overviewView.open(), "outline");
      const review = page.plain("table_open", () => (this.dialog.close(), page.tableView.open()), "outline");
      this.table.prepend(h("p", { class: "before-table" }, all, " ", review)); // above a list that may be long
    }
    if (this.shown.mine && !working && fit.some((row) => row.passages === null)) this.table.append(h("p", { class: "after-table" }, page.plain("index_now", () => this.index(), "outline")));
    page.restate(this.table);
  }

  /** A document's name, which opens it once it has been read. */
  reading(row) {
    const name = fill(h("bdi"), row.title || row.id);
    if (row.passages === null) return name;
    const open = () => this.page.documentView.open({ document: row.id, title: row.title, start: 0, end: 0 }, this.collection);
    return h("button", { type: "button", class: "button link reading", onclick: open }, name);
  }

  /** The name of the collection that is asked. */
  askedName() {
    const known = this.known?.find((each) => each.id === this.collection);
    return known ? this.named(known) : (this.collection && recall("collection_name")) || this.page.t("collection_default");
  }

  /** Why a file could not be read, and a way to read it again, after it was mended where it lies. */
  failure(row, working) {
    this.told.add(tellable(row.id, row.problem));
    const again = () => (this.told.delete(tellable(row.id, row.problem)), this.index());
    const button = this.shown.mine && !working ? this.page.plain("try_again", again) : null;
    button?.setAttribute("aria-label", this.page.t("try_again_file", { name: row.id }));
    return h("div", { class: "failure" }, fill(h("p"), this.text(row.problem), this.page.base), button);
  }

  /** That pages of a file are pictures, and a way to read them, with what it will cost. */
  unread(row) {
    const { page } = this;
    if (this.ocr === null) return h("div", { class: "failure plain" }, fill(h("p"), page.t("ocr_missing", { n: row.unread }), page.base));
    const seconds = row.unread * this.ocr;
    const cost = seconds < 90 ? page.t("seconds", { n: Math.ceil(seconds / 5) * 5 }) : page.t("minutes", { n: Math.ceil(seconds / 60) });
    const read = async () => {
      const view = await page.call("ocr", { collection: this.collection, id: row.id, on: true });
      if (view.error && view.state !== "running") this.tell([], [this.text(view.error)]);
      else this.follow(view);
    };
    const button = fill(h("button", { type: "button", class: "button link", onclick: read }), page.t("ocr_read", { cost }), page.base);
    return h("div", { class: "failure plain" }, fill(h("p"), page.t("ocr_pages", { n: row.unread }), page.base), button);
  }

  // --- collections -------------------------------------------------------------------------------------------------------

  choose(name) {
    this.collection = name;
    remember("collection", name || null);
    this.page.filters.clear(); // its documents are others
    this.tell([]);
    this.finder.value = "";
    this.drawn = STEP;
    this.page.notice.refresh();
    return this.refresh();
  }

  unfold(open = this.maker.hidden) {
    this.maker.hidden = !open;
    this.opener.setAttribute("aria-expanded", String(open));
    if (open) this.name.focus();
  }

  async create() {
    const view = await this.page.call("create", this.name.value);
    if (view.error) {
      this.tell([], [this.text(view.error)]);
      return;
    }
    this.name.value = "";
    this.unfold(false);
    this.choose(view.collection);
    this.adder.focus();
  }

  // --- files -------------------------------------------------------------------------------------------------------------

  add(files) {
    this.input.value = "";
    return this.addNamed(files.map((file) => ["", file]));
  }

  /** Add what a folder holds, `[[path, file], ...]`; files of other kinds are only counted, unless nothing else is there. A file that was
   * not in a folder has no path. */
  async addFolder(files) {
    this.folder.value = "";
    const seen = files.filter(([path]) => !path.split("/").some((part) => part.startsWith(".")));
    const fit = seen.filter(([, file]) => this.limit(file.name) !== undefined);
    const inside = files.some(([path]) => path);
    await this.addNamed(inside && fit.length ? fit : seen, inside && fit.length ? seen.length - fit.length : 0);
  }

  async addNamed(files, left = 0) {
    if (!files.length || !this.begin()) return;
    if (left) this.problems.push(this.page.t("files_left_out", { n: left }));
    let added = 0;
    for (const [path, file] of files) {
      const error = this.unfit(file) ?? (await this.send(file, path));
      if (error) this.problems.push(this.text(error));
      else added += 1;
    }
    if (added) await this.refresh(); // what has come is there, though not indexed yet
    this.busy = null;
    this.work.hide();
    if (added) await this.index();
    else this.tell([], this.problems);
  }

  /** Begin to add something. Returns false, and says why, while other work is under way. */
  begin() {
    if (this.busy) {
      this.tell([], [this.page.t("error_indexing")]);
      return false;
    }
    this.busy = "adding";
    this.tell([]);
    this.problems = [];
    return true;
  }

  /** Add the web page whose address was written, and index it. */
  async fetchPage() {
    const address = this.address.value.trim();
    if (!address || !this.begin()) return;
    this.work.show(this.page.t("page_fetching"), null, false);
    const view = await this.page.call("receive_page", { collection: this.collection, address });
    if (!view.error) await this.refresh();
    this.busy = null;
    this.work.hide();
    if (view.error) {
      this.tell([], [this.text(view.error)]);
      return;
    }
    this.address.value = "";
    await this.index();
  }

  /** The largest file of this kind that is taken; undefined for a kind that is none. */
  limit(name) {
    return this.page.boot.limits[name.toLowerCase().match(/\.[^./]*$/)?.[0]];
  }

  /** Return what is wrong with a file before it is sent, in both languages, or null. */
  unfit(file) {
    const limit = this.limit(file.name);
    if (limit === undefined) return this.page.both("error_suffix", { name: file.name, known: Object.keys(this.page.boot.limits).sort().join(" ") });
    if (file.size <= limit) return null;
    return this.page.both("error_too_large", { name: file.name, size: megabytes(file.size), limit: megabytes(limit) });
  }

  /** Send one file; returns what is wrong with it, in both languages, or null. */
  send(file, path) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      const address = new URL("upload", new URL(this.page.boot.script, location.href));
      address.searchParams.set("collection", this.collection);
      address.searchParams.set(path ? "path" : "name", path || file.name); // a file of a folder keeps its place
      const lost = () => {
        const { strings } = this.page.boot;
        resolve({ en: strings.en.error_connection, ar: strings.ar.error_connection });
      };
      request.upload.onprogress = (event) => {
        const share = event.total ? event.loaded / event.total : 1;
        this.work.show(this.page.t("uploading", { name: file.name, percent: Math.round(100 * share) }), share, false);
      };
      request.onload = () => {
        try {
          resolve(JSON.parse(request.responseText).error ?? null);
        } catch {
          lost();
        }
      };
      request.onerror = lost;
      request.open("PUT", address);
      request.send(file);
    });
  }

  confirm(row, button) {
    const { page } = this;
    const cell = button.parentElement;
    const question = h(
      "div",
      { class: "sure", role: "group" },
      fill(h("p"), page.t("remove_sure", { name: row.id }), page.base),
      page.plain("remove_yes", () => this.remove(row), "danger"),
      page.plain("keep_it", () => (question.closest("tr").remove(), button.focus()), "quiet"),
    );
    const line = h("tr", {}, h("td", { colspan: "6" }, question));
    cell.parentElement.after(line);
    question.querySelector("button:last-child").focus();
  }

  async remove(row) {
    const view = await this.page.call("remove", { collection: this.collection, id: row.id });
    if (view.error) this.tell([], [this.text(view.error)]);
    else this.follow(view);
  }

  // --- indexing ----------------------------------------------------------------------------------------------------------

  async index() {
    const view = await this.page.call("build", this.collection);
    if (view.error && view.state !== "running") this.tell([], [...this.problems, this.text(view.error)]);
    else this.follow(view);
  }

  /** How long a step will take, by how long its part that is done has taken; "" where that can't be said yet. */
  remaining(job, share) {
    if (job.step !== this.step || !share) {
      this.step = job.step;
      this.since = { time: performance.now(), share: share ?? 0 };
    }
    const gone = (share ?? 0) - this.since.share;
    const minutes = gone > 0 ? ((1 - share) / gone) * ((performance.now() - this.since.time) / 60000) : 0;
    return minutes >= 1 ? this.page.t("minutes_left", { n: Math.round(minutes) }) : "";
  }

  /** Watch the indexing to its end; it goes on when the page is closed. */
  async follow(job) {
    this.busy = "indexing";
    this.job = job.id;
    const { page } = this;
    for (let failed = 0; ; ) {
      job = await page.call("job", this.job);
      failed = job.lost ? failed + 1 : 0;
      if (job.state === "running") {
        const share = job.total && job.done ? job.done / job.total : null;
        const cancelling = job.cancelling || this.work.cancelling || this.outside.cancelling;
        const text = [page.t(`step_${job.step}`, { done: job.done, total: job.total }), this.remaining(job, share)].filter(Boolean).join(" · ");
        for (const bar of [this.work, this.outside]) {
          bar.cancelling = cancelling;
          bar.show(text, share);
        }
        page.notice.draw();
        if (cancelling && !job.cancelling) page.call("cancel", this.job); // it has not heard of it
      } else if (!failed || failed > LOOKS) break;
      await new Promise((resolve) => setTimeout(resolve, PACE));
    }
    const notes = [...(job.skipped ?? []), ...(job.repeated ?? [])].filter(({ name, error }) => !this.told.has(tellable(name, error)));
    for (const { name, error } of notes) this.told.add(tellable(name, error));
    // The list first, so that what is reported about it can be seen.
    const unseen = await this.refresh();
    this.busy = null;
    this.work.hide();
    this.outside.hide();
    page.notice.draw();
    const problems = [...this.problems, ...notes.map((item) => this.text(item.error)), ...unseen];
    if (job.notice) problems.push(this.text(job.notice));
    this.problems = [];
    if (job.error) this.tell([], [...problems, this.text(job.error)]);
    else if (job.state === "cancelled") this.tell([page.t("index_cancelled")], problems);
    else this.tell([page.t("index_done", { added: job.added, removed: job.removed })], problems);
    page.notice.refresh();
  }
}

/** What was dropped, folders with all they hold: [[path, file], ...]. */
async function fromDrop(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = [...transfer.files];
  if (!entries.some((entry) => entry.isDirectory)) return files.map((file) => ["", file]);
  const found = [];
  const walk = async (entry, path) => {
    if (entry.isFile) {
      found.push([path, await new Promise((resolve, reject) => entry.file(resolve, reject))]);
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) return;
      for (const inner of some) await walk(inner, `${path}/${inner.name}`);
    }
  };
  for (const entry of entries) await walk(entry, entry.name);
  return found;
}
