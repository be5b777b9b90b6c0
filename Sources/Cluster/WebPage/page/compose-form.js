// The form of a song: its fields, the request that they make, and the field that a refusal is about.
import { el, unique } from "./dom.js";
import { ask, get } from "./api.js";
import { field, figure, number } from "./dialog.js";
import { levelName, short } from "./format.js";
import { line } from "./command.js";
import { nameField } from "./names.js";
import { promptField } from "./prompt.js";

/** What the card of the model that ships recommends, level 0 first. */
const recommended = { "music-box": [0.8, 0.9, 0.99] };
const modes = [
  ["ancestral", "Nothing", "the model plays from its own"],
  ["primed", "A recording, continued", "what is kept of it is the beginning"],
  ["upsample", "A recording, made anew", "its rough shape stays; the finer levels are sampled"],
  ["continue", "Codes", "a file of codes is kept and gone on with"],
];
/** Words of a refusal, and the field that it is about. */
const subjects = {
  lyrics: /lyric/i, genre: /genre/i, artist: /artist/i, temperature: /temperature/i, top: /top_[kp]/i, hop: /hop/i,
  segments: /segment|overlap/i, seed: /seed/i, prompt: /prompt|recording/i, codes: /\bcodes\b/i, stop: /stop_at|stop-at/i,
  id: /\bid\b|submitted before/i, samples: /samples of a song|samples must|"samples"|\d+ samples\b/i, seconds: /second|longer|shorter|length|long\b/i, model: /model/i,
};

export class Form {
  models = [];
  #changed;

