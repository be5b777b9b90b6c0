"""Takes a run to another machine in small files: weights without the optimiser's state, which warms up again."""

import json
import struct
from pathlib import Path

import numpy as np
import torch

PART = 15 << 20


def pack(run, out):
    """Writes every checkpoint to `out` in parts of at most 15 MiB; a prior's averaged weights stand for both."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.part*"):
        old.unlink()
    whole = {}
    for path in sorted(Path(run).glob("*.pt")):
        state = torch.load(path, map_location="cpu", weights_only=True)
        whole[path.stem] = {
            "spent": state["spent"], "step": state["step"], "model": state.get("average", state["model"])}
    file = out / "run.packed"
    torch.save(whole, file)
    data = file.read_bytes()
    file.unlink()
    for index, begin in enumerate(range(0, len(data), PART)):
        (out / f"run.part{index}").write_bytes(data[begin : begin + PART])
    print(f"{out}: {len(data) / 2**20:.1f} MiB")


def unpack(run, source):
    """Makes checkpoints in `run` of what `pack` wrote to `source`."""
    run, parts = Path(run), sorted(Path(source).glob("run.part*"), key=lambda p: int(p.suffix[5:]))
    run.mkdir(parents=True, exist_ok=True)
    file = run / "run.packed"
    file.write_bytes(b"".join(p.read_bytes() for p in parts))
    whole = torch.load(file, map_location="cpu", weights_only=True)
    file.unlink()
    for name, state in whole.items():
        if name.startswith("prior"):
            state["average"] = state["model"]
        torch.save(state, run / f"{name}.pt")
    print(f"{run}: {', '.join(whole)}")


def adopt(settings, run, source):
    """Makes checkpoints in `run` of an exported model: to go on from the one that ships, where its run is lost.

    What an export leaves out begins anew: the optimisers, the codebooks' averages, and the head that guesses letters.
    """
    from .model.prior import Prior

    run, source = Path(run), Path(source)
    run.mkdir(parents=True, exist_ok=True)
    tensors = read_safetensors(source / "vqvae.safetensors")
    hours = settings["training"]
    for level in range(settings["vqvae"]["levels"]):
        own = {k: v for k, v in tensors.items() if f".{level}." in k.split("level_blocks")[0] or
               k.startswith(f"bottleneck.level_blocks.{level}.")}
        book = f"bottleneck.level_blocks.{level}."
        own[book + "sums"], own[book + "counts"] = own[book + "k"].clone(), torch.ones(len(own[book + "k"]))
        torch.save({"spent": hours["vqvae"]["hours"][level] * 3600, "step": 1000, "model": own},
                   run / f"vqvae_level_{level}.pt")
        model = Prior(settings[f"prior_level_{level}"], settings["vqvae"])
        model.load_state_dict(read_safetensors(source / f"prior_level_{level}.safetensors"), strict=False)
        state = model.state_dict()
        torch.save({"spent": hours["priors"]["hours"][level] * 3600, "step": 1000, "model": state, "average": state},
                   run / f"prior_level_{level}.pt")
    print(f"{run}: goes on from {source}; --budget above 1 gives it more time")


def read_safetensors(path):
    """Tensors of a float16 file, as float32."""
    data = Path(path).read_bytes()
    size = struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + size + at for at in entry["data_offsets"])
        values = np.frombuffer(data[begin:end], "<f2").astype(np.float32).reshape(entry["shape"])
        tensors[name] = torch.from_numpy(values)
    return tensors
