"""Turns a prior's safetensors file into the original's form: a legacy torch.save stream, `prior_level_N.pth.tar`.

Usage: checkpoint.py FOLDER/prior_level_2.safetensors     (removes it afterwards)
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np
import torch

TYPES = {"F16": (np.float16, torch.float16), "F32": (np.float32, torch.float32)}


def main(path):
    path = Path(path)
    data = np.memmap(path, np.uint8, "r")
    size = struct.unpack("<Q", data[:8].tobytes())[0]
    header = json.loads(data[8 : 8 + size].tobytes())
    header.pop("__metadata__", None)
    state = {}
    for name, entry in header.items():
        begin, end = (8 + size + at for at in entry["data_offsets"])
        values = np.frombuffer(data[begin:end], TYPES[entry["dtype"]][0]).reshape(entry["shape"])
        state[name] = torch.from_numpy(values)
    out = path.with_suffix(".pth.tar")
    torch.save({"model": state, "step": 0}, out, _use_new_zipfile_serialization=False)
    path.unlink()
    print(f"{out}: {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
