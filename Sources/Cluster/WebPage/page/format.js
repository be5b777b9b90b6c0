// Figures and names as people read them.

/** 75.25 s as 1:15.3; `digits` after the point. */
export function clock(seconds, digits = 1) {
  const unit = 10 ** digits;
  const count = Math.round(Math.max(0, seconds) * unit);
  const [minutes, rest] = [Math.floor(count / unit / 60), (count % (60 * unit)) / unit];
  return `${minutes}:${rest.toFixed(digits).padStart(digits ? 3 + digits : 2, "0")}`;
}

/** A duration in words: 8 s, 3 min, 2 h 5 min. */
export function span(seconds) {
  if (!Number.isFinite(seconds)) return "unknown";
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} days`;
}

export function bytes(count) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let place = 0;
  while (count >= 1000 && place < units.length - 1) { count /= 1000; place += 1; }
  return `${count >= 100 || place === 0 ? Math.round(count) : Math.round(count * 10) / 10} ${units[place]}`;
}

export const percent = (share) => `${Math.floor(100 * share)} %`;
export const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
/** Seconds as a field has them: no more digits than matter. */
export const short = (seconds) => String(Math.round(seconds * 100) / 100);

/** What a song is called: its name, else what it is made of, else its id. */
export function title(song) {
  if (song.name) return song.name;
  const label = song.labels?.find((one) => one?.genre || one?.artist);
  const words = [label?.genre, label?.artist].filter(Boolean).join(", ").replaceAll("_", " ");
  return words ? `${words} · ${song.song}` : song.song;
}

/** From 0 to 1: how much of a song is sampled. */
export const share = (song) => song.state === "finished" ? 1
  : song.wanted_tokens > 0 ? song.sampled_tokens / song.wanted_tokens : 0;

export const isUnderWay = (song) => ["preparing", "sampling", "decoding"].includes(song.state);

/** What a song is doing, in a few words. */
export function doing(song) {
  if (song.waiting) return song.waiting;
  switch (song.state) {
    case "preparing": return song.stage_share > 0 ? `preparing ${percent(song.stage_share)}` : "preparing";
    case "sampling": {
      const left = song.seconds_left > 0 && song.tokens_per_second > 0 ? `, ${span(song.seconds_left)} left` : "";
      return `sampling ${percent(share(song))}${left}`;
    }
    case "decoding": return `decoding ${percent(song.stage_share)}`;
    default: return song.state;
  }
}

/** The names of levels, for people: the top one is a sketch, 0 the finest. */
export function levelName(level, top) {
  if (level === 0) return "Finest";
  return level === top ? "Sketch" : top === 2 ? "Middle" : `Level ${level}`;
}

export const operations = {
  "go-on": { name: "Go on", sign: "→" }, vary: { name: "Vary", sign: "≈" },
  cut: { name: "Cut", sign: "✂" }, upsample: { name: "Upsample", sign: "↑" },
};

/** How a song came from its parent. */
export function origin(parent) {
  if (!parent) return "";
  const at = parent.kept_seconds > 0 ? ` at ${clock(parent.from_seconds + parent.kept_seconds)}` : "";
  switch (parent.operation) {
    case "go-on": return `goes on${at}`;
    case "vary": return `varied${at}`;
    case "cut": return `cut ${clock(parent.from_seconds)}–${clock(parent.from_seconds + parent.kept_seconds)}`;
    case "upsample": return "upsampled";
    default: return parent.operation;
  }
}
