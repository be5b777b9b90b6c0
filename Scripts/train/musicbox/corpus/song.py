"""A whole song from a seed: form, harmony, melody, words; every part rendered and mixed to mono."""

from dataclasses import dataclass, field

import numpy as np

from . import lyrics, synth
from .artists import ARTISTS
from .genres import GENRES
from .synth import RATE
from .voice import Singer

# Seconds that the last chord rings at least.
RING = 0.9

_singers, _notes, _drums = {}, {}, {}


@dataclass
class Song:
    seed: int
    genre: str
    artist: str
    tempo: float  # beats a minute
    beats: int  # in a bar
    audio: np.ndarray  # [samples], float32, −1 … 1
    lyrics: str = ""
    characters: list = field(default_factory=list)  # (first, end, begin s, end s) in `lyrics`, sung spans
    onsets: list = field(default_factory=list)  # s, of beats
    sections: list = field(default_factory=list)  # (name, begin s, end s)
    chords: list = field(default_factory=list)  # of each bar, the root's MIDI number modulo 12

    @property
    def seconds(self):
        return len(self.audio) / RATE


def compose(seed, genre=None, artist=None, seconds=None, lines=None):
    """The song of a seed. Genre, artist, length and how many lines are sung are the seed's unless they are given."""
    rng = np.random.default_rng([seed, 20050341])
    drawn = GENRES[int(rng.integers(len(GENRES)))], ARTISTS[int(rng.integers(len(ARTISTS)))], _length(rng)
    genre = next((g for g in GENRES if g.name == genre), drawn[0])
    artist = next((a for a in ARTISTS if a.name == artist), drawn[1])
    own = _lines(rng)
    return _Arranger(rng, seed, genre, artist, seconds or drawn[2], own if lines is None else lines).run()


def _length(rng):
    """Seconds: mostly short songs, whose every second is within the top level's first window."""
    return rng.uniform(8, 24) if rng.random() < 0.6 else rng.uniform(20, 60)


def _lines(rng):
    """How many lines are sung at most: often as many as there is room for; after the last, the lead plays."""
    chance = rng.random()
    return 0 if chance < 0.1 else int(rng.integers(1, 8)) if chance < 0.35 else 1000


def form(genre, bars):
    """The section of each bar, as (name, bar within it)."""
    line, sections = genre.phrase, []
    plan = [("intro", line), ("verse", 4 * line), ("chorus", 4 * line), ("verse", 4 * line), ("chorus", 4 * line),
            ("break", 2 * line)]
    while len(sections) < bars:
        for name, length in plan:
            sections += [(name, i) for i in range(length)]
        plan = plan[1:] or [("break", 2 * line)]
    return sections[:bars]


def degree(genre, section):
    """The scale step on which the chord of a section's bar stands; a song's last bar has the tonic instead."""
    name, index = section
    progression = genre.chorus if name == "chorus" else genre.verse
    return progression[index % len(progression)]


