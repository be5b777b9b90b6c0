"""What is heard in sampled songs: do genre, tempo and lyrics follow, and how far are they from the corpus."""

import json
import struct
import subprocess
from pathlib import Path

import numpy as np
import torch

from .. import labels
from ..audio import read_wav
from ..corpus import ARTISTS, GENRES, compose
from ..settings import HELD_OUT, artist_id, genre_id
from . import listening
from .tokens import load_prior


def sample(program, model, folder, songs, each, seconds, threads):
    """Samples `each` songs of every (genre, artist, lyrics, seed) that is not there yet; gives their folders."""
    folders = []
    for genre, artist, lyrics, seed in songs:
        out = Path(folder) / f"{genre}_{artist}_{seed}"
        if not (out / "level_0" / f"sample_{each - 1}.wav").exists():
            command = [program, "sample", "--model", model, "--genre", genre, "--artist", artist, "--lyrics", lyrics,
                       "--seconds", str(seconds), "--seed", str(seed), "--samples", str(each), "--out", str(out),
                       "--threads", str(threads)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            print(out, flush=True)
        folders.append(out)
    return folders


def read_codes(folder, level):
    """[samples, tokens]"""
    data = (Path(folder) / "codes.safetensors").read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    entry = json.loads(data[8 : 8 + size])[f"z{level}"]
    begin, end = (8 + size + x for x in entry["data_offsets"])
    return np.frombuffer(data[begin:end], "<i8").reshape(entry["shape"])


@torch.no_grad()
def monotone(prior, hop, codes, song):
    """Share of sung time at which the aligned character does not fall back, of a song's first window."""
    genre, artist, text, _ = song
    h = prior.h
    y, _ = labels.vector(h, hop, len(codes) * hop, 0, artist_id(artist), genre_id(genre), labels.tokenise(text))
    where = next(prior.parameters()).device
    length = min(h["n_ctx"], len(codes)) // 64 * 64
    weights = []
    prior(torch.from_numpy(codes[:length].copy()).to(where)[None], torch.tensor([y], device=where), None, weights)
    frames = weights[0][0].exp().cpu().numpy()
    frames = frames[: len(frames) // 32 * 32].reshape(-1, 32, frames.shape[1]).mean(1)
    place = (frames @ np.arange(frames.shape[1])) if len(frames) else np.zeros(0)
    sung = frames.max(1) > 2.0 / max(1, min(h["n_tokens"], len(text)))
    place = place[sung]
    return float((np.diff(place) >= -1.0).mean()) if len(place) > 2 else 0.0


def evaluate(settings, run, program, model, folder, each=2, seconds=10.0, threads=2, corpus=20):
    """`each` songs for every genre by every artist, beside as many held-out songs for every genre as there are artists."""
    names = [g.name for g in GENRES]
    train, known, tempos = [], [], []
    for genre in range(len(GENRES)):
        for i in range(corpus):
            song = compose(700_000_000 + genre * 1000 + i, names[genre], seconds=seconds + 4)
            train.append(listening.log_mel(song.audio[: int(seconds * 44100)]))
            known.append(genre)
            tempos.append(song.tempo)
    classifier = listening.Classifier(np.array([listening.features(m) for m in train]), np.array(known), len(names))
    meter = listening.TempoMeter(train, tempos, known)

    wanted, held = [], []
    for genre in GENRES:
        for i, artist in enumerate(ARTISTS):
            song = compose(HELD_OUT + 9000 + i, genre.name, artist.name, seconds=seconds + 4)
            held.append(listening.log_mel(song.audio[: int(seconds * 44100)]))
            wanted.append((genre.name, artist.name, song.lyrics, 100 + i))
    folders = sample(program, model, folder, wanted, each, seconds, threads)
    made = [listening.log_mel(read_wav(f / "level_0" / f"sample_{i}.wav")[0]) for f in folders for i in range(each)]
    asked = [genre for genre, *_ in wanted for _ in range(each)]

    def right(mels, genres):
        guesses = classifier(np.array([listening.features(m) for m in mels]))
        return float(np.mean([names[g] == genre for g, genre in zip(guesses, genres)]))

    def in_tempo(mels, genres):
        tempo = {g.name: g.tempo for g in GENRES}
        return float(np.mean([abs(meter(m) / tempo[genre] - 1) <= 0.05 for m, genre in zip(mels, genres)]))

    own = [genre for genre, *_ in wanted]
    halves = listening.frechet(np.concatenate(held[::2]), np.concatenate(held[1::2]))
    distance = listening.frechet(np.concatenate(made), np.concatenate(held))
    table = {
        "songs": len(made), "seconds": seconds,
        "genre_right": {"generated": round(right(made, asked), 3), "held_out": round(right(held, own), 3)},
        "tempo_right": {"generated": round(in_tempo(made, asked), 3), "held_out": round(in_tempo(held, own), 3)},
        "frechet": {"generated": round(distance, 2), "halves": round(halves, 2), "ratio": round(distance / halves, 2)}}
    top = settings["vqvae"]["levels"] - 1
    prior = load_prior(settings, run, top)
    hop = int(np.prod([s**d for s, d in zip(settings["vqvae"]["strides_t"], settings["vqvae"]["downs_t"])]))
    shares = [monotone(prior, hop, codes, w) for f, w in zip(folders, wanted) for codes in read_codes(f, top)]
    table["lyrics_advance"] = round(float(np.mean(shares)), 3)
    return table
