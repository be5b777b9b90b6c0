"""Songs as they are needed: composed in this process, or by workers where there are cores to spare."""

import multiprocessing
import os

import numpy as np

from ..corpus import compose


def _audio(seed):
    return compose(seed).audio


class Crops:
    """Random pieces of ever new songs. A small pool is kept and renewed song by song."""

    def __init__(self, seed, pool=16, renew=6, workers=0):
        self.rng = np.random.default_rng([seed, 1])
        self.next = seed * 100_000
        self.renew, self.count = renew, 0
        self.workers = None
        if workers:
            context = multiprocessing.get_context("spawn")
            self.workers = context.Pool(workers, initializer=os.nice, initargs=(5,))
            self.pending = [self.workers.apply_async(_audio, (self._seed(),)) for _ in range(2 * workers)]
        self.songs = [self._song() for _ in range(pool)]

    def _seed(self):
        self.next += 1
        return self.next

    def _song(self):
        if not self.workers:
            return _audio(self._seed())
        song = self.pending.pop(0).get()
        self.pending.append(self.workers.apply_async(_audio, (self._seed(),)))
        return song

    def batch(self, count, samples):
        """[count, samples], float32."""
        self.count += 1
        if self.count % self.renew == 0:
            self.songs[int(self.rng.integers(len(self.songs)))] = self._song()
        rows = []
        for _ in range(count):
            song = self.songs[int(self.rng.integers(len(self.songs)))]
            at = int(self.rng.integers(len(song) - samples))
            rows.append(song[at : at + samples])
        return np.stack(rows)
