// A recording that a song starts from: dropped, chosen or sung into the microphone; trimmed on its waveform.
import { el, say, unique } from "./dom.js";
import { ask } from "./api.js";
import { clock, bytes, short } from "./format.js";
import { wav } from "./wav.js";

/** @param changed is called when the recording, or what is kept of it, changes. */
export function promptField(changed) {
  let [file, sound, from, to, reference, sent, recorder] = [null, null, 0, 0, "", "", null];
  const note = el("p", { class: "dim", role: "status" });
  const picker = el("input", { type: "file", accept: "audio/*,.wav,.flac,.ogg,.mp3", class: "unseen", id: unique("file"), tabIndex: -1, "aria-hidden": "true", onchange: () => take(picker.files[0]) });
  const choose = el("button", { type: "button", text: "Choose a recording", onclick: () => picker.click() });
  const microphone = el("button", { type: "button", text: "Record", onclick: () => recorder ? recorder.stop() : record() });
  if (!navigator.mediaDevices?.getUserMedia) {
    microphone.disabled = true;
    microphone.title = "Browsers allow the microphone on this machine's own address, or over TLS";
  }
  const canvas = el("canvas", { class: "trim-wave", role: "img", "aria-label": "Waveform of the recording" });
  const [first, last] = ["Keep from", "to"].map((label, place) => el("input", {
    type: "range", min: "0", max: "1", step: "0.01", "aria-label": `${label}, in seconds`, class: "trim",
    oninput: (event) => {
      const value = Number(event.target.value);
      if (place === 0) from = Math.min(value, to - 0.05); else to = Math.max(value, from + 0.05);
      shown();
      changed();
    },
  }));
  const kept = el("p", { class: "dim" });
  const audio = el("audio", { controls: true, preload: "metadata", "aria-label": "The recording" });
  const trimmer = el("div", { class: "trimmer", hidden: true }, el("div", { class: "trim-stage" }, canvas, first, last), kept, audio,
    el("button", { type: "button", class: "small quiet", text: "Take it away", onclick: () => clear() }));
  const drop = el("div", { class: "drop" }, el("p", { text: "Drop a recording here" }), el("div", { class: "row" }, choose, microphone), picker, note);
  for (const name of ["dragover", "dragenter"]) {
    drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  }
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer.files[0]);
  });

  async function take(one) {
    if (!one) return;
    [file, sound, reference] = [one, null, ""];
    if (audio.src) URL.revokeObjectURL(audio.src);
    audio.src = URL.createObjectURL(one);
    try {
      sound = await new OfflineAudioContext(1, 1, 44_100).decodeAudioData(await one.arrayBuffer());
      [from, to] = [0, sound.duration];
      for (const input of [first, last]) input.max = String(sound.duration);
      note.textContent = `${one.name}, ${bytes(one.size)}, ${clock(sound.duration)}`;
    } catch {
      note.textContent = `${one.name}, ${bytes(one.size)}: this browser cannot read it, so it goes as it is, untrimmed`;
    }
    trimmer.hidden = false;
    shown();
    changed();
  }

  function clear() {
    [file, sound, reference] = [null, null, ""];
    trimmer.hidden = true;
    note.textContent = "";
    picker.value = "";
    changed();
  }

  function shown() {
    for (const node of [canvas, first, last, kept]) node.hidden = !sound;
    if (!sound) return;
    [first.value, last.value] = [String(from), String(to)];
    first.setAttribute("aria-valuetext", clock(from, 2));
    last.setAttribute("aria-valuetext", clock(to, 2));
    kept.textContent = `kept: ${clock(from, 2)} to ${clock(to, 2)}, ${short(to - from)} s`;
    draw();
  }

  function draw() {
    const [width, height] = [canvas.width = canvas.clientWidth || 600, canvas.height = canvas.clientHeight || 72];
    const context = canvas.getContext("2d");
    const samples = sound.getChannelData(0);
    const colours = getComputedStyle(canvas);
    for (let x = 0; x < width; x += 1) {
      const [begin, end] = [x, x + 1].map((place) => Math.floor((place / width) * samples.length));
      let peak = 0;
      for (let place = begin; place < end; place += Math.max(1, (end - begin) >> 6)) peak = Math.max(peak, Math.abs(samples[place]));
      const at = (x / width) * sound.duration;
      context.fillStyle = at >= from && at < to ? colours.color : colours.borderTopColor;
      context.fillRect(x, (height * (1 - peak)) / 2, 1, Math.max(1, height * peak));
    }
  }

  async function record() {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      recorder = new MediaRecorder(stream);
      const parts = [];
      recorder.ondataavailable = (event) => parts.push(event.data);
      recorder.onstop = async () => {
        stream.getTracks().forEach((track) => track.stop());
        recorder = null;
        microphone.textContent = "Record";
        // What browsers record is of no format that the coordinator reads; as WAV it is.
        const decoded = await new OfflineAudioContext(1, 1, 44_100).decodeAudioData(await new Blob(parts).arrayBuffer());
        take(new File([wav(decoded, 0, decoded.duration)], "microphone.wav", { type: "audio/wav" }));
      };
      recorder.start();
      microphone.textContent = "Stop";
      say("Recording");
    } catch (error) {
      note.textContent = error.name === "NotAllowedError" ? "The browser did not allow the microphone" : error.message;
    }
  }

  return {
    node: el("div", { class: "prompt" }, drop, trimmer),
    get file() { return file; },
    /** What the song says of it: how much is kept, where the beginning is. */
    get seconds() { return sound && from <= 0.005 && to < sound.duration - 0.005 ? to - from : null; },
    get length() { return sound ? to - from : null; },
    /** The name of the file as a command would give it. */
    get name() { return from > 0.005 && sound ? `${file.name.replace(/\.\w+$/, "")}-${short(from)}-to-${short(to)}.wav` : file?.name ?? ""; },
    /** Sends it, unless it was sent. @returns what the song calls it. @throws Problem */
    async send() {
      const isCut = sound && from > 0.005;
      const key = isCut ? `${from} ${to}` : "whole";
      if (reference && sent === key) return reference;
      const body = isCut ? wav(sound, from, to) : file;
      const response = await ask("POST", `/uploads?name=${encodeURIComponent(this.name.replaceAll("/", "-").slice(-100))}`, { body });
      [reference, sent] = [(await response.json()).reference, key];
      return reference;
    },
  };
}
