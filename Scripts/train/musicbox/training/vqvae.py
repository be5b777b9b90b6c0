"""Trains each level of the VQ-VAE by itself: squared error, spectra at three resolutions, loudness by bands, commitment."""

from pathlib import Path

import numpy as np
import torch

from ..corpus import compose
from ..model.vqvae import VQVAE
from ..settings import HELD_OUT
from .optimiser import Both
from .run import Run, device
from .stream import Crops

# (size, hop, window) of the spectra; the paper's, with hops doubled.
SPECTRA = ((2048, 480, 1200), (1024, 240, 600), (512, 120, 240))


def spectrum(x, size, hop, window):
    shape = torch.hann_window(window, device=x.device)
    return torch.stft(x, size, hop, window, shape, return_complex=True).abs()


def spectral_convergence(x, y, resolutions=SPECTRA):
    """Mean over resolutions of |S(x) − S(y)| / |S(x)|, over the batch as a whole."""
    total = 0.0
    for resolution in resolutions:
        a, b = spectrum(x, *resolution), spectrum(y, *resolution)
        total = total + (a - b).norm() / a.norm().clamp_min(1e-3)
    return total / len(resolutions)


def mel_bands(count=48, size=1024, low=60.0, high=9500.0, rate=44100):
    """Triangular filters [count, bins] over the bins of a transform of `size` samples."""
    edges = 700 * (10 ** (np.linspace(*(np.log10(1 + f / 700) for f in (low, high)), count + 2)) - 1)
    hertz = np.fft.rfftfreq(size, 1 / rate)[None]
    rise = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    return torch.from_numpy(np.maximum(0, np.minimum(rise, fall)).astype(np.float32))


BANDS = mel_bands()


def loudness_gap(x, y):
    """Mean difference of log-mel spectra: what is quiet, as a hat over a bass, counts as much as what is loud."""
    a, b = ((BANDS.to(s.device) @ spectrum(s, 1024, 240, 600) + 0.1).log() for s in (x, y))
    return (a - b).abs().mean()


def signal_to_noise(x, y):
    """dB."""
    return float(10 * torch.log10(x.square().sum() / (x - y).square().sum().clamp_min(1e-12)))


def level_state(model, level):
    wanted = (f"encoders.{level}.", f"decoders.{level}.", f"bottleneck.level_blocks.{level}.")
    return {k: v for k, v in model.state_dict().items() if k.startswith(wanted)}


def load_model(settings, folder, where=None):
    """The VQ-VAE from the checkpoints of its levels, to evaluate with."""
    model = VQVAE(settings["vqvae"])
    for level in range(settings["vqvae"]["levels"]):
        path = Path(folder) / f"vqvae_level_{level}.pt"
        if path.exists():
            model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["model"], strict=False)
    return model.to(where or device()).eval()


def check(model, level, songs):
    """Figures of one level on whole songs."""
    model.eval()
    snr, convergence, used = [], [], set()
    with torch.no_grad():
        for audio in songs:
            codes = model.encode(audio[None], level)
            y = model.decode(codes, level)
            snr.append(signal_to_noise(audio[None], y))
            convergence.append(float(spectral_convergence(audio[None], y)))
            used.update(codes.unique().tolist())
    model.train()
    return {"snr": float(np.mean(snr)), "convergence": float(np.mean(convergence)),
            "used": len(used) / model.h["l_bins"]}


def held_out(count, seconds, unit=128):
    songs = []
    for i in range(count):
        audio = compose(HELD_OUT + i, seconds=20.0).audio
        n = min(len(audio), int(seconds * 44100)) // unit * unit
        songs.append(torch.from_numpy(audio[-n - 44100 : -44100].copy()))
    return songs


def train(settings, folder, level, minutes, workers=0, threads=1):
    plan, h = settings["training"]["vqvae"], settings["vqvae"]
    where = device()
    torch.manual_seed(level)
    run = Run(folder, f"vqvae_level_{level}", plan["hours"][level], minutes)
    model = VQVAE(h).to(where)
    own = [(n, p) for n, p in model.named_parameters() if f"coders.{level}." in n]
    # The first and last convolutions meet single channels: no matrices.
    matrix = {id(p) for n, p in own if p.dim() == 3 and min(p.shape[:2]) > 1}
    optimiser = Both([p for _, p in own if id(p) in matrix], [p for _, p in own if id(p) not in matrix],
                     plan["matrix_rate"], plan["rate"])
    state = run.load(where)
    if state:
        model.load_state_dict(state["model"], strict=False)
        if "optimiser" in state:
            optimiser.load_state_dict(state["optimiser"])
    if run.finished:
        return True
    tests = [s.to(where) for s in held_out(6, 5)]
    crops = Crops(1000 + run.step + level * 7, workers=workers, renew=6 if not workers else 1)
    run.begin()
    seen = {"loss": 0.0, "snr": 0.0, "convergence": 0.0, "loudness": 0.0}
    model.train()

    def keep():
        run.save(model=level_state(model, level), optimiser=optimiser.state_dict())
        run.log(held_out=True, **check(model, level, tests))
        # Checking is no training.
        run.begin()

    while not (run.finished or run.out_of_time):
        x = torch.from_numpy(crops.batch(plan["batch"][level], plan["samples"][level])).to(where)
        y, commit, _ = model(x, level)
        error = (x - y).square().mean() / x.square().mean().clamp_min(1e-4)
        convergence = spectral_convergence(x, y)
        gap = loudness_gap(x, y)
        loss = error + plan["spectral"][level] * convergence + plan["loudness"][level] * gap + h["commit"] * commit
        loss.backward()
        optimiser.step(run.rate())
        run.tick()
        for key, value in (("loss", loss), ("snr", -10 * error.log10()), ("convergence", convergence),
                           ("loudness", gap)):
            value = float(value.detach())
            seen[key] += 0.02 * (value - seen[key]) if seen[key] else value
        if run.step % 50 == 0:
            run.log(commit=float(commit.detach()), **seen)
        if run.due:
            keep()
    keep()
    return run.finished
