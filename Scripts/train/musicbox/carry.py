"""Takes a run to another machine in small files: weights without the optimiser's state, which warms up again."""

from pathlib import Path

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
