"""What is trained: sizes under the original's hyperparameter names, and how long."""

import json
from pathlib import Path

from .corpus import ARTISTS, GENRES

FOLDER = Path(__file__).resolve().parent.parent / "settings"

# Songs with these seeds are never trained on.
HELD_OUT = 1_000_000_000


def load(name):
    """Settings by the name of a file in `settings/`, or a path, with everything filled in."""
    path = Path(name) if name.endswith(".json") else FOLDER / f"{name}.json"
    settings = json.loads(path.read_text())
    vqvae = {
        "levels": 3, "downs_t": [3, 2, 2], "strides_t": [2, 2, 2], "hvqvae_multipliers": None, "emb_width": 32,
        "l_bins": 1024, "l_mu": 0.99, "commit": 0.02, "revival_threshold": 0.3, "m_conv": 1.0,
        "dilation_growth_rate": 3, "dilation_cycle": None, "vqvae_reverse_decoder_dilation": True, "sr": 44100,
        **settings["vqvae"]}
    shared = {
        "n_ctx": 8192, "heads": 1, "blocks": 128, "init_scale": 1.0, "m_attn": 0.25, "m_mlp": 1.0,
        "res_scale": False, "labels": True, "labels_v3": False, "y_bins": [len(GENRES) + 1, len(ARTISTS) + 1],
        "t_bins": 1280, "max_bow_genre_size": 2, "n_vocab": 80, "min_duration": 4.0, "max_duration": 600.0,
        "sr": 44100, "merged_decoder": False, "single_enc_dec": False, "use_tokens": False, "n_tokens": 0}
    conditioner = {
        "attn_order": 2, "cond_depth": 6, "cond_width": 128, "cond_m_conv": 1.0, "cond_dilation_growth_rate": 3,
        "cond_dilation_cycle": 3, "cond_res_scale": False}
    priors = {}
    for level in range(vqvae["levels"]):
        own = settings[f"prior_level_{level}"]
        below = conditioner if level < vqvae["levels"] - 1 else {}
        priors[f"prior_level_{level}"] = {**shared, **below, "level": level, **own}
    return {"vqvae": vqvae, **priors, "training": settings["training"]}


def genre_id(name):
    return 1 + [g.name for g in GENRES].index(name)


def artist_id(name):
    return 1 + [a.name for a in ARTISTS].index(name)
