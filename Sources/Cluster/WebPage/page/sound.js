// The sound of one level of one sample: fetched piece by piece as it is made, with its waveform and spectrogram.
import { Problem, ask, soundPath } from "./api.js";
import * as blocks from "./blocks.js";
import * as fft from "./fft.js";

/** Columns of the waveform, and of the spectrogram. */
export const columns = { wave: 1024, spectrum: 512 };
/** Bytes that are asked for at a time. */
const piece = 2 << 20;

export class Sound extends EventTarget {
  rate = 44_100;
  /** One, or two where three genres were mixed. A time step has a sample for each; it is what is counted here. */
  channels = 1;
  /** Of the whole; 0 until that is known. */
  length = 0;
  /** That are here, from the beginning on. */
  have = 0;
  /** Why nothing can be heard; empty where something can, or will. */
  trouble = "";
  /** The lowest and the highest sample of each column, and the strength of each band of each column. */
  lows = new Int16Array(columns.wave);
  highs = new Int16Array(columns.wave);
  spectrum = new Uint8Array(columns.spectrum * fft.rows);
  /** Columns of the spectrogram that are there. */
  drawn = 0;

  #path;
  #blocks = new blocks.Blocks();
  #header = 0;
  /** Samples that are here, of all channels. */
  #count = 0;
  #asking = null;
  #odd = null;
  #edges = null;
  #refetching = new Set();
  #isClosed = false;

  constructor(song, level, sample) {
    super();
    Object.assign(this, { song, level, sample });
    this.#path = soundPath(song, level, sample);
  }

  get seconds() { return this.length / this.rate; }
  get heardSeconds() { return this.have / this.rate; }
  get isComplete() { return this.length > 0 && this.have >= this.length; }

  close() {
    this.#isClosed = true;
    this.#blocks.clear();
  }

  /** Fetches what has come since. Does nothing while it fetches, or when all is here. */
  async fetch() {
    if (this.#asking || this.isComplete || this.#isClosed) return this.#asking;
    this.#asking = this.#fetchAll().finally(() => { this.#asking = null; });
    return this.#asking;
  }

  async #fetchAll() {
    try {
      while (!this.isComplete && !this.#isClosed && await this.#fetchPiece()) { /* The next one. */ }
      this.trouble = "";
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // 404: nothing can be heard yet, or there is no such level.
      this.trouble = error.message;
    }
    this.dispatchEvent(new Event("change"));
  }

  /** @returns whether there may be more now. */
  async #fetchPiece() {
    const start = this.#header === 0 ? 0 : this.#header + 2 * this.#count + (this.#odd === null ? 0 : 1);
    const headers = { Range: `bytes=${start}-${start + piece - 1}` };
    const response = await ask("GET", this.#path, { headers, allowed: [416] });
    if (response.status === 416) return false;
    const bytes = new Uint8Array(await response.arrayBuffer());
    const whole = Number(response.headers.get("Content-Range")?.split("/")[1] ?? bytes.length);
    if (this.#isClosed) return false;
    let samples = bytes;
    if (this.#header === 0) {
      this.#readHeader(bytes, whole);
      samples = bytes.subarray(this.#header);
    }
    this.#take(samples);
    return bytes.length >= piece;
  }

  #readHeader(bytes, whole) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const name = (place) => String.fromCharCode(...bytes.subarray(place, place + 4));
    let place = 12;
    while (place + 8 <= bytes.length && name(place) !== "data") {
      if (name(place) === "fmt ") [this.channels, this.rate] = [view.getUint16(place + 10, true), view.getUint32(place + 12, true)];
      place += 8 + view.getUint32(place + 4, true);
    }
    this.#header = place + 8;
    this.length = Math.floor((whole - this.#header) / (2 * this.channels));
    this.#edges = fft.bands(this.rate);
  }

  /** Little-endian samples of 16 bits; a half one waits for its other half. */
  #take(bytes) {
    let place = 0;
    const put = (value) => {
      this.#blocks.make(Math.floor(this.#count / blocks.size))[this.#count % blocks.size] = value;
      this.#measure(Math.floor(this.#count / this.channels), value);
      this.#count += 1;
      this.have = Math.floor(this.#count / this.channels);
    };
    if (this.#odd !== null && bytes.length > 0) {
      put(((this.#odd | (bytes[0] << 8)) << 16) >> 16);
      [this.#odd, place] = [null, 1];
    }
    for (; place + 1 < bytes.length && this.have < this.length; place += 2) {
      if (this.#count % blocks.size === 0) this.#analyse();
      put(((bytes[place] | (bytes[place + 1] << 8)) << 16) >> 16);
    }
    if (place < bytes.length && this.have < this.length) this.#odd = bytes[place];
    this.#analyse();
    this.dispatchEvent(new Event("change"));
  }

  #measure(place, value) {
    const column = Math.floor((place * columns.wave) / this.length);
    if (value < this.lows[column]) this.lows[column] = value;
    if (value > this.highs[column]) this.highs[column] = value;
  }

  /** The columns of the spectrogram whose samples are here. */
  #analyse() {
    while (this.drawn < columns.spectrum) {
      const centre = Math.floor(((this.drawn + 0.5) * this.length) / columns.spectrum);
      const start = Math.max(0, Math.min(centre - fft.size / 2, this.length - fft.size));
      if (start + fft.size > this.have) return;
      const samples = this.#mixed(this.#blocks.read(start * this.channels, fft.size * this.channels));
      const place = this.drawn * fft.rows;
      if (samples) fft.column(samples, this.#edges, this.spectrum.subarray(place, place + fft.rows));
      this.drawn += 1;
    }
  }

  /** The mean of the channels. */
  #mixed(samples) {
    if (!samples || this.channels === 1) return samples;
    return Int16Array.from({ length: samples.length / this.channels }, (_, place) => {
      let sum = 0;
      for (let channel = 0; channel < this.channels; channel += 1) sum += samples[place * this.channels + channel];
      return sum / this.channels;
    });
  }

  /**
   * Samples to play.
   * @returns those of each channel, from -1 to 1; null when they are not in memory: they are fetched again then.
   */
  read(start, count) {
    const [first, all] = [start * this.channels, count * this.channels];
    const samples = this.#blocks.read(first, all);
    if (samples) {
      return Array.from({ length: this.channels }, (_, channel) =>
        Float32Array.from({ length: count }, (__, place) => samples[place * this.channels + channel] / 32_768));
    }
    for (const place of [first, first + all - 1]) this.#refetch(Math.floor(place / blocks.size));
    return null;
  }

  async #refetch(number) {
    if (this.#refetching.has(number) || this.#blocks.get(number)) return;
    this.#refetching.add(number);
    const first = number * blocks.size;
    const count = Math.min(blocks.size, this.#count - first);
    const start = this.#header + 2 * first;
    try {
      const response = await ask("GET", this.#path, { headers: { Range: `bytes=${start}-${start + 2 * count - 1}` } });
      const view = new DataView(await response.arrayBuffer());
      const block = this.#blocks.make(number);
      for (let place = 0; place < count && 2 * place + 1 < view.byteLength; place += 1) block[place] = view.getInt16(2 * place, true);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    } finally {
      this.#refetching.delete(number);
    }
  }
}
