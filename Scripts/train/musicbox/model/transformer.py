"""The sparse transformer of the priors (section 4). Sequences are [batch, time, width]."""

import torch
from torch import nn
from torch.nn import functional as F

BLOCK, COLUMN, PREVIOUS, LYRICS = 1, 2, 3, 6


def pattern(order, layer):
    """What a layer attends to; 0 is everything before."""
    if order == 0:
        return 0
    if order == 2:
        return (BLOCK, COLUMN, PREVIOUS)[layer % 3]
    if order == 8:
        return LYRICS if layer % 10 == 9 else (BLOCK, COLUMN, PREVIOUS)[layer % 10 % 3]
    raise ValueError(f"attention order {order} is not trained here; 0, 2 and 8 are")


class Linear(nn.Module):
    """The original's Conv1D: x · w + b with w [in, out]."""

    def __init__(self, input, output, spread=None):
        super().__init__()
        spread = input**-0.5 if spread is None else spread
        self.w = nn.Parameter(torch.randn(input, output) * spread)
        self.b = nn.Parameter(torch.zeros(output))

    def forward(self, x):
        return F.linear(x, self.w.T, self.b)


class Attention(nn.Module):
    def __init__(self, width, state, heads, kind, block):
        super().__init__()
        self.heads, self.kind, self.block, self.state = heads, kind, block, state
        self.c_attn = Linear(width, state if kind == LYRICS else 3 * state)
        if kind == LYRICS:
            self.c_enc_kv = Linear(width, 2 * state)
        self.c_proj = Linear(state, width, 0.0)

    def _split(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(-3, -2)  # [… heads, time, d]

    @staticmethod
    def _join(x):
        return x.transpose(-3, -2).flatten(-2)

    def _whole(self, q, k, v, causal):
        q, k, v = (self._split(s) for s in (q, k, v))
        if q.device.type != "cpu":
            return self._join(F.scaled_dot_product_attention(q, k, v, is_causal=causal))
        # The CPU's kernel is slow in bfloat16.
        with torch.autocast("cpu", enabled=False):
            y = F.scaled_dot_product_attention(q.float(), k.float(), v.float(), is_causal=causal)
        return self._join(y)

    def forward(self, x, lyrics=None, weights=None):
        """`weights`: a list that receives log weights of cross-attention's head 0, [batch, time, characters], and x."""
        if self.kind == LYRICS:
            y = self.c_proj(self._cross(self.c_attn(x), *self.c_enc_kv(lyrics).chunk(2, -1), weights))
            if weights is not None:
                weights.append(x)
            return y
        batch, time, _ = x.shape
        q, k, v = self.c_attn(x).chunk(3, -1)
        if self.kind == 0:
            return self.c_proj(self._whole(q, k, v, True))
        blocks = time // self.block
        q, k, v = (s.reshape(batch, blocks, self.block, -1) for s in (q, k, v))
        if self.kind == COLUMN:
            q, k, v = (s.transpose(1, 2) for s in (q, k, v))
        if self.kind == PREVIOUS:
            # The first block sees a block of zeros.
            k, v = (F.pad(s[:, :-1], (0, 0, 0, 0, 1, 0)) for s in (k, v))
        y = self._whole(*(s.flatten(0, 1) for s in (q, k, v)), self.kind != PREVIOUS)
        y = y.view(batch, -1, *y.shape[1:])
        if self.kind == COLUMN:
            y = y.transpose(1, 2)
        return self.c_proj(y.reshape(batch, time, -1))

    def _cross(self, q, k, v, weights):
        if weights is not None:
            d = self.state // self.heads
            score = q[..., :d].float() @ k[..., :d].float().mT * d**-0.5
            weights.append(score.log_softmax(-1))
        return self._whole(q, k, v, False)


class MLP(nn.Module):
    def __init__(self, width, state):
        super().__init__()
        self.c_fc = Linear(width, state)
        self.c_proj = Linear(state, width, 0.0)

    def forward(self, x):
        h = self.c_fc(x)
        return self.c_proj(h * torch.sigmoid(1.702 * h))


class Layer(nn.Module):
    def __init__(self, width, state, hidden, heads, kind, block):
        super().__init__()
        self.attn = Attention(width, state, heads, kind, block)
        self.ln_0 = nn.LayerNorm(width)
        self.mlp = MLP(width, hidden)
        self.ln_1 = nn.LayerNorm(width)

    def forward(self, x, lyrics, weights):
        x = x + self.attn(self.ln_0(x), lyrics, weights)
        return x + self.mlp(self.ln_1(x))


class Transformer(nn.Module):
    def __init__(self, width, depth, heads, order, block, m_attn, m_mlp):
        super().__init__()
        self._attn_mods = nn.ModuleList(
            Layer(width, int(m_attn * width), int(m_mlp * width), heads, pattern(order, i), block)
            for i in range(depth))

    def forward(self, x, lyrics=None, weights=None):
        for layer in self._attn_mods:
            x = layer(x, lyrics, weights)
        return x


def smooth_positions(count, width, periods, size):
    """Start values for position embeddings: waves, so that near positions start alike. [count, width]."""
    t = torch.arange(count, dtype=torch.float64)[:, None]
    turn = 2 * torch.pi * t / torch.tensor(periods, dtype=torch.float64)[None, :]
    waves = torch.cat([turn.sin(), turn.cos()], 1)
    mix = torch.randn(waves.shape[1], width, dtype=torch.float64) / waves.shape[1] ** 0.5
    return (waves @ mix * size).float()


class Sequence(nn.Module):
    """Token and position embeddings around a transformer: the original's `prior` and `prime_prior`."""

    def __init__(self, vocabulary, length, width, depth, heads, order, blocks, m_attn, m_mlp, start, periods=()):
        """`periods`: what may recur in the sequences, in positions; embeddings start with waves of these, too."""
        super().__init__()
        block = length // blocks if blocks else length
        self.x_emb = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.x_emb.weight, std=0.05)
        self.pos_emb = nn.Module()
        waves = [2.0 ** (i / 2) for i in range(3, 30) if 2 ** (i / 2) < 4 * length]
        waves += [block / k for k in range(1, 17)] if blocks else []
        waves += [period / k for period in periods for k in range(1, 17) if period / k > 2]
        self.pos_emb.pos_emb = nn.Parameter(smooth_positions(length, width, waves, 0.08))
        self.transformer = Transformer(width, depth, heads, order, block, m_attn, m_mlp)
        if start:
            self.start_token = nn.Parameter(torch.randn(1, width) * 0.05)

    def embed(self, tokens, start):
        """Row t sees token t − 1; row 0 sees `start` [batch, width]."""
        before = self.x_emb(tokens[:, :-1])
        x = torch.cat([start[:, None].to(before), before], 1)
        return x + self.pos_emb.pos_emb[: tokens.shape[1]]
