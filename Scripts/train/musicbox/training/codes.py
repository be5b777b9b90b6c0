"""Songs as codes: the priors' corpus, one small file a song, made once for a trained VQ-VAE."""

import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import torch

from ..corpus import compose
from ..labels import tokenise
from ..settings import HELD_OUT, artist_id, genre_id
from .vqvae import load_model


def seed_of(index, held_out):
    return (HELD_OUT if held_out else 500_000_000) + index


def encode(model, audio, level, piece=262144):
    """Codes of a song in pieces, each with what it sees around it."""
    reach = model.reach(level)
    out = []
    where = next(model.parameters()).device
    hop = model.hops[level]
    for begin in range(0, len(audio), piece):
        low, high = max(0, begin - reach), min(len(audio), begin + piece + reach)
        part = torch.from_numpy(audio[low:high]).to(where)[None]
        codes = model.encode(part, level)[0]
        out.append(codes[(begin - low) // hop : (min(len(audio), begin + piece) - low) // hop])
    return torch.cat(out).cpu().numpy().astype(np.uint16)


def song_file(folder, index, held_out):
    return Path(folder) / "codes" / f"{'held' if held_out else 'song'}_{index:06d}.npz"


def known_levels(path):
    """The codes that a song's file already has."""
    if not path.exists():
        return {}
    with np.load(path) as data:
        return {k: data[k] for k in data.files if k.startswith("level_")}


def write(model, path, song, levels):
    """Adds the codes of these levels to a song's file."""
    unit = model.hops[-1] * 64
    audio = song.audio[: len(song.audio) // unit * unit]
    spans = np.array(song.characters, np.float64).reshape(-1, 4)
    values = known_levels(path)
    values.update({f"level_{x}": encode(model, audio, x) for x in levels if f"level_{x}" not in values})
    fresh = path.with_suffix(".new")
    with open(fresh, "wb") as file:
        np.savez(file, samples=len(audio), genre=genre_id(song.genre), artist=artist_id(song.artist),
                 tempo=song.tempo, lyrics=np.array(tokenise(song.lyrics), np.uint8), spans=spans, **values)
    os.replace(fresh, path)


def missing(settings, folder):
    """(file, seed, levels) of every song that lacks codes, held-out songs first."""
    plan = settings["training"]["codes"]
    wanted = [(i, True, (0, 1, 2)) for i in range(plan["held_out"])]
    for index in range(max(plan["songs"])):
        wanted.append((index, False, tuple(level for level in range(3) if index < plan["songs"][level])))
    for index, held, levels in wanted:
        path = song_file(folder, index, held)
        if not set(known_levels(path)) >= {f"level_{level}" for level in levels}:
            yield path, seed_of(index, held), levels


def make(settings, folder, minutes, workers=0):
    """Encodes what is missing; True when all is there."""
    (Path(folder) / "codes").mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + minutes * 60
    work = list(missing(settings, folder))
    if not work:
        return True
    model = load_model(settings, folder)
    songs = composed([seed for _, seed, _ in work], workers)
    for done, ((path, _, levels), song) in enumerate(zip(work, songs)):
        if time.monotonic() > end:
            return False
        write(model, path, song, levels)
        if done % 20 == 0:
            print(f"codes of {done} of {len(work)} songs", flush=True)
    return True


def composed(seeds, workers):
    """The songs of seeds, in order, made by processes beside this one if there are any."""
    if not workers:
        yield from map(compose, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(compose, seeds, chunksize=1)


class Songs:
    """What `make` wrote, in memory."""

    def __init__(self, folder, held_out, level, levels):
        self.songs = []
        prefix = "held" if held_out else "song"
        for path in sorted((Path(folder) / "codes").glob(f"{prefix}_*.npz")):
            with np.load(path) as data:
                if all(f"level_{x}" in data for x in range(level, min(level + 2, levels))):
                    wanted = {f"level_{x}" for x in range(level, min(level + 2, levels))}
                    self.songs.append({k: data[k] for k in data.files if not k.startswith("level_") or k in wanted})

    def __len__(self):
        return len(self.songs)
