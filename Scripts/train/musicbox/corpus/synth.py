"""Sound of single notes and drum strokes: band-limited wavetables, envelopes, shaped noise. Float32, 44.1 kHz.

All of it lies on the codec's grid, so that the same sound has the same codes wherever it occurs, and a model of a few
million parameters can learn it: strokes begin with a token of the top level, and pitches are tuned purely from one
tonic whose notes all repeat after a block of 64 tokens. A note's phase is that of the song's clock, not of its own
beginning, so that what sounds at one place of a block is the same in every block that has the same notes.
"""

from dataclasses import dataclass, replace

import numpy as np

RATE = 44100
# Samples of a token at the top level, and the rate at which a block of 64 tokens repeats.
GRID = 128
BLOCK = 64 * GRID
UNIT = RATE / BLOCK
# The white keys from MIDI 48 as multiples of UNIT: a pure major scale on 129.2 Hz.
WHITE = {0: 24, 2: 27, 4: 30, 5: 32, 7: 36, 9: 40, 11: 45}
TABLE = 4096
# Partials end softly below this: what a small codec cannot keep would only be noise to it.
TOP = 9000.0


def frequency(midi):
    """Hz of a white key, purely tuned."""
    octave, key = divmod(midi - 48, 12)
    return UNIT * WHITE[key] * 2.0**octave


def on_grid(seconds):
    """The nearest sample at which a token of the top level begins."""
    return GRID * round(seconds * RATE / GRID)


