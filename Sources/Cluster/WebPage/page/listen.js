// The view in which songs are heard, and branched.
import { el, say } from "./dom.js";
import { go, note, where } from "./route.js";
import * as store from "./store.js";
import { SongTree } from "./songs.js";
import { SongView } from "./song-view.js";
import { isUnderWay, title } from "./format.js";

/** Shows the view in `place`. @returns what ends it, and what hears of a new address. */
export function listen(place) {
  const tree = new SongTree();
  const stage = el("section", { class: "song", "aria-label": "Song" });
  const toggle = el("button", { type: "button", class: "songs-toggle quiet", text: "Songs", "aria-expanded": "false", onclick: () => {
    const isOpen = place.querySelector(".listen").classList.toggle("songs-open");
    toggle.setAttribute("aria-expanded", String(isOpen));
  } });
  place.append(el("h2", { class: "unseen", text: "Listen" }), el("div", { class: "listen" }, toggle, tree.node, stage));
  let view = null;
  let shown = "";

  async function arrive(to = where()) {
    const id = to.song || store.all().find((song) => !song.hidden)?.song || "";
    if (id === shown && view) return view.move(to);
    view?.close();
    [view, shown] = [null, id];
    place.querySelector(".listen").classList.remove("songs-open");
    toggle.setAttribute("aria-expanded", "false");
    if (!id) return empty();
    try {
      if (!store.song(id)) await store.refresh(id);
    } catch (error) {
      if (shown === id) stage.replaceChildren(el("p", { class: "empty", role: "alert", text: error.message }), el("p", { class: "empty" }, el("a", { href: "#/compose", text: "Compose a new one" })));
      return;
    }
    if (shown !== id) return;
    view = new SongView(id, to);
    stage.replaceChildren(view.node);
    tree.select(id);
    document.title = `${title(store.song(id))} – Orchestrion`;
    if (!to.song) note({ ...to, view: "listen", song: id });
    store.loadTree(id).catch(() => { /* A coordinator that knows of no trees. */ });
  }

  function empty() {
    stage.replaceChildren(el("div", { class: "empty" }, el("p", { text: "Nothing to hear yet." }), el("p", {}, el("a", { class: "primary", href: "#/compose", text: "Compose a song" }))));
  }

  const before = new Map();
  const end = store.subscribe((ids) => {
    for (const id of ids) {
      const song = store.song(id);
      if (song?.state === "finished" && before.get(id)) say(`${title(song)} is finished`);
      before.set(id, song ? isUnderWay(song) : false);
    }
    if (shown && ids.has(shown)) {
      if (store.song(shown)) view?.update(); else go({ view: "listen" });
    }
    if (!shown && store.all().length) arrive();
  });
  arrive();
  return {
    close: () => { end(); tree.end(); view?.close(); },
    arrive, key: (event) => view?.key(event) ?? false, branches: () => view,
  };
}
