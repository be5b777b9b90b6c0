"""Songs as codes: the priors' corpus, one small file a song and level, made once for a trained VQ-VAE."""

import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import torch

from ..corpus import compose
from ..labels import tokenise
from ..settings import HELD_OUT, artist_id, genre_id
from .rehearsal import heard_file
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


def song_file(folder, index, held_out, level):
    return Path(folder) / "codes" / f"{'held' if held_out else 'song'}_{index:06d}_level_{level}.npz"


def write(model, path, song, level, seconds):
    """A song's labels, lyrics, and codes at a level, of at most its first `seconds`."""
    unit = model.hops[-1] * 64
    whole = len(song.audio) // unit * unit
    audio = song.audio[: min(whole, int(seconds * 44100) // unit * unit)]
    fresh = path.with_suffix(".new")
    with open(fresh, "wb") as file:
        np.savez(file, samples=whole, genre=genre_id(song.genre), artist=artist_id(song.artist),
                 tempo=song.tempo, lyrics=np.array(tokenise(song.lyrics), np.uint8),
                 spans=np.array(song.characters, np.float64).reshape(-1, 4),
                 **{f"level_{level}": encode(model, audio, level)})
    os.replace(fresh, path)


def missing(settings, folder, levels):
    """(seed, {level: file}) of every song that lacks codes of these levels, held-out songs first."""
    plan = settings["training"]["codes"]
    wanted = [(i, True, levels) for i in range(plan["held_out"])]
    for index in range(max(plan["songs"])):
        wanted.append((index, False, [level for level in levels if index < plan["songs"][level]]))
    for index, held, own in wanted:
        files = {level: song_file(folder, index, held, level) for level in own}
        files = {level: path for level, path in files.items() if not path.exists()}
        if files:
            yield seed_of(index, held), files


def make(settings, folder, levels, minutes, workers=0):
    """Encodes what is missing; True when all is there."""
    (Path(folder) / "codes").mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + minutes * 60
    work = list(missing(settings, folder, levels))
    if not work:
        return True
    model = load_model(settings, folder)
    songs = composed([seed for seed, _ in work], workers)
    for done, ((_, files), song) in enumerate(zip(work, songs)):
        if time.monotonic() > end:
            return False
        for level, path in files.items():
            write(model, path, song, level, settings["training"]["codes"].get("seconds", 60))
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
    """What `make` wrote of a level and the one above, in memory, and what `rehearse` did."""

    def __init__(self, folder, held_out, level, levels):
        self.songs = []
        prefix = "held" if held_out else "song"
        for path in sorted((Path(folder) / "codes").glob(f"{prefix}_*_level_{level}.npz")):
            song = self._read(path)
            if level + 1 < levels:
                above = path.with_name(path.name.replace(f"_level_{level}.", f"_level_{level + 1}."))
                if not above.exists():
                    continue
                song.update(self._read(above))
            heard = heard_file(path)
            if heard.exists():
                song.update(self._read(heard))
            self.songs.append(song)

    @staticmethod
    def _read(path):
        with np.load(path) as data:
            return {k: data[k] for k in data.files}

    def __len__(self):
        return len(self.songs)
