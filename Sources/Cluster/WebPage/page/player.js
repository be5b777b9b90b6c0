// Plays a sound from the samples that are there, and goes on as more come.

/** Seconds that are handed to the browser at a time, and how far ahead. */
const [piece, ahead] = [0.25, 0.6];

export class Player extends EventTarget {
  /** In seconds. */
  #position = 0;
  #sound = null;
  #context = null;
  #gain = null;
  /** What the browser has: where each piece begins in its time (s) and in the sound (samples). */
  #pieces = [];
  #until = 0;
  #next = 0;
  #timer = 0;
  isPlaying = false;
  /** Whether it waits for samples. */
  isWaiting = false;
  /** Where it stops by itself, in seconds. */
  end = Infinity;

  get position() {
    if (this.isPlaying) {
      const now = this.#context.currentTime;
      const current = this.#pieces.findLast((one) => one.start <= now);
      if (current) this.#position = (current.first + Math.min(current.count, (now - current.start) * current.rate)) / current.rate;
    }
    return this.#position;
  }

  get sound() { return this.#sound; }
  get duration() { return this.#sound?.seconds ?? 0; }

  /** Another level or sample: the position stays. */
  use(sound) {
    if (sound === this.#sound) return;
    const position = this.position;
    this.#silence();
    this.#sound = sound;
    this.#position = position;
    if (this.isPlaying) this.#begin();
    this.#tell();
  }

  seek(seconds) {
    const most = this.duration || Infinity;
    this.#silence();
    this.#position = Math.max(0, Math.min(seconds, most));
    if (this.isPlaying) this.#begin();
    this.#tell();
  }

  toggle() { return this.isPlaying ? this.pause() : this.play(); }

  async play(end = Infinity) {
    if (!this.#sound || this.isPlaying) return;
    if (this.#sound.isComplete && this.#position >= this.duration - 0.01) this.#position = 0;
    const rate = this.#sound.rate;
    // At the sound's own rate, so that its pieces join without a click.
    if (this.#context && this.#context.sampleRate !== rate) {
      this.#context.close();
      this.#context = null;
    }
    if (!this.#context) {
      this.#context = new AudioContext({ sampleRate: rate });
      this.#gain = null;
    }
    this.isPlaying = true;
    this.end = end;
    this.#tell();
    await this.#context.resume();
    this.#begin();
  }

  pause() {
    if (!this.isPlaying) return;
    this.#position = this.position;
    this.isPlaying = false;
    this.isWaiting = false;
    this.#silence();
    this.#tell();
  }

  #begin() {
    if (!this.isPlaying || !this.#sound) return;
    this.#gain = this.#context.createGain();
    this.#gain.connect(this.#context.destination);
    this.#next = Math.floor(this.#position * this.#sound.rate);
    this.#until = this.#context.currentTime + 0.03;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#feed(), 100);
    this.#feed();
  }

  /** Ends what the browser has, without a click. */
  #silence() {
    clearInterval(this.#timer);
    this.#position = this.position;
    this.#pieces = [];
    if (!this.#gain) return;
    const [gain, now] = [this.#gain, this.#context.currentTime];
    gain.gain.setValueAtTime(1, now);
    gain.gain.linearRampToValueAtTime(0, now + 0.01);
    setTimeout(() => gain.disconnect(), 60);
    this.#gain = null;
  }

  #feed() {
    if (!this.isPlaying || !this.#sound) return;
    const { rate } = this.#sound;
    const now = this.#context.currentTime;
    const stop = Math.min(this.#sound.have, Math.floor(this.end * rate));
    let isShort = false;
    while (this.#until < now + ahead) {
      const count = Math.min(Math.round(piece * rate), stop - this.#next);
      const samples = count > 0 ? this.#sound.read(this.#next, count) : null;
      if (!samples) { isShort = true; break; }
      this.#schedule(samples, count, Math.max(this.#until, now + 0.01), rate);
    }
    this.#pieces = this.#pieces.filter((one) => one.start + one.count / rate > now - 1);
    const isDry = isShort && now >= this.#until;
    const isOver = this.#next >= Math.floor(this.end * rate) || (this.#sound.isComplete && this.#next >= this.#sound.length);
    if (isDry && isOver) return this.pause();
    if (isDry !== this.isWaiting) {
      this.isWaiting = isDry;
      this.#tell();
    }
  }

  /** @param channels the samples of each. */
  #schedule(channels, count, start, rate) {
    const buffer = this.#context.createBuffer(channels.length, count, rate);
    channels.forEach((samples, channel) => buffer.copyToChannel(samples, channel));
    const source = this.#context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.#gain);
    source.start(start);
    this.#pieces.push({ start, first: this.#next, count, rate });
    this.#next += count;
    this.#until = start + count / rate;
  }

  #tell() { this.dispatchEvent(new Event("change")); }
}
