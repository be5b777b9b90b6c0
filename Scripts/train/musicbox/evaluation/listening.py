"""What can be measured in audio: log-mel spectra, onsets, tempo, and how far two sets of songs are apart."""

import numpy as np

RATE = 44100
SIZE, HOP = 2048, 441  # frames of 10 ms


def mel_filters(count=64, low=40.0, high=9000.0):
    def mel(f):
        return 2595 * np.log10(1 + f / 700)

    edges = 700 * (10 ** (np.linspace(mel(low), mel(high), count + 2) / 2595) - 1)
    hertz = np.fft.rfftfreq(SIZE, 1 / RATE)[None]
    rise = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(rise, fall)).astype(np.float32)


MEL = mel_filters()
# Magnitude below which a rise is no onset.
LOUD = 10.0


def spectrogram(audio):
    """Magnitudes [frames, bins]."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(audio, SIZE // 2), SIZE)[::HOP]
    window = np.hanning(SIZE).astype(np.float32)
    parts = np.array_split(frames, -(-len(frames) // 512))
    return np.concatenate([np.abs(np.fft.rfft(part * window)) for part in parts])


def log_mel(audio):
    """[frames, 64], natural logarithm, floored."""
    return np.log(spectrogram(audio) @ MEL.T + 0.1)


def flux(mel):
    """Onset strength for each 10 ms frame."""
    heard = np.log(np.exp(mel) + LOUD)
    rise = np.maximum(0, np.diff(heard, axis=0, prepend=heard[:1])).mean(1)
    return np.convolve(rise, [0.25, 0.5, 0.25], "same")


def onsets(mel, clear=1.0):
    """Times in s of peaks of the onset strength that stand out by `clear` standard deviations."""
    strength = flux(mel)
    width = 10
    around = np.lib.stride_tricks.sliding_window_view(np.pad(strength, width, mode="edge"), 2 * width + 1)
    floor = np.convolve(np.pad(strength, 50, mode="edge"), np.ones(101) / 101, "valid")
    peak = (strength >= around.max(1)) & (strength > floor + clear * strength.std())
    return np.flatnonzero(peak) / 100.0


def agreement(first, second, within=0.05):
    """Share of onsets in either list that have one in the other."""
    if not len(first) or not len(second):
        return 0.0
    gap = np.abs(first[:, None] - second[None])
    return float(((gap.min(1) <= within).sum() + (gap.min(0) <= within).sum()) / (len(first) + len(second)))


def kept(beats, first, second, within=0.05):
    """Of the beats at which the first song has an onset, the share at which the second has one too."""
    def near(times):
        if not len(times):
            return np.zeros(len(beats), bool)
        return np.abs(np.array(beats)[:, None] - times[None]).min(1) <= within

    there = near(onsets(first))
    return float(near(onsets(second, 0.5))[there].mean()) if there.any() else 1.0


def pulse(mel, count=200):
    """Autocorrelation of onset strength at lags in frames of 10 ms."""
    strength = flux(mel)
    strength = strength - strength.mean()
    size = 1 << (2 * len(strength) - 1).bit_length()
    power = np.abs(np.fft.rfft(strength, size)) ** 2
    lags = np.fft.irfft(power)[:count]
    return lags / (lags[0] + 1e-9)


class TempoMeter:
    """Finds the tempo at which a song's pulse looks most like that of some kind of song of known tempo."""

    BEATS = np.arange(0.2, 4.01, 0.05)

    def __init__(self, mels, tempos, kinds):
        rows = np.array([self._stretched(pulse(m, 400), t) for m, t in zip(mels, tempos)])
        self.templates = np.array([rows[np.array(kinds) == k].mean(0) for k in sorted(set(kinds))])

    def _stretched(self, lags, beats_a_minute):
        return np.interp(self.BEATS * 6000.0 / beats_a_minute, np.arange(len(lags)), lags)

    def __call__(self, mel, low=50.0, high=200.0):
        """Beats a minute."""
        lags, candidates = pulse(mel, 400), np.arange(low, high, 0.5)
        best = []
        for candidate in candidates:
            row = self._stretched(lags, candidate)
            best.append(max(np.corrcoef(row, template)[0, 1] for template in self.templates))
        return float(candidates[int(np.argmax(best))])


def timbre(mel):
    """A song in a line: mean and spread of each band."""
    return np.concatenate([mel.mean(0), mel.std(0)])


def frechet(first, second):
    """Fréchet distance of two sets of log-mel frames [n, 64], as Gaussians."""
    a, b = np.cov(first.T), np.cov(second.T)
    values, vectors = np.linalg.eigh(a)
    root = (vectors * np.sqrt(np.maximum(0, values))) @ vectors.T
    middle = np.sqrt(np.maximum(0, np.linalg.eigvalsh(root @ b @ root))).sum()
    gap = first.mean(0) - second.mean(0)
    return float(gap @ gap + np.trace(a) + np.trace(b) - 2 * middle)


class Classifier:
    """Logistic regression on `timbre`."""

    def __init__(self, rows, labels, classes, steps=400):
        self.mean, self.spread = rows.mean(0), rows.std(0) + 1e-3
        x, y = self._prepare(rows), np.eye(classes)[labels]
        self.w = np.zeros((x.shape[1], classes))
        for _ in range(steps):
            p = self._softmax(x @ self.w)
            self.w -= 0.3 * (x.T @ (p - y) / len(x) + 1e-3 * self.w)

    def _prepare(self, rows):
        x = (rows - self.mean) / self.spread
        return np.concatenate([x, np.ones((len(x), 1))], 1) / np.sqrt(x.shape[1] / 20)

    @staticmethod
    def _softmax(z):
        e = np.exp(z - z.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    def __call__(self, rows):
        return self._softmax(self._prepare(np.atleast_2d(rows)) @ self.w).argmax(1)


def silences(audio, longest=0.5, quiet=0.03):
    """(begin s, end s) of what is longer than this and softer than this share of the whole's loudness (−30 dB)."""
    count = len(audio) // HOP
    level = np.sqrt(np.square(audio[: count * HOP].reshape(count, HOP)).mean(1))
    soft = np.concatenate([[False], level < quiet * np.sqrt(np.square(audio).mean()), [False]])
    edges = np.flatnonzero(soft[1:] != soft[:-1]).reshape(-1, 2) * HOP / RATE
    return [(float(a), float(b)) for a, b in edges if b - a > longest]
