"""What is heard in sampled songs: do genre, tempo and lyrics follow, and how far are they from the corpus."""

import json
import subprocess
from pathlib import Path

import numpy as np
import torch

from .. import labels
from ..audio import read_wav
from ..corpus import ARTISTS, GENRES, compose
from ..settings import HELD_OUT, artist_id, genre_id
from ..training.rehearsal import read_codes
from ..training.vqvae import load_model
from . import codec, listening
from .tokens import load_prior


def sample(program, model, folder, songs, each, seconds, threads, level, temperature):
    """Samples the first seconds, or all, of `each` songs of every (genre, artist, lyrics, seed, whole length) down to a level.

    Gives (song, WAV) of each.
    """
    made = []
    for song in songs:
        genre, artist, lyrics, seed, whole = song
        out = Path(folder) / f"level_{level}" / f"{genre}_{artist}_{seed}"
        paths = [out / f"level_{level}" / f"sample_{i}.wav" for i in range(each)]
        if not paths[-1].exists():
            command = [program, "sample", "--model", model, "--genre", genre, "--artist", artist, "--lyrics", lyrics,
                       "--seconds", str(seconds or whole), "--total-seconds", str(whole), "--seed", str(seed),
                       "--samples", str(each), "--out", str(out), "--threads", str(threads), "--stop-at", str(level),
                       "--temperature", temperature]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            print(out, flush=True)
        made += [(song, path) for path in paths]
    return made


@torch.no_grad()
def monotone(prior, hop, codes, song):
    """Share of sung time at which the aligned character does not fall back, of a song's first window."""
    genre, artist, text, _, whole = song
    h = prior.h
    y, _ = labels.vector(h, hop, int(whole * 44100), 0, artist_id(artist), genre_id(genre), labels.tokenise(text))
    where = next(prior.parameters()).device
    length = min(h["n_ctx"], len(codes)) // 64 * 64
    weights = []
    prior(torch.from_numpy(codes[:length].copy()).to(where)[None], torch.tensor([y], device=where), None, weights)
    frames = weights[1][0].exp().cpu().numpy()
    frames = frames[: len(frames) // 32 * 32].reshape(-1, 32, frames.shape[1]).mean(1)
    place = (frames @ np.arange(frames.shape[1])) if len(frames) else np.zeros(0)
    sung = frames.max(1) > 2.0 / max(1, min(h["n_tokens"], len(text)))
    place = place[sung]
    return float((np.diff(place) >= -1.0).mean()) if len(place) > 2 else 0.0


def listener(settings, run, seconds, each):
    """A classifier of genres and a meter of tempo, fitted to corpus songs as the top level's codec leaves them."""
    model = load_model(settings, run)
    top, unit = len(model.hops) - 1, model.hops[-1]
    mels, known, tempos = [], [], []
    for index, genre in enumerate(GENRES):
        for i in range(each):
            song = compose(700_000_000 + index * 1000 + i, genre.name, ARTISTS[i % len(ARTISTS)].name, seconds + 4)
            audio = song.audio[: int(seconds * 44100) // unit * unit]
            mels.append(listening.log_mel(codec.measure(model, audio, top)[1]))
            known.append(index)
            tempos.append(song.tempo)
    rows = np.array([listening.timbre(m) for m in mels])
    return listening.Classifier(rows, np.array(known), len(GENRES)), listening.TempoMeter(mels, tempos, known)


def write_listener(settings, run, path, seconds=8.0, each=18):
    """Leaves the classifier for the program's tests."""
    classifier, _ = listener(settings, run, seconds, each)
    values = {"genres": [g.name for g in GENRES]}
    for name in ("mean", "spread", "w"):
        values[name] = np.round(getattr(classifier, name), 4).tolist()
    Path(path).write_text(json.dumps(values) + "\n")


def evaluate(settings, run, program, model, folder, each=8, seconds=10.0, threads=2, every=1,
             temperature="0.8,0.9,0.99"):
    """`each` songs for every genre by every artist at the top level; one of `every` such pair down to level 0."""
    names = [g.name for g in GENRES]
    top = settings["vqvae"]["levels"] - 1
    classifier, meter = listener(settings, run, seconds, 18)
    songs, held = [], []
    for genre in GENRES:
        for i, artist in enumerate(ARTISTS):
            song = compose(HELD_OUT + 9000 + i, genre.name, artist.name, seconds + 4, lines=1000)
            held.append(song.audio[: int(seconds * 44100)])
            # The labels are the held-out song's: one of ten seconds would end there, without room for the lyrics.
            songs.append((genre.name, artist.name, song.lyrics, 100 + i, len(song.audio) / 44100))
    made = sample(program, model, folder, songs, each, seconds, threads, top, temperature)
    heard = [(song, listening.log_mel(read_wav(path)[0])) for song, path in made]
    tempo = {g.name: g.tempo for g in GENRES}
    guesses = classifier(np.array([listening.timbre(mel) for _, mel in heard]))
    named = {n: [names[g] == n for g, (song, _) in zip(guesses, heard) if song[0] == n] for n in names}
    steady = [abs(meter(mel) / tempo[song[0]] - 1) <= 0.05 for song, mel in heard]

    whole = sample(program, model, folder, songs[::every], 1, seconds, threads, 0, temperature)
    sampled = [listening.log_mel(read_wav(path)[0]) for _, path in whole]
    known = [listening.log_mel(audio) for audio in held]
    halves = listening.frechet(np.concatenate(known[::2]), np.concatenate(known[1::2]))
    distance = listening.frechet(np.concatenate(sampled), np.concatenate(known))

    prior = load_prior(settings, run, top)
    hop = int(np.prod([s**d for s, d in zip(settings["vqvae"]["strides_t"], settings["vqvae"]["downs_t"])]))
    shares = []
    for index, song in enumerate(songs):
        for codes in read_codes(made[index * each][1].parent.parent, top):
            shares.append(monotone(prior, hop, codes, song))
    return {
        "songs": len(made), "seconds": seconds,
        "genre_right": {"generated": round(float(np.mean(sum(named.values(), []))), 3),
                        **{n: round(float(np.mean(v)), 3) for n, v in named.items()}},
        "tempo_right": {"generated": round(float(np.mean(steady)), 3)},
        "frechet": {"songs": len(whole), "generated": round(distance, 2), "halves": round(halves, 2),
                    "ratio": round(distance / halves, 2)},
        "lyrics_advance": round(float(np.mean(shares)), 3)}