def cycle(amplitudes, phases=None):
    """One period whose harmonic k + 1 has amplitude `amplitudes[k]`, at most 1 in size."""
    spectrum = np.zeros(TABLE // 2 + 1, complex)
    count = min(len(amplitudes), TABLE // 2 - 1)
    turn = np.zeros(count) if phases is None else phases[:count]
    spectrum[1 : count + 1] = np.asarray(amplitudes[:count]) * np.exp(1j * turn) / 1j
    wave = np.fft.irfft(spectrum, TABLE) * (TABLE / 2)
    return (wave / (np.abs(wave).max() + 1e-9)).astype(np.float32)


def read(table, phase):
    """The table at a phase counted in periods."""
    return table[(phase * TABLE).astype(np.int32) & (TABLE - 1)]


def harmonics(hertz, slope, odd=0.0, cutoff=TOP):
    """Amplitudes k^-slope, even ones reduced by `odd`, up to the cutoff with a soft end."""
    k = np.arange(1, max(2, int(TOP / hertz)) + 1)
    level = k ** -float(slope)
    level[1::2] *= 1.0 - odd
    return level / (1.0 + (k * hertz / cutoff) ** 4)


@dataclass(frozen=True)
class Instrument:
    name: str
    slope: float = 1.5  # dullness of the spectrum
    odd: float = 0.0  # 1: hollow, as a clarinet
    cutoff: float = 4000.0  # Hz, of the bright table
    dark: float = 1200.0  # Hz, of the table it fades to
    fade: float = 0.5  # s, from bright to dark
    attack: float = 0.01
    decay: float = 1.5  # s to 1/e while held; 0 holds
    sustain: float = 0.0
    release: float = 0.06
    vibrato: float = 0.0  # semitones
    detune: int = 0  # between two voices, in UNITs
    level: float = 1.0

    def shaped(self, brightness):
        """The same instrument in another player's hands."""
        return replace(self, name=f"{self.name}/{brightness}", cutoff=self.cutoff * brightness,
                       dark=self.dark * brightness)


INSTRUMENTS = {
    i.name: i
    for i in [
        Instrument("piano", slope=1.6, cutoff=3500, dark=900, fade=0.4, attack=0.004, decay=0.9, release=0.09),
        Instrument("accordion", slope=1.2, cutoff=3000, dark=2600, attack=0.03, decay=0, sustain=1, detune=1,
                   release=0.05, level=0.7),
        Instrument("organ", slope=1.8, odd=0.3, cutoff=3000, dark=2800, attack=0.012, decay=0, sustain=1,
                   release=0.04, level=0.7),
        Instrument("strings", slope=1.4, cutoff=2600, dark=2400, attack=0.12, decay=0, sustain=1, detune=1,
                   release=0.22, level=0.6),
        Instrument("guitar", slope=1.3, cutoff=3800, dark=800, fade=0.25, attack=0.003, decay=0.55, release=0.05),
        Instrument("overdrive", slope=1.0, odd=0.4, cutoff=3000, dark=2200, fade=0.4, attack=0.005, decay=1.6,
                   sustain=0.3, detune=1, release=0.03, level=0.65),
        Instrument("keys", slope=2.2, cutoff=2600, dark=700, fade=0.3, attack=0.004, decay=1.0, release=0.08),
        Instrument("brass", slope=1.1, cutoff=2600, dark=1800, fade=0.3, attack=0.035, decay=2.0, sustain=0.6,
                   release=0.06, vibrato=0.08, level=0.7),
        Instrument("flute", slope=2.8, cutoff=3000, dark=2500, attack=0.05, decay=0, sustain=1, vibrato=0.15,
                   release=0.07),
        Instrument("stab", slope=1.0, cutoff=3800, dark=700, fade=0.12, attack=0.003, decay=0.22, detune=1,
                   release=0.03, level=0.8),
        Instrument("pluck", slope=1.1, odd=0.9, cutoff=3500, dark=600, fade=0.1, attack=0.002, decay=0.18,
                   release=0.03),
        Instrument("bell", slope=2.4, odd=0.2, cutoff=5000, dark=900, fade=0.3, attack=0.002, decay=0.5,
                   release=0.2),
        Instrument("upright", slope=1.9, cutoff=1200, dark=400, fade=0.2, attack=0.006, decay=0.6, release=0.05),
        Instrument("electric", slope=1.5, cutoff=1600, dark=600, fade=0.3, attack=0.004, decay=1.2, sustain=0.2,
                   release=0.03),
        Instrument("acid", slope=1.0, cutoff=1800, dark=350, fade=0.12, attack=0.002, decay=0.35, release=0.02),
    ]
}


def ramp(n):
    return np.arange(n, dtype=np.float32)


def envelope(instrument, n, tail):
    t = ramp(n + tail) / RATE
    level = np.minimum(1.0, t / instrument.attack)
    if instrument.decay:
        level *= instrument.sustain + (1 - instrument.sustain) * np.exp(-t / instrument.decay)
    level[n:] *= (np.linspace(1, 0, tail, dtype=np.float32)) ** 2
    return level


def note(instrument, midi, seconds, begin=0):
    """The wave of a note that begins at this sample of the song; it rings `release` seconds longer than it is held."""
    n = max(GRID, on_grid(seconds))
    tail = int(instrument.release * RATE) + 1
    t = ramp(n + tail) / RATE
    clock = (np.arange(n + tail) + begin % BLOCK) / RATE
    hertz = frequency(midi)
    bright = cycle(harmonics(hertz, instrument.slope, instrument.odd, instrument.cutoff))
    dark = cycle(harmonics(hertz, instrument.slope + 0.3, instrument.odd, instrument.dark))
    mix = np.exp(-t / instrument.fade)
    wave = np.zeros(n + tail, np.float32)
    voices = (0, 1) if instrument.detune else (0,)
    for voice in voices:
        phase = clock * (hertz + voice * instrument.detune * UNIT) + 0.37 * voice
        phase = phase + swaying(hertz, instrument.vibrato, clock)
        low = read(dark, phase)
        wave += low + mix * (read(bright, phase) - low)
    return wave * envelope(instrument, n, tail) * np.float32(instrument.level / len(voices))


def swaying(hertz, semitones, clock):
    """The phase that a vibrato adds; it goes round once in a block."""
    return -hertz * semitones * 0.0578 * np.cos(2 * np.pi * UNIT * clock) / (2 * np.pi * UNIT)


def filtered_noise(rng, n, low, high):
    """Noise between two frequencies with soft edges, root mean square 1."""
    size = 1 << (n - 1).bit_length()
    hertz = np.fft.rfftfreq(size, 1 / RATE)
    shape = 1 / (1 + (hertz / high) ** 6) * ((hertz / low) ** 4 / (1 + (hertz / low) ** 4))
    turn = np.exp(2j * np.pi * rng.random(len(hertz)))
    wave = np.fft.irfft(shape * turn, size)[:n]
    return (wave / (wave.std() + 1e-12)).astype(np.float32)


def drum(kind, pitch, brightness, variant=0):
    """One stroke; `pitch` and `brightness` are factors of the kit."""
    rng = np.random.default_rng([len(kind) * 97 + ord(kind[0]), variant])

    def decay(seconds, length):
        t = ramp(int(length * RATE)) / RATE
        return t, np.exp(-t / seconds)

    if kind == "kick":
        t, e = decay(0.11, 0.35)
        sweep = 48 * pitch * t + 11 * pitch * 0.045 * (1 - np.exp(-t / 0.045)) * 10 / 2
        return np.sin(2 * np.pi * sweep).astype(np.float32) * e * np.minimum(1, t * 600)
    if kind == "snare":
        t, e = decay(0.07, 0.3)
        body = np.sin(2 * np.pi * 185 * pitch * t) * np.exp(-t / 0.06)
        return (0.55 * body + 0.22 * e * filtered_noise(rng, len(t), 900, 5200 * brightness)).astype(np.float32)
    if kind == "rim":
        t, e = decay(0.02, 0.08)
        return (np.sin(2 * np.pi * 900 * pitch * t) * e * 0.6).astype(np.float32)
    if kind == "hat":
        t, e = decay(0.025, 0.1)
        return (0.12 * e * filtered_noise(rng, len(t), 5000, 9500 * brightness)).astype(np.float32)
    if kind == "open":
        t, e = decay(0.11, 0.35)
        return (0.11 * e * filtered_noise(rng, len(t), 4500, 9500 * brightness)).astype(np.float32)
    if kind == "ride":
        t, e = decay(0.14, 0.4)
        ring = sum(np.sin(2 * np.pi * f * pitch * t) for f in (2210, 3370, 4730)) / 3
        return (e * (0.06 * filtered_noise(rng, len(t), 4000, 9000) + 0.07 * ring)).astype(np.float32)
    if kind == "brush":
        t, e = decay(0.06, 0.22)
        return (0.16 * e * np.minimum(1, t * 80) * filtered_noise(rng, len(t), 1500, 5000)).astype(np.float32)
    if kind == "clap":
        t, e = decay(0.06, 0.25)
        return (0.3 * e * filtered_noise(rng, len(t), 900, 3500 * brightness)).astype(np.float32)
    if kind == "shaker":
        t, e = decay(0.03, 0.12)
        return (0.09 * e * np.minimum(1, t * 60) * filtered_noise(rng, len(t), 4500, 9000)).astype(np.float32)
    if kind == "tom":
        t, e = decay(0.16, 0.45)
        return (0.8 * np.sin(2 * np.pi * (110 * pitch * t + 2.0 * (1 - np.exp(-t / 0.06)))) * e).astype(np.float32)
    raise ValueError(f"no drum is called {kind}")
