"""Writes the model's folder: float16 safetensors, `hparams.json`, and the lists of names."""

import json
import struct
from pathlib import Path

import numpy as np
import torch

from .corpus import ARTISTS, GENRES
from .model.prior import UNSHIPPED, Prior


def write_safetensors(path, tensors):
    header, blobs, at = {}, [], 0
    for name in sorted(tensors):
        data = np.ascontiguousarray(tensors[name].detach().cpu().numpy().astype("<f2")).tobytes()
        header[name] = {"dtype": "F16", "shape": list(tensors[name].shape), "data_offsets": [at, at + len(data)]}
        blobs.append(data)
        at += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def vqvae_tensors(settings, run):
    tensors = {}
    for level in range(settings["vqvae"]["levels"]):
        state = torch.load(Path(run) / f"vqvae_level_{level}.pt", map_location="cpu", weights_only=True)
        tensors.update({k: v for k, v in state["model"].items() if not k.endswith((".sums", ".counts"))})
    return tensors


def prior_tensors(settings, run, level):
    """The averaged weights; an untrained level is exported too, so that the folder is always whole."""
    path = Path(run) / f"prior_level_{level}.pt"
    if path.exists():
        tensors = torch.load(path, map_location="cpu", weights_only=True)["average"]
    else:
        tensors = Prior(settings[f"prior_level_{level}"], settings["vqvae"]).state_dict()
    return {k: v for k, v in tensors.items() if not k.startswith(UNSHIPPED)}


def export(settings, run, out):
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    write_safetensors(out / "vqvae.safetensors", vqvae_tensors(settings, run))
    for level in range(settings["vqvae"]["levels"]):
        write_safetensors(out / f"prior_level_{level}.safetensors", prior_tensors(settings, run, level))
    # What only training needs stays here.
    hparams = {part: {k: v for k, v in sizes.items() if not k.endswith("periods")}
               for part, sizes in settings.items() if part != "training"}
    (out / "hparams.json").write_text(json.dumps(hparams, indent=1) + "\n")
    names = {"artist": [a.name for a in ARTISTS], "genre": [g.name for g in GENRES]}
    for kind, values in names.items():
        lines = ["unknown;0"] + [f"{name};{i + 1}" for i, name in enumerate(values)]
        for version in ("v2", "v3"):
            (out / f"{version}_{kind}_ids.txt").write_text("\n".join(lines) + "\n")
    size = sum(f.stat().st_size for f in out.iterdir())
    print(f"{out}: {size / 2**20:.1f} MiB")
    return size
