// From samples to the strength of each band: one column of a spectrogram.

/** Samples of a column's window. */
export const size = 2048;
/** Bands of equal width in the logarithm of frequency, and the lowest and highest frequency in Hz. */
export const rows = 96;
const [lowest, highest] = [50, 16_000];
/** Decibels of a full-scale sine that are black, and white. */
const [floor, ceiling] = [-78, -12];

const bits = Math.log2(size);
const window = Float32Array.from({ length: size }, (_, place) => 0.5 - 0.5 * Math.cos((2 * Math.PI * place) / size));
const [cosines, sines] = [Math.cos, Math.sin].map((wave) =>
  Float32Array.from({ length: size / 2 }, (_, place) => wave((-2 * Math.PI * place) / size)));
const mirrored = Uint16Array.from({ length: size }, (_, place) => {
  let result = 0;
  for (let bit = 0; bit < bits; bit += 1) if (place & (1 << bit)) result |= 1 << (bits - 1 - bit);
  return result;
});
const [real, imaginary] = [new Float32Array(size), new Float32Array(size)];

/** The transform in place (Cooley and Tukey); `real` is in mirrored order. */
function transform() {
  for (let half = 1; half < size; half *= 2) {
    const stride = size / (2 * half);
    for (let start = 0; start < size; start += 2 * half) {
      for (let place = 0; place < half; place += 1) {
        const [one, other] = [start + place, start + place + half];
        const [cosine, sine] = [cosines[place * stride], sines[place * stride]];
        const r = real[other] * cosine - imaginary[other] * sine;
        const i = real[other] * sine + imaginary[other] * cosine;
        real[other] = real[one] - r;
        imaginary[other] = imaginary[one] - i;
        real[one] += r;
        imaginary[one] += i;
      }
    }
  }
}

/** The power between two bins. */
function between(place) {
  const bin = Math.floor(place);
  const [one, other] = [bin, bin + 1].map((at) => real[at] ** 2 + imaginary[at] ** 2);
  return one + (other - one) * (place - bin);
}

/** The first bin of each band, and of what is after the last, for a rate in samples a second. */
export function bands(rate) {
  const top = Math.min(highest, rate / 2);
  return Float32Array.from({ length: rows + 1 }, (_, row) => (lowest * (top / lowest) ** (row / rows) * size) / rate);
}

/**
 * One column.
 * @param samples `size` of them, as 16-bit integers.
 * @param edges of `bands`.
 * @param out gets `rows` values from 0 to 255, the lowest band first.
 */
export function column(samples, edges, out) {
  for (let place = 0; place < size; place += 1) {
    real[mirrored[place]] = (samples[place] / 32_768) * window[place];
    imaginary[place] = 0;
  }
  transform();
  for (let row = 0; row < rows; row += 1) {
    const [first, last] = [Math.ceil(edges[row]), Math.ceil(edges[row + 1])];
    let power = 0;
    for (let bin = first; bin < last; bin += 1) power = Math.max(power, real[bin] ** 2 + imaginary[bin] ** 2);
    // Low bands are narrower than a bin: between its neighbours.
    if (last - first < 2) power = between((edges[row] + edges[row + 1]) / 2);
    const decibels = 10 * Math.log10(power / (size / 4) ** 2 + 1e-12);
    out[row] = Math.max(0, Math.min(255, (255 * (decibels - floor)) / (ceiling - floor)));
  }
}
