// One sample of a song: its waveform and spectrogram, the place that is played, and what is still coming.
import { el, set } from "./dom.js";
import { clock } from "./format.js";
import { Drawing } from "./drawing.js";

export class Lane {
  #sound = null;
  #drawing;
  #marks = [];
  #onChange = () => this.#changed();

  /** @param seek(seconds) is called when a place is chosen, `choose()` when the lane is. */
  constructor(sample, { seek, choose, key }) {
    this.sample = sample;
    this.name = el("span", { class: "lane-name" });
    this.said = el("span", { class: "lane-said dim" });
    this.pick = el("button", { type: "button", class: "lane-pick", onclick: choose }, this.name);
    this.wave = el("canvas", { class: "wave" });
    this.spectrum = el("canvas", { class: "spectrum" });
    this.head = el("i", { class: "head" });
    this.coming = el("i", { class: "coming" });
    this.marked = el("div", { class: "marks" });
    this.stage = el("div", { class: "stage", role: "slider", tabIndex: 0, "aria-valuemin": "0", "aria-valuemax": "0", "aria-valuenow": "0", onkeydown: key },
      this.wave, this.spectrum, this.coming, this.marked, this.head);
    this.stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this.stage.setPointerCapture(event.pointerId);
      choose();
      this.#point(event, seek);
    });
    this.stage.addEventListener("pointermove", (event) => {
      if (this.stage.hasPointerCapture(event.pointerId)) this.#point(event, seek);
    });
    this.node = el("div", { class: "lane", "data-sample": String(sample) }, el("div", { class: "lane-top" }, this.pick, this.said), this.stage);
    this.#drawing = new Drawing(this.wave, this.spectrum);
  }

  #point(event, seek) {
    if (!this.seconds) return;
    const box = this.stage.getBoundingClientRect();
    seek(Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * this.seconds);
  }

  get seconds() { return this.#sound?.seconds || this.length || 0; }

  /** @param length of the song in seconds, as long as the sound does not say it; 0 where nobody knows. */
  use(sound, length) {
    this.length = length;
    if (sound === this.#sound) return;
    this.#sound?.removeEventListener("change", this.#onChange);
    this.#sound = sound;
    sound.addEventListener("change", this.#onChange);
    this.#drawing.use(sound);
    this.#changed();
  }

  #changed() {
    const sound = this.#sound;
    const part = sound.length ? sound.have / sound.length : 0;
    this.coming.style.left = `${100 * part}%`;
    this.coming.hidden = sound.isComplete;
    set(this.said, { text: sound.isComplete ? "" : sound.have ? `${clock(sound.heardSeconds)} of ${clock(sound.seconds)} can be heard` : sound.trouble ? "nothing can be heard at this level yet" : "" });
    set(this.stage, { "aria-valuemax": this.seconds.toFixed(2), "data-have": (sound.heardSeconds || 0).toFixed(2), "data-complete": String(sound.isComplete) });
    this.mark(this.#marks);
    this.#drawing.draw();
  }

  label(words, isChosen) {
    set(this.name, { text: words });
    set(this.pick, { "aria-pressed": String(isChosen) });
    set(this.stage, { "aria-label": `Playhead, ${words}` });
    this.node.classList.toggle("is-chosen", isChosen);
  }

  /** Places to mark: `{ at, kind, words }` with seconds; kinds are `seam` and `kept`. */
  mark(marks) {
    this.#marks = marks;
    const seconds = this.seconds;
    this.marked.replaceChildren(...(seconds ? marks.filter((one) => one.at > 0 && one.at < seconds).map((one) => {
      const node = el("i", { class: one.kind, title: `${one.words} at ${clock(one.at)}` });
      node.style.left = `${(100 * one.at) / seconds}%`;
      return node;
    }) : []));
  }

  show(position) {
    const seconds = this.seconds;
    this.head.style.left = `${seconds ? Math.min(100, (100 * position) / seconds) : 0}%`;
    set(this.stage, { "aria-valuenow": position.toFixed(2), "aria-valuetext": `${clock(position)} of ${clock(seconds)}` });
  }
}
