// What happens to songs, as it happens. A token cannot go with an EventSource, so with one the stream is fetched.
import { ask, token } from "./api.js";

/** Hears of songs until `close` is called. `heard(name, data)` gets each event, `connected(yes)` the connection. */
export function listen(heard, connected) {
  return token.get() ? fetched(heard, connected) : sourced(heard, connected);
}

function sourced(heard, connected) {
  const source = new EventSource("/api/v1/events");
  source.onopen = () => connected(true);
  source.onerror = () => connected(false);
  for (const name of ["song", "removed"]) {
    source.addEventListener(name, (event) => heard(name, JSON.parse(event.data)));
  }
  return { close: () => source.close() };
}

function fetched(heard, connected) {
  const stop = new AbortController();
  let last = "";
  (async () => {
    while (!stop.signal.aborted) {
      try {
        const headers = last ? { "Last-Event-ID": last } : {};
        const response = await ask("GET", "/events", { headers, signal: stop.signal });
        connected(true);
        await read(response, (event) => {
          last = event.id || last;
          if (event.data) heard(event.event, JSON.parse(event.data));
        });
      } catch (error) {
        if (stop.signal.aborted || error.status === 401) return;
      }
      connected(false);
      await new Promise((resume) => setTimeout(resume, 2000));
    }
  })();
  return { close: () => stop.abort() };
}

async function read(response, heard) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (text + value).split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const event = {};
      for (const line of block.split("\n")) {
        const colon = line.indexOf(":");
        if (colon > 0) event[line.slice(0, colon)] = line.slice(colon + 1).trimStart();
      }
      heard(event);
    }
  }
}
