// Where the page is, as the address says it: a link leads to one sample at one place.

/** #/listen/SONG?sample=0&level=2&at=12.5 */
export function where() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [view = "", song = ""] = path.split("/").map(decode);
  const values = new URLSearchParams(query);
  const number = (name) => values.has(name) && Number.isFinite(Number(values.get(name))) ? Number(values.get(name)) : null;
  return {
    view: ["compose", "listen", "watch"].includes(view) ? view : "", song,
    sample: values.get("sample") === "stereo" ? "stereo" : number("sample"), level: number("level"), at: number("at"),
  };
}

function decode(text) {
  try { return decodeURIComponent(text); } catch { return ""; }
}

export function address({ view, song = "", sample = null, level = null, at = null }) {
  const values = new URLSearchParams();
  if (sample !== null) values.set("sample", sample);
  if (level !== null) values.set("level", level);
  if (at !== null) values.set("at", Math.round(at * 100) / 100);
  const query = values.toString();
  return `#/${view}${song ? `/${encodeURIComponent(song)}` : ""}${query ? `?${query}` : ""}`;
}

/** Goes somewhere; Back leads here again. */
export function go(place) { location.hash = address(place); }

/** Says where the page is without going anywhere. */
export function note(place) { history.replaceState(null, "", address(place)); }
