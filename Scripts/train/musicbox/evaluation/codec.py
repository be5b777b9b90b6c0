"""Figures of the VQ-VAE on songs that it never met."""

import numpy as np
import torch

from ..corpus import GENRES, compose
from ..settings import HELD_OUT
from ..training.codes import encode
from ..training.vqvae import load_model, signal_to_noise, spectral_convergence
from . import listening


def decode(model, codes, level):
    """Audio of a song's codes in pieces that see their surroundings, float32."""
    hop, reach, piece = model.hops[level], model.reach(level) // model.hops[level], 262144 // model.hops[level]
    parts = []
    for begin in range(0, len(codes), piece):
        low, high = max(0, begin - reach), min(len(codes), begin + piece + reach)
        tensor = torch.from_numpy(codes[low:high].astype(np.int64)).to(next(model.parameters()).device)[None]
        audio = model.decode(tensor, level)[0].cpu().numpy()
        parts.append(audio[(begin - low) * hop :][: min(piece, len(codes) - begin) * hop])
    return np.concatenate(parts)


def measure(model, audio, level):
    codes = encode(model, audio, level)
    back = decode(model, codes, level)
    x, y = torch.from_numpy(audio)[None], torch.from_numpy(back)[None]
    return codes, back, signal_to_noise(x, y), float(spectral_convergence(x, y))


def evaluate(settings, run, count=6, seconds=20.0, recordings=()):
    """One dictionary a level, with means over songs; and SNR of level 0 on real recordings."""
    model = load_model(settings, run)
    unit = model.hops[-1]
    songs = []
    for i in range(count):
        song = compose(HELD_OUT + 5000 + i, GENRES[i % len(GENRES)].name, seconds=seconds)
        songs.append((song.audio[: len(song.audio) // unit * unit], song.onsets))
    table = {}
    for level in range(len(model.hops)):
        rows, used = [], set()
        for audio, beats in songs:
            codes, back, snr, convergence = measure(model, audio, level)
            used.update(np.unique(codes).tolist())
            mels = listening.log_mel(audio), listening.log_mel(back)
            onsets = listening.agreement(*map(listening.onsets, mels))
            rows.append((snr, convergence, onsets, listening.kept(beats, *mels)))
        snr, convergence, onsets, beats = np.mean(rows, 0)
        table[f"level_{level}"] = {
            "snr_db": round(snr, 2), "spectral_convergence": round(convergence, 3),
            "onset_agreement": round(onsets, 3), "beats_kept": round(beats, 3),
            "codes_used": round(len(used) / model.h["l_bins"], 3)}
    for path in recordings:
        from ..audio import read_wav

        audio, rate = read_wav(path)
        if rate != 44100:
            raise SystemExit(f"{path} has {rate} samples a second; 44100 are needed")
        audio = audio[: len(audio) // unit * unit].astype(np.float32)
        audio *= 0.16 / max(1e-6, audio.std())
        table.setdefault("recordings_level_0_snr_db", {})[str(path)] = round(measure(model, audio, 0)[2], 2)
    return table
