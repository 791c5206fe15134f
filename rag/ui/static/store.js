// The conversations and notebooks of this browser: in its database, or, where they are not to be kept, for as long as the page is open. A turn is a
// record of its own, so that two tabs with the same conversation add to it and overwrite nothing of each other's.

const NAME = "shawahid";
const ID = /^[0-9a-f]{32}$/;
const TITLE = 90; // characters

const result = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

function open() {
  const request = indexedDB.open(NAME, 2);
  request.onupgradeneeded = ({ oldVersion }) => {
    if (oldVersion < 1) {
      request.result.createObjectStore("conversations", { keyPath: "id" });
      request.result.createObjectStore("turns", { keyPath: "id" }).createIndex("conversation", "conversation");
    }
    request.result.createObjectStore("notebooks", { keyPath: "id" });
    request.result.createObjectStore("notes", { keyPath: "id" }).createIndex("notebook", "notebook");
  };
  return result(request);
}

/** A title made from a question: its first line, cut at a word. */
export function titled(question) {
  const line = question.trim().split("\n")[0].replace(/\s+/g, " ");
  return line.length > TITLE ? `${line.slice(0, TITLE).replace(/\s\S*$/, "")}…` : line;
}

/** A text as it is compared in a search: without case, vowel signs, and the spellings that Arabic writers mix. */
export function folded(text) {
  return text
    .normalize("NFKD")
    .replace(/[\p{M}\u0640]/gu, "")
    .toLowerCase()
    .replace(/[آأإٱ]/g, "ا")
    .replace(/ى/g, "ي")
    .replace(/ة/g, "ه")
    .replace(/\s+/g, " ");
}

/** Whether a turn that was stored, maybe by another version, can be shown. */
const sound = (turn) =>
  ID.test(turn.id) && typeof turn.question === "string" && (!turn.answer || (Array.isArray(turn.answer.paragraphs) && Array.isArray(turn.answer.sources) && Array.isArray(turn.answer.nearest)));

/** Whether a note that was stored can be shown. */
const soundNote = ({ id, kind, text, answer, source }) =>
  ID.test(id) && ((kind === "words" && typeof text === "string") || (kind === "passage" && source) || (kind === "answer" && Array.isArray(answer?.paragraphs) && Array.isArray(answer.sources)));

const STORES = ["conversations", "turns", "notebooks", "notes"];
const nothing = () => Object.fromEntries(STORES.map((name) => [name, new Map()]));

export class Store {
  /** `changed` is called with the id of a conversation or notebook that another tab changed, "" for all of them. */
  constructor(lasting, changed) {
    this.lasting = lasting;
    this.refused = false; // the browser has no database for this page
    this.memory = nothing();
    this.channel = new BroadcastChannel(NAME);
    this.channel.onmessage = ({ data }) => changed(data);
  }

  /** The database, or null where conversations are not kept. It is let go where another page has to change or delete it. */
  async database() {
    if (!this.lasting) return null;
    try {
      this.opened ??= open();
      const database = await this.opened;
      database.onversionchange = database.onclose = () => {
        database.close();
        this.opened = null;
      };
      return database;
    } catch {
      this.opened = null;
      this.refused = true;
      this.lasting = false;
      return null;
    }
  }

  /** All conversations, the latest first. */
  async conversations() {
    const database = await this.database();
    const found = database ? await result(database.transaction("conversations").objectStore("conversations").getAll()) : [...this.memory.conversations.values()];
    return found.filter(({ id, title }) => ID.test(id) && typeof title === "string").sort((a, b) => b.updated - a.updated);
  }

  /** The turns of a conversation in order; [] where there is none of that id. */
  async turns(id) {
    const database = await this.database();
    const found = database
      ? await result(database.transaction("turns").objectStore("turns").index("conversation").getAll(id))
      : [...this.memory.turns.values()].filter((turn) => turn.conversation === id);
    return found.filter(sound).sort((a, b) => a.at - b.at);
  }

  /** The notebooks, the one that was changed last first. */
  async notebooks() {
    const database = await this.database();
    const found = database ? await result(database.transaction("notebooks").objectStore("notebooks").getAll()) : [...this.memory.notebooks.values()];
    return found.filter(({ id, title }) => ID.test(id) && typeof title === "string").sort((a, b) => b.updated - a.updated);
  }

