// What a song would take, as one types.
import { el, debounced } from "./dom.js";
import { get, post } from "./api.js";
import { bytes, plural, short, span } from "./format.js";
import { underWay } from "./store.js";

export class Plan {
  #form;
  #text = "";
  #stop = null;
  #ask = debounced(350, () => this.#askNow());

  constructor(form) {
    this.#form = form;
    this.when = el("p", { class: "plan-when", text: "…" });
    this.how = el("dl", { class: "facts" });
    this.node = el("div", { class: "plan" }, el("h3", { text: "Plan" }), this.when, this.how);
  }

  ask() { this.#ask(); }
  close() { this.#stop?.abort(); this.#form = null; }

  async #askNow() {
    if (!this.#form?.model.value) return;
    const song = this.#form.draft();
    // It takes as long from a recording as without one, or less.
    for (const name of ["id", "priority", "prompt_seconds", ...(song.mode === "upsample" ? [] : ["mode"])]) delete song[name];
    const text = JSON.stringify(song);
    if (text === this.#text) return;
    this.#stop?.abort();
    this.#stop = new AbortController();
    try {
      const { workers } = await get("/workers", { signal: this.#stop.signal });
      const plan = await post(`/plan?workers=${encodeURIComponent(Plan.#list(workers))}`, song, { signal: this.#stop.signal });
      this.#text = text;
      this.#form?.clear();
      this.#show(plan, workers.length);
    } catch (error) {
      if (error.name === "AbortError" || !this.#form) return;
      this.#text = "";
      this.#form.clear();
      this.how.replaceChildren();
      const isSaid = this.#form.blame(error.message);
      this.when.textContent = isSaid ? "Not possible so" : error.message;
      this.node.classList.toggle("refused", true);
    }
  }

  /** Workers as the plan wants them: how many of which speed. */
  static #list(workers) {
    const counts = new Map();
    for (const worker of workers) {
      const speed = worker.speeds?.find((one) => one.level === 0)?.tokens_per_second ?? 0;
      const word = speed > 0 ? `@${Math.max(1, Number(speed.toPrecision(2)))}` : "";
      counts.set(word, (counts.get(word) ?? 0) + 1);
    }
    const list = [...counts].slice(0, 12).map(([word, count]) => count + word).join(",");
    return list || "1";
  }

  #show(plan, workers) {
    this.node.classList.toggle("refused", false);
    const seconds = plan.rows[0]?.seconds ?? plan.work_seconds;
    const before = underWay().reduce((most, song) => Math.max(most, song.seconds_left || 0), 0);
    const done = new Date(Date.now() + 1000 * (seconds + before));
    const time = done.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    this.when.textContent = workers === 0 ? `${span(seconds)} once a worker is there` : `Done about ${time}`;
    const facts = [
      ["Sampling", workers === 0 ? "no worker is there" : `${span(seconds)} on ${plural(workers, "worker")}`],
      ["Before it", before > 0 ? `${plural(underWay().length, "song")}, ${span(before)}` : "nothing"],
      ["Length", `${short(plan.song_seconds)} s × ${plan.samples}`],
      ["Tokens", plan.levels.reduce((sum, level) => sum + level.new_tokens, 0).toLocaleString("en")],
      ["A worker's memory", `${bytes(plan.worker_bytes)} + ${bytes(plan.bytes_per_slot)} a window`],
      ["The coordinator's", bytes(plan.coordinator_bytes)],
    ];
    this.how.replaceChildren(...facts.flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { text: value })]));
  }
}
