"""Training songs as the program samples them: an upsampler's own codes from the true codes above.

Read beside the true codes, they teach a level to come back from its own slips (Ross et al. 2011, data set aggregation).
The codes above fix what happens when, so that the true codes remain the right answer at every place.
"""

import json
import os
import struct
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from ..corpus import ARTISTS, GENRES


def heard_file(path):
    """Where the sampled codes of a song's level lie, beside its true ones."""
    return path.with_name(path.stem + "_heard.npz")


def write_codes(path, codes):
    """{name: int [samples, tokens]} as the program's `--codes` reads them."""
    header, blobs, at = {}, [], 0
    for name, values in codes.items():
        data = np.ascontiguousarray(values.astype("<i8")).tobytes()
        header[name] = {"dtype": "I64", "shape": list(values.shape), "data_offsets": [at, at + len(data)]}
        blobs.append(data)
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def read_codes(folder, level):
    """int64 [samples, tokens] of an output folder."""
    data = (Path(folder) / "codes.safetensors").read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    entry = json.loads(data[8 : 8 + size])[f"z{level}"]
    begin, end = (8 + size + x for x in entry["data_offsets"])
    return np.frombuffer(data[begin:end], "<i8").reshape(entry["shape"])


def groups(folder, level, top):
    """Songs of one genre and artist, which the program samples side by side: (names, [path])."""
    found = {}
    for path in sorted((Path(folder) / "codes").glob(f"song_*_level_{level}.npz")):
        sides = [path.with_name(path.name.replace(f"_level_{level}.", f"_level_{l}.")) for l in range(level, top + 1)]
        if all(side.exists() for side in sides):
            with np.load(path) as song:
                key = GENRES[int(song["genre"]) - 1].name, ARTISTS[int(song["artist"]) - 1].name
                found.setdefault(key, []).append((int(song["samples"]), sides))
    return found.items()


def rehearse(settings, folder, level, program, model, seconds, threads, seed, minutes):
    """Samples `seconds` of every song with codes at the level; another seed begins elsewhere in the songs."""
    end = time.monotonic() + minutes * 60
    top = settings["vqvae"]["levels"] - 1
    hops = np.cumprod([s**d for s, d in zip(settings["vqvae"]["strides_t"], settings["vqvae"]["downs_t"])]).astype(int)
    unit = int(hops[-1]) * 64
    rng = np.random.default_rng([level, seed])
    for (genre, artist), songs in groups(folder, level, top):
        total = min(samples for samples, _ in songs)
        length = min(total, int(seconds * 44100)) // unit * unit
        # One song in three is heard from its beginning, as the sampler's are.
        begin = 0 if rng.random() < 1 / 3 else int(rng.integers((total - length) // unit + 1)) * unit
        if time.monotonic() > end:
            return False
        codes = {f"z{l}": [] for l in range(level + 1, top + 1)}
        for _, sides in songs:
            for l, side in enumerate(sides[1:], level + 1):
                with np.load(side) as song:
                    codes[f"z{l}"].append(song[f"level_{l}"][begin // hops[l] : (begin + length) // hops[l]])
        with tempfile.TemporaryDirectory() as out:
            write_codes(f"{out}/above.safetensors", {k: np.stack(v) for k, v in codes.items()})
            subprocess.run(
                [program, "sample", "--model", model, "--mode", "continue", "--codes", f"{out}/above.safetensors",
                 "--genre", genre, "--artist", artist, "--samples", str(len(songs)), "--sample-length", str(length),
                 "--total-seconds", str(total / 44100), "--offset-seconds", str(begin / 44100), "--seed", str(seed),
                 "--stop-at", str(level), "--threads", str(threads), "--out", f"{out}/song"],
                check=True, stdout=subprocess.DEVNULL)
            heard = read_codes(f"{out}/song", level)
        for row, (_, sides) in zip(heard, songs):
            fresh = heard_file(sides[0]).with_suffix(".new")
            with open(fresh, "wb") as file:
                np.savez(file, heard=row.astype(np.uint16), heard_begin=begin // hops[level])
            os.replace(fresh, heard_file(sides[0]))
        print(f"{genre} by {artist}: {len(songs)} songs, {length / 44100:.1f} s from {begin / 44100:.1f} s on", flush=True)
    return True