  /** The notes of a notebook in the order that the reader gave them. */
  async notes(notebook) {
    const database = await this.database();
    const found = database
      ? await result(database.transaction("notes").objectStore("notes").index("notebook").getAll(notebook))
      : [...this.memory.notes.values()].filter((note) => note.notebook === notebook);
    return found.filter(soundNote).sort((a, b) => a.order - b.order || a.at - b.at);
  }

  /** Work on all stores at once; all of it is written, or nothing. `work` gets the stores as maps with promises. */
  async write(id, work) {
    const database = await this.database();
    if (!database) {
      const map = (which) => ({
        get: async (key) => this.memory[which].get(key),
        put: async (value) => this.memory[which].set(value.id, value),
        delete: async (key) => this.memory[which].delete(key),
        clear: async () => this.memory[which].clear(),
      });
      await work(...STORES.map(map));
      return;
    }
    const transaction = database.transaction(STORES, "readwrite");
    const ended = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    const map = (which) => {
      const store = transaction.objectStore(which);
      return Object.fromEntries(["get", "put", "delete", "clear"].map((name) => [name, (...given) => result(store[name](...given))]));
    };
    await work(...STORES.map(map));
    await ended;
    this.channel.postMessage(id);
  }

  /** Store a turn; its conversation begins with the first one, and keeps the title that it has. */
  save(turn) {
    const id = turn.conversation;
    return this.write(id, async (conversations, turns) => {
      const known = await conversations.get(id);
      const said = folded([turn.question, turn.answer?.text ?? ""].join("\n")).slice(0, 20000);
      const texts = { ...known?.texts, [turn.id]: said };
      const now = Date.now();
      await conversations.put({ title: titled(turn.question), begun: now, ...known, id, collection: turn.collection, updated: turn.answer || !known ? now : known.updated, texts });
      await turns.put(turn);
    });
  }

  removeTurn(turn) {
    const id = turn.conversation;
    return this.write(id, async (conversations, turns) => {
      const known = await conversations.get(id);
      if (known) {
        delete known.texts[turn.id];
        // A first question that is changed gives another title, unless a reader gave one.
        if (!Object.keys(known.texts).length && known.title === titled(turn.question)) delete known.title;
        await conversations.put(known);
      }
      await turns.delete(turn.id);
    });
  }

  rename(id, title) {
    return this.write(id, async (conversations) => {
      const known = await conversations.get(id);
      if (known) await conversations.put({ ...known, title: title.trim().slice(0, 200) || known.title });
    });
  }

  async remove(id) {
    const turns = await this.turns(id);
    await this.write(id, async (conversations, stored) => {
      await conversations.delete(id);
      for (const turn of turns) await stored.delete(turn.id);
    });
  }

  // --- notebooks -----------------------------------------------------------------------------------------------------------

  saveNotebook(notebook) {
    return this.write(notebook.id, async (conversations, turns, notebooks) => notebooks.put({ ...notebook, updated: Date.now() }));
  }

  async removeNotebook(id) {
    const kept = await this.notes(id);
    await this.write(id, async (conversations, turns, notebooks, notes) => {
      await notebooks.delete(id);
      for (const note of kept) await notes.delete(note.id);
    });
  }

  /** Store notes of one notebook, each as it is now. */
  saveNotes(...changed) {
    const id = changed[0].notebook;
    return this.write(id, async (conversations, turns, notebooks, notes) => {
      const known = await notebooks.get(id);
      if (known) await notebooks.put({ ...known, updated: Date.now() });
      for (const note of changed) await notes.put(note);
    });
  }

  removeNote(note) {
    return this.write(note.notebook, async (conversations, turns, notebooks, notes) => notes.delete(note.id));
  }

  /** Delete all conversations, or all notebooks with their notes; whether others are kept stays as it is. */
  removeAll(which = "conversations") {
    return this.write("", async (conversations, turns, notebooks, notes) => {
      for (const store of which === "conversations" ? [conversations, turns] : [notebooks, notes]) await store.clear();
    });
  }

  /** Keep conversations and notebooks from now on, with those of this page; or no longer, which deletes the kept ones. */
  async keep(lasting) {
    if (lasting === this.lasting) return;
    if (lasting) {
      const { memory } = this;
      this.lasting = true;
      if (!(await this.database())) return;
      await this.write("", async (...stores) => {
        for (const [at, name] of STORES.entries()) for (const each of memory[name].values()) await stores[at].put(each);
      });
      this.memory = nothing();
    } else {
      await this.write("", async (...stores) => {
        for (const store of stores) await store.clear();
      });
      this.lasting = false;
    }
  }
}
