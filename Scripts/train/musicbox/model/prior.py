"""A level's prior: labels, lyrics and the level above condition a transformer over codes (sections 4 and 5)."""

import torch
from torch import nn
from torch.nn import functional as F

from .convolutions import Decoder
from .transformer import Sequence, smooth_positions


# Lines that are told apart, and letters of a line.
PLACES = 24
# Chords that are told apart.
CHORDS = 5
# What only training needs.
UNSHIPPED = ("prime_x_out.", "place_read.", "place_sung.", "chord_due.")


class _Table(nn.Module):
    def __init__(self, bins, width, values=None):
        super().__init__()
        self.emb = nn.Embedding(bins, width)
        if values is None:
            nn.init.normal_(self.emb.weight, std=0.15)
        else:
            self.emb.weight.data.copy_(values)


class Labels(nn.Module):
    """y = [total samples, offset, window samples, artist, genres …, lyrics …] → start token; at the top, timing."""

    def __init__(self, h, top):
        super().__init__()
        genres, artists = h["y_bins"]
        self.h, self.top = h, top
        self.bow_genre_emb = _Table(genres, h["prior_width"])
        self.artist_emb = _Table(artists, h["prior_width"])
        if top:
            for name in ("total_length_emb", "absolute_pos_emb", "relative_pos_emb"):
                bins = h["t_bins"]
                waves = smooth_positions(bins, h["prior_width"], [4 * bins / 2**i for i in range(9)], 0.05)
                setattr(self, name, _Table(bins, h["prior_width"], waves))

    def start(self, y):
        genres = y[:, 4 : 4 + self.h["max_bow_genre_size"]]
        known = (genres >= 0).unsqueeze(-1)
        bag = (self.bow_genre_emb.emb(genres.clamp_min(0)) * known).sum(1)
        return bag + self.artist_emb.emb(y[:, 3])

    def timing(self, y, length):
        """[batch, length, width], in the original's float32 order of operations."""
        bins, window = self.h["t_bins"], self.h["n_ctx"]
        low, high = (self.h[k] * self.h["sr"] for k in ("min_duration", "max_duration"))
        y = y.float()
        share = torch.arange(length, device=y.device, dtype=torch.float32)[None] / window
        total, begin, end = y[:, 0:1], y[:, 1:2], y[:, 1:2] + y[:, 2:3]
        absolute = begin + (end - begin) * share
        last = (end / total).clamp(0, 1)
        relative = begin / total + (last - begin / total) * share

        def bin(value, low, high):
            return (bins * ((value - low) / (high - low))).floor().long().clamp(0, bins - 1)

        return (self.total_length_emb.emb(bin(total, low, high)) + self.absolute_pos_emb.emb(bin(absolute, 0, high))
                + self.relative_pos_emb.emb(bin(relative, 0, 1)))


class Conditioner(nn.Module):
    """The codes above as one vector for each position."""

    def __init__(self, h, vqvae):
        super().__init__()
        width, above = h["prior_width"], h["level"] + 1
        self.x_emb = nn.Embedding(vqvae["l_bins"], width)
        nn.init.normal_(self.x_emb.weight, std=0.3)
        self.cond = Decoder(
            width, width, vqvae["downs_t"][above], vqvae["strides_t"][above], h["cond_width"], h["cond_depth"],
            h["cond_dilation_growth_rate"], h["cond_dilation_cycle"], False, h["cond_res_scale"], "blocks")
        self.ln = nn.LayerNorm(width)
        nn.init.constant_(self.ln.weight, 0.2)

    def forward(self, codes):
        return self.ln(self.cond(self.x_emb(codes).transpose(1, 2)).transpose(1, 2))


class Prior(nn.Module):
    def __init__(self, h, vqvae):
        super().__init__()
        self.h, self.top = h, h["level"] == vqvae["levels"] - 1
        size = [h[k] for k in ("prior_width", "prior_depth", "heads", "attn_order", "blocks", "m_attn", "m_mlp")]
        self.prior = Sequence(vqvae["l_bins"], h["n_ctx"], *size, start=False, periods=h.get("periods", ()))
        self.y_emb = Labels(h, self.top)
        if not self.top:
            self.conditioner_blocks = nn.ModuleList([Conditioner(h, vqvae)])
            self.ratio = vqvae["strides_t"][h["level"] + 1] ** vqvae["downs_t"][h["level"] + 1]
        self.lyrics = h["use_tokens"] and h["n_tokens"] > 0
        if self.lyrics:
            self.prime_prior = Sequence(
                h["n_vocab"], h["n_tokens"], h["prime_width"], h["prime_depth"], h["prime_heads"],
                h["prime_attn_order"], None, h["prime_m_attn"], h["prime_m_mlp"], start=True,
                periods=h.get("prime_periods", ()))
            self.prime_state_proj = nn.Module()
            self.prime_state_proj.w = nn.Parameter(
                torch.randn(h["prime_width"], h["prior_width"]) * h["prime_width"] ** -0.5)
            self.prime_state_proj.b = nn.Parameter(torch.zeros(h["prior_width"]))
            self.prime_state_ln = nn.LayerNorm(h["prior_width"])
            self.prime_x_out = nn.Linear(h["prior_width"], h["n_vocab"], bias=False)
            # Where in the text a character stands, and what is sung: taught to both sides, so that attention may match.
            self.place_read = nn.Linear(h["prior_width"], 2 * PLACES)
            self.place_sung = nn.Linear(h["prior_width"], 2 * PLACES)
            # Which chord is due: taught to the state that reads the lyrics, whatever was heard before.
            self.chord_due = nn.Linear(h["prior_width"], CHORDS)

    def read_lyrics(self, tokens):
        """[batch, characters, width], and the loss of guessing each character from those before it."""
        prime = self.prime_prior
        x = prime.embed(tokens, prime.start_token.expand(len(tokens), -1))
        x = prime.transformer(x)
        states = self.prime_state_ln(F.linear(x, self.prime_state_proj.w.T, self.prime_state_proj.b))
        loss = F.cross_entropy(self.prime_x_out(states).flatten(0, 1).float(), tokens.flatten(), ignore_index=0)
        # Instrumental windows have no characters to guess.
        return states, torch.nan_to_num(loss)

    def condition(self, y, length, above):
        if self.top:
            return self.y_emb.timing(y, length)
        return self.conditioner_blocks[0](above)[:, :length]

    def forward(self, codes, y, above=None, weights=None):
        """Logits [batch, time, codes] for a window's first tokens, and the lyrics' loss.

        `above` may go on beyond the codes, so that the conditioner meets an edge only where sampling does.
        """
        condition = self.condition(y, codes.shape[1], above)
        x = self.prior.embed(codes, self.y_emb.start(y)) + condition
        states, loss = None, x.new_zeros(())
        if self.lyrics:
            states, loss = self.read_lyrics(y[:, 4 + self.h["max_bow_genre_size"] :])
            if weights is not None:
                weights.append(states)
        x = self.prior.transformer(x, states, weights) + condition
        return F.linear(x, self.prior.x_emb.weight), loss
