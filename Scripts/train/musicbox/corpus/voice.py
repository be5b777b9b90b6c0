"""A small formant singer: each sound is a spectrum under the throat's resonances, read as a wavetable."""

import numpy as np

from .synth import BLOCK, RATE, cycle, filtered_noise, frequency, ramp, read, swaying

# First three resonances in Hz of an average throat.
VOWELS = {
    "AA": (730, 1090, 2440), "AH": (640, 1190, 2390), "AO": (570, 840, 2410), "EH": (530, 1840, 2480),
    "ER": (490, 1350, 1690), "IH": (390, 1990, 2550), "IY": (270, 2290, 3010), "UW": (300, 870, 2240),
    "OW": (450, 900, 2400), "EY": (450, 2000, 2600), "AY": (700, 1200, 2500),
}
GLIDES = {"OW": "UW", "EY": "IY", "AY": "IY"}
# Voiced consonants: resonances, level and seconds.
VOICED = {
    "M": ((250, 1000, 2200), 0.35, 0.07), "N": ((260, 1500, 2400), 0.35, 0.06), "L": ((340, 1100, 2600), 0.5, 0.06),
    "R": ((350, 1100, 1550), 0.5, 0.06), "W": ((300, 650, 2200), 0.5, 0.06), "Y": ((280, 2200, 2900), 0.5, 0.05),
    "V": ((300, 1200, 2200), 0.3, 0.05), "B": ((220, 700, 2000), 0.12, 0.04), "D": ((240, 1600, 2500), 0.12, 0.04),
    "G": ((240, 1900, 2300), 0.12, 0.04),
}
# Unvoiced ones: band in Hz, level and seconds.
NOISES = {
    "S": (4200, 8500, 0.09, 0.09), "F": (1800, 6500, 0.05, 0.07), "T": (3000, 7500, 0.16, 0.03),
    "P": (500, 1800, 0.16, 0.03), "H": (700, 2500, 0.06, 0.05),
}


def _response(hertz, formants, scale):
    level = np.zeros_like(hertz)
    for centre, width, gain in zip(formants, (80, 110, 160), (1.0, 0.55, 0.25)):
        x = (hertz - centre * scale) / (width * (0.5 + 0.5 * scale))
        level += gain / (1 + x * x)
    return level + 0.01


class Singer:
    """One artist's voice. Keeps tables and consonant noises that were made before."""

    def __init__(self, artist):
        self.artist = artist
        self._tables = {}
        self._noises = {}

    def _table(self, formants, midi):
        key = (formants, round(midi))
        if key not in self._tables:
            k = np.arange(1, int(5500 / frequency(midi)) + 1)
            hertz = k * frequency(midi)
            source = k ** -1.0 / (1 + (hertz / 3800) ** 4)
            raw = source * _response(hertz, formants, self.artist.formants)
            table = cycle(raw, -0.4 * np.sqrt(k))
            self._tables[key] = table * np.float32(0.22 / (table.std() + 1e-6))
        return self._tables[key]

    def _noise(self, sound):
        if sound not in self._noises:
            low, high, level, seconds = NOISES[sound]
            n = int(seconds * RATE)
            place = 0.5 + 0.5 * ramp(n) / n if sound in "TP" else ramp(n) / n
            shape = np.sqrt(np.maximum(0, np.sin(np.pi * place)))
            rng = np.random.default_rng(ord(sound))
            self._noises[sound] = filtered_noise(rng, n, low, high) * shape * np.float32(level)
        return self._noises[sound]

    def sing(self, syllable, midi, start, seconds):
        """A syllable on a note that begins at this sample of the song.

        Returns the wave and (first letter, end letter, begin, end) in seconds for each sound.
        """
        n = int(seconds * RATE)
        vowel = next(i for i, s in enumerate(syllable.sounds) if s[2] in VOWELS)
        lengths = [self._length(s[2]) for s in syllable.sounds]
        room = 0.6 * seconds
        consonants = sum(lengths) - lengths[vowel]
        squeeze = min(1.0, room / consonants) if consonants else 1.0
        lengths = [length * squeeze for length in lengths]
        lengths[vowel] = seconds - (sum(lengths) - lengths[vowel])

        clock = (np.arange(n) + start % BLOCK) / RATE
        phase = clock * frequency(midi) + swaying(frequency(midi), self.artist.vibrato, clock)
        wave = np.zeros(n, np.float32)
        times, at = [], 0.0
        edges = 0.018
        for index, (first, end, sound) in enumerate(syllable.sounds):
            begin, finish = int(at * RATE), min(n, int((at + lengths[index]) * RATE))
            times.append((first, end, at, at + lengths[index]))
            at += lengths[index]
            if sound in NOISES:
                noise = self._noise(sound)[: n - begin]
                wave[begin : begin + len(noise)] += noise
                continue
            self._voice(wave, phase, sound, midi, begin, finish, int(edges * RATE))
        return wave, times

    @staticmethod
    def _length(sound):
        if sound in NOISES:
            return NOISES[sound][3]
        return VOICED[sound][2] if sound in VOICED else 0.0

    def _voice(self, wave, phase, sound, midi, begin, finish, edge):
        low, high = max(0, begin - edge), min(len(wave), finish + edge)
        count = high - low
        if count <= 2 * edge:
            return
        part = phase[low:high]
        formants, level = (VOWELS[sound], 1.0) if sound in VOWELS else VOICED[sound][:2]
        sung = read(self._table(formants, midi), part) * np.float32(level)
        if sound in GLIDES:
            later = read(self._table(VOWELS[GLIDES[sound]], midi), part)
            share = np.clip((ramp(count) / count - 0.6) * 3.5, 0, 1)
            sung = sung + share * (later - sung)
        fade = np.ones(count, np.float32)
        fade[: 2 * edge] = ramp(2 * edge) / (2 * edge)
        fade[-2 * edge :] = np.minimum(fade[-2 * edge :], 1 - ramp(2 * edge) / (2 * edge))
        wave[low:high] += sung * fade
