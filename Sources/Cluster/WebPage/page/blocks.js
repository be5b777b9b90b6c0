// Samples in memory, in blocks of 65,536. All sounds share a bound; what was not needed for longest goes first, and is
// fetched again when it is played.

export const size = 65_536;
/** 96 MB: eighteen minutes of one channel at 44.1 kHz. */
const most = 768;
/** Of all sounds, the least recently used first. */
const kept = new Map();

/** One sound's blocks. */
export class Blocks {
  #own = new Map();

  /** A block that is written or read; null when it is not here. */
  get(number) {
    const block = this.#own.get(number);
    if (block) {
      kept.delete(block);
      kept.set(block, () => this.#own.delete(number));
    }
    return block ?? null;
  }

  make(number) {
    const known = this.get(number);
    if (known) return known;
    const block = new Int16Array(size);
    this.#own.set(number, block);
    kept.set(block, () => this.#own.delete(number));
    while (kept.size > most) {
      const [oldest, drop] = kept.entries().next().value;
      kept.delete(oldest);
      drop();
    }
    return block;
  }

  clear() {
    for (const block of this.#own.values()) kept.delete(block);
    this.#own.clear();
  }

  /** @returns `count` samples from `start` on, or null when a block is missing. */
  read(start, count) {
    const out = new Int16Array(count);
    for (let done = 0; done < count;) {
      const place = start + done;
      const block = this.get(Math.floor(place / size));
      if (!block) return null;
      const offset = place % size;
      const part = Math.min(count - done, size - offset);
      out.set(block.subarray(offset, offset + part), done);
      done += part;
    }
    return out;
  }
}
