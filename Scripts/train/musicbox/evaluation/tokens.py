"""How well the priors guess: bits a token on held-out songs, beside simpler models of the same codes."""

import numpy as np
import torch

from ..model.prior import UNSHIPPED, Prior
from ..training.codes import Songs
from ..training.misplaced import silence
from ..training.priors import Windows
from ..training.run import device
from ..training.vqvae import load_model

BITS = 1 / np.log(2)


def load_prior(settings, run, level):
    model = Prior(settings[f"prior_level_{level}"], settings["vqvae"])
    state = torch.load(f"{run}/prior_level_{level}.pt", map_location="cpu", weights_only=True)
    # A run may be older than a head that only training needs.
    missing = [k for k in model.load_state_dict(state["average"], strict=False).missing_keys if not k.startswith(UNSHIPPED)]
    if missing:
        raise SystemExit(f"{run}/prior_level_{level}.pt lacks {', '.join(missing)}: these are not its settings")
    return model.to(device()).eval()


def unigram(train, test, bins):
    counts = np.bincount(np.concatenate(train), minlength=bins) + 0.5
    return float(-np.log2(counts / counts.sum())[np.concatenate(test)].mean())


def trigram(train, test, bins):
    """Interpolated (Witten–Bell) unigram, bigram and trigram."""
    one, two, three = np.zeros(bins), {}, {}
    for codes in train:
        codes = codes.astype(np.int64)
        one += np.bincount(codes, minlength=bins)
        for table, order in ((two, 1), (three, 2)):
            key = codes[order - 1 : -1].copy() if order == 1 else codes[:-2] * bins + codes[1:-1]
            for k, value in zip(key.tolist(), codes[order:].tolist()):
                row = table.setdefault(k, {})
                row[value] = row.get(value, 0) + 1
    base = (one + 0.5) / (one + 0.5).sum()
    bits = n = 0

    def mixed(row, value, below):
        if not row:
            return below
        total, kinds = sum(row.values()), len(row)
        return (row.get(value, 0) + kinds * below) / (total + kinds)

    for codes in test:
        codes = codes.astype(int).tolist()
        for a, b, c in zip(codes, codes[1:], codes[2:]):
            p = mixed(three.get(a * bins + b), c, mixed(two.get(b), c, base[c]))
            bits -= np.log2(p)
            n += 1
    return float(bits / n)


@torch.no_grad()
def misplaced(settings, run, model, held, windows, length, most=0.5):
    """Bits a token of the top level where up to half of what it reads are other bars or silence, and what share is wrong.

    A level that follows what it has just heard, rather than the song's form, pays for it here.
    """
    source = Windows(model.h, settings["vqvae"], held, np.random.default_rng(10))
    silent, bits, wrong = silence(load_model(settings, run), model.h["level"]), [], []
    for _ in range(windows):
        drawn = source.misplace(source.draw(1, length), most, silent)
        batch = {k: v.to(device()) for k, v in drawn.items()}
        logits, _ = model(batch["read"], batch["y"])
        bits.append(float(torch.nn.functional.cross_entropy(logits[0].float(), batch["codes"][0])) * BITS)
        wrong.append(float((batch["read"] != batch["codes"]).float().mean()))
    return {"misplaced_bits": round(float(np.mean(bits)), 3), "misplaced_share": round(float(np.mean(wrong)), 3)}


@torch.no_grad()
def evaluate(settings, run, windows=6, length=8192, before=None, only=None):
    """A row a level, of `only` these levels if they are given; other rows stay as they were `before`."""
    table = dict(before or {})
    levels = settings["vqvae"]["levels"]
    for level in only or range(levels):
        try:
            model = load_prior(settings, run, level)
        except FileNotFoundError:
            continue
        held = Songs(run, True, level, levels).songs
        known = [s[f"level_{level}"] for s in Songs(run, False, level, levels).songs]
        tests = [s[f"level_{level}"][:60000] for s in held]
        source = Windows(settings[f"prior_level_{level}"], settings["vqvae"], held, np.random.default_rng(9))
        bits, hits = [], []
        for _ in range(windows):
            batch = {k: v.to(device()) for k, v in source.draw(1, length).items()}
            weights = []
            logits, _ = model(batch["codes"], batch["y"], batch.get("above"), weights)
            bits.append(float(torch.nn.functional.cross_entropy(logits[0].float(), batch["codes"][0])) * BITS)
            if weights:
                sung = batch["sung"][0] >= 0
                near = (weights[1][0].argmax(-1) - 1 - batch["sung"][0]).abs() <= 8
                hits += near[sung].tolist()
        bins = settings["vqvae"]["l_bins"]
        row = {"bits": round(float(np.mean(bits)), 3), "unigram": round(unigram(known, tests, bins), 3),
               "trigram": round(trigram(known, tests, bins), 3)}
        row["of_unigram"] = round(row["bits"] / row["unigram"], 3)
        if model.top:
            row.update(misplaced(settings, run, model, held, windows, length))
        if hits:
            row["lyrics_within_8_characters"] = round(float(np.mean(hits)), 3)
        table[f"level_{level}"] = row
    return table
