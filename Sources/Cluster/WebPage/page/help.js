// What the keys do, and the dialog that asks for a token.
import { el } from "./dom.js";
import { show, field } from "./dialog.js";
import { token } from "./api.js";

const keys = [
  ["Space", "play, pause"], ["← →", "a second back, on; with Shift five"], [", .", "a tenth of a second back, on"], ["Home End", "to the beginning, the end"],
  ["l", "the next finer level"], ["[ ]", "the sample before, after"], ["g", "go on from the playhead"], ["v", "vary from the playhead"], ["w", "other words from the playhead"],
  ["x", "cut"], ["u", "upsample"], ["s", "star"], ["r", "name and note"], ["f", "files"], ["↑ ↓ ← →", "in the tree of songs: move, fold, unfold; Enter opens"], ["1 2 3", "Compose, Listen, Watch"], ["?", "this list"],
];

export function help() {
  const letters = el("input", { type: "checkbox", checked: localStorage.getItem("letters") !== "off", onchange: () => localStorage.setItem("letters", letters.checked ? "on" : "off") });
  show({
    title: "Keys", body: [el("dl", { class: "keys" }, keys.flatMap(([key, words]) => [el("dt", {}, key.split(" ").map((one) => el("kbd", { text: one }))), el("dd", { text: words })])),
      el("label", { class: "check" }, letters, " Single letters are keys"),
      el("p", { class: "dim" }, "All that this page does is one call of the ", el("a", { href: "/api/v1/openapi.json", text: "API" }), " and one command.")],
  });
}

let isAsking = false;
/** Asks for a token; `taken` is called with one. */
export function askForToken(sentence, taken) {
  if (isAsking) return;
  isAsking = true;
  const input = el("input", { type: "password", autocomplete: "off", spellcheck: false, required: true });
  const dialog = show({
    title: "A token is needed", action: "Go on", body: [el("p", { class: "dim", text: sentence }), field("Token", input, "It stays in this tab until it is closed.")],
    act: async () => { token.set(input.value.trim()); },
  });
  dialog.addEventListener("close", () => {
    isAsking = false;
    if (token.get()) taken();
  });
  input.focus();
}