class _Arranger:
    def __init__(self, rng, seed, genre, artist, seconds, lines):
        self.rng, self.genre, self.artist = rng, genre, artist
        self.tempo, self.beat = genre.tempo, genre.beat
        self.tonic = 45 if genre.minor else 48
        self.bar = genre.beats * self.beat
        # The last chord is struck on the last beat that leaves it time to ring, in the last bar, so that a song is as
        # long as it was asked to be, whatever that is in bars.
        self.end = max(3 * genre.beats, int((seconds - RING) / self.beat))
        self.bars = self.end // genre.beats + 1
        n = synth.BLOCK * int(max(seconds, self.end * self.beat + RING) * RATE / synth.BLOCK)
        self.music, self.dry = np.zeros(n, np.float32), np.zeros(n, np.float32)
        self.song = Song(seed, genre.name, artist.name, self.tempo, genre.beats, self.music)
        self.singer = _singers.setdefault(artist.name, Singer(artist))
        self.motifs = {part: self._motif(part) for part in ("verse", "chorus")}
        self.form = form(genre, self.bars)
        self.words, self.lines = {}, lines

    # Form ---------------------------------------------------------------------------------------------------

    def run(self):
        self._sections()
        for bar, section in enumerate(self.form):
            self.song.chords.append(self._pitch(self._degree(bar)) % 12)
            self._accompany(bar, section)
        self._sing_and_lead()
        self.song.onsets = [i * self.beat for i in range(self.end + 1)]
        self.song.audio = self._mix()
        return self.song

    def _sections(self):
        begin = 0
        for bar in range(1, self.bars + 1):
            if bar == self.bars or self.form[bar][1] == 0:
                until = min(self.song.seconds, bar * self.bar)
                self.song.sections.append((self.form[begin][0], begin * self.bar, until))
                begin = bar

    def _degree(self, bar):
        return 0 if bar >= self.bars - 1 else degree(self.genre, self.form[bar])

    def _pitch(self, step):
        """MIDI number of a scale step; step 0 is the tonic."""
        octave, index = divmod(step, 7)
        return self.tonic + 12 * octave + self.genre.scale[index]

    def _chord(self, bar):
        """The bar's chord near MIDI 60, low to high."""
        degree = self._degree(bar)
        pitches = [self._pitch(degree + step) for step in (0, 2, 4)]
        return sorted(p - 12 if p > 66 else p + 12 if p < 54 else p for p in pitches)

    def _time(self, beats):
        """Seconds of a beat position, swung."""
        whole, part = divmod(beats, 1.0)
        swing = self.genre.swing
        part = part / 0.5 * swing if part <= 0.5 else swing + (part - 0.5) / 0.5 * (1 - swing)
        return (whole + part) * self.beat

    # Sound --------------------------------------------------------------------------------------------------

    def _note(self, bus, name, midi, at, seconds, level):
        instrument = synth.INSTRUMENTS[name].shaped(self.artist.brightness)
        seconds = max(0.03, synth.on_grid(seconds) / RATE)
        begin = synth.on_grid(max(0.0, at)) % synth.BLOCK
        key = (instrument.name, midi, seconds, begin)
        if key not in _notes:
            if len(_notes) > 3000:
                _notes.clear()
            _notes[key] = synth.note(instrument, midi, seconds, begin)
        self._add(bus, _notes[key], at, level)

    @staticmethod
    def _add(bus, wave, at, level):
        begin = synth.on_grid(max(0.0, at))
        end = min(len(bus), begin + len(wave))
        if end > begin:
            bus[begin:end] += wave[: end - begin] * np.float32(level)

    def _drum(self, kind, at, level):
        key = (kind, self.artist.name)
        if key not in _drums:
            _drums[key] = synth.drum(kind, self.artist.kit_pitch, self.artist.kit_bright)
        self._add(self.dry, _drums[key], at, level)

    # Accompaniment ------------------------------------------------------------------------------------------

    def _accompany(self, bar, section):
        genre, name = self.genre, section[0]
        chord, start = self._chord(bar), bar * genre.beats
        loud = {"intro": 0.8, "verse": 0.85, "chorus": 1.0, "break": 0.9}[name]
        notes = chord + [chord[0] + 12]
        for at, length, level, which in genre.comping:
            for index in which if start + at < self.end else ():
                self._note(self.music, genre.comp, notes[index], self._time(start + at),
                           length * self.beat * self.artist.staccato, 0.17 * level * loud)
        self._bass(bar, start, loud)
        self._beat(bar, section, loud)
        if bar == self.bars - 1:
            self._last_chord(chord)

    def _last_chord(self, chord):
        at = self.end * self.beat
        held = self.song.seconds - at - 0.2
        for midi in chord:
            self._note(self.music, self.genre.comp, midi, at, held, 0.2)
        self._note(self.dry, self.genre.bass, self._bass_pitch(0), at, held, 0.36)
        self._drum("kick", at, 0.5)

    def _bass_pitch(self, step):
        midi = self._pitch(step)
        while midi > 47:
            midi -= 12
        while midi < 33:
            midi += 12
        return midi

    def _bass(self, bar, start, loud):
        degree = self._degree(bar)
        root = self._bass_pitch(degree)
        for at, length, step in self.genre.bassline:
            if start + at >= self.end:
                continue
            midi = {0: root, 1: self._bass_pitch(degree + 4), 2: root + 12, 3: self._bass_pitch(degree + 2)}[step]
            self._note(self.dry, self.genre.bass, midi, self._time(start + at), length * self.beat, 0.36 * loud)

    def _beat(self, bar, section, loud):
        name, index = section
        start, genre = bar * self.genre.beats, self.genre
        for kind, level, beats in genre.drums:
            for at in beats:
                if start + at < self.end:
                    self._drum(kind, self._time(start + at), 0.55 * level * loud)
        if name == "chorus" and index == 0 and start < self.end and genre.name != "waltz":
            self._drum("open", start * self.beat, 0.8)

    # Melody -------------------------------------------------------------------------------------------------

    def _motif(self, part):
        """Phrases of a melody in a b a c form, each as (beat, which chord note) of its six notes."""
        rng, phrases, place = self.rng, [], int(self.rng.integers(0, 4))
        for _ in range(3):
            phrases.append([])
            for beat in self.genre.rhythms[part == "chorus"]:
                phrases[-1].append((beat, place))
                place = int(np.clip(place + rng.choice([-1, 0, 1, 1]) if place < 2 else
                                    place + rng.choice([-1, -1, 0, 1]), 0, 3))
        return [phrases[i] for i in (0, 1, 0, 2)]

    def _tones(self, bar, centre):
        """The bar's chord around a MIDI number: four notes, low to high."""
        around = [midi for midi in range(centre - 5, centre + 14) if midi % 12 in {p % 12 for p in self._chord(bar)}]
        return around[:4]

    def _phrase(self, first, notes, centre):
        """The notes (beat, which chord note) from bar `first` as (time s, length s, MIDI)."""
        bars, beats = self.genre.phrase, self.genre.beats
        if first + bars >= self.bars:
            return []
        times = [self._time(first * beats + beat) for beat, _ in notes]
        end = (first + bars) * self.bar - 0.5 * self.beat
        ends = [min(b, a + 1.5 * self.beat) for a, b in zip(times, times[1:] + [end])]
        return [(t, e - t, self._tones(first + int(beat // beats), centre)[place])
                for (beat, place), t, e in zip(notes, times, ends)]

    def _sing_and_lead(self):
        verse, bars = 0, self.genre.phrase
        for first in range(0, self.bars):
            name, index = self.form[first]
            if index % bars:
                continue
            verse += name == "verse" and index == 0
            if name in self.motifs and self.lines > 0:
                self.lines -= 1
                phrase = self._phrase(first, self.motifs[name][index // bars % 4], self.artist.register)
                self._line(phrase, (name, 0 if name == "chorus" else verse, index))
            else:
                self._lead(first)

    def _lead(self, first):
        """The genre's riff, where nobody sings."""
        notes = [(beat, place) for beat, _, place in self.genre.riff]
        for (at, _, midi), (_, length, _) in zip(self._phrase(first, notes, 72), self.genre.riff):
            held = length * self.beat * self.artist.staccato
            self._note(self.music, self.genre.lead, midi, at, held, 0.3)
            if self.artist.octaves:
                self._note(self.music, self.genre.lead, midi + 12, at, held, 0.14)

    def _line(self, phrase, key):
        """Sings a line of words on a phrase; a chorus has the same words every time."""
        song = self.song
        if not phrase:
            return
        if key not in self.words:
            self.words[key] = lyrics.line(self.rng, len(phrase))
        words = self.words[key]
        if song.lyrics:
            song.lyrics += "\n"
        place, syllables = len(song.lyrics), []
        for word in words:
            for syllable in word.syllables:
                syllables.append((place, syllable))
                place += len(syllable.letters)
            place += 1
        song.lyrics += " ".join(w.text for w in words)
        for (letter, syllable), (at, length, midi) in zip(syllables, phrase):
            begin, held = synth.on_grid(at), length * max(0.75, self.artist.staccato)
            wave, times = self.singer.sing(syllable, midi, begin, held)
            self._add(self.music, wave, at, 1.0)
            song.characters += [(letter + a, letter + b, at + s, at + e) for a, b, s, e in times]

    # Mix ----------------------------------------------------------------------------------------------------

    def _mix(self):
        wet = self.music
        room = np.float32(self.artist.room)
        if room:
            source = wet.copy()
            for delay, level in ((0.0113, 0.5), (0.0197, -0.42), (0.0311, 0.36), (0.0473, -0.3), (0.0671, 0.24),
                                 (0.0937, 0.18)):
                shift = synth.on_grid(delay)
                wet[shift:] += source[:-shift] * (room * np.float32(level))
        mixed = wet + self.dry
        mixed *= np.float32(self.genre.gain)
        # Gentle saturation keeps peaks inside, as a mastering limiter does.
        mixed = np.tanh(mixed * np.float32(1.1)) * np.float32(0.9)
        fade = int(0.25 * RATE)
        mixed[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        return mixed.astype(np.float32)
