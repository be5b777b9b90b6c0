// A part of a recording as a WAV file: 32-bit floats, so that nothing is lost, all channels.

/** @param from, to in seconds. @returns a Blob. */
export function wav(sound, from, to) {
  const [first, last] = [from, to].map((seconds) => Math.round(Math.max(0, Math.min(seconds, sound.duration)) * sound.sampleRate));
  const [channels, count] = [sound.numberOfChannels, last - first];
  const bytes = new ArrayBuffer(44 + 4 * channels * count);
  const view = new DataView(bytes);
  const text = (place, word) => [...word].forEach((sign, offset) => view.setUint8(place + offset, sign.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, bytes.byteLength - 8, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 3, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sound.sampleRate, true);
  view.setUint32(28, 4 * channels * sound.sampleRate, true);
  view.setUint16(32, 4 * channels, true);
  view.setUint16(34, 32, true);
  text(36, "data");
  view.setUint32(40, 4 * channels * count, true);
  for (let channel = 0; channel < channels; channel += 1) {
    const samples = sound.getChannelData(channel);
    for (let place = 0; place < count; place += 1) view.setFloat32(44 + 4 * (place * channels + channel), samples[first + place], true);
  }
  return new Blob([bytes], { type: "audio/wav" });
}
