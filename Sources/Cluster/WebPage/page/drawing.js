// The waveform and the spectrogram of a sound, on a canvas, no more often than eight times a second.
import { rows } from "./fft.js";
import { columns } from "./sound.js";

/** Colours from silence to loudness, by theme. */
const scales = {
  dark: [[22, 21, 18], [58, 42, 30], [128, 74, 38], [214, 150, 66], [250, 226, 160], [255, 252, 240]],
  light: [[250, 248, 243], [240, 222, 184], [214, 160, 84], [150, 90, 36], [84, 44, 22], [34, 20, 12]],
};
const tables = new Map();
const darkness = matchMedia("(prefers-color-scheme: dark)");

function table() {
  const name = darkness.matches ? "dark" : "light";
  if (!tables.has(name)) {
    const scale = scales[name];
    tables.set(name, Uint8ClampedArray.from({ length: 256 * 3 }, (_, place) => {
      const at = (Math.floor(place / 3) / 255) * (scale.length - 1);
      const [below, part] = [Math.min(scale.length - 2, Math.floor(at)), at - Math.min(scale.length - 2, Math.floor(at))];
      return scale[below][place % 3] * (1 - part) + scale[below + 1][place % 3] * part;
    }));
  }
  return tables.get(name);
}

/** Draws a sound again when it has changed; `draw` asks for it. */
export class Drawing {
  #isAsked = false;
  #last = 0;
  #sound = null;
  #picture = null;
  #done = 0;

  constructor(wave, spectrum) {
    Object.assign(this, { wave, spectrum });
    new ResizeObserver(() => this.draw()).observe(wave);
    darkness.addEventListener("change", () => this.#again());
  }

  use(sound) {
    this.#sound = sound;
    this.#again();
  }

  #again() {
    [this.#picture, this.#done] = [null, 0];
    this.draw();
  }

  draw() {
    if (this.#isAsked) return;
    this.#isAsked = true;
    setTimeout(() => {
      this.#isAsked = false;
      this.#last = performance.now();
      this.#drawWave();
      if (this.spectrum) this.#drawSpectrum();
    }, Math.max(0, 125 - (performance.now() - this.#last)));
  }

  static #fit(canvas) {
    const ratio = devicePixelRatio || 1;
    const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    return canvas.getContext("2d");
  }

  #drawWave() {
    const context = Drawing.#fit(this.wave);
    const { width, height } = this.wave;
    context.clearRect(0, 0, width, height);
    const sound = this.#sound;
    if (!sound?.length) return;
    context.fillStyle = getComputedStyle(this.wave).color;
    const shown = Math.floor((sound.have / sound.length) * width);
    for (let x = 0; x < shown; x += 1) {
      const first = Math.floor((x * columns.wave) / width);
      const last = Math.max(first + 1, Math.floor(((x + 1) * columns.wave) / width));
      let [low, high] = [0, 0];
      for (let column = first; column < last; column += 1) {
        low = Math.min(low, sound.lows[column]);
        high = Math.max(high, sound.highs[column]);
      }
      // Quiet places are seen, too: heights go with the square root.
      const [up, down] = [high, -low].map((value) => Math.sqrt(Math.max(0, value) / 32_768) * (height / 2));
      context.fillRect(x, height / 2 - up, 1, Math.max(1, up + down));
    }
  }

  #drawSpectrum() {
    const context = Drawing.#fit(this.spectrum);
    const { width, height } = this.spectrum;
    context.clearRect(0, 0, width, height);
    const sound = this.#sound;
    if (!sound?.drawn) return;
    this.#picture ??= Object.assign(document.createElement("canvas"), { width: columns.spectrum, height: rows });
    if (this.#done < sound.drawn) this.#paint(sound);
    context.imageSmoothingEnabled = true;
    context.drawImage(this.#picture, 0, 0, sound.drawn, rows, 0, 0, (sound.drawn / columns.spectrum) * width, height);
  }

  /** The columns that are new. */
  #paint(sound) {
    const count = sound.drawn - this.#done;
    const image = new ImageData(count, rows);
    const colours = table();
    for (let column = 0; column < count; column += 1) {
      for (let row = 0; row < rows; row += 1) {
        const value = sound.spectrum[(this.#done + column) * rows + row];
        const place = ((rows - 1 - row) * count + column) * 4;
        image.data.set(colours.subarray(value * 3, value * 3 + 3), place);
        image.data[place + 3] = 255;
      }
    }
    this.#picture.getContext("2d").putImageData(image, this.#done, 0);
    this.#done = sound.drawn;
  }
}
