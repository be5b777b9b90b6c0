// What can become of a song: dialogs, each of which is one call of the API and one command.
import { el, say } from "./dom.js";
import { get, songPath, submit } from "./api.js";
import { field, figure, number, show } from "./dialog.js";
import { levelName, short } from "./format.js";
import { line } from "./command.js";
import { nameField } from "./names.js";
import { note } from "./store.js";
import { notices } from "./notices.js";
import { go } from "./route.js";

/**
 * @param place where one is: song (as the API says it), sample, position and seconds (of the song), labels (of its samples),
 *   hear(from, to) plays a part.
 */
export function branch(operation, place) {
  const dialogs = { "go-on": goOn, vary, words: otherWords, cut, upsample };
  return dialogs[operation](place);
}

/** Sends a branch, and goes to the new song. @throws Problem */
async function send(song, fields) {
  const taken = await submit(`${songPath(song)}/branches`, fields);
  note(await get(songPath(taken.song)));
  notices.set(taken.song, taken.warnings);
  say(`Taken: ${fields.name || taken.song}`);
  const at = fields.at ?? null;
  go({ view: "listen", song: taken.song, at: fields.operation === "cut" || fields.operation === "upsample" ? null : at });
}

/** Fields without what is empty. */
const filled = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== "" && value !== undefined));

const grid = (...fields) => el("div", { class: "grid-2" }, fields);
const wide = (node) => { node.classList.add("span-all"); return node; };

/** What all branches may have: a name. */
const nameInput = () => el("input", { type: "text", maxLength: 200, placeholder: "none", autocomplete: "off" });

/** Fields for other labels than the parent's; only what was changed is sent. */
function labels({ song, sample, labels: known }, { lyrics: hasLyrics = true } = {}) {
  const before = known?.[sample] ?? {};
  const model = () => song.model;
  const genre = nameField({ label: "Genre", kind: "genres", model, value: before.genre ?? "" });
  const artist = nameField({ label: "Artist", kind: "artists", model, value: before.artist ?? "" });
  const lyrics = el("textarea", { rows: 6, value: before.lyrics ?? "", spellcheck: false });
  const lines = field("Lyrics of the whole song", lyrics, "what comes before the playhead stays as it is sung");
  const changed = (input, name) => input.value.trim() !== (before[name] ?? "") ? input.value.trim() : null;
  return {
    nodes: [genre.node, artist.node, ...(hasLyrics ? [wide(lines)] : [])],
    first: lyrics,
    values: () => filled({ genre: changed(genre.input, "genre"), artist: changed(artist.input, "artist"), lyrics: hasLyrics ? changed(lyrics, "lyrics") : null }),
  };
}

function goOn(place) {
  const { song, sample, position, seconds } = place;
  const at = number(short(position > 0.05 ? position : seconds), { max: seconds });
  const more = number(10, { min: 0 });
  const variations = number(1, { min: 1, max: 16, step: 1 });
  const name = nameInput();
  const other = labels(place);
  const fields = () => filled({ operation: "go-on", samples: [sample], at: figure(at), seconds: figure(more), variations: figure(variations), ...other.values(), name: name.value.trim() });
  show({
    title: "Go on from here", action: "Go on", act: () => send(song.song, fields()),
    body: [grid(field("From (s)", at, `kept as it is before; the song has ${short(seconds)} s`), field("Seconds that are added", more, ""),
      field("Variations", variations, "each by its own chance"), field("Name", name, "")),
    el("details", { class: "more" }, el("summary", { text: "Other labels or words from there on" }), grid(...other.nodes))],
    command: () => {
      const { genre, artist, lyrics } = fields();
      return line("go-on", [song.song], { sample, at: figure(at), seconds: figure(more), variations: figure(variations), genre, artist, lyrics, name: name.value.trim() });
    },
  });
}

