// One song: its samples with their sound, its levels, its words, and what can be done with it.
import { el, keyed, set } from "./dom.js";
import { get, songPath } from "./api.js";
import { branch } from "./branch.js";
import { disclosure } from "./command.js";
import * as deeds from "./deeds.js";
import { clock, doing, isUnderWay, levelName, origin, share, span, title } from "./format.js";
import { Lane } from "./lane.js";
import { LyricsPanel } from "./lyrics.js";
import { notices } from "./notices.js";
import { Player } from "./player.js";
import { address, note } from "./route.js";
import { Sound } from "./sound.js";
import * as store from "./store.js";

/** One for the page: two songs do not sound at a time. */
const player = new Player();
/** Seconds; of longer songs only the chosen sample is fetched. */
const longest = 600;

export class SongView {
  #sounds = new Map();
  #lanes = new Map();
  #specification = {};
  #asked = "";
  #seams = new Map();
  #isClosed = false;
  #noted = 0;
  #timer = 0;
  #onPlayer = () => this.#showPlayer();

  constructor(id, to) {
    this.id = id;
    this.#make();
    this.sample = to.sample ?? 0;
    this.level = this.#isLevel(to.level) ? to.level : this.#bestLevel();
    player.addEventListener("change", this.#onPlayer);
    player.pause();
    this.#useSounds();
    player.seek(to.at ?? 0);
    this.update();
    this.#showPosition();
    // Events tell of what has come; this is for those that are lost.
    this.#timer = setInterval(() => this.#fetch(), 4000);
  }

  close() {
    this.#isClosed = true;
    clearInterval(this.#timer);
    player.pause();
    player.removeEventListener("change", this.#onPlayer);
    for (const sound of this.#sounds.values()) sound.close();
  }

  get song() { return store.song(this.id); }
  get top() { return Math.max(0, ...this.song.levels.map((one) => one.level)); }
  get samples() {
    const numbers = Array.from({ length: this.song.samples }, (_, number) => number);
    return this.#specification.stereo ? [...numbers, "stereo"] : numbers;
  }
  /** The sample whose words are sung: what is mixed is sung as the first one. */
  get #sung() { return Number.isInteger(this.sample) ? this.sample : 0; }
  get seconds() { return player.duration || this.song.seconds || this.#specification.seconds || this.#length || 0; }
  get #length() { return this.#specification.sample_length ? this.#specification.sample_length / (this.#sound(this.level, this.sample).rate || 44_100) : 0; }

  /** Those that the song is made up to. */
  get made() { return this.song.levels.filter((one) => one.total > 0); }
  #isLevel(level) { return this.made.some((one) => one.level === level); }
  /** The finest of which something can be heard. */
  #bestLevel() {
    const heard = this.made.filter((one) => one.audible_seconds > 0 || this.song.state === "finished").map((one) => one.level);
    return heard.length ? Math.min(...heard) : this.top;
  }

  #make() {
    this.heading = el("h2", { class: "song-title" });
    this.state = el("p", { class: "song-state" });
    this.bar = el("progress", { max: 1, "aria-label": "Sampled" });
    this.notes = el("div", { class: "notices" });
    this.remark = el("p", { class: "remark" });
    this.trouble = el("p", { class: "trouble", role: "alert", hidden: true });
    const deed = (text, body, label = text) => el("button", { type: "button", class: "small quiet", text, "aria-label": label, title: label, onclick: () => this.#try(() => body(this.song)) });
    this.star = deed("☆", deeds.star, "Star");
    this.hide = deed("Hide", deeds.hide);
    this.halt = deed("Stop", deeds.halt);
    const tools = el("div", { class: "row wrap", role: "group", "aria-label": "This song" }, this.star, deed("Rename", deeds.rename, "Name and note"), this.hide, this.halt,
      deed("Files", (song) => deeds.files(song, this.sample, this.level)), deed("Remove", deeds.remove));
    this.levels = el("div", { class: "levels", role: "group", "aria-label": "Level" });
    this.lanes = el("div", { class: "lanes" });
    this.words = new LyricsPanel((seconds) => player.seek(seconds));
    this.facts = el("dl", { class: "facts" });
    this.as = disclosure(() => deeds.commands(this.song, this.sample, this.level), "These as commands");
    this.node = el("article", { class: "song-view" }, el("header", { class: "song-head" }, el("div", { class: "song-head-line" }, this.heading, tools), this.state, this.bar, this.remark),
      this.trouble, this.notes, this.#transport(), this.lanes, el("div", { class: "below" }, this.words.node,
        el("section", { "aria-label": "What it is" }, el("h3", { text: "What it is" }), this.facts, this.as.node)));
  }

  #transport() {
    this.play = el("button", { type: "button", class: "play", "aria-label": "Play", onclick: () => this.#try(() => player.toggle()) });
    this.time = el("span", { class: "time" });
    const act = (operation, sign, text, key) => el("button", { type: "button", "data-operation": operation, title: `${text} (${key})`, onclick: () => this.branch(operation) },
      el("span", { "aria-hidden": "true", text: `${sign} ` }), text);
    this.branches = el("div", { class: "row wrap branches", role: "group", "aria-label": "At the playhead" }, act("go-on", "→", "Go on", "g"), act("vary", "≈", "Vary", "v"),
      act("words", "¶", "Other words", "w"), act("cut", "✂", "Cut", "x"), act("upsample", "↑", "Upsample", "u"));
    return el("div", { class: "transport" }, this.play, this.time, this.levels, this.branches);
  }

  /** Does something, and says what was refused. */
  async #try(body) {
    this.trouble.hidden = true;
    try {
      await body();
    } catch (error) {
      set(this.trouble, { text: error.message, hidden: false });
    }
  }

  branch(operation) {
    player.pause();
    branch(operation, { song: this.song, sample: this.#sung, position: player.position, seconds: this.seconds, top: this.top, labels: this.#specification.samples,
      hear: (from, to) => { player.pause(); player.seek(from); player.play(to); } });
  }

  /** To another place of the same song, as the address says. */
  move(to) {
    if (to.sample !== null && to.sample !== this.sample) this.choose(to.sample);
    if (to.level !== null && to.level !== this.level && this.#isLevel(to.level)) this.chooseLevel(to.level);
    if (to.at !== null && Math.abs(to.at - player.position) > 0.02) player.seek(to.at);
  }

  choose(sample) {
    if (sample === this.sample) return;
    this.sample = sample;
    this.#useSounds();
    this.update();
  }

  chooseLevel(level) {
    if (level === this.level) return;
    this.level = level;
    this.#useSounds();
    this.update();
  }

  #sound(level, sample) {
    const key = `${level}/${sample}`;
    if (!this.#sounds.has(key)) this.#sounds.set(key, new Sound(this.id, level, sample));
    return this.#sounds.get(key);
  }

  /** The position stays whatever is heard. */
  #useSounds() {
    player.use(this.#sound(this.level, this.sample));
    this.#fetch();
    this.#noteAddress();
  }

  /** Fetches what can be heard and is not here. */
  #fetch() {
    if (this.#isClosed || !this.song) return;
    const level = this.song.levels.find((one) => one.level === this.level);
    if (!level) return;
    for (const sample of this.samples) {
      const sound = this.#sound(this.level, sample);
      const isFinished = this.song.state === "finished";
      // Of long songs only the one that is heard; what is mixed is there in the end.
      if ((sample !== this.sample && this.seconds > longest) || (sample === "stereo" && !isFinished)) continue;
      if (level.audible_seconds > sound.heardSeconds + 0.01 || (isFinished && !sound.isComplete)) sound.fetch();
    }
  }

  /** After the song has changed. */
  update() {
    const song = this.song;
    if (!song || this.#isClosed) return;
    this.#describe();
    set(this.heading, { text: title(song) });
    this.#showState(song);
    this.#showLevels(song);
    keyed(this.lanes, this.samples, (sample) => sample, (sample) => this.#lane(sample).node);
    for (const sample of this.samples) this.#showLane(sample);
    this.words.show(this.id, this.#sung, this.#specification.samples?.[this.#sung]?.lyrics ?? "", song.state === "finished");
    this.#showFacts(song);
    this.as.update();
    this.#fetch();
    this.#showPosition();
  }

  #showState(song) {
    const parent = song.parent && store.song(song.parent.song);
    set(this.state, { "data-state": song.state });
    this.state.replaceChildren(...[el("b", { class: `state is-${song.state}`, text: doing(song) }), song.parent && el("span", {}, ` ${origin(song.parent)} of `,
      parent ? el("a", { href: address({ view: "listen", song: parent.song }), text: title(parent) }) : "a song that is not here"), song.reason && el("span", { class: "trouble", text: ` ${song.reason}` })].filter(Boolean));
    this.bar.value = share(song);
    this.bar.hidden = !isUnderWay(song);
    set(this.remark, { text: song.note ?? "", hidden: !song.note });
    set(this.star, { text: song.starred ? "★" : "☆", "aria-pressed": String(!!song.starred) });
    set(this.hide, { text: song.hidden ? "Show" : "Hide", "aria-label": song.hidden ? "Show it again" : "Hide" });
    const word = isUnderWay(song) ? "Stop" : "Resume";
    set(this.halt, { text: word, "aria-label": word, title: word, hidden: song.state === "finished" });
    const list = notices.get(this.id);
    keyed(this.notes, list.length ? [list] : [], () => "all", () => el("div", { class: "notice" }, el("ul", {}, list.map((text) => el("li", { text }))),
      el("button", { type: "button", class: "small quiet", text: "Put away", onclick: () => { notices.clear(this.id); this.update(); } })));
  }

  #showLevels(song) {
    const levels = [...this.made].sort((one, other) => other.level - one.level);
    keyed(this.levels, levels, (one) => one.level, (one) => el("button", { type: "button", "data-level": String(one.level), onclick: () => this.chooseLevel(one.level) }, el("span"), el("i", { "aria-hidden": "true" })), (node, one) => {
      const part = one.total > 0 ? one.tokens / one.total : 0;
      set(node, { "aria-pressed": String(one.level === this.level), title: `Level ${one.level}: ${one.windows_done} of ${one.windows} windows`,
        "aria-label": `${levelName(one.level, this.top)}, ${Math.floor(100 * part)} % sampled` });
      set(node.firstChild, { text: levelName(one.level, this.top) });
      node.lastChild.style.width = `${100 * part}%`;
    });
  }

  #lane(sample) {
    if (!this.#lanes.has(sample)) {
      this.#lanes.set(sample, new Lane(sample, { seek: (seconds) => player.seek(seconds), choose: () => this.choose(sample), key: (event) => this.key(event) }));
    }
    return this.#lanes.get(sample);
  }

  #showLane(sample) {
    const lane = this.#lane(sample);
    const label = this.#specification.samples?.[sample] ?? this.song.labels?.[sample];
    const words = [sample === "stereo" ? "Stereo" : `Sample ${sample + 1}`, label?.genre, label?.artist].filter(Boolean).join(" · ").replaceAll("_", " ");
    lane.label(words, sample === this.sample);
    lane.use(this.#sound(this.level, sample), this.song.seconds ?? 0);
    const kept = this.song.parent?.kept_seconds ?? 0;
    lane.mark([...(kept > 0 && this.song.parent.operation !== "cut" ? [{ at: kept, kind: "kept", words: "kept until here" }] : []), ...(this.#seams.get(`${this.level}/${sample}`) ?? [])]);
    if (this.song.segments > 1 && this.level < this.top && this.song.state === "finished") this.#askSeams(sample);
  }

  /** The song's specification, for its words and labels. */
  async #describe() {
    const wanted = this.song.state === "finished" ? "song.json" : "specification";
    if (this.#asked === wanted) return;
    this.#asked = wanted;
    try {
      this.#specification = await get(`${songPath(this.id)}/${wanted}`);
      this.update();
    } catch { /* It is asked for again when the song is finished. */ }
  }

  async #askSeams(sample) {
    const key = `${this.level}/${sample}`;
    if (this.#seams.has(key) || sample === "stereo") return;
    this.#seams.set(key, []);
    try {
      const { report } = await get(`${songPath(this.id)}/seams?level=${this.level}&sample=${sample}`);
      this.#seams.set(key, (report.seams ?? []).map((one) => ({ at: one.seconds, kind: "seam", words: "seam of two segments" })));
      this.update();
    } catch { /* A level of one piece has no seams. */ }
  }

  #showFacts(song) {
    const made = this.#specification;
    const list = (value) => Array.isArray(value) ? value.join(", ") : value;
    const facts = [["Model", song.model], ["Length", this.seconds ? clock(this.seconds) : ""], ["Seed", made.seed], ["Temperature", list(made.temperature)], ["Mode", made.mode],
      ["Segments", song.segments > 1 ? `${song.segments}: approximate` : ""], ["Speed", isUnderWay(song) && song.tokens_per_second > 0 ? `${Math.round(song.tokens_per_second)} tokens a second, ${song.running} windows at a time` : ""],
      ["Asked for", `${span((Date.now() / 1000) - song.submitted)} ago`], ["Id", song.song]];
    this.facts.replaceChildren(...facts.filter(([, value]) => value !== undefined && value !== "").flatMap(([name, value]) => [el("dt", { text: name }), el("dd", { text: String(value) })]));
  }

  #showPlayer() {
    const { isPlaying, isWaiting } = player;
    set(this.play, { text: isPlaying ? "❚❚" : "▶", "aria-label": isPlaying ? "Pause" : "Play", title: `${isPlaying ? "Pause" : "Play"} (space)`, "data-state": isWaiting ? "waiting" : isPlaying ? "playing" : "paused" });
    this.#showPosition();
    if (isPlaying && !this.isShowing) this.#follow();
    if (!isPlaying) this.#noteAddress();
  }

  #follow() {
    this.isShowing = player.isPlaying && !this.#isClosed;
    if (!this.isShowing) return;
    this.#showPosition();
    if (performance.now() - this.#noted > 1000) this.#noteAddress();
    requestAnimationFrame(() => this.#follow());
  }

  #showPosition() {
    const { position } = player;
    for (const lane of this.#lanes.values()) lane.show(position);
    set(this.time, { text: `${clock(position)} / ${this.seconds ? clock(this.seconds) : "–"}${player.isWaiting ? " · waits for more" : ""}`, "data-position": position.toFixed(2) });
    this.words.light(position);
  }

  #noteAddress() {
    if (this.#isClosed) return;
    this.#noted = performance.now();
    note({ view: "listen", song: this.id, sample: this.sample, level: this.level, at: player.position });
  }

  /** A key that nothing else took. @returns whether it meant something. */
  key(event) {
    const step = event.shiftKey ? 5 : 1;
    const { samples } = this;
    const levels = this.made.map((one) => one.level).sort();
    const level = (by) => this.chooseLevel(levels.at((levels.indexOf(this.level) + by) % levels.length));
    const sample = (by) => this.choose(samples[(samples.indexOf(this.sample) + by + samples.length) % samples.length]);
    const moves = { ArrowLeft: -step, ArrowRight: step, ",": -0.1, ".": 0.1 };
    const actions = { " ": () => this.#try(() => player.toggle()), Home: () => player.seek(0), End: () => player.seek(this.seconds), PageUp: () => player.seek(player.position - 5), PageDown: () => player.seek(player.position + 5) };
    const letters = { l: () => level(-1), "[": () => sample(-1), "]": () => sample(1), g: () => this.branch("go-on"), v: () => this.branch("vary"), w: () => this.branch("words"), x: () => this.branch("cut"),
      u: () => this.branch("upsample"), s: () => this.#try(() => deeds.star(this.song)), r: () => deeds.rename(this.song), f: () => deeds.files(this.song, this.sample, this.level) };
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    const action = !isPlain ? null : moves[event.key] ? () => player.seek(player.position + moves[event.key])
      : actions[event.key] ?? (localStorage.getItem("letters") !== "off" ? letters[event.key] : null);
    if (!action) return false;
    event.preventDefault();
    event.stopPropagation();
    action();
    return true;
  }
}
