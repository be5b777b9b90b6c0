// Starts the page: which view is shown, what is heard of songs, and the keys.
import { onTokenWanted, token } from "./api.js";
import { el, set } from "./dom.js";
import { compose } from "./compose.js";
import { listen as hear } from "./events.js";
import { plural } from "./format.js";
import { askForToken, help } from "./help.js";
import { listen } from "./listen.js";
import { go, where } from "./route.js";
import * as store from "./store.js";
import { watch } from "./watch.js";

const place = document.getElementById("view");
const pulse = document.getElementById("pulse");
let [view, name, stream, isConnected] = [null, "", null, false];

function show() {
  const to = where();
  const wanted = to.view || (store.all().length ? "listen" : "compose");
  if (wanted === name && view?.arrive) return view.arrive(to);
  if (wanted === name) return undefined;
  view?.close();
  name = wanted;
  place.replaceChildren();
  place.className = `view-${name}`;
  document.title = `${name[0].toUpperCase()}${name.slice(1)} – Orchestrion`;
  for (const link of document.querySelectorAll("nav a")) set(link, { "aria-current": link.dataset.view === name ? "page" : null });
  const made = { compose, listen, watch }[name](place);
  view = typeof made === "function" ? { close: made } : made;
  return undefined;
}

function showPulse() {
  const count = store.underWay().length;
  set(pulse, { text: !isConnected ? "not connected" : count ? `${plural(count, "song")} under way` : "", class: `pulse ${isConnected ? (count ? "busy" : "calm") : "lost"}` });
}

function connect() {
  stream?.close();
  stream = hear((kind, data) => kind === "removed" ? store.forget(data.song) : store.note(data), (yes) => {
    // What happened while nobody listened.
    if (yes && !isConnected) store.load().catch(() => {});
    isConnected = yes;
    showPulse();
  });
}

async function start() {
  try {
    await store.load();
    connect();
  } catch (error) {
    if (error.status === 401) return;
    place.replaceChildren(el("p", { class: "empty", role: "alert", text: error.message }));
    setTimeout(start, 2000);
    return;
  }
  [view, name] = [(view?.close(), null), ""];
  show();
}

onTokenWanted((sentence) => {
  token.set("");
  stream?.close();
  askForToken(sentence, start);
});
store.subscribe(showPulse);
addEventListener("hashchange", show);
document.getElementById("help").addEventListener("click", help);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  place.focus();
});
addEventListener("keydown", (event) => {
  const { target } = event;
  if (event.defaultPrevented || document.querySelector("dialog[open]") || target.closest?.("input, textarea, select, [contenteditable]")) return;
  if (event.key === "?") return help();
  if (event.key === " " && target.closest?.("button, a, summary")) return;
  if (event.key === "Enter") return;
  if (view?.key?.(event)) return;
  const views = { 1: "compose", 2: "listen", 3: "watch" };
  if (views[event.key] && !event.ctrlKey && !event.metaKey && !event.altKey && localStorage.getItem("letters") !== "off") go({ view: views[event.key] });
});
start();
