// The HTTP API: one function asks, and errors are the sentences that the API says.

const root = "/api/v1";

/** What the API refused, or why it could not be asked. */
export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export const token = {
  get: () => sessionStorage.getItem("token") ?? "",
  set: (text) => text ? sessionStorage.setItem("token", text) : sessionStorage.removeItem("token"),
};

/** Called when a token is needed. */
let wantsToken = () => {};
export const onTokenWanted = (body) => { wantsToken = body; };

export function fields(more = {}) {
  return token.get() ? { Authorization: `Bearer ${token.get()}`, ...more } : more;
}

/**
 * Asks the API.
 * @param path below /api/v1, or a whole one such as /metrics.
 * @returns the response; its status is below 400, or one of `allowed`.
 * @throws Problem
 */
export async function ask(method, path, { json, body, headers = {}, signal, allowed = [] } = {}) {
  const own = json === undefined ? headers : { "Content-Type": "application/json", ...headers };
  let response;
  try {
    response = await fetch(path.startsWith("/metrics") ? path : root + path, {
      method, headers: fields(own), body: json === undefined ? body : JSON.stringify(json), signal, cache: "no-store",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "the coordinator cannot be reached; the page goes on when it can");
  }
  if (response.ok || allowed.includes(response.status)) return response;
  let detail = `${response.status} ${response.statusText}`;
  try { detail = (await response.json()).detail ?? detail; } catch { /* Not one of ours. */ }
  if (response.status === 401) wantsToken(detail);
  throw new Problem(response.status, detail);
}

export async function get(path, options) { return (await ask("GET", path, options)).json(); }
export async function post(path, json, options) {
  const response = await ask("POST", path, { json, ...options });
  return response.status === 204 ? {} : response.json();
}

export const songPath = (song) => `/songs/${encodeURIComponent(song)}`;
export const soundPath = (song, level, sample, format = "wav") =>
  `${songPath(song)}/audio?level=${level}&sample=${sample}&format=${format}`;

/** A new song: sent again under the same key until it is answered, so that it is taken once. */
export function submit(path, json) {
  return post(path, json, { headers: { "Idempotency-Key": crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` } });
}

/** Gives a file to the person: by a link, or, where a token is needed, as what was fetched with it. */
export async function download(path, name) {
  const link = document.createElement("a");
  link.download = name;
  if (!token.get()) link.href = root + path;
  else link.href = URL.createObjectURL(await (await ask("GET", path)).blob());
  link.click();
  if (link.href.startsWith("blob:")) setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
