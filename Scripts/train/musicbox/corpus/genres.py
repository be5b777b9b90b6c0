"""What is played: tempo, metre, harmony, instruments and the patterns of each part, in beats of a bar."""

from dataclasses import dataclass

from .synth import GRID, RATE

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)


@dataclass(frozen=True)
class Genre:
    name: str
    grid: int  # tokens of the top level in a beat; a bar is a whole number of blocks of 64
    beats: int  # in a bar
    phrase: int  # bars that a line of song takes
    swing: float  # where the second half of a beat falls; 0.5 is even
    minor: bool
    verse: tuple  # a progression of scale degrees, one chord a bar; none on D, whose fifth is not pure
    chorus: tuple
    gain: float  # of the mix
    lead: str
    comp: str
    bass: str
    comping: tuple  # (beat, length, velocity, notes of the chord)
    bassline: tuple  # (beat, length, step): 0 root, 1 fifth, 2 octave, 3 third
    drums: tuple  # (kind, velocity, beats)
    rhythms: tuple  # of verse and chorus: onsets of six notes, one for each syllable of a line
    riff: tuple  # (beat, length, which chord note) of the lead in a phrase without words

    @property
    def beat(self):
        """s"""
        return self.grid * GRID / RATE

    @property
    def tempo(self):
        """Beats a minute."""
        return 60.0 / self.beat

    @property
    def scale(self):
        return MINOR if self.minor else MAJOR


ALL = (0, 1, 2)

GENRES = [
    Genre(
        "waltz", 128, 3, 2, 0.5, False, (0, 3, 4, 0), (5, 3, 4, 0), 0.8,
        "accordion", "accordion", "upright",
        ((1, 0.6, 0.7, ALL), (2, 0.6, 0.7, ALL)), ((0, 0.9, 0),),
        (("kick", 0.6, (0,)), ("brush", 1.0, (1, 2))),
        ((0, 1, 2, 3, 4, 4.5), (0, 1, 1.5, 2, 3, 4)),
        ((0, 1, 0), (1, 1, 1), (2, 1, 2), (3, 2, 3))),
    Genre(
        "rock", 144, 4, 2, 0.5, False, (0, 4, 5, 3), (3, 4, 0, 4), 0.6,
        "overdrive", "overdrive", "electric",
        tuple((0.5 * i, 0.4, 0.9, (0, 2)) for i in range(8)),
        tuple((0.5 * i, 0.4, 0) for i in range(8)),
        (("kick", 1.1, (0, 2, 2.5)), ("snare", 1.1, (1, 3)), ("hat", 0.9, (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5))),
        ((0, 1, 2, 3, 4, 5), (0, 0.5, 1, 2, 4, 5)),
        ((0, 1.5, 2), (2, 1.5, 3), (4, 3, 2))),
    Genre(
        "ballad", 320, 4, 1, 0.5, False, (0, 5, 3, 4), (3, 4, 5, 0), 0.75,
        "flute", "piano", "electric",
        tuple((0.5 * i, 0.45, 1.5, (n,)) for i, n in enumerate((0, 1, 2, 1, 3, 1, 2, 1))),
        ((0, 3.4, 0),),
        (("kick", 0.8, (0,)), ("rim", 0.7, (2,)), ("shaker", 0.7, (0.5, 1.5, 2.5, 3.5))),
        ((0, 0.5, 1, 1.5, 2, 2.5), (0, 0.5, 1, 2, 2.5, 3)),
        ((0, 1, 2), (1, 1, 1), (2, 1.5, 3))),
    Genre(
        "swing", 192, 4, 2, 0.667, False, (0, 5, 3, 4), (3, 3, 0, 4), 0.75,
        "brass", "keys", "upright",
        ((0.5, 0.3, 0.9, ALL), (2.5, 0.3, 0.9, ALL)), ((0, 0.8, 0), (1, 0.8, 3), (2, 0.8, 2), (3, 0.8, 3)),
        (("ride", 1.2, (0, 1, 1.5, 2, 3, 3.5)), ("hat", 0.9, (1, 3)), ("kick", 0.5, (0, 2))),
        ((0, 1, 1.5, 2, 4, 5), (0, 0.5, 1, 2.5, 4, 5)),
        ((0, 1, 0), (1, 0.5, 1), (1.5, 1, 2), (4, 1, 3), (5, 0.5, 2))),
    Genre(
        "techno", 160, 4, 2, 0.5, True, (0, 0, 5, 6), (0, 5, 2, 6), 0.8,
        "pluck", "stab", "acid",
        ((0.75, 0.2, 0.8, ALL), (1.5, 0.2, 0.8, ALL), (2.75, 0.2, 0.8, ALL), (3.5, 0.2, 0.8, ALL)),
        tuple((i + 0.5, 0.3, 0) for i in range(4)),
        (("kick", 1.2, (0, 1, 2, 3)), ("open", 0.9, (0.5, 1.5, 2.5, 3.5)), ("clap", 0.8, (1, 3))),
        ((0, 1, 2, 3, 4, 5), (0, 0.5, 1, 2, 4, 4.5)),
        tuple((0.5 * i, 0.2, n) for i, n in enumerate((0, 2, 1, 3) * 4))),
    Genre(
        "bossa", 224, 4, 1, 0.5, True, (0, 5, 2, 4), (5, 4, 0, 0), 0.75,
        "bell", "guitar", "upright",
        ((0, 0.4, 0.8, ALL), (0.75, 0.4, 0.7, ALL), (1.5, 0.5, 0.8, ALL), (2.5, 0.4, 0.7, ALL), (3.25, 0.4, 0.7, ALL)),
        ((0, 1.3, 0), (1.5, 0.4, 2), (2, 1.3, 2), (3.5, 0.4, 0)),
        (("rim", 0.9, (0, 0.75, 1.5, 2.5, 3.25)), ("shaker", 0.8, tuple(0.5 * i for i in range(8))),
         ("kick", 0.6, (0, 1.5, 2, 3.5))),
        ((0, 0.5, 1, 1.5, 2, 2.5), (0, 0.75, 1, 1.5, 2, 3)),
        ((0, 0.5, 0), (0.75, 0.5, 1), (1.5, 0.5, 2), (2.5, 1, 3))),
]
