"""Label vectors of windows, as the sampler makes them."""

import numpy as np

CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:;!?-+'\"()[] \t\n"
TOKENS = {character: index + 1 for index, character in enumerate(CHARACTERS)}


def tokenise(text):
    return [TOKENS[c] for c in text if c in TOKENS]


def lyric_window(count, slots, offset, window, total):
    """First and end index of the characters a window sees, and the padding on the left of them."""
    if count < slots:
        return 0, count, slots - count
    middle = int(np.float32(count) * (np.float32(offset) + np.float32(window) / np.float32(2)) / np.float32(total))
    first = min(max(middle, slots // 2), count - slots // 2) - slots // 2
    return first, min(count, first + slots), 0


def vector(h, hop, total, start, artist, genre, lyrics=()):
    """The label vector of the window at token `start`, and its lyric window."""
    window, offset, slots = h["n_ctx"] * hop, start * hop, h["n_tokens"]
    genres = [genre] + [-1] * (h["max_bow_genre_size"] - 1)
    y = [total, offset, window, artist, *genres]
    if not slots:
        return y, None
    first, end, padding = lyric_window(len(lyrics), slots, offset, window, total)
    return y + [0] * padding + list(lyrics[first:end]), (first, end, padding)
