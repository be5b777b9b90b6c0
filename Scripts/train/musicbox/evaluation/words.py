"""Which of the corpus's words is sung at a place of a song."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ..corpus import ARTISTS, GENRES
from ..corpus.lyrics import WORDS
from ..corpus.voice import VOWELS
from . import listening

TEXTS = [word.text for word in WORDS]
NOBODY = len(TEXTS)
# A word's vowel; words with one vowel differ in a consonant alone.
VOWELS_OF = np.array([next(s[2] for s in word.syllables[0].sounds if s[2] in VOWELS) for word in WORDS] + [""])
# Frames of 10 ms before a word's beginning and in all.
BEFORE, FRAMES = 6, 48


def sung(song):
    """(begin s, index of the word) of every word of a corpus song."""
    found = {}
    for first, end, begin, _ in song.characters:
        head = max(song.lyrics.rfind(" ", 0, end), song.lyrics.rfind("\n", 0, end)) + 1
        found.setdefault(head, (begin, TEXTS.index(song.lyrics[head : head + 3])))
    return list(found.values())


def piece(mel, begin):
    """The frames about a word that begins at so many seconds."""
    at = round(begin * 100) - BEFORE
    part = mel[max(0, at) : at + FRAMES]
    before = max(0, -at)
    return np.pad(part, ((before, FRAMES - len(part) - before), (0, 0)), mode="edge")


class Recogniser:
    """A small convolutional network on log-mel frames, told the song's labels: one of the words, or nobody sings."""

    def __init__(self, songs, epochs=20):
        """`songs`: what `heard` gives of each."""
        with torch.random.fork_rng():
            torch.manual_seed(1)
            self.net = Network(128)
            self._train(songs, epochs)

    def _train(self, songs, epochs):
        rng = np.random.default_rng(1)
        places = [(i, at, word) for i, song in enumerate(songs)
                  for at, word in [*song.words, *((at, NOBODY) for at in song.free)]]
        steps = epochs * -(-len(places) // 64)
        optimiser = torch.optim.AdamW(self.net.parameters(), lr=0.003, weight_decay=0.05)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.003, total_steps=steps)
        self.net.train()
        for _ in range(epochs):
            order = rng.permutation(len(places))
            for begin in range(0, len(order), 64):
                chosen = [places[i] for i in order[begin : begin + 64]]
                # The grid of frames does not matter, nor how loud a song is.
                x = prepared([piece(songs[i].mel, at + rng.uniform(-0.02, 0.02)) + rng.uniform(-0.3, 0.3)
                              for i, at, _ in chosen])
                marks = torch.stack([songs[i].labels for i, _, _ in chosen])
                known = torch.tensor([word for _, _, word in chosen])
                optimiser.zero_grad()
                guess = self.net(x + 0.15 * torch.randn_like(x), marks)
                nn.functional.cross_entropy(guess, known).backward()
                optimiser.step()
                schedule.step()
        self.net.eval()

    @torch.no_grad()
    def __call__(self, song, places):
        """A word or `NOBODY` at each of these seconds of a `Heard`."""
        if not len(places):
            return np.zeros(0, int)
        x = prepared([piece(song.mel, at) for at in places])
        return self.net(x, song.labels.expand(len(places), -1)).argmax(1).numpy()

    def accuracy(self, songs):
        """On songs it was not trained on."""
        right, alike, free = [], [], []
        for song in songs:
            wanted = np.array([word for _, word in song.words], int)
            named = self(song, [at for at, _ in song.words])
            right += list(named == wanted)
            alike += list(VOWELS_OF[named] == VOWELS_OF[wanted])
            free += list(self(song, song.free) == NOBODY)
        return {"words": len(right), "right": round(float(np.mean(right)), 3), "vowel_right": round(float(np.mean(alike)), 3),
                "nobody_right": round(float(np.mean(free)), 3) if free else None}


class Network(nn.Module):
    def __init__(self, width):
        super().__init__()

        def layer(input, stride):
            return nn.Conv1d(input, width, 5, stride, 2), nn.BatchNorm1d(width), nn.ReLU()

        self.sound = nn.Sequential(*layer(64, 1), *layer(width, 2), *layer(width, 2), nn.Flatten(), nn.Dropout(0.3))
        self.name = nn.Linear(width * FRAMES // 4 + len(GENRES) + len(ARTISTS), NOBODY + 1)

    def forward(self, x, marks):
        return self.name(torch.cat([self.sound(x), marks], 1))


def prepared(pieces):
    return torch.from_numpy((np.asarray(pieces, np.float32) - 2.0) / 2.0).transpose(1, 2).contiguous()


@dataclass
class Heard:
    """A song's sound, and what the corpus knows of it."""

    mel: np.ndarray
    words: list  # (begin s, word)
    free: list  # s at which nobody sings
    labels: torch.Tensor  # genre and artist


def heard(audio, song):
    """This audio of a corpus song, or of one with its labels and lyrics."""
    words = sung(song)
    times = np.array([at for at, _ in words])
    beats = np.array(song.onsets[:-1])
    far = np.abs(beats[:, None] - times[None]).min(1) > 1.5 if len(times) else np.ones(len(beats), bool)
    marks = [g.name == song.genre for g in GENRES] + [a.name == song.artist for a in ARTISTS]
    return Heard(listening.log_mel(audio), words, list(beats[far][::2]), torch.tensor(marks, dtype=torch.float32))
