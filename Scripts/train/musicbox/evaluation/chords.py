"""Which chord a bar has, and whether the corpus's form has it there."""

import numpy as np
import torch
from torch import nn

from ..corpus import GENRES
from ..corpus.song import degree, form
from ..corpus.synth import BLOCK, RATE, frequency

# Roots of the corpus's chords, as MIDI numbers modulo 12, and what else a bar may be.
ROOTS = (0, 4, 5, 7, 9)
BLURRED = len(ROOTS)
# White keys that bass, chords, voice and lead use.
KEYS = [midi for midi in range(33, 96) if midi % 12 in (0, 2, 4, 5, 7, 9, 11)]


def bar_blocks(genre):
    """Blocks of 64 tokens of the top level in a bar."""
    return genre.beats * genre.grid // 64


def spectra(audio, genre):
    """Power at each white key [bars, frames, keys]: a pitch is a multiple of what two blocks resolve."""
    blocks, size = bar_blocks(genre), 2 * BLOCK
    bins = np.array([round(frequency(midi) * size / RATE) for midi in KEYS])
    count = len(audio) // (blocks * BLOCK)
    window = np.hanning(size).astype(np.float32)
    bars = np.zeros((count, blocks - 1, len(KEYS)), np.float32)
    for bar in range(count):
        for frame in range(blocks - 1):
            at = (bar * blocks + frame) * BLOCK
            bars[bar, frame] = np.abs(np.fft.rfft(audio[at : at + size] * window)[bins] / 1000) ** 2
    return bars


def row(power):
    """A bar [frames, keys] in a line, however loud it is: what its two halves hold."""
    halves = [part.mean(0) for part in np.array_split(power, 2)]
    level = np.log(np.concatenate(halves) + 1e-5)
    return level - level.mean()


def truth(song):
    """Chords of a song's bars but for the last, as indices of `ROOTS`."""
    return np.array([ROOTS.index(root) for root in song.chords[:-1]])


def mixed(rng, bars, chords, genres, count):
    """Bars in which two chords of a genre sound at once, one up to 3 dB louder: what a blur is."""
    rows = []
    while len(rows) < count:
        one, two = rng.integers(len(bars), size=2)
        if genres[one] == genres[two] and chords[one] != chords[two]:
            loud = bars[two].sum() / max(1e-9, bars[one].sum()) * 10 ** rng.uniform(-0.3, 0.3)
            rows.append(row(bars[one] * loud + bars[two]))
    return rows


class Recogniser:
    """A small network on `row`: one of the chords, or a blur of two."""

    def __init__(self, songs):
        """`songs`: (genre, audio, chords of its bars)."""
        rng = np.random.default_rng(1)
        bars, chords, genres = self._bars(songs)
        blurs = mixed(rng, bars, chords, genres, len(bars) // 2)
        rows = np.stack([row(bar) for bar in bars] + blurs)
        known = torch.from_numpy(np.concatenate([chords, np.full(len(blurs), BLURRED)]))
        self.mean, self.spread = rows.mean(0), rows.std(0) + 1e-3
        with torch.random.fork_rng():
            torch.manual_seed(1)
            self.net = nn.Sequential(nn.Linear(rows.shape[1], 64), nn.ReLU(), nn.Linear(64, len(ROOTS) + 1))
            x = self._prepare(rows)
            optimiser = torch.optim.AdamW(self.net.parameters(), lr=0.003, weight_decay=0.02)
            for _ in range(60):
                for part in torch.randperm(len(x)).split(64):
                    optimiser.zero_grad()
                    noisy = x[part] + 0.2 * torch.randn(len(part), x.shape[1])
                    nn.functional.cross_entropy(self.net(noisy), known[part]).backward()
                    optimiser.step()

    @staticmethod
    def _bars(songs):
        bars, chords, genres = [], [], []
        for genre, audio, known in songs:
            found = spectra(audio, genre)[: len(known)]
            bars += list(found)
            chords += list(known[: len(found)])
            genres += [genre.name] * len(found)
        return bars, np.array(chords), genres

    def _prepare(self, rows):
        return torch.from_numpy(((rows - self.mean) / self.spread).astype(np.float32))

    @torch.no_grad()
    def _named(self, rows):
        return self.net(self._prepare(np.stack(rows))).argmax(1).numpy()

    def __call__(self, audio, genre):
        """An index of `ROOTS`, or `BLURRED`, for each bar."""
        return self._named([row(bar) for bar in spectra(audio, genre)])

    def accuracy(self, songs):
        """On songs it was not trained on: bars named rightly, and blurs of two of them called so."""
        bars, chords, genres = self._bars(songs)
        blurs = mixed(np.random.default_rng(2), bars, chords, genres, len(bars))
        return {"bars": len(bars), "right": round(float((self._named([row(b) for b in bars]) == chords).mean()), 3),
                "blurs_found": round(float((self._named(blurs) == BLURRED).mean()), 3)}


def allowed(genre):
    """Pairs of chords that follow each other somewhere in the genre's form."""
    tonic = 45 if genre.minor else 48
    roots = [ROOTS.index((tonic + genre.scale[degree(genre, section)]) % 12) for section in form(genre, 400)]
    return set(zip(roots, roots[1:]))


def judge(named, wanted, genre):
    """For each bar with a wanted chord: (third of the song, in its place, follows the bar before as the rules allow).

    The first bar follows nothing: it is allowed where it is right.
    """
    pairs, rows = allowed(genre), []
    for bar, (heard, right) in enumerate(zip(named, wanted)):
        follows = (named[bar - 1], heard) in pairs if bar else heard == right
        rows.append((3 * bar // len(wanted), heard == right, follows, heard == BLURRED))
    return rows


def by_third(rows):
    """Shares of bars in the song's thirds, and of all."""
    rows = np.array(rows, float)
    table = {"bars": len(rows)}
    for column, name in ((1, "in_place"), (2, "allowed"), (3, "blurred")):
        thirds = [rows[rows[:, 0] == third, column].mean() for third in range(3)]
        table[name] = {"all": round(float(rows[:, column].mean()), 3),
                       **{f"third_{i + 1}": round(float(v), 3) for i, v in enumerate(thirds)}}
    return table


def by_name(name):
    return next(genre for genre in GENRES if genre.name == name)
