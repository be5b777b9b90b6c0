// The words of a sample, which light up as they are sung.
import { el } from "./dom.js";
import { get, songPath } from "./api.js";

export class LyricsPanel {
  #wanted = "";
  #words = [];
  #lit = null;

  constructor(seek) {
    this.seek = seek;
    this.lines = el("div", { class: "lyric-lines" });
    this.note = el("p", { class: "dim" });
    this.node = el("section", { class: "lyrics", "aria-label": "Words" }, el("h3", { text: "Words" }), this.lines, this.note);
  }

  /** @param text as it was submitted; @param isFinished whether there are times. */
  async show(song, sample, text, isFinished) {
    const wanted = `${song} ${sample} ${isFinished} ${text}`;
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    this.#words = [];
    this.node.hidden = !text;
    this.lines.replaceChildren(...(text ?? "").split("\n").map((line) => el("p", { text: line })));
    this.note.textContent = text && !isFinished ? "They light up when the song is finished." : "";
    if (!text || !isFinished) return;
    try {
      const lyrics = await get(`${songPath(song)}/lyrics?sample=${sample}&format=json`);
      if (wanted !== this.#wanted) return;
      this.note.textContent = lyrics.note;
      if (lyrics.lines.length) this.#take(lyrics);
    } catch (error) {
      if (wanted === this.#wanted) this.note.textContent = error.message;
    }
  }

  /** Words with the times of their characters, in the lines' order. */
  #take({ lines, characters }) {
    let place = 0;
    this.lines.replaceChildren(...lines.map((line) => {
      const words = [];
      for (const text of line.text.trim().split(/\s+/).filter(Boolean)) {
        let [begin, end] = [Infinity, 0];
        for (const sign of text) {
          const found = characters.findIndex((one, at) => at >= place && one.text === sign);
          if (found < 0) continue;
          place = found + 1;
          if (characters[found].end > characters[found].begin) {
            begin = Math.min(begin, characters[found].begin);
            end = Math.max(end, characters[found].end);
          }
        }
        const node = el("span", { text, onclick: () => { if (Number.isFinite(begin)) this.seek(begin); } });
        this.#words.push({ begin, end, node });
        words.push(node, " ");
      }
      return el("p", { title: line.end > line.begin ? "" : "not reached" }, words);
    }));
    // What has no time of its own is sung with what is next to it.
    for (let at = this.#words.length - 2; at >= 0; at -= 1) {
      if (!Number.isFinite(this.#words[at].begin) && Number.isFinite(this.#words[at + 1].begin)) this.#words[at].begin = this.#words[at + 1].begin;
    }
  }

  light(position) {
    const now = position > 0 ? this.#words.findLast((word) => word.begin <= position) ?? null : null;
    if (now === this.#lit) return;
    this.#lit = now;
    const at = now ? this.#words.indexOf(now) : -1;
    this.#words.forEach((word, place) => {
      word.node.classList.toggle("sung", place < at);
      word.node.classList.toggle("singing", place === at);
    });
    if (now) this.lines.scrollTop = now.node.closest("p").offsetTop - this.lines.clientHeight / 2;
  }
}
