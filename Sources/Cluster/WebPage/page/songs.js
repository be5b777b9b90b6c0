// All songs as a tree: what came from what. One row has the focus; arrows move it.
import { el, keyed, set } from "./dom.js";
import * as store from "./store.js";
import { clock, doing, isUnderWay, operations, origin, share, title } from "./format.js";
import { go } from "./route.js";

export class SongTree {
  #closed = new Set();
  #focus = "";
  #selected = "";
  #rows = [];

  constructor() {
    this.search = el("input", { type: "search", placeholder: "Find a song", "aria-label": "Find a song", oninput: () => this.update() });
    this.stars = this.#toggle("★", "Only songs with a star");
    this.hidden = this.#toggle("Hidden", "Hidden songs, too");
    this.list = el("ul", { role: "tree", "aria-label": "Songs and what came of them", class: "tree", onkeydown: (event) => this.#key(event) });
    this.empty = el("p", { class: "empty", hidden: true });
    this.more = el("button", { type: "button", class: "small quiet", text: "Older songs", onclick: () => store.load(true).catch((error) => { this.empty.textContent = error.message; }) });
    this.node = el("aside", { class: "songs", "aria-label": "Songs" },
      el("div", { class: "songs-tools" }, this.search, this.stars, this.hidden), this.list, this.empty, this.more);
    this.end = store.subscribe(() => this.update());
    this.update();
  }

  #toggle(text, label) {
    const button = el("button", { type: "button", class: "toggle small", text, title: label, "aria-label": label, "aria-pressed": "false", onclick: () => {
      set(button, { "aria-pressed": String(button.getAttribute("aria-pressed") !== "true") });
      this.update();
    } });
    return button;
  }

  select(id) {
    this.#selected = id;
    if (!this.list.contains(document.activeElement)) this.#focus = id;
    // Its row is seen, whatever was folded.
    for (let one = store.song(id)?.parent?.song; one; one = store.song(one)?.parent?.song) this.#closed.delete(one);
    this.update();
  }

  update() {
    const words = this.search.value.trim().toLowerCase();
    const [starred, hidden] = [this.stars, this.hidden].map((one) => one.getAttribute("aria-pressed") === "true");
    const isShown = (song) => song.song === this.#selected || ((hidden || !song.hidden) && (!starred || song.starred)
      && (!words || `${title(song)} ${song.song} ${song.note ?? ""}`.toLowerCase().includes(words)));
    const { roots, children } = store.forest(isShown);
    this.#rows = [];
    const add = (song, depth, place, count) => {
      const below = children(song.song);
      const isOpen = !this.#closed.has(song.song);
      this.#rows.push({ song, depth, place, count, hasChildren: below.length > 0, isOpen });
      if (isOpen) below.forEach((child, at) => add(child, depth + 1, at + 1, below.length));
    };
    roots.forEach((song, at) => add(song, 1, at + 1, roots.length));
    if (!this.#rows.some((row) => row.song.song === this.#focus)) this.#focus = this.#rows[0]?.song.song ?? "";
    keyed(this.list, this.#rows, (row) => row.song.song, (row) => this.#make(row), (node, row) => this.#show(node, row));
    this.more.hidden = !store.hasMore();
    this.empty.hidden = this.#rows.length > 0;
    this.empty.textContent = words || starred ? "No song is like that." : "No songs yet.";
  }

  #make({ song }) {
    const id = song.song;
    return el("li", { role: "treeitem", onclick: (event) => {
      this.#focus = id;
      if (event.target.classList.contains("twist")) this.#fold(id); else go({ view: "listen", song: id });
    } }, el("span", { class: "twist", "aria-hidden": "true" }), el("span", { class: "row-sign", "aria-hidden": "true" }),
    el("span", { class: "row-title" }), el("span", { class: "row-star", "aria-hidden": "true" }), el("span", { class: "row-state" }), el("span", { class: "row-bar", "aria-hidden": "true" }, el("i")));
  }

  #show(node, { song, depth, place, count, hasChildren, isOpen }) {
    const [twist, sign, name, star, state, bar] = node.children;
    const id = song.song;
    const words = [isUnderWay(song) || song.state !== "finished" ? doing(song) : song.seconds ? clock(song.seconds, 0) : "", origin(song.parent)].filter(Boolean).join(" · ");
    set(node, { "aria-level": depth, "aria-posinset": place, "aria-setsize": count, "aria-selected": String(id === this.#selected),
      "aria-expanded": hasChildren ? String(isOpen) : null, tabIndex: id === this.#focus ? 0 : -1, class: `row-song ${song.hidden ? "is-hidden" : ""} is-${song.state}`,
      "aria-label": [title(song), song.starred ? "starred" : "", words || song.state].filter(Boolean).join(", ") });
    node.style.setProperty("--depth", String(Math.min(depth - 1, 8)));
    set(twist, { text: hasChildren ? (isOpen ? "▾" : "▸") : "" });
    set(sign, { text: operations[song.parent?.operation]?.sign ?? "" });
    set(name, { text: title(song) });
    set(star, { text: song.starred ? "★" : "" });
    set(state, { text: words });
    bar.hidden = !isUnderWay(song);
    bar.firstChild.style.width = `${100 * share(song)}%`;
  }

  #fold(id, close = !this.#closed.has(id)) {
    if (close) this.#closed.add(id); else this.#closed.delete(id);
    this.update();
  }

  #move(id) {
    if (!id) return;
    this.#focus = id;
    this.update();
    const node = [...this.list.children].find((one) => one.dataset.key === id);
    node?.focus();
    node?.scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    const at = this.#rows.findIndex((row) => row.song.song === this.#focus);
    const row = this.#rows[at];
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
    const id = row.song.song;
    const action = {
      ArrowDown: () => this.#move(this.#rows[at + 1]?.song.song), ArrowUp: () => this.#move(this.#rows[at - 1]?.song.song),
      Home: () => this.#move(this.#rows[0].song.song), End: () => this.#move(this.#rows.at(-1).song.song),
      ArrowLeft: () => row.hasChildren && row.isOpen ? this.#fold(id, true) : this.#move(this.#rows.slice(0, at).findLast((one) => one.depth < row.depth)?.song.song),
      ArrowRight: () => row.hasChildren ? (row.isOpen ? this.#move(this.#rows[at + 1].song.song) : this.#fold(id, false)) : undefined,
      Enter: () => go({ view: "listen", song: id }),
    }[event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }
}
