"""A small language to sing in: words, their syllables, and which letters sound when."""

from dataclasses import dataclass

# letters:sound … with | between syllables; a sound in capitals is one of `voice.SOUNDS`.
_WORDS = """
l:L a:AA
m:M oo:UW n:N
n:N igh:AY t:T
l:L igh:AY t:T
d:D ay:EY
s:S ea:IY
m:M e:IY
w:W e:IY
y:Y ou:UW
g:G o:OW
s:S o:OW
n:N o:OW
l:L ow:OW
s:S l:L ow:OW
b:B l:L ue:UW
t:T r:R ue:UW
s:S ky:AY
m:M y:AY
f:F ly:AY
r:R ai:EY n:N
s:S t:T ar:AA
f:F ar:AA
h:H o:OW m:M e:-
t:T i:AY m:M e:-
s:S o:AO ng:N
l:L o:AH v:V e:-
d:D r:R ea:IY m:M
s:S u:AH n:N
f:F a:AO ll:L
w:W i:AY l:L d:D
s:S t:T ay:EY
h:H ea:AA r:R t:T
a:AH n:N d:D
t:T o:UW
i:IH n:N
o:AH n:N
r:R i:IH | v:V er:ER
s:S u:AH m:M | m:M er:ER
g:G o:OW l:L | d:D e:AH n:N
a:AH | w:W ay:EY
t:T o:UW | n:N igh:AY t:T
m:M o:AO r:R | n:N i:IH n:N g:-
o:OW | v:V er:ER
n:N e:EH | v:V er:ER
h:H o:OW l:L d:D
s:S i:IH l:L | v:V er:ER
o:OW | p:P e:EH n:N
d:D a:AA n:N c:S e:-
f:F ee:IY l:L
m:M a:AH | r:R i:IY a:AH
a:AH | l:L o:OW n:N e:-
w:W a:AO | t:T er:ER
f:F i:AY | r:ER e:-
b:B e:IY | l:L ow:OW
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
_SHORT = [w for w in WORDS if len(w.syllables) == 1]


def line(rng, notes, letters, tries=40):
    """Words with exactly as many syllables as there are notes, and as near to so many letters as can be found."""
    found = [_line(rng, notes) for _ in range(tries)]
    return min(found, key=lambda words: abs(len(" ".join(w.text for w in words)) - letters))


def _line(rng, notes):
    words = []
    while notes:
        fitting = WORDS if notes > 2 else [w for w in WORDS if len(w.syllables) <= notes]
        choice = fitting if rng.random() < 0.5 else _SHORT
        word = choice[int(rng.integers(len(choice)))]
        if len(word.syllables) > notes or (words and word is words[-1]):
            continue
        words.append(word)
        notes -= len(word.syllables)
    return words
