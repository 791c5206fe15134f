// The chat in any page: <script src="https://shawahid.example/shawahid/embed.js" data-token="…"></script>
// The server puts WORDS, the sentences of both languages, before this file. Whatever a document or a model says is text, never markup.
(() => {
  "use strict";
  const script = document.currentScript;
  const server = new URL(script.src).origin;
  const wanted = (script.dataset.language || document.documentElement.lang || navigator.language || "en").toLowerCase();
  const language = wanted.startsWith("ar") ? "ar" : "en";
  const words = WORDS[language];
  const AROUND = 600; // characters of a document shown on either side of a quote
  const STYLE = `
    :host { all: initial; display: block; font: 1rem/1.7 system-ui, sans-serif; color-scheme: light dark; color: CanvasText; }
    .chat { display: grid; grid-template-rows: 1fr auto; height: 100%; min-height: 16rem; border: 1px solid #8887; border-radius: 10px;
      background: Canvas; overflow: hidden; }
    .log { overflow-y: auto; padding: .8rem 1rem; display: grid; gap: .6rem; align-content: start; }
    .asked { justify-self: end; background: #0b5a4b; color: #fff; border-radius: 10px; padding: .2rem .8rem; max-width: 85%; }
    .answer { max-width: 95%; overflow-wrap: anywhere; } .draft { opacity: .6; } .state { opacity: .8; font-size: .85rem; }
    .failed { color: #b3261e; } @media (prefers-color-scheme: dark) { .failed { color: #f2b8b5; } }
    button { font: inherit; color: inherit; background: none; border: 1px solid #8889; border-radius: 8px; padding: .2rem .8rem; cursor: pointer; }
    .answer button { font-size: .8rem; padding: 0 .45rem; margin-inline: .15rem; }
    form { display: flex; gap: .5rem; padding: .6rem; border-top: 1px solid #8885; }
    input { flex: 1; min-width: 0; font: inherit; padding: .3rem .7rem; border: 1px solid #8889; border-radius: 8px; background: Field; color: FieldText; }
    .source { border-inline-start: 3px solid #0b5a4b; padding-inline-start: .7rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .92rem; }
    .source strong { display: block; } mark { background: #ffe08a; color: #000; }
    :focus-visible { outline: 3px solid #3f8f7f; outline-offset: 1px; }`;

  const make = (tag, name, text) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  };

  class Failure extends Error {}

  async function request(path, body, signal) {
    const headers = { "accept-language": language };
    if (script.dataset.token) headers.authorization = `Bearer ${script.dataset.token}`;
    if (body) headers["content-type"] = "application/json";
    let response;
    try {
      const options = { method: body ? "POST" : "GET", headers, signal, credentials: "omit", referrerPolicy: "no-referrer" };
      response = await fetch(server + path, { ...options, body: body && JSON.stringify(body) });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Failure(words.unreachable); // also where this site is not among SHAWAHID_ORIGINS: a browser does not say which of the two
    }
    if (!response.ok) {
      const told = await response.json().catch(() => null);
      throw new Failure(told?.error?.message || words.unreachable);
    }
    return response;
  }

  /** The server-sent events of a response, as [name, data]. */
  async function* events(response) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let held = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      held += value;
      const blocks = held.split("\n\n");
      held = blocks.pop();
      for (const block of blocks) {
        const name = /^event: (.*)$/m.exec(block)?.[1];
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (name && data) yield [name, JSON.parse(data)];
      }
    }
  }

  class Chat extends HTMLElement {
    #log;
    #input;
    #send;
    #turns = [];
    #running = null;

    connectedCallback() {
      if (this.shadowRoot) return;
      const root = this.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet(); // no style element: the page's policy may forbid those
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
      const chat = make("section", "chat");
      chat.lang = language;
      chat.dir = language === "ar" ? "rtl" : "ltr";
      chat.setAttribute("aria-label", words.name);
      this.#log = make("div", "log");
      this.#log.setAttribute("role", "log");
      this.#log.tabIndex = 0;
      const form = make("form");
      this.#input = make("input");
      this.#input.dir = "auto";
      this.#input.maxLength = 2000;
      this.#input.placeholder = words.ask;
      this.#input.setAttribute("aria-label", words.ask);
      this.#send = make("button", "", words.send);
      form.append(this.#input, this.#send);
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        if (this.#running) this.#running.abort();
        else this.ask(this.#input.value);
      });
      chat.append(this.#log, form);
      root.append(chat);
    }

    disconnectedCallback() {
      this.#running?.abort(); // leaving frees the model
    }

    #say(name, text) {
      const line = make("div", name, text);
      line.dir = "auto";
      this.#log.append(line);
      line.scrollIntoView({ block: "nearest" });
      return line;
    }

    /** Ask a question as if it had been typed; resolves when its answer stands there. */
    async ask(question) {
      question = question.trim();
      if (!question || this.#running) return;
      this.#running = new AbortController();
      this.#input.value = "";
      this.#send.textContent = words.stop;
      this.#say("asked", question);
      const state = this.#say("state", words.searching);
      const shown = this.#say("answer draft", "");
      try {
        const body = { question, history: this.#turns.slice(-6), stream: true };
        if (script.dataset.collection) body.collection = script.dataset.collection;
        let answer = null;
        for await (const [name, data] of events(await request("/v1/ask", body, this.#running.signal))) {
          if (name === "waiting") state.textContent = data.place ? words.waiting.replace("{place}", data.place) : words.searching;
          else if (name === "found") state.textContent = words.reading;
          else if (name === "draft") {
            state.textContent = words.unchecked;
            shown.textContent += data.text;
          } else if (name === "error") throw new Failure(data.error.message);
          else if (name === "answer") answer = data;
        }
        if (!answer) throw new Failure(words.unreachable);
        this.#show(answer, shown, state);
        this.#turns.push({ question: answer.searched, answer: answer.text });
      } catch (error) {
        shown.remove();
        state.textContent = error.name === "AbortError" ? words.stopped : error instanceof Failure ? error.message : words.unreachable;
        state.classList.toggle("failed", error.name !== "AbortError");
      } finally {
        this.#running = null;
        this.#send.textContent = words.send;
      }
    }

    #show(answer, shown, state) {
      shown.classList.remove("draft");
      shown.textContent = "";
      const known = new Map(answer.citations.map((citation) => [citation.number, citation]));
      for (const part of answer.text.split(/(\[\d+\])/)) {
        const citation = known.get(Number(/^\[(\d+)\]$/.exec(part)?.[1]));
        if (!citation) {
          shown.append(part);
          continue;
        }
        const button = make("button", "", String(citation.number));
        button.type = "button";
        button.setAttribute("aria-label", words.source.replace("{number}", citation.number));
        button.addEventListener("click", () => this.#open(citation, button));
        shown.append(button);
      }
      const grades = { quoted: words.quoted, checked: words.checked, unverified: words.unverified, translated: words.translated };
      state.textContent = grades[answer.grade] || "";
    }

    /** The place in the document that proves a sentence, marked. */
    async #open(citation, button) {
      const open = button.source;
      if (open) {
        open.remove();
        button.source = null;
        button.setAttribute("aria-expanded", "false");
        return;
      }
      const box = (button.source = make("div", "source"));
      box.dir = "auto";
      box.append(make("strong", "", [citation.title || citation.document, citation.locator].filter(Boolean).join(" · ")));
      button.closest(".answer").after(box);
      button.setAttribute("aria-expanded", "true");
      const from = Math.max(citation.start - AROUND, 0);
      const query = new URLSearchParams({ id: citation.document, start: from, end: citation.end + AROUND });
      if (script.dataset.collection) query.set("collection", script.dataset.collection);
      const mark = make("mark", "", citation.quote);
      try {
        const around = await (await request(`/v1/document?${query}`)).json();
        const text = [...around.text]; // code points, as positions are counted
        const before = text.slice(0, citation.start - from).join("");
        box.append(before, mark, text.slice(citation.end - from).join(""));
      } catch {
        box.append(mark); // the quote itself is there in any case
      }
      mark.scrollIntoView({ block: "nearest" });
    }
  }

  let tag = "shawahid-chat";
  for (let n = 2; customElements.get(tag); n++) tag = `shawahid-chat-${n}`; // two in one page, each with its own settings
  customElements.define(tag, Chat);
  const chat = document.createElement(tag);
  const place = script.dataset.target && document.querySelector(script.dataset.target);
  if (place) place.append(chat);
  else script.after(chat);
})();
