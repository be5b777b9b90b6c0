// What is done with a song as a whole: name, note, star, hiding, stopping, removing, files.
import { el, say } from "./dom.js";
import { ask, download, post, soundPath, songPath } from "./api.js";
import { field, show } from "./dialog.js";
import { isUnderWay, title } from "./format.js";
import { line } from "./command.js";
import * as store from "./store.js";
import { go } from "./route.js";

export const star = (song) => store.describe(song.song, { starred: !song.starred });
export const hide = (song) => store.describe(song.song, { hidden: !song.hidden });

export function rename(song) {
  const name = el("input", { type: "text", maxLength: 200, value: song.name ?? "", autocomplete: "off" });
  const note = el("textarea", { rows: 4, maxLength: 4000, value: song.note ?? "" });
  show({
    title: "Name and note", action: "Keep", body: [field("Name", name, "empty: none"), field("Note", note, "for whoever comes here next")],
    act: () => store.describe(song.song, { name: name.value.trim() || null, note: note.value.trim() || null }),
    command: () => line("name", [song.song], { name: name.value.trim(), note: note.value.trim() }),
  });
}

export async function halt(song) {
  const word = isUnderWay(song) || song.state === "parked" ? "cancel" : "resume";
  await post(`${songPath(song.song)}/${song.state === "parked" ? "resume" : word}`);
  await store.refresh(song.song);
}

export function remove(song) {
  const isRunning = isUnderWay(song);
  show({
    title: `Remove ${title(song)}?`, action: "Remove", isGrave: true,
    body: el("p", { text: `Its sound and its files go${isRunning ? ", and its sampling is stopped" : ""}. What came of it stays: a branch has all that it needs in itself.` }),
    act: async () => {
      await ask("DELETE", `${songPath(song.song)}${isRunning ? "?force=true" : ""}`);
      const parent = song.parent?.song;
      store.forget(song.song);
      say("Removed");
      go({ view: "listen", song: parent && store.song(parent) ? parent : "" });
    },
    command: () => line("remove", [song.song], { force: isRunning }),
  });
}

/** Files to take home: what is there of them. */
export function files(song, sample, level) {
  const [id, name] = [song.song, (song.name ?? song.song).replace(/[^\w.-]+/g, "-")];
  const isDone = song.state === "finished";
  // What is mixed has sound alone; the rest is the first sample's.
  const [place, one] = sample === "stereo" ? ["stereo", 0] : [sample + 1, sample];
  const entry = (label, path, file, isThere = isDone) => el("button", { type: "button", text: label, disabled: !isThere, onclick: async (event) => {
    const trouble = event.target.closest("dialog").querySelector(".trouble");
    try { await download(path, file); trouble.hidden = true; } catch (error) { [trouble.textContent, trouble.hidden] = [error.message, false]; }
  } });
  const sound = (format) => entry(format.toUpperCase(), soundPath(id, level, sample, format), `${name}-${place}.${format}`, isDone || format === "wav");
  show({
    title: "Files", command: () => line("fetch", [id], { "so-far": !isDone }),
    body: [el("p", { class: "dim", text: isDone ? `Sample ${place}, level ${level}` : "The song is not finished: the WAV file comes as it is made, and the rest when it is." }),
      el("div", { class: "row wrap" }, sound("wav"), sound("flac"), sound("ogg"),
        entry("Lyrics (LRC)", `${songPath(id)}/lyrics?sample=${one}&format=lrc`, `${name}.lrc`), entry("Lyrics (WebVTT)", `${songPath(id)}/lyrics?sample=${one}&format=vtt`, `${name}.vtt`),
        entry("Picture", `${songPath(id)}/picture?sample=${one}`, `${name}.png`), entry("Codes", `${songPath(id)}/codes`, `${name}.safetensors`),
        entry("song.json", `${songPath(id)}/song.json`, `${name}.json`))],
  });
}

/** The commands that do what the buttons of a song do. */
export const commands = (song, sample, level) => [
  line("status", [song.song]), line("fetch", [song.song], { "so-far": song.state !== "finished" }), line("tree", [song.song]),
  line("name", [song.song], { [song.starred ? "unstar" : "star"]: true }), line("name", [song.song], { [song.hidden ? "unhide" : "hide"]: true }),
  line(isUnderWay(song) ? "cancel" : "resume", [song.song]), `# this sample: GET /api/v1${soundPath(song.song, level, sample)}`,
];
