// The view that tells what the cluster does: songs, workers, windows, refusals, disk.
import { el, keyed, set } from "./dom.js";
import { ask, get, post } from "./api.js";
import { bytes, doing, plural, span, title } from "./format.js";
import { Gantt } from "./gantt.js";
import { note, where } from "./route.js";
import * as store from "./store.js";

/** Between two looks at what no event tells of, in milliseconds. */
const pause = 2000;

export function watch(place) {
  const songs = el("tbody");
  const workers = el("tbody");
  const aside = el("ul", { class: "plain" });
  const refusals = el("ul", { class: "plain" });
  const troubles = el("ul", { class: "plain troubles" });
  const disk = el("div", { class: "disk" });
  const trouble = el("p", { class: "trouble", role: "alert", hidden: true });
  const chosen = el("select", { "aria-label": "Song", onchange: () => { gantt.show(chosen.value); note({ view: "watch", song: chosen.value }); } });
  const gantt = new Gantt();
  const card = (label, hint, ...body) => el("section", { class: "card", "aria-label": label }, el("h3", {}, label, hint && el("small", { text: hint })), body);
  const table = (names, body, label) => el("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": label }, el("table", {}, el("thead", {}, el("tr", {}, names.map((name) => el("th", { scope: "col", text: name })))), body));
  const [noSongs, noWorkers] = ["Nothing is under way.", "No worker is there: orchestrion worker starts one."].map((text) => el("p", { class: "empty", text, hidden: true }));
  const asideCard = card("Set aside", "", aside);
  const refusalCard = card("Refused", "", refusals);
  const troubleCard = card("Troubles", "", troubles);
  const windows = el("div", { class: "card-head" }, el("h3", { text: "Windows" }), chosen);
  place.append(el("h2", { class: "unseen", text: "Watch" }), trouble, el("div", { class: "watch" },
    troubleCard, card("Songs", "", table(["Song", "Doing", "Windows now", "Tokens a second", "Priority"], songs, "Table of songs"), noSongs),
    card("Workers", "", table(["Worker", "Device", "Levels held", "Tokens a second", "Windows"], workers, "Table of workers"), noWorkers),
    el("section", { class: "card wide", "aria-label": "Windows" }, windows, gantt.node), asideCard, refusalCard, card("Disk", "", disk)));

  function showSongs() {
    const list = [...store.underWay(), ...store.all().filter((song) => ["parked", "failed"].includes(song.state))];
    noSongs.hidden = list.length > 0;
    songs.closest(".scroll").hidden = list.length === 0;
    keyed(songs, list, (song) => song.song, () => el("tr", {}, el("th", { scope: "row" }, el("a")), el("td"), el("td"), el("td"), el("td")), (row, song) => {
      const [name, state, running, speed, priority] = row.children;
      set(name.firstChild, { text: title(song), href: `#/listen/${encodeURIComponent(song.song)}` });
      set(state, { text: song.reason ? `${doing(song)}: ${song.reason}` : doing(song) });
      set(running, { text: String(song.running) });
      set(speed, { text: song.tokens_per_second > 0 ? String(Math.round(song.tokens_per_second)) : "–" });
      set(priority, { text: String(song.priority) });
    });
    showChoice();
  }

  function showChoice() {
    const all = store.all().slice(0, 100);
    keyed(chosen, all, (song) => song.song, (song) => el("option", { value: song.song }), (node, song) => set(node, { text: title(song) }));
    if (gantt.song && store.song(gantt.song)) chosen.value = gantt.song;
    else if (all.length) {
      const wanted = where().song;
      const first = store.song(wanted)?.song ?? store.underWay()[0]?.song ?? all[0].song;
      chosen.value = first;
      gantt.show(first);
    }
    windows.parentElement.hidden = all.length === 0;
  }

  function showWorkers(status) {
    noWorkers.hidden = status.workers.length > 0;
    workers.closest(".scroll").hidden = status.workers.length === 0;
    keyed(workers, status.workers, (one) => one.worker, () => el("tr", {}, el("th", { scope: "row" }), el("td"), el("td"), el("td"), el("td")), (row, one) => {
      const [name, device, holds, speed, windowsNow] = row.children;
      set(name, { text: one.name, title: `machine ${one.machine}` });
      set(device, { text: one.device || "–" });
      const held = one.resident_levels ?? one.levels;
      set(holds, { text: held.length ? held.join(", ") : "none yet" });
      const speeds = (one.speeds ?? []).map((each) => `${Math.round(each.tokens_per_second)} at ${each.level}`);
      set(speed, { text: speeds.length ? speeds.join(", ") : String(Math.round(one.tokens_per_second)) });
      set(windowsNow, { text: `${one.busy} of ${one.slots}${one.silent_seconds > 3 ? `, silent for ${span(one.silent_seconds)}` : ""}` });
    });
    asideCard.hidden = status.set_aside.length === 0;
    keyed(aside, status.set_aside, (one) => one.machine, (one) => el("li", {}, el("span"), " ", el("button", { type: "button", class: "small", text: "Release", onclick: () => release(one.machine) })),
      (node, one) => set(node.firstChild, { text: `${one.name}: ${one.reason}, ${one.seconds_left > 0 ? `tried again in ${span(one.seconds_left)}` : "until somebody releases it"}` }));
    refusalCard.hidden = status.refusals.length === 0;
    keyed(refusals, status.refusals, (one) => `${one.key} ${one.address} ${one.name} ${one.reason}`, () => el("li"),
      (node, one) => set(node, { text: `${[one.name, one.address].filter(Boolean).join(" at ")}: ${one.reason} (${plural(one.count, "time")}, ${span(one.seconds_ago)} ago)` }));
    troubleCard.hidden = status.troubles.length === 0;
    keyed(troubles, status.troubles, (text) => text, (text) => el("li", { text }));
  }

  async function release(machine) {
    try {
      await post(`/machines/${encodeURIComponent(machine)}/release`);
      await look();
    } catch (error) { set(trouble, { text: error.message, hidden: false }); }
  }

  function showDisk(text) {
    const figure = (name) => Number(text.match(new RegExp(`^${name}(?:\\{[^}]*\\})? ([-+.\\deE]+)$`, "m"))?.[1] ?? NaN);
    const [free, all, journal] = ["disk_free_bytes", "disk_bytes", "journal_bytes"].map((name) => figure(`orchestrion_${name}`));
    if (!Number.isFinite(free)) return disk.replaceChildren(el("p", { class: "dim", text: "The coordinator does not say." }));
    if (!disk.querySelector(".meter")) disk.replaceChildren(el("div", { class: "meter", role: "meter", "aria-label": "Disk of the state that is used, in percent", "aria-valuemin": "0", "aria-valuemax": "100" }, el("i")), el("p"));
    const used = Math.round((100 * (all - free)) / all);
    set(disk.firstChild, { "aria-valuenow": String(used), "data-full": String(used > 90) });
    disk.firstChild.firstChild.style.width = `${used}%`;
    return set(disk.lastChild, { text: `${bytes(free)} free of ${bytes(all)}; the journal takes ${bytes(journal)}` });
  }

  let isLooking = false;
  async function look() {
    if (isLooking || document.hidden) return;
    isLooking = true;
    try {
      showWorkers(await get("/workers"));
      showDisk(await (await ask("GET", "/metrics")).text());
      await gantt.look();
      trouble.hidden = true;
    } catch (error) { set(trouble, { text: error.message, hidden: false }); }
    isLooking = false;
  }

  const end = store.subscribe(showSongs);
  showSongs();
  look();
  const timer = setInterval(look, pause);
  return { close: () => { clearInterval(timer); end(); gantt.close(); }, arrive: (to) => { if (to.song && to.song !== gantt.song) gantt.show(to.song); showChoice(); } };
}

