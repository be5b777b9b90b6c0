"""A small language to sing in: words, their syllables, and which letters sound when."""

from dataclasses import dataclass

# letters:sound … with | between syllables; a sound in capitals is one of `voice`'s.
_WORDS = """
l:L ow:OW
r:R ow:OW
o:OW l:L d:D
s:S ea:IY
t:T ea:IY
f:F ee:IY
y:Y ou:UW
n:N ew:UW
t:T oo:UW
wh:H o:UW
f:F ar:AA
t:T ar:AA
a:AO ll:L
f:F or:AO
s:S u:AH n:N
r:R u:AH n:N
w:W ay:EY
d:D ay:EY
m:M ay:EY
f:F l:L y:AY
s:S ky:AY
l:L ie:AY
h:H er:ER
m:M en:EH
"""


@dataclass(frozen=True)
class Syllable:
    letters: str
    sounds: tuple  # (first letter, end letter, sound)


@dataclass(frozen=True)
class Word:
    text: str
    syllables: tuple


def _word(line):
    syllables = []
    for part in line.split("|"):
        letters, sounds = "", []
        for item in part.split():
            spelling, _, sound = item.partition(":")
            begin = len(letters)
            letters += spelling
            if sound and sound != "-":
                sounds.append((begin, len(letters), sound))
            elif sounds:
                sounds[-1] = (sounds[-1][0], len(letters), sounds[-1][2])
        syllables.append(Syllable(letters, tuple(sounds)))
    return Word("".join(s.letters for s in syllables), tuple(syllables))


WORDS = [_word(line) for line in _WORDS.strip().splitlines()]


def line(rng, notes):
    """A word for each note. All have three letters, so that a letter's place in a line tells when it is sung."""
    words = []
    while len(words) < notes:
        word = WORDS[int(rng.integers(len(WORDS)))]
        if not words or word is not words[-1]:
            words.append(word)
    return words