  constructor(changed) {
    this.#changed = changed;
    this.#make();
    const { model, artist, genre, lyrics, seconds, samples, seed } = this;
    const main = el("div", { class: "compose-main" },
      el("section", { "aria-label": "Sound" }, el("h3", { text: "Sound" }),
        el("div", { class: "grid-3" }, field("Model", model, ""), genre.node, artist.node)),
      el("section", { "aria-label": "Words" }, el("h3", { text: "Words" }), field("Lyrics", lyrics, "")),
      el("section", { "aria-label": "Length" }, el("h3", { text: "Length and takes" }),
        el("div", { class: "grid-3" }, field("Seconds", seconds, ""), field("Samples", samples, "each by its own chance"),
          field("Made up to", this.stop, "a sketch is there first"))),
      this.#start(),
      el("details", { class: "more" }, el("summary", { text: "Chance, segments and the rest" }),
        el("div", { class: "grid-3" }, this.#seedField(seed), this.temperatures,
          field("Segments", this.segments, "faster on several workers; approximate"), field("Overlap (s)", this.overlap, "of neighbouring segments"),
          field("Top k", this.topK, "0 or empty: off"), field("Top p", this.topP, "0 or empty: off"), field("Hop", this.hop, "share of a window between starts"),
          field("Files as", this.format, ""), field("Priority", this.priority, "higher goes first"), field("Id", this.id, "empty: made up"))));
    this.node = el("form", { class: "compose", noValidate: true, "aria-label": "A new song" }, main);
    this.node.addEventListener("input", () => this.#update());
  }

  #make() {
    this.model = el("select", { onchange: () => this.#chooseModel() });
    const model = () => this.model.value || "music-box";
    this.artist = nameField({ label: "Artist", kind: "artists", model });
    this.genre = nameField({ label: "Genre", kind: "genres", model });
    this.lyrics = el("textarea", { rows: 7, spellcheck: false, placeholder: "Line by line; empty: nobody sings" });
    this.seconds = number(20, { min: 0 });
    this.samples = number(1, { min: 1, max: 255, step: 1 });
    this.stop = el("select");
    this.seed = number(null, { step: 1, placeholder: "drawn" });
    this.temperatures = el("fieldset", { class: "levels-field" }, el("legend", { text: "Temperature" }));
    this.segments = el("input", { type: "text", placeholder: "none: exact", list: null });
    this.overlap = number(null, { placeholder: "0.25" });
    this.topK = number(null, { step: 1 });
    this.topP = number(null, { max: 1 });
    this.hop = el("input", { type: "text", placeholder: "0.5,0.5,0.125" });
    this.format = el("select", {}, ...["wav", "flac", "ogg"].map((name) => el("option", { value: name, text: name.toUpperCase() })));
    this.priority = number(null, { min: -1000, max: 1000, step: 1, placeholder: "0" });
    this.id = el("input", { type: "text", spellcheck: false, pattern: "[0-9A-Za-z-]{1,64}" });
    this.prompt = promptField(() => this.#update());
    this.codes = el("input", { type: "file", accept: ".safetensors,.tar,.pt,.pth" });
  }

  #seedField(seed) {
    const box = field("Seed", seed, "the only source of chance");
    const dice = el("button", { type: "button", class: "dice", "aria-label": "Throw the dice for the seed", title: "Throw the dice for the seed",
      onclick: () => { seed.value = String(Math.floor(Math.random() * 1e9)); this.#update(); } }, el("span", { "aria-hidden": "true", text: "⚄" }));
    const row = el("div", { class: "with-dice" });
    seed.replaceWith(row);
    row.append(seed, dice);
    return box;
  }

  #start() {
    const name = unique("mode");
    this.modes = modes.map(([value, label, hint], place) => el("label", { class: "choice" },
      el("input", { type: "radio", name, value, checked: place === 0, onchange: () => this.#showMode() }),
      el("span", {}, el("b", { text: label }), el("small", { text: hint }))));
    this.codesField = field("File of codes", this.codes, "codes.safetensors of a song, or the original's data.pth.tar");
    return el("section", { "aria-label": "Starting from" }, el("h3", { text: "Starting from" }),
      el("div", { class: "choices", role: "radiogroup", "aria-label": "Starting from" }, this.modes), this.prompt.node, this.codesField,
      el("small", { class: "prompt-note", "data-field": "prompt" }));
  }

  get mode() { return this.modes.map((one) => one.firstChild).find((one) => one.checked).value; }
  get hasFile() { return this.mode !== "ancestral"; }
  get chosen() { return this.models.find((one) => one.model === this.model.value); }

  #showMode() {
    this.prompt.node.hidden = !["primed", "upsample"].includes(this.mode);
    this.codesField.hidden = this.mode !== "continue";
    this.#update();
  }

  /** What is typed survives a reload. */
  keep() {
    const values = { model: this.model.value, genre: this.genre.input.value, artist: this.artist.input.value, lyrics: this.lyrics.value,
      seconds: this.seconds.value, samples: this.samples.value, stop: this.stop.value };
    sessionStorage.setItem("draft", JSON.stringify(values));
  }

  async load() {
    let draft = {};
    try { draft = JSON.parse(sessionStorage.getItem("draft") ?? "{}"); } catch { /* None. */ }
    try {
      this.models = (await get("/models")).models;
    } catch (error) { this.say("model", error.message); }
    this.model.replaceChildren(...this.models.map((one) => el("option", { value: one.model, text: one.model })));
    if (draft.model && this.models.some((one) => one.model === draft.model)) this.model.value = draft.model;
    this.#chooseModel();
    for (const name of ["lyrics", "seconds", "samples", "stop"]) if (draft[name]) this[name].value = draft[name];
    for (const name of ["genre", "artist"]) this[name].input.value = draft[name] ?? "";
    this.#showMode();
  }

  #chooseModel() {
    const model = this.chosen;
    const levels = model?.levels ?? 3;
    const usual = recommended[this.model.value] ?? Array(levels).fill(0.99);
    this.temperature = usual.slice(0, levels).map((value, level) => number(value, { step: 0.01, "aria-label": `Temperature of level ${level}`, title: levelName(level, levels - 1) }));
    this.temperatures.replaceChildren(el("legend", { text: "Temperature" }),
      el("div", { class: "level-inputs" }, this.temperature.map((input, level) => el("span", {}, input, el("small", { text: levelName(level, levels - 1) }))).reverse()),
      el("small", { "data-field": "temperature" }));
    this.stop.replaceChildren(...Array.from({ length: levels }, (_, level) => el("option", { value: String(level),
      text: level === 0 ? "the finest level" : level === levels - 1 ? "the sketch alone" : `level ${level}` })));
    this.#update();
  }

  #update() {
    this.#hints();
    this.#changed();
  }

  #hints() {
    const model = this.chosen;
    const characters = [...this.lyrics.value].length;
    const seconds = figure(this.seconds) ?? 0;
    let room = characters ? `${characters} characters` : "";
    if (model?.lyric_characters > 0 && model.window_seconds > 0) {
      const most = Math.floor((model.lyric_characters * seconds) / model.window_seconds);
      room = `${characters} of about ${most} characters that ${short(seconds)} s have room for`;
      this.lyrics.classList.toggle("over", characters > most);
    } else if (model?.lyric_characters > 0) room = `${characters} characters; a window of the model reads ${model.lyric_characters}`;
    else if (model) room = "this model does not sing";
    this.hint(this.lyrics, room);
    if (model) this.hint(this.seconds, `at most ${short(model.longest_seconds)}`);
  }

  hint(input, text) {
    const node = this.node?.querySelector(`#${input.id}-hint`);
    if (node && !node.classList.contains("refused")) node.textContent = text;
  }

  /** The fields of the request that need no file. */
  draft() {
    const count = Math.max(1, Math.min(255, figure(this.samples) ?? 1));
    const sample = {};
    for (const [name, value] of [["artist", this.artist.input.value], ["genre", this.genre.input.value], ["lyrics", this.lyrics.value]]) {
      if (value.trim()) sample[name] = name === "lyrics" ? value.trim() : value.trim();
    }
    const song = { model: this.model.value, seconds: figure(this.seconds), samples: Array.from({ length: count }, () => ({ ...sample })) };
    const more = {
      seed: figure(this.seed), temperature: this.temperature?.map((input) => figure(input) ?? 0.99), top_k: figure(this.topK), top_p: figure(this.topP),
      hop_fraction: this.hop.value.trim() ? this.hop.value.split(",").map(Number) : null, overlap: figure(this.overlap),
      segments: this.segments.value.trim() === "auto" ? "auto" : this.segments.value.trim() ? Number(this.segments.value) : null,
      stop_at: Number(this.stop.value) || null, format: this.format.value === "wav" ? null : this.format.value,
      priority: figure(this.priority), id: this.id.value.trim() || null, mode: this.mode === "ancestral" ? null : this.mode,
      prompt_seconds: this.mode === "primed" ? this.prompt.seconds : null,
    };
    for (const [name, value] of Object.entries({ ...song, ...more })) {
      if (value === null) delete song[name]; else song[name] = value;
    }
    return song;
  }

  /** The whole request; sends the file first. @throws Problem, Error */
  async request() {
    const song = this.draft();
    if (this.mode === "continue") {
      const file = this.codes.files[0];
      if (!file) throw new Error("choose the file of codes that the song goes on from");
      const response = await ask("POST", `/uploads?name=${encodeURIComponent(file.name)}`, { body: file });
      song.codes = (await response.json()).reference;
    } else if (this.mode !== "ancestral") {
      if (!this.prompt.file) throw new Error("choose the recording that the song starts from");
      song.prompt = await this.prompt.send();
    }
    return song;
  }

  command() {
    const song = this.draft();
    const sample = song.samples[0];
    return line("submit", [], {
      id: song.id, model: song.model, mode: song.mode, genre: sample.genre, artist: sample.artist, lyrics: sample.lyrics, seconds: song.seconds,
      samples: song.samples.length > 1 ? song.samples.length : null, seed: song.seed, temperature: song.temperature, "top-k": song.top_k,
      "top-p": song.top_p, "hop-fraction": song.hop_fraction, prompt: ["primed", "upsample"].includes(this.mode) ? this.prompt.name || "FILE" : null,
      "prompt-seconds": song.prompt_seconds && short(song.prompt_seconds), codes: this.mode === "continue" ? this.codes.files[0]?.name ?? "FILE" : null,
      "stop-at": song.stop_at, segments: song.segments, overlap: song.overlap, format: song.format, priority: song.priority,
    });
  }

  #places() {
    return { lyrics: this.lyrics, genre: this.genre.input, artist: this.artist.input, seconds: this.seconds, samples: this.samples, seed: this.seed,
      segments: this.segments, hop: this.hop, top: this.topK, stop: this.stop, id: this.id, model: this.model, codes: this.codes };
  }

  /** Says a refusal's sentence beside the field that it is about. @returns false where there is none. */
  blame(sentence) {
    let [best, place] = ["", Infinity];
    for (const [name, words] of Object.entries(subjects)) {
      const at = sentence.search(words);
      if (at >= 0 && at < place) [best, place] = [name, at];
    }
    return best !== "" && this.say(best, sentence);
  }

  say(name, sentence) {
    const input = this.#places()[name];
    const note = input ? this.node.querySelector(`#${input.id}-hint`) : this.node.querySelector(`[data-field="${name}"]`);
    if (!note || note.closest("[hidden]")) return false;
    const details = note.closest("details");
    if (details) details.open = true;
    note.dataset.hint ??= note.textContent;
    note.textContent = sentence;
    note.classList.add("refused");
    input?.setAttribute("aria-invalid", "true");
    return true;
  }

  /** Forgets what was refused. */
  clear() {
    for (const note of this.node.querySelectorAll(".refused")) {
      note.classList.remove("refused");
      note.textContent = note.dataset.hint ?? "";
    }
    for (const input of this.node.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
    this.#hints();
  }
}
