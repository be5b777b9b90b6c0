"""A whole song from a seed: form, harmony, melody, words; every part rendered and mixed to mono."""

from dataclasses import dataclass, field

import numpy as np

from . import lyrics, synth
from .artists import ARTISTS
from .genres import GENRES
from .synth import RATE
from .voice import Singer

# Letters of a line with its end: lines of one length let a small model know where in the text it is.
LINE = 24
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

    @property
    def seconds(self):
        return len(self.audio) / RATE


def compose(seed, genre=None, artist=None, seconds=None):
    """The song of a seed. Genre, artist and length are the seed's unless they are given."""
    rng = np.random.default_rng([seed, 20050341])
    drawn = GENRES[int(rng.integers(len(GENRES)))], ARTISTS[int(rng.integers(len(ARTISTS)))], rng.uniform(20, 60)
    genre = next((g for g in GENRES if g.name == genre), drawn[0])
    artist = next((a for a in ARTISTS if a.name == artist), drawn[1])
    return _Arranger(rng, seed, genre, artist, seconds or drawn[2]).run()


class _Arranger:
    def __init__(self, rng, seed, genre, artist, seconds):
        self.rng, self.genre, self.artist = rng, genre, artist
        self.tempo, self.beat = genre.tempo, genre.beat
        self.tonic = 45 if genre.minor else 48
        self.bar = genre.beats * self.beat
        self.bars = max(4, round(seconds / self.bar / 2) * 2)
        n = int((self.bars * self.bar + 0.6) * RATE)
        self.music, self.dry = np.zeros(n, np.float32), np.zeros(n, np.float32)
        self.song = Song(seed, genre.name, artist.name, self.tempo, genre.beats, self.music)
        self.singer = _singers.setdefault(artist.name, Singer(artist))
        self.verse = genre.verse[int(rng.integers(len(genre.verse)))]
        self.chorus = genre.chorus[int(rng.integers(len(genre.chorus)))]
        self.motifs = {part: self._motif() for part in ("verse", "chorus")}
        self.words = {}

    # Form ---------------------------------------------------------------------------------------------------

    def run(self):
        for bar, section in enumerate(self._form()):
            self._accompany(bar, section)
        self._sing_and_lead()
        self.song.onsets = [i * self.beat for i in range(self.bars * self.genre.beats)]
        self.song.audio = self._mix()
        return self.song

    def _form(self):
        """The section of each bar, as (name, bar within it)."""
        if hasattr(self, "form"):
            return self.form
        plan, self.form = [("intro", 2), ("verse", 8), ("chorus", 8), ("verse", 8), ("chorus", 8), ("break", 4)], []
        while len(self.form) < self.bars:
            for name, length in plan:
                self.form += [(name, i) for i in range(length)]
            plan = plan[1:]
        self.form = self.form[: self.bars]
        begin = 0
        for bar in range(1, self.bars + 1):
            if bar == self.bars or self.form[bar][1] == 0:
                self.song.sections.append((self.form[begin][0], begin * self.bar, bar * self.bar))
                begin = bar
        return self.form

    def _degree(self, bar):
        if bar >= self.bars:
            return 0
        name, index = self.form[bar]
        if bar == self.bars - 1:
            return 0
        progression = self.chorus if name == "chorus" else self.verse
        return progression[index % len(progression)]

    def _pitch(self, step):
        """MIDI number of a scale step; step 0 is the tonic."""
        octave, index = divmod(step, 7)
        return self.tonic + 12 * octave + self.genre.scale[index]

    def _chord(self, bar):
        """The bar's chord near MIDI 60, low to high."""
        degree = self._degree(bar)
        steps = [degree, degree + 2, degree + 4] + ([degree + 6] if self.genre.sevenths else [])
        pitches = [self._pitch(s) for s in steps]
        return sorted(p - 12 if p > 66 else p + 12 if p < 54 else p for p in pitches)

    def _time(self, beats):
        """Seconds of a beat position, swung."""
        whole, part = divmod(beats, 1.0)
        swing = self.genre.swing
        part = part / 0.5 * swing if part <= 0.5 else swing + (part - 0.5) / 0.5 * (1 - swing)
        return (whole + part) * self.beat

    # Sound --------------------------------------------------------------------------------------------------

    def _note(self, bus, name, midi, at, seconds, level):
        artist = self.artist
        instrument = synth.INSTRUMENTS[name].shaped(artist.brightness, artist.softness, artist.detune)
        seconds = max(0.03, synth.on_grid(seconds) / RATE)
        key = (instrument.name, midi, seconds)
        if key not in _notes:
            if len(_notes) > 1500:
                _notes.clear()
            _notes[key] = synth.note(instrument, midi, seconds)
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
        last = bar == self.bars - 1
        chord, start = self._chord(bar), bar * genre.beats
        loud = {"intro": 0.8, "verse": 0.85, "chorus": 1.0, "break": 0.9}[name]
        if last:
            self._last_bar(chord, start)
            return
        for index, (at, length, level) in enumerate(genre.comping):
            pitches = [chord[genre.arpeggio[index] % len(chord)]] if genre.arpeggio else chord
            begin = self._time(start + at) - self.artist.push * self.beat
            for strum, midi in enumerate(pitches):
                share = 0.30 if genre.arpeggio else 0.17
                self._note(self.music, genre.comp, midi, begin + 0.006 * strum,
                           length * self.beat * self.artist.staccato, share * level * loud)
        if genre.pad and name != "intro":
            for midi in chord:
                self._note(self.music, genre.pad, midi, start * self.beat, self.bar * 0.97, 0.10 * loud)
        self._bass(bar, start, loud)
        self._beat(bar, section, loud)

    def _last_bar(self, chord, start):
        for midi in chord:
            self._note(self.music, self.genre.comp, midi, start * self.beat, self.bar * 0.8, 0.2)
        self._note(self.dry, self.genre.bass, self._bass_pitch(0), start * self.beat, self.bar * 0.8, 0.5)
        self._drum("kick", start * self.beat, 0.5)

    def _bass_pitch(self, step):
        midi = self._pitch(step)
        while midi > 47:
            midi -= 12
        while midi < 33:
            midi += 12
        return midi

    def _bass(self, bar, start, loud):
        degree, after = self._degree(bar), self._degree(bar + 1)
        root = self._bass_pitch(degree)
        for at, length, step in self.genre.bassline:
            midi = {0: root, 1: self._bass_pitch(degree + 4), 2: root + 12, 3: self._bass_pitch(degree + 2),
                    4: self._bass_pitch(after - 1)}[step]
            self._note(self.dry, self.genre.bass, midi, self._time(start + at),
                       length * self.beat * min(1, self.artist.staccato + 0.15), 0.50 * loud)

    def _beat(self, bar, section, loud):
        name, index = section
        start, genre = bar * self.genre.beats, self.genre
        if name == "intro" and index == 0 and genre.name != "techno":
            return
        fill = index == 7 and genre.name in ("rock", "techno", "swing")
        for kind, level, beats in genre.drums:
            for at in beats:
                if fill and at >= genre.beats - 1 and kind != "kick":
                    continue
                self._drum(kind, self._time(start + at), 0.55 * level * loud)
        if fill:
            for i in range(4):
                self._drum("tom" if i > 1 else "snare", (start + genre.beats - 1 + i / 4) * self.beat, 0.4)
        if name == "chorus" and index == 0 and genre.name != "waltz":
            self._drum("open", start * self.beat, 0.8)

    # Melody -------------------------------------------------------------------------------------------------

    def _motif(self):
        """Phrases of a melody in a b a c form, each as (beat, scale step) of its six notes."""
        rng, rhythms = self.rng, self.genre.rhythms
        cells = [rhythms[int(rng.integers(len(rhythms)))] for _ in range(3)]
        phrases, step = [], int(rng.integers(0, 5))
        for cell in cells:
            phrases.append([])
            for beat in cell:
                phrases[-1].append((beat, step))
                step = int(np.clip(step + rng.choice([-2, -1, -1, 0, 1, 1, 2]), -3, 7))
        return [phrases[i] for i in (0, 1, 0, 2)]

    def _fit(self, step, bar, strong):
        """A melody step, moved to the nearest chord tone on strong beats."""
        if not strong:
            return step
        degree = self._degree(bar)
        tones = [o * 7 + degree + t for o in (-2, -1, 0, 1) for t in (0, 2, 4)]
        return min(tones, key=lambda t: (abs(t - step), t))

    def _phrase(self, first, part):
        """A phrase from bar `first` as (time s, length s, step); none where the song has no room for it."""
        bars, beats = self.genre.phrase, self.genre.beats
        if first + bars >= self.bars:
            return []
        motif = self.motifs[part][self.form[first][1] // bars % 4]
        times = [self._time(first * beats + beat) for beat, _ in motif]
        end = (first + bars) * self.bar - 0.25 * self.beat
        ends = [min(b, a + 2.2 * self.beat) for a, b in zip(times, times[1:] + [end])]
        return [(t, e - t, self._fit(step, first + int(beat // beats), beat % 2 == 0))
                for (beat, step), t, e in zip(motif, times, ends)]

    def _sing_and_lead(self):
        before, verse = None, 0
        for first in range(0, self.bars):
            name, index = self.form[first]
            if index % self.genre.phrase:
                continue
            part = name if name in self.motifs else "verse"
            phrase = self._phrase(first, part)
            if not phrase:
                continue
            if name in ("verse", "chorus"):
                verse += name == "verse" and index == 0
                before = self._line(phrase, (name, 0 if name == "chorus" else verse, index), before)
            else:
                self._lead(phrase)

    def _lead(self, phrase):
        artist, rng = self.artist, self.rng
        for at, length, step in phrase:
            octaves = 24 - (12 if self._pitch(step) > 62 else 0)
            midi, held = self._pitch(step) + octaves, length * artist.staccato
            if rng.random() < artist.ornament and length > 0.2:
                self._note(self.music, self.genre.lead, self._pitch(step + 1) + octaves, at - 0.06, 0.06, 0.2)
            self._note(self.music, self.genre.lead, midi, at, held, 0.34)
            if artist.octaves:
                self._note(self.music, self.genre.lead, midi + 12, at, held, 0.14)
            if artist.echo:
                self._note(self.music, self.genre.lead, midi, at + 0.75 * self.beat, held, 0.34 * artist.echo)

    def _line(self, phrase, key, before):
        """Sings a line of words on a phrase; a chorus has the same words every time."""
        song = self.song
        if key not in self.words:
            target = LINE * (1 + song.lyrics.count("\n") + bool(song.lyrics)) - 1
            self.words[key] = lyrics.line(self.rng, len(phrase), target - len(song.lyrics) - bool(song.lyrics))
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
        for (letter, syllable), (at, length, step) in zip(syllables, phrase):
            midi = self._pitch(step)
            while midi < self.artist.register - 5:
                midi += 12
            while midi > self.artist.register + 9:
                midi -= 12
            held = length * max(0.7, self.artist.staccato)
            wave, times = self.singer.sing(syllable, midi, before, held)
            self._add(self.music, wave, at, 1.0)
            song.characters += [(letter + a, letter + b, at + s, at + e) for a, b, s, e in times]
            before = midi
        return before

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