function otherWords(place) {
  const { song, sample, position, seconds } = place;
  const at = number(short(position), { max: seconds });
  const more = number(short(Math.max(1, seconds - position)), { min: 0 });
  const variations = number(1, { min: 1, max: 16, step: 1 });
  const name = nameInput();
  const other = labels(place);
  const fields = () => filled({ operation: "go-on", samples: [sample], at: figure(at), seconds: figure(more), variations: figure(variations), ...other.values(), name: name.value.trim() });
  const dialog = show({
    title: "Other words or labels from here", action: "Sing it", act: () => {
      if (Object.keys(other.values()).length === 0) throw new Error("nothing is different yet: change the words, the genre or the artist");
      return send(song.song, fields());
    },
    body: grid(...other.nodes, field("From (s)", at, "kept as it is before"), field("Seconds from there", more, "to the end of the song as it is"),
      field("Variations", variations, "each by its own chance"), field("Name", name, "")),
    command: () => {
      const { genre, artist, lyrics } = fields();
      return line("go-on", [song.song], { sample, at: figure(at), seconds: figure(more), variations: figure(variations), genre, artist, lyrics, name: name.value.trim() });
    },
  });
  other.first.focus();
  return dialog;
}

function vary({ song, sample, position, seconds }) {
  const at = number(short(position), { max: seconds });
  const variations = number(3, { min: 1, max: 16, step: 1 });
  const temperature = number(null, { step: 0.01, placeholder: "as it was" });
  const name = nameInput();
  const fields = () => filled({ operation: "vary", samples: [sample], at: figure(at), variations: figure(variations), temperature: figure(temperature), name: name.value.trim() });
  show({
    title: "Vary from here", action: "Vary", act: () => send(song.song, fields()),
    body: grid(field("From (s)", at, "kept as it is before; the rest by other numbers"), field("Variations", variations, "each by its own chance"),
      field("Temperature", temperature, "higher is bolder"), field("Name", name, "")),
    command: () => line("vary", [song.song], { sample, at: figure(at), variations: figure(variations), temperature: figure(temperature), name: name.value.trim() }),
  });
}

function cut({ song, sample, position, seconds, hear }) {
  const from = number(0, { max: seconds });
  const to = number(short(position > 0.05 ? position : seconds), { max: seconds });
  const name = nameInput();
  const fields = () => filled({ operation: "cut", samples: [sample], from: figure(from), to: figure(to), name: name.value.trim() });
  show({
    title: "Cut", action: "Cut", act: () => send(song.song, fields()),
    body: [grid(field("Keep from (s)", from, ""), field("to (s)", to, `the song has ${short(seconds)} s`), wide(field("Name", name, ""))),
      el("button", { type: "button", class: "small", text: "Hear what is kept", onclick: () => hear(figure(from) ?? 0, figure(to) ?? seconds) })],
    command: () => line("cut", [song.song], { sample: sample || null, from: figure(from), to: figure(to), name: name.value.trim() }),
  });
}

function upsample({ song, sample, top }) {
  const picks = Array.from({ length: song.samples }, (_, number) => el("input", { type: "checkbox", value: String(number), checked: number === sample }));
  const stop = el("select", {}, ...Array.from({ length: Math.max(1, top) }, (_, level) => el("option", { value: String(level), text: levelName(level, top) })));
  const segments = el("input", { type: "text", placeholder: "none: exact" });
  const model = () => song.model;
  const genres = ["Left", "Middle", "Right"].map((label) => nameField({ label, kind: "genres", model }));
  const name = nameInput();
  const kept = () => picks.filter((one) => one.checked).map((one) => Number(one.value));
  const stereo = () => genres.map((one) => one.input.value.trim()).filter(Boolean);
  const fields = () => filled({ operation: "upsample", samples: kept(), stop_at: Number(stop.value) || null,
    segments: segments.value.trim() === "auto" ? "auto" : figure(segments), stereo: stereo().length ? stereo() : null, name: name.value.trim() });
  show({
    title: "Upsample these", action: "Upsample", act: () => {
      if (kept().length === 0) throw new Error("choose a sample to upsample");
      if (![0, 3].includes(stereo().length)) throw new Error("stereo needs three genres: left, middle and right");
      return send(song.song, fields());
    },
    body: [el("fieldset", { class: "picks" }, el("legend", { text: "Samples" }), picks.map((input) => el("label", {}, input, ` ${Number(input.value) + 1}`))),
      grid(field("Down to", stop, ""), field("Segments", segments, "faster on several workers; approximate"), wide(field("Name", name, ""))),
      el("details", { class: "more" }, el("summary", { text: "Stereo: three genres as left, middle and right" }),
        el("p", { class: "dim", text: "One sample is made three times, under three genres, and mixed." }), el("div", { class: "grid-3" }, genres.map((one) => one.node)))],
    command: () => line("upsample", [song.song], { keep: kept(), "stop-at": Number(stop.value) || null, segments: segments.value.trim(), stereo: stereo(), name: name.value.trim() }),
  });
}
