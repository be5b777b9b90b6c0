"""Trains a level's prior on windows of codes, as the sampler will ask for them."""

import numpy as np
import torch
from torch.nn import functional as F

from .. import labels
from ..model.prior import PLACES, UNSHIPPED, Prior
from .codes import Songs
from .misplaced import misplaced, roots, silence
from .optimiser import Both
from .run import Run, device, multiplies_bfloat16
from .vqvae import load_model

BITS = 1 / np.log(2)
# Steps in which heads that an adopted model lacks learn alone.
HEADS_ALONE = 60


class Windows:
    """Windows of songs: codes, labels, the codes above, and which character is sung at each position."""

    def __init__(self, h, vqvae, songs, rng):
        self.h, self.songs, self.rng = h, songs, rng
        hops = np.cumprod([s**d for s, d in zip(vqvae["strides_t"], vqvae["downs_t"])])
        self.level, self.hop = h["level"], int(hops[h["level"]])
        self.top = self.level == vqvae["levels"] - 1
        self.ratio = 1 if self.top else int(hops[self.level + 1]) // self.hop
        self.grid = int(hops[-1]) // self.hop * h["n_ctx"] // h["blocks"]

    def window(self, song, start, length):
        """The first `length` codes of the window at `start`."""
        y, seen = labels.vector(
            self.h, self.hop, int(song["samples"]), start, int(song["artist"]), int(song["genre"]),
            song["lyrics"].tolist())
        item = {"codes": song[f"level_{self.level}"][start : start + length].astype(np.int64), "y": np.array(y)}
        if not self.top:
            end = min(start + self.h["n_ctx"], len(song[f"level_{self.level}"]), start + length + 64 * self.ratio)
            above = song[f"level_{self.level + 1}"][start // self.ratio : end // self.ratio]
            pad = (length // self.ratio + 64) - len(above)
            item["above"] = np.pad(above.astype(np.int64), (0, max(0, pad)), mode="edge")
        if seen:
            item["sung"] = self.sung(song, start, length, seen)
            item["chord"] = roots(int(song["genre"]), int(song["samples"]), self.hop, start, length)
        return item

    def misplace(self, batch, most, silent):
        """The batch with what is `read` in place of its codes: some bars of other places, or silence."""
        genres = batch["y"][:, 4].tolist()
        rows = [misplaced(c, g, most, silent, self.rng) for c, g in zip(batch["codes"].numpy(), genres)]
        return {**batch, "read": torch.from_numpy(np.stack(rows))}

    def sung(self, song, start, length, seen):
        """The lyric slot sung at each position, −1 where nobody sings: the last letter of a sound, which tells it."""
        first, end, padding = seen
        slots = np.full(length, -1, np.int64)
        rate = 44100 / self.hop
        for a, b, begin, finish in song["spans"]:
            low, high = int(begin * rate) - start, int(finish * rate) - start
            if high <= 0 or low >= length or a < first or b > end:
                continue
            place = np.arange(max(0, low), min(length, high))
            slots[place] = min(int(b) - 1, end - 1) - first + padding
        return slots

    def rehearsed(self, length):
        """The songs of which so many codes were sampled."""
        return [song for song in self.songs if len(song.get("heard", ())) >= length]

    def rehearsal(self, count, length):
        """Windows that were sampled, with the true codes, and as `read` those that the program drew."""
        songs, items = self.rehearsed(length), []
        for _ in range(count):
            song = songs[int(self.rng.integers(len(songs)))]
            begin = int(song["heard_begin"])
            start = int(self.rng.integers(len(song["heard"]) - length + 1)) // self.grid * self.grid
            item = self.window(song, begin + start, length)
            item["read"] = song["heard"][start : start + length].astype(np.int64)
            items.append(item)
        return {k: torch.from_numpy(np.stack([i[k] for i in items])) for k in items[0]}

    def draw(self, count, length):
        items = []
        while len(items) < count:
            song = self.songs[int(self.rng.integers(len(self.songs)))]
            total = len(song[f"level_{self.level}"])
            if count == 1 and self.top:
                length = min(length, total)
            room = total - length
            if room < 0:
                continue
            # Songs begin as songs begin more often than chance would have it: what a label asks for is settled there,
            # and later the music tells as much. Most other windows begin where the sampler's do.
            start = 0 if self.rng.random() < (0.75 if self.top else 0.3) else int(self.rng.integers(room + 1))
            unit = self.h["n_ctx"] // 8 if self.top else self.grid
            items.append(self.window(song, start // unit * unit, length))
        return {k: torch.from_numpy(np.stack([i[k] for i in items])) for k in items[0]}


@torch.no_grad()
def misheard(model, batch, most, passes=1):
    """The window's codes with a share of up to `most` redrawn from the model: what it will read when it samples.

    A model that has only ever read true codes repeats its own first slip from block to block. With more `passes` each
    draws from what the one before left, so that slips follow from slips as they do when it samples (parallel scheduled
    sampling, Duckworth et al. 2019).
    """
    codes = batch["codes"]
    share = torch.rand(len(codes), 1, device=codes.device) * most
    slips = torch.rand(codes.shape, device=codes.device) < share
    read = codes
    for _ in range(passes):
        logits, _ = model(read, batch["y"], batch.get("above"))
        noise = -torch.empty_like(logits).exponential_().log()
        read = torch.where(slips, (logits + noise).argmax(-1), codes)
    return read


def loss_of(model, batch, alignment, read=None):
    """Cross entropy in nats, the lyrics' loss, and that of attention against the letter that is sung.

    The model reads `read`, or the window's own codes.
    """
    weights = [] if alignment and "sung" in batch else None
    codes = batch["codes"] if read is None else read
    logits, prime = model(codes, batch["y"], batch.get("above"), weights)
    music = F.cross_entropy(logits.flatten(0, 1).float(), batch["codes"].flatten())
    aligned = music.new_zeros(())
    if weights:
        aligned = alignment_loss(model, weights, batch)
    return music, prime, aligned


def places(text):
    """Line and letter that each state [batch, characters] of the lyrics' encoder stands at; −1 before the text."""
    row = torch.arange(text.shape[1], device=text.device).expand_as(text)
    before = torch.nn.functional.pad(text, (1, 0))[:, :-1]
    ended = before == labels.TOKENS["\n"]
    begin = torch.where(ended, row, -1).cummax(1).values
    padding = (text == 0).sum(1, keepdim=True)
    letter = row - torch.where(begin < 0, padding, begin)
    known = row >= padding
    return (torch.where(known, v.clamp(0, PLACES - 1), -1) for v in (ended.cumsum(1), letter))


def alignment_loss(model, weights, batch):
    """Of attention against the letter that is sung, of both sides' knowledge of the place, and of the chord that is due."""
    states, attended, heard = weights
    text = batch["y"][:, 4 + model.h["max_bow_genre_size"] :]
    # Reading is shifted by one: the state at a slot has read the character before it.
    slot = (batch["sung"] + 1).clamp(0, text.shape[1] - 1)
    sung = batch["sung"] >= 0
    loss = torch.nan_to_num(
        F.nll_loss(attended.flatten(0, 1), torch.where(sung, slot, -1).flatten(), ignore_index=-1))
    sides = model.place_read(states).split(PLACES, -1), model.place_sung(heard).split(PLACES, -1)
    for read, guess, place in zip(*sides, places(text)):
        now = torch.where(sung, place.gather(1, slot), -1)
        for logits, target in ((read, place), (guess, now)):
            known = F.cross_entropy(logits.flatten(0, 1).float(), target.flatten(), ignore_index=-1)
            loss = loss + 0.3 * torch.nan_to_num(known)
    due = F.cross_entropy(model.chord_due(heard).flatten(0, 1).float(), batch["chord"].flatten(), ignore_index=-1)
    return loss + 0.3 * torch.nan_to_num(due)


@torch.no_grad()
def check(model, windows, length, count):
    """Bits a token on songs that were never trained on."""
    model.eval()
    windows.rng = np.random.default_rng(5)
    where = next(model.parameters()).device
    total, aligned = 0.0, 0.0
    for _ in range(count):
        batch = {k: v.to(where) for k, v in windows.draw(1, length).items()}
        with torch.autocast(where.type, torch.bfloat16, enabled=multiplies_bfloat16(where)):
            music, _, a = loss_of(model, batch, True)
        total, aligned = total + float(music), aligned + float(a)
    model.train()
    return total / count * BITS, aligned / count


def split(model):
    """Parameters that are matrices to the optimiser, and the rest."""
    matrices, rest = [], []
    for name, p in model.named_parameters():
        inner = p.dim() >= 2 and (name.endswith(".w") or (p.dim() == 3 and "cond" in name))
        (matrices if inner else rest).append(p)
    return matrices, rest


class Reading:
    """What the steps of a level read: true codes, its own slips, bars that are misplaced, or what the program sampled."""

    def __init__(self, plan, model, windows, silent):
        """`silent`: codes of a block of silence, for `misplaced`."""
        self.model, self.windows, self.level, self.silent = model, windows, windows.level, silent
        self.tokens, self.slips = plan["tokens"][self.level], plan["misheard"][self.level]
        self.passes = plan.get("passes", [1, 1, 1])[self.level]
        # Shares of steps that read slips and misplaced bars, and the largest share of a window that is misplaced.
        self.misheard = plan.get("misheard_share", [0.5, 0.5, 0.5])[self.level] if self.slips else 0
        self.most = plan.get("misplaced", [0, 0, 0])[self.level]
        self.misplaced = self.most and plan.get("misplaced_share", [0, 0, 0.5])[self.level]

    def kind(self, length, progress):
        rng = self.windows.rng
        if self.windows.rehearsed(length) and rng.random() < 0.5:
            return "rehearsed"
        # Slips mean something only once it guesses well.
        chance = rng.random() if progress > 0.3 else 1.0
        if chance < self.misheard:
            return "misheard"
        return "misplaced" if chance < self.misheard + self.misplaced else "bits"

    def batch(self, length, progress, where):
        """(kind, tensors on the device): where it reads others than the true codes, `read` has them."""
        kind, count = self.kind(length, progress), max(1, self.tokens // length)
        drawn = self.windows.rehearsal(count, length) if kind == "rehearsed" else self.windows.draw(count, length)
        if kind == "misplaced":
            drawn = self.windows.misplace(drawn, self.most, self.silent)
        batch = {k: v.to(where) for k, v in drawn.items()}
        if kind == "misheard":
            with torch.autocast(where.type, torch.bfloat16, enabled=multiplies_bfloat16(where)):
                passes = int(self.windows.rng.integers(self.passes) + 1)
                batch["read"] = misheard(self.model, batch, self.slips, passes)
        return kind, batch


class Learner:
    """A level's model, its optimiser and the moving average of its weights, from a checkpoint if there is one."""

    def __init__(self, settings, level, run, where):
        plan, self.h = settings["training"]["priors"], settings[f"prior_level_{level}"]
        self.run, self.model = run, Prior(self.h, settings["vqvae"]).to(where)
        self.optimiser = Both(*split(self.model), plan["matrix_rate"], plan["rate"])
        self.most = plan.get("share", [1, 1, 1])[level]
        self.average = {k: v.clone() for k, v in self.model.state_dict().items()}
        state = run.load(where)
        # Step from which all of it learns, and warms up.
        self.ready = 0
        if state:
            self.model.load_state_dict(state["model"], strict=False)
            self.average.update(state["average"])
            if "optimiser" in state:
                self.optimiser.load_state_dict(state["optimiser"])
            else:
                self.ready = run.step + (HEADS_ALONE if self.model.lyrics else 0)
        self.model.train()

    def step(self, batch):
        """The parts of the loss: of music in nats, of the lyrics, and of what is taught beside them."""
        where, alone = batch["codes"].device, self.run.step < self.ready
        heads_only(self.model, alone)
        with torch.autocast(where.type, torch.bfloat16, enabled=multiplies_bfloat16(where)):
            music, prime, aligned = loss_of(self.model, batch, True, batch.get("read"))
            loss = music + self.h.get("prime_loss_fraction", 0) * prime + aligned
        loss.backward()
        warm = min(1.0, (self.run.step - self.ready + 1) / 30) if self.ready else 1.0
        self.optimiser.step(1.0 if alone else self.run.rate(30) * self.most * warm)
        self.run.tick()
        follow(self.average, self.model, self.run.step)
        return music, prime, aligned

    def keep(self, tests):
        """Saves, and logs what the averaged weights reach on held-out windows."""
        self.run.save(model=self.model.state_dict(), average=self.average, optimiser=self.optimiser.state_dict())
        raw = {k: v.clone() for k, v in self.model.state_dict().items()}
        self.model.load_state_dict(self.average)
        bits, aligned = check(self.model, tests, 4096, 6)
        self.model.load_state_dict(raw)
        self.run.log(held_out=True, bits=bits, alignment=aligned)
        # Checking is no training.
        self.run.begin()


def train(settings, folder, level, minutes):
    plan, vqvae, h = settings["training"]["priors"], settings["vqvae"], settings[f"prior_level_{level}"]
    where = device()
    torch.manual_seed(level)
    run = Run(folder, f"prior_level_{level}", plan["hours"][level], minutes)
    learner = Learner(settings, level, run, where)
    if run.finished:
        return True
    rng = np.random.default_rng([level, run.step])
    songs, tests = (Windows(h, vqvae, Songs(folder, held, level, vqvae["levels"]).songs, rng) for held in (False, True))
    reading = Reading(plan, learner.model, songs, silence(load_model(settings, folder), level) if songs.top else None)
    seen = {}
    run.begin()
    while not (run.finished or run.out_of_time):
        lengths = plan["lengths"][:2] if run.progress < 0.2 else plan["lengths"][2:]
        length = lengths[int(rng.integers(2))]
        kind, batch = reading.batch(length, run.progress, where)
        music, prime, aligned = learner.step(batch)
        for key, value in ((kind, music * BITS), ("lyrics", prime), ("alignment", aligned)):
            value = float(value.detach())
            seen[key] = seen.get(key, value) + 0.03 * (value - seen.get(key, value))
        if run.step % 25 == 0:
            run.log(length=length, **seen)
        if run.due:
            learner.keep(tests)
            # Songs may have been added meanwhile.
            songs.songs = Songs(folder, False, level, vqvae["levels"]).songs
    learner.keep(tests)
    return run.finished


def heads_only(model, alone):
    """Lets only what an export leaves out learn: heads that begin anew would mislead a model that knows its music."""
    for name, p in model.named_parameters():
        p.requires_grad_(not alone or name.startswith(UNSHIPPED))


@torch.no_grad()
def follow(average, model, step):
    """Moving average of the weights, over about a tenth of the steps so far."""
    share = max(0.002, min(1.0, 10 / (step + 10)))
    for name, value in model.state_dict().items():
        average[name].lerp_(value, share)
