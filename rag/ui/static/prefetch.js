// Reading ahead: while somebody hesitates over a question, the server searches for it and reads what it would answer from. What it
// does for that is given up as soon as the text changes or anybody asks.

import { unguessable } from "./dom.js";

const PAUSE = 400; // ms without a key, after which the text is taken for a question
const LEAST = 8; // characters of one
const TRIES = 5; // as often it is asked whether the server has time for it

export class Ahead {
  constructor(page) {
    this.page = page;
    this.text = "";
    this.name = null; // of what the server reads for this page
  }

  typed(text) {
    const question = text.trim();
    if (question === this.text) return;
    this.leave();
    this.text = question;
    if (question.length >= LEAST) this.timer = setTimeout(() => this.begin(question, TRIES), PAUSE);
  }

  async begin(question, tries) {
    const { page } = this;
    if (this.text !== question || page.conversation.running || page.filters.value) return; // what is read ahead is read from all documents
    const name = unguessable();
    this.name = name;
    const begun = await page.call("anticipate", { name, question, history: page.conversation.history(), collection: page.collection });
    if (begun !== true && this.name === name && tries > 1) this.timer = setTimeout(() => this.begin(question, tries - 1), PAUSE);
  }

  leave() {
    clearTimeout(this.timer);
    if (this.name) this.page.call("leave", this.name);
    this.name = null;
    this.text = "";
  }
}
