// Who sampled which window of a song when: a row for each worker's slot, live.
import { el, set } from "./dom.js";
import { get, songPath } from "./api.js";
import { isUnderWay, levelName, span } from "./format.js";
import * as store from "./store.js";

/** Height of a slot's row, and room for a worker's name, in pixels. */
const [row, title] = [14, 18];

export class Gantt {
  song = "";
  #timeline = null;
  #boxes = [];

  constructor() {
    this.canvas = el("canvas", { class: "gantt", role: "img", tabIndex: 0 });
    this.tip = el("p", { class: "dim gantt-tip" });
    this.legend = el("p", { class: "legend" });
    this.node = el("div", {}, this.legend, this.canvas, this.tip);
    this.canvas.addEventListener("pointermove", (event) => this.#point(event));
    this.#watcher = new ResizeObserver(() => this.#draw());
    this.#watcher.observe(this.node);
  }
  #watcher;

  close() { this.#watcher.disconnect(); this.song = ""; }

  show(song) {
    this.song = song;
    this.#timeline = null;
    this.look(true);
  }

  /** Asks again, unless the song has ended and was seen. */
  async look(isNew = false) {
    const wanted = this.song;
    const song = store.song(wanted);
    if (!wanted || (!isNew && this.#timeline && song && !isUnderWay(song) && this.#timeline.state === song.state)) return;
    try {
      const timeline = await get(`${songPath(wanted)}/timeline`);
      if (wanted !== this.song) return;
      this.#timeline = timeline;
      this.#draw();
    } catch (error) { set(this.tip, { text: error.message }); }
  }

  /** Each worker's leases, laid side by side where they overlap. */
  #rows() {
    const rows = this.#timeline.workers.map((worker) => ({ name: worker.name, ends: [], leases: [] }));
    for (const lease of [...this.#timeline.leases].sort((one, other) => one.start - other.start)) {
      const { ends, leases } = rows[lease.worker];
      let slot = ends.findIndex((end) => end <= lease.start + 0.001);
      if (slot < 0) slot = ends.push(0) - 1;
      ends[slot] = lease.end;
      leases.push({ lease, slot });
    }
    return rows;
  }

  #draw() {
    if (!this.#timeline) return;
    const { leases, submitted_at: begin } = this.#timeline;
    const rows = this.#rows();
    const ratio = devicePixelRatio || 1;
    const width = this.node.clientWidth;
    const height = rows.reduce((sum, one) => sum + title + Math.max(1, one.ends.length) * row, 0) + 18;
    this.canvas.style.height = `${height}px`;
    Object.assign(this.canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
    const context = this.canvas.getContext("2d");
    context.scale(ratio, ratio);
    const style = getComputedStyle(this.canvas);
    const colour = (name) => style.getPropertyValue(name);
    const last = Math.max(begin + 1, ...leases.map((lease) => lease.end));
    const x = (time) => ((time - begin) / (last - begin)) * width;
    this.#boxes = [];
    context.font = `12px ${style.fontFamily}`;
    let y = 0;
    for (const one of rows) {
      context.fillStyle = colour("--dim");
      context.fillText(one.name, 0, y + 13);
      y += title;
      for (const { lease, slot } of one.leases) {
        const box = { lease, worker: one.name, x: x(lease.start), y: y + slot * row, width: Math.max(1.5, x(lease.end) - x(lease.start) - 0.5), height: row - 2 };
        context.globalAlpha = lease.lost ? 0.35 : 1;
        context.fillStyle = colour(`--level-${Math.min(2, lease.level)}`);
        context.fillRect(box.x, box.y, box.width, box.height);
        context.globalAlpha = 1;
        if (lease.lost) { context.fillStyle = colour("--bad"); context.fillRect(box.x + box.width - 2, box.y, 2, box.height); }
        this.#boxes.push(box);
      }
      y += Math.max(1, one.ends.length) * row;
    }
    context.fillStyle = colour("--dim");
    context.fillText("0", 0, height - 4);
    context.textAlign = "right";
    context.fillText(span(last - begin), width, height - 4);
    this.#describe(rows);
  }

  #describe(rows) {
    const { leases } = this.#timeline;
    const levels = [...new Set(leases.map((lease) => lease.level))].sort().reverse();
    const top = Math.max(2, ...levels);
    const lost = leases.filter((lease) => lease.lost).length;
    this.legend.replaceChildren(...levels.flatMap((level) => [el("i", { class: `swatch level-${Math.min(2, level)}` }), `${levelName(level, top)} `]), lost ? `· ${lost} taken back (pale, with a red end)` : "");
    set(this.canvas, { "aria-label": `${leases.length} windows on ${rows.length} workers; ${leases.filter((lease) => lease.ending === "running").length} are sampled now, ${lost} were taken back` });
    if (!this.tip.textContent) this.tip.textContent = "Point at a window.";
  }

  #point(event) {
    const bounds = this.canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top];
    const box = this.#boxes.find((one) => x >= one.x && x <= one.x + Math.max(4, one.width) && y >= one.y && y <= one.y + one.height);
    if (!box) return;
    const { lease } = box;
    set(this.tip, { text: `${box.worker}: sample ${lease.sample + 1}, level ${lease.level}, window ${lease.window}${lease.segment === undefined ? "" : `, segment ${lease.segment}`}: ${lease.tokens} tokens in ${span(lease.end - lease.start)}, ${lease.ending}` });
  }
}
