"""A training run of one part: device, log, checkpoint, and the time it may take."""

import json
import os
import sys
import time
from pathlib import Path

import torch


def device():
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def multiplies_bfloat16(where):
    """Whether products in bfloat16 are faster there: a processor that has no instructions for them takes nine times as long."""
    return where.type == "cuda" or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


class Run:
    """State of one part under `folder`: `NAME.pt` and the log `NAME.jsonl`.

    Progress is counted in seconds of training (on a CPU, of its work: time that other processes took is none), so a
    piece may end at any moment, and a longer budget later goes on from the same checkpoint.
    """

    def __init__(self, folder, name, hours, minutes, save_every=120):
        self.folder, self.name = Path(folder), name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = self.folder / f"{name}.pt"
        self.budget, self.piece = hours * 3600, minutes * 60
        self.save_every = save_every
        self.spent, self.saved, self.step = 0.0, 0.0, 0
        self.started = time.monotonic()
        self.begin()

    def begin(self):
        """The first step begins now."""
        self.mark, self.worked = time.monotonic(), time.process_time()

    def load(self, where):
        """What `save` kept, or None at the first start."""
        if not self.path.exists():
            return None
        state = torch.load(self.path, map_location=where, weights_only=True)
        self.spent = self.saved = state["spent"]
        self.step = state["step"]
        return state

    def save(self, **state):
        fresh = self.path.with_suffix(".new")
        torch.save({"spent": self.spent, "step": self.step, **state}, fresh)
        os.replace(fresh, self.path)
        self.saved = self.spent

    def tick(self):
        """Counts a step; a process that was paused did not train meanwhile."""
        passed, worked = time.monotonic() - self.mark, time.process_time() - self.worked
        self.spent += min(passed, 60.0, worked if device().type == "cpu" else passed)
        self.begin()
        self.step += 1

    @property
    def progress(self):
        return min(1.0, self.spent / max(1e-9, self.budget))

    @property
    def finished(self):
        return self.spent >= self.budget

    @property
    def out_of_time(self):
        return time.monotonic() - self.started >= self.piece

    @property
    def due(self):
        """Whether to save and check: seldom enough that a process that gets little of the machine trains most of the time."""
        return self.spent - self.saved >= self.save_every

    def rate(self, warm=50):
        """The share of the learning rate: a short rise, long constant, and a fall over the last third."""
        return min(1.0, (self.step + 1) / warm) * max(0.05, min(1.0, 3 * (1 - self.progress)))

    def log(self, **values):
        line = {"part": self.name, "step": self.step, "minutes": round(self.spent / 60, 2),
                **{k: round(v, 4) if isinstance(v, float) else v for k, v in values.items()}}
        text = json.dumps(line)
        print(text, file=sys.stderr, flush=True)
        with open(self.folder / f"{self.name}.jsonl", "a") as file:
            file.write(text + "\n")
