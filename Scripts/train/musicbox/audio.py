"""WAV files, 16 bits, mono."""

import wave

import numpy as np


def write_wav(path, audio, rate=44100):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((np.clip(audio, -1, 1) * 32767).astype("<i2").tobytes())


def read_wav(path):
    """Mono float32 samples and the rate, of 16-, 24- and 32-bit integer files."""
    with wave.open(str(path), "rb") as file:
        channels, width, rate, frames = file.getparams()[:4]
        raw = np.frombuffer(file.readframes(frames), np.uint8)
    if width == 3:
        padded = np.zeros((len(raw) // 3, 4), np.uint8)
        padded[:, 1:] = raw.reshape(-1, 3)
        raw, width = padded.reshape(-1), 4
    values = raw.view({2: "<i2", 4: "<i4"}[width]).astype(np.float32) / (2.0 ** (8 * width - 1))
    return values.reshape(-1, channels).mean(1), rate
