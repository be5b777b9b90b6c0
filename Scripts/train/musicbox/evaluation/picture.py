"""Spectrograms as PNG, with nothing but numpy."""

import struct
import zlib

import numpy as np

# Dark blue, purple, orange, pale yellow.
COLOURS = np.array([(6, 6, 40), (70, 15, 100), (180, 50, 90), (245, 140, 30), (255, 250, 200)], float)


def write_png(path, pixels):
    """[height, width, 3], uint8."""
    height, width, _ = pixels.shape

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], 1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9))
                   + chunk(b"IEND", b""))


def coloured(values):
    """Values of 0 to 1 as colours."""
    place = np.clip(values, 0, 1) * (len(COLOURS) - 1)
    low = np.minimum(place.astype(int), len(COLOURS) - 2)
    share = (place - low)[..., None]
    return (COLOURS[low] * (1 - share) + COLOURS[low + 1] * share).astype(np.uint8)


def mel_picture(mel, height=192):
    """A log-mel spectrogram [frames, bands], low bands at the bottom."""
    low, high = np.percentile(mel, (5, 99.8))
    picture = (mel.T[::-1] - low) / max(1e-6, high - low)
    return coloured(np.repeat(picture, height // mel.shape[1], 0))


def stack(pictures, gap=4):
    width = max(p.shape[1] for p in pictures)
    rows = []
    for picture in pictures:
        rows.append(np.pad(picture, ((0, gap), (0, width - picture.shape[1]), (0, 0)), constant_values=255))
    return np.concatenate(rows)[:-gap]
