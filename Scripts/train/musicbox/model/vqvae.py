"""The VQ-VAE: one autoencoder a level, quantised by codebooks that follow moving averages (section 3)."""

import torch
from torch import nn
from torch.nn import functional as F

from .convolutions import Decoder, Encoder, dilations


class Codebook(nn.Module):
    """Codes [l_bins, emb_width]. Rows follow the mean of what they stand for; idle rows restart (section 3.1)."""

    def __init__(self, codes, width, momentum, threshold):
        super().__init__()
        self.momentum, self.threshold = momentum, threshold
        self.register_buffer("k", torch.zeros(codes, width))
        self.register_buffer("sums", torch.zeros(codes, width))
        self.register_buffer("counts", torch.zeros(codes))

    def encode(self, x):
        """Nearest rows of [n, width]."""
        best = []
        for part in x.split(16384):
            best.append(torch.addmm(0.5 * self.k.square().sum(1), part, self.k.T, beta=-1).argmax(1))
        return torch.cat(best)

    @torch.no_grad()
    def _restart_rows(self, x):
        n = len(self.k)
        rows = x[torch.randperm(len(x), device=x.device)[:n]]
        if len(rows) < n:
            rows = rows.repeat(-(-n // len(rows)), 1)[:n]
        return rows + 0.01 * rows.std() * torch.randn_like(rows)

    @torch.no_grad()
    def update(self, x, codes):
        rows = self._restart_rows(x)
        if not self.counts.any():
            self.k.copy_(rows)
            self.sums.copy_(rows * self.threshold)
            self.counts.fill_(self.threshold)
            return
        counts = torch.bincount(codes, minlength=len(self.k)).to(x)
        sums = torch.zeros_like(self.k).index_add_(0, codes, x)
        self.counts.lerp_(counts, 1 - self.momentum)
        self.sums.lerp_(sums, 1 - self.momentum)
        used = self.counts >= self.threshold
        self.k.copy_(torch.where(used[:, None], self.sums / self.counts.clamp_min(1e-6)[:, None], rows))
        # A restarted row gets a fair start in the averages.
        self.sums.copy_(torch.where(used[:, None], self.sums, rows * self.threshold))
        self.counts.clamp_min_(self.threshold)

    def forward(self, x):
        """[batch, width, time] → quantised with straight-through gradient, commitment loss, codes."""
        batch, width, time = x.shape
        flat = x.detach().transpose(1, 2).reshape(-1, width).float()
        if self.training and not self.counts.any():
            self.update(flat, None)
        codes = self.encode(flat)
        rows = F.embedding(codes, self.k)
        if self.training:
            self.update(flat, codes)
        rows = rows.view(batch, time, width).transpose(1, 2)
        commit = (rows - x).square().mean()
        return x + (rows - x).detach(), commit, codes.view(batch, time)


class _Level(nn.Module):
    def __init__(self, blocks, out=None):
        super().__init__()
        self.level_blocks = nn.ModuleList(blocks)
        if out is not None:
            self.out = out


class VQVAE(nn.Module):
    def __init__(self, h):
        super().__init__()
        self.h = h
        factors = h["hvqvae_multipliers"] or [1] * h["levels"]
        encoders, decoders, books = [], [], []
        for level in range(h["levels"]):
            size = (h["width"] * factors[level], h["depth"] * factors[level], h["dilation_growth_rate"],
                    h["dilation_cycle"])
            emb = h["emb_width"]
            steps = list(zip(h["downs_t"], h["strides_t"]))[: level + 1]
            encoders.append(_Level([Encoder(emb if i else 1, emb, d, s, *size) for i, (d, s) in enumerate(steps)]))
            decoders.append(_Level(
                [Decoder(emb, emb, d, s, *size, h["vqvae_reverse_decoder_dilation"], False, "model")
                 for d, s in steps], nn.Conv1d(emb, 1, 3, 1, 1)))
            books.append(Codebook(h["l_bins"], emb, h["l_mu"], h["revival_threshold"]))
        self.encoders = nn.ModuleList(encoders)
        self.decoders = nn.ModuleList(decoders)
        self.bottleneck = _Level(books)

    @property
    def hops(self):
        hops, hop = [], 1
        for down, stride in zip(self.h["downs_t"], self.h["strides_t"]):
            hop *= stride**down
            hops.append(hop)
        return hops

    def reach(self, level):
        """Samples on each side that are more than enough to decide a code or a code's audio."""
        depth = self.h["depth"] * (self.h["hvqvae_multipliers"] or [1] * self.h["levels"])[level]
        steps = sum(dilations(depth, self.h["dilation_growth_rate"], self.h["dilation_cycle"], False))
        return self.hops[-1] * 2 * (steps + 4)

    def latent(self, audio, level):
        x = audio[:, None]
        for block in self.encoders[level].level_blocks:
            x = block(x)
        return x

    def render(self, x, level):
        for block in reversed(self.decoders[level].level_blocks):
            x = block(x)
        return self.decoders[level].out(x)[:, 0]

    def forward(self, audio, level):
        """[batch, samples] → reconstruction, commitment loss, codes."""
        x, commit, codes = self.bottleneck.level_blocks[level](self.latent(audio, level))
        return self.render(x, level), commit, codes

    @torch.no_grad()
    def encode(self, audio, level):
        x = self.latent(audio, level)
        flat = x.transpose(1, 2).reshape(-1, x.shape[1])
        return self.bottleneck.level_blocks[level].encode(flat).view(len(audio), -1)

    @torch.no_grad()
    def decode(self, codes, level):
        return self.render(F.embedding(codes, self.bottleneck.level_blocks[level].k).transpose(1, 2), level)
