"""What is played: tempo, metre, harmony, instruments and the patterns of each part, in beats of a bar."""

from dataclasses import dataclass

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)


@dataclass(frozen=True)
class Genre:
    name: str
    tempo: tuple  # beats a minute, from and to
    beats: int  # in a bar
    swing: float  # where the second half of a beat falls; 0.5 is even
    scale: tuple
    verse: tuple  # progressions of scale degrees, one chord a bar
    chorus: tuple
    sevenths: bool
    lead: str
    comp: str
    pad: str | None
    bass: str
    comping: tuple  # (beat, length, velocity); a negative index in `arpeggio` plays all notes
    arpeggio: tuple  # which chord note each comp stroke plays; empty: whole chords
    bassline: tuple  # (beat, length, step): 0 root, 1 fifth, 2 octave, 3 third, 4 leading note to the next root
    drums: tuple  # (kind, velocity, beats)
    rhythms: tuple  # a bar of melody each: onsets, the bar's end closes the last


GENRES = [
    Genre(
        "waltz", (168, 184), 3, 0.5, MAJOR, ((0, 3, 4, 0), (0, 5, 1, 4)), ((3, 0, 4, 0), (5, 1, 4, 0)), False,
        "accordion", "piano", None, "upright",
        ((1, 0.7, 0.7), (2, 0.7, 0.6)), (), ((0, 1.2, 0),),
        (("kick", 0.5, (0,)), ("brush", 0.7, (1, 2))),
        ((0, 1, 2), (0, 2), (0, 1, 1.5, 2), (0,))),
    Genre(
        "rock", (144, 156), 4, 0.5, MAJOR, ((0, 4, 5, 3), (0, 3, 0, 4)), ((3, 4, 0, 5), (0, 4, 3, 3)), False,
        "overdrive", "overdrive", None, "electric",
        tuple((0.5 * i, 0.45, 0.8 if i % 2 == 0 else 0.55) for i in range(8)), (),
        tuple((0.5 * i, 0.45, 0) for i in range(8)),
        (("kick", 1.0, (0, 2, 2.5)), ("snare", 0.9, (1, 3)), ("hat", 0.8, (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5))),
        ((0, 1, 2, 3), (0, 1.5, 2, 3), (0, 0.5, 1, 2), (0, 2))),
    Genre(
        "ballad", (60, 70), 4, 0.5, MAJOR, ((0, 5, 3, 4), (0, 4, 5, 3)), ((3, 4, 2, 5), (5, 3, 0, 4)), False,
        "flute", "piano", "strings", "electric",
        tuple((0.5 * i, 0.9, 0.75 if i % 4 == 0 else 0.5) for i in range(8)), (0, 1, 2, 1, 3, 2, 1, 2),
        ((0, 2.8, 0), (3, 0.9, 1)),
        (("kick", 0.6, (0,)), ("rim", 0.6, (2,)), ("shaker", 0.5, (0.5, 1.5, 2.5, 3.5))),
        ((0, 1, 1.5, 2, 3), (0, 0.5, 1, 2), (0, 1, 2, 2.5, 3), (0, 1.5, 2))),
    Genre(
        "swing", (112, 122), 4, 0.667, MAJOR, ((0, 5, 1, 4), (0, 0, 3, 4)), ((1, 4, 0, 5), (3, 3, 0, 4)), True,
        "brass", "keys", None, "upright",
        ((0, 0.5, 0.7), (1.5, 0.4, 0.8)), (), ((0, 0.9, 0), (1, 0.9, 3), (2, 0.9, 1), (3, 0.9, 4)),
        (("ride", 1.0, (0, 1, 1.5, 2, 3, 3.5)), ("hat", 0.8, (1, 3)), ("kick", 0.35, (0, 2))),
        ((0, 0.5, 1, 1.5, 2.5), (0.5, 1, 2, 3), (0, 1, 1.5, 2, 3.5), (0, 1.5))),
    Genre(
        "techno", (128, 136), 4, 0.5, MINOR, ((0, 0, 5, 6), (0, 0, 3, 3)), ((0, 5, 2, 6), (5, 6, 0, 0)), False,
        "pluck", "stab", None, "acid",
        ((0.75, 0.2, 0.7), (1.5, 0.2, 0.8), (2.75, 0.2, 0.7), (3.5, 0.2, 0.8)), (),
        tuple((i + 0.5 * j + 0.5 * (1 - j), 0.22, 0) for i in range(4) for j in (1,))
        + ((0.75, 0.2, 2), (2.75, 0.2, 2)),
        (("kick", 1.1, (0, 1, 2, 3)), ("open", 0.8, (0.5, 1.5, 2.5, 3.5)), ("clap", 0.7, (1, 3))),
        ((0, 0.75, 1.5, 2, 2.75, 3.5), (0, 0.5, 1.5, 2.5), (0, 1.5, 3), (0, 0.75, 1.5, 2.5))),
    Genre(
        "bossa", (90, 99), 4, 0.5, MINOR, ((0, 3, 1, 4), (0, 5, 3, 4)), ((3, 6, 2, 5), (3, 4, 0, 0)), True,
        "bell", "guitar", None, "upright",
        ((0, 0.4, 0.7), (0.75, 0.4, 0.6), (1.5, 0.6, 0.75), (2.5, 0.5, 0.7), (3.25, 0.5, 0.6)), (),
        ((0, 1.3, 0), (1.5, 0.45, 1), (2, 1.3, 1), (3.5, 0.45, 0)),
        (("rim", 0.8, (0, 0.75, 1.5, 2.5, 3.25)), ("shaker", 0.7, tuple(0.25 * i for i in range(16))),
         ("kick", 0.6, (0, 1.5, 2, 3.5))),
        ((0, 0.75, 1.5, 2.5), (0.5, 1, 1.75, 2.5, 3.5), (0, 1.5, 2.25, 3), (0, 1.75))),
]
