// The songs that the page knows. The truth is the coordinator's: here is what it last said.
import { ask, get, songPath } from "./api.js";
import { isUnderWay } from "./format.js";

const songs = new Map();
const listeners = new Set();
let next = null;
let isTelling = false;

/** Calls `body(ids)` after songs have changed. @returns what ends it. */
export function subscribe(body) {
  listeners.add(body);
  return () => listeners.delete(body);
}

let changed = new Set();
function tell(id) {
  changed.add(id);
  if (isTelling) return;
  isTelling = true;
  queueMicrotask(() => {
    isTelling = false;
    const ids = changed;
    changed = new Set();
    for (const body of [...listeners]) body(ids);
  });
}

export const song = (id) => songs.get(id);
export const hasMore = () => next !== null;
/** All, the newest first. */
export const all = () => [...songs.values()].sort((one, other) => other.submitted - one.submitted);
export const underWay = () => all().filter(isUnderWay);

/** Takes in what the API says of a song. */
export function note(document) {
  const id = document.song ?? document.id;
  const before = songs.get(id) ?? {};
  const submitted = before.submitted
    ?? Date.now() / 1000 - (Number.isFinite(document.age_seconds) ? document.age_seconds : 0);
  songs.set(id, { ...before, ...document, song: id, submitted });
  tell(id);
  return songs.get(id);
}

export function forget(id) {
  songs.delete(id);
  tell(id);
}

/** The first page of songs, or the next one. */
export async function load(more = false) {
  const cursor = more && next ? `&cursor=${encodeURIComponent(next)}` : "";
  const page = await get(`/songs?limit=100${cursor}`);
  page.songs.forEach(note);
  if (more || next === null) next = page.next ?? null;
}

export async function refresh(id) { return note(await get(songPath(id))); }

/** A song's whole tree: parents and children that no page of songs has brought yet. */
export async function loadTree(id) {
  const tree = await get(`${songPath(id)}/tree`);
  for (const entry of tree.songs) {
    const known = songs.get(entry.id ?? entry.song);
    if (known) note({ ...entry, age_seconds: known.age_seconds });
    else await refresh(entry.id ?? entry.song).catch(() => {});
  }
}

/** Name, note, star, hiding. @throws Problem */
export async function describe(id, fields) {
  const response = await ask("PATCH", songPath(id), { json: fields });
  return note({ ...fields, ...await response.json(), song: id });
}

/** Songs as a forest: those whose parent is not here are roots. Children are in the order of their submission. */
export function forest(isShown) {
  const children = new Map();
  const roots = [];
  for (const one of all()) {
    if (!isShown(one)) continue;
    const parent = one.parent?.song;
    if (parent && songs.has(parent) && isShown(songs.get(parent))) {
      children.set(parent, [one, ...(children.get(parent) ?? [])]);
    } else roots.push(one);
  }
  return { roots, children: (id) => children.get(id) ?? [] };
}
