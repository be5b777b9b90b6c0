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
    verse: tuple  # progressions of scale degrees, one chord a bar; none on D, whose fifth is not pure
    chorus: tuple
    sevenths: bool
    gain: float  # of the mix
    lead: str
    comp: str
    pad: str | None
    bass: str
    comping: tuple  # (beat, length, velocity); a negative index in `arpeggio` plays all notes
    arpeggio: tuple  # which chord note each comp stroke plays; empty: whole chords
    bassline: tuple  # (beat, length, step): 0 root, 1 fifth, 2 octave, 3 third, 4 the step below the next root
    drums: tuple  # (kind, velocity, beats)
    rhythms: tuple  # onsets of six notes, one for each syllable of a line

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


GENRES = [
    Genre(
        "waltz", 128, 3, 2, 0.5, False, ((0, 3, 4, 0), (0, 5, 3, 4)), ((3, 0, 4, 0), (5, 3, 4, 0)), False, 0.78,
        "accordion", "piano", None, "upright",
        ((1, 0.7, 0.7), (2, 0.7, 0.6)), (), ((0, 1.2, 0),),
        (("kick", 0.5, (0,)), ("brush", 0.9, (1, 2))),
        ((0, 1, 2, 3, 4, 5), (0, 1, 1.5, 2, 3, 4), (0, 2, 3, 3.5, 4, 5), (0, 1, 2, 3, 3.5, 4))),
    Genre(
        "rock", 144, 4, 2, 0.5, False, ((0, 4, 5, 3), (0, 3, 0, 4)), ((3, 4, 0, 5), (0, 4, 3, 3)), False, 0.54,
        "overdrive", "overdrive", None, "electric",
        tuple((0.5 * i, 0.45, 0.8 if i % 2 == 0 else 0.55) for i in range(8)), (),
        tuple((0.5 * i, 0.45, 0) for i in range(8)),
        (("kick", 1.0, (0, 2, 2.5)), ("snare", 1.0, (1, 3)), ("hat", 0.8, (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5))),
        ((0, 1, 2, 3, 4, 6), (0, 1.5, 2, 3, 4, 5), (0, 0.5, 1, 2, 4, 6), (0, 2, 3, 4, 5, 6))),
    Genre(
        "ballad", 320, 4, 1, 0.5, False, ((0, 5, 3, 4), (0, 4, 5, 3)), ((3, 4, 2, 5), (5, 3, 0, 4)), False, 0.63,
        "flute", "piano", "strings", "electric",
        tuple((0.5 * i, 0.9, 0.75 if i % 4 == 0 else 0.5) for i in range(8)), (0, 1, 2, 1, 3, 2, 1, 2),
        ((0, 2.8, 0), (3, 0.9, 1)),
        (("kick", 0.8, (0,)), ("rim", 0.7, (2,)), ("shaker", 0.6, (0.5, 1.5, 2.5, 3.5))),
        ((0, 0.5, 1, 1.5, 2, 3), (0, 0.5, 1, 2, 2.5, 3), (0, 1, 1.5, 2, 2.5, 3), (0, 0.5, 1, 1.5, 2, 2.5))),
    Genre(
        "swing", 176, 4, 2, 0.667, False, ((0, 5, 3, 4), (0, 0, 3, 4)), ((3, 4, 0, 5), (3, 3, 0, 4)), True, 0.68,
        "brass", "keys", None, "upright",
        ((0, 0.5, 0.7), (1.5, 0.4, 0.8)), (), ((0, 0.9, 0), (1, 0.9, 3), (2, 0.9, 1), (3, 0.9, 4)),
        (("ride", 1.0, (0, 1, 1.5, 2, 3, 3.5)), ("hat", 0.8, (1, 3)), ("kick", 0.6, (0, 2))),
        ((0, 0.5, 1, 2.5, 4, 5.5), (0.5, 1, 2, 3, 4.5, 5), (0, 1, 1.5, 2, 3.5, 5), (0, 1.5, 2, 3.5, 4, 5))),
    Genre(
        "techno", 160, 4, 2, 0.5, True, ((0, 0, 5, 6), (0, 0, 2, 6)), ((0, 5, 2, 6), (5, 6, 0, 0)), False, 0.76,
        "pluck", "stab", None, "acid",
        ((0.75, 0.2, 0.7), (1.5, 0.2, 0.8), (2.75, 0.2, 0.7), (3.5, 0.2, 0.8)), (),
        tuple((i + 0.5, 0.22, 0) for i in range(4)) + ((0.75, 0.2, 2), (2.75, 0.2, 2)),
        (("kick", 1.1, (0, 1, 2, 3)), ("open", 0.8, (0.5, 1.5, 2.5, 3.5)), ("clap", 0.7, (1, 3))),
        ((0, 0.75, 1.5, 2, 3.5, 4), (0, 0.5, 1.5, 2.5, 4, 5.5), (0, 1.5, 3, 4, 4.5, 5.5), (0, 0.75, 1.5, 4, 4.75, 5.5))),
    Genre(
        "bossa", 224, 4, 1, 0.5, True, ((0, 5, 2, 4), (0, 2, 5, 4)), ((5, 6, 2, 4), (5, 4, 0, 0)), True, 0.7,
        "bell", "guitar", None, "upright",
        ((0, 0.4, 0.7), (0.75, 0.4, 0.6), (1.5, 0.6, 0.75), (2.5, 0.5, 0.7), (3.25, 0.5, 0.6)), (),
        ((0, 1.3, 0), (1.5, 0.45, 1), (2, 1.3, 1), (3.5, 0.45, 0)),
        (("rim", 0.8, (0, 0.75, 1.5, 2.5, 3.25)), ("shaker", 0.7, tuple(0.5 * i for i in range(8))),
         ("kick", 0.6, (0, 1.5, 2, 3.5))),
        ((0, 0.75, 1, 1.5, 2, 3), (0, 0.5, 1.5, 2, 2.5, 3), (0, 0.75, 1.5, 2.25, 2.5, 3), (0, 0.5, 1, 1.5, 2.25, 3))),
]
