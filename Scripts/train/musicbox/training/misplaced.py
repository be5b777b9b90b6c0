"""What the top level reads where a song has gone wrong, and which chord is right all the same.

A model that has only ever read right songs trusts what it has just heard more than the song's form. So in some windows
a few bars are exchanged for others of the song, for one bar over and over, or for silence. The true codes remain the
right answer: genre and place tell the chord, and the phrases before tell the melody.
"""

import numpy as np
import torch

from ..corpus import GENRES
from ..corpus.song import RING, degree, form
from ..corpus.synth import RATE

BLOCK = 64
# Roots of the corpus's chords, as MIDI numbers modulo 12.
ROOTS = (0, 4, 5, 7, 9)
ELSEWHERE, REPEATED, SILENT = 0, 1, 2
SHARES = (0.45, 0.35, 0.2)


def bar_tokens(genre):
    """Tokens of the top level in a bar of the genre with this index of the labels."""
    return GENRES[genre - 1].beats * GENRES[genre - 1].grid


def silence(model, level):
    """int64 [64]: the codes of a block of silence, far from any sound."""
    with torch.no_grad():
        codes = model.encode(torch.zeros(1, 9 * BLOCK * model.hops[level]), level)[0]
    return codes[4 * BLOCK : 5 * BLOCK].cpu().numpy().astype(np.int64)


def misplaced(codes, genre, most, silent, rng):
    """The window's codes [tokens] with up to a share of `most` exchanged, in stretches of a block to two bars.

    Bars stay bars: a stretch begins with a block, and what it is exchanged for is whole bars away.
    """
    bar, length = bar_tokens(genre), len(codes)
    read, left = codes.copy(), int(rng.uniform(0, most) * length)
    while left > 0 and length >= 2 * bar:
        size = BLOCK * int(rng.integers(1, 2 * bar // BLOCK + 1))
        begin = BLOCK * int(rng.integers(bar // BLOCK, length // BLOCK))
        place = np.arange(begin, min(begin + size, length))
        kind = rng.choice(3, p=SHARES)
        if kind == SILENT:
            read[place] = silent[place % BLOCK]
        elif kind == REPEATED:
            read[place] = codes[begin - bar + (place - begin) % bar]
        else:
            away = bar * int(rng.integers(-(begin // bar), (length - place[-1] - 1) // bar + 1))
            read[place] = codes[place + away]
        left -= size
    return read


def roots(genre, samples, hop, start, length):
    """int64 [length]: the chord at each token of a window, as an index of `ROOTS`; −1 in the last bar, which ends the song."""
    kind, bar = GENRES[genre - 1], bar_tokens(genre)
    place = np.arange(start, start + length) // bar
    tonic = 45 if kind.minor else 48
    sections = form(kind, int(place[-1]) + 1)
    chords = np.array([ROOTS.index((tonic + kind.scale[degree(kind, section)]) % 12) for section in sections])
    whole = int((samples - RING * RATE) / (bar * hop))
    return np.where(place < whole, chords[place], -1)
