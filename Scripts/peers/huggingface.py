"""The Hugging Face port of Jukebox with random weights of the published 1B upsampler's geometry, timed on the CPU."""

import statistics
import time

import torch
from transformers.models.jukebox.configuration_jukebox import JukeboxPriorConfig, JukeboxVQVAEConfig
from transformers.models.jukebox.modeling_jukebox import JukeboxConditionalAutoregressive, JukeboxVQVAE

WIDTH, DEPTH, WINDOW, CODES = 1920, 72, 8192, 2048


def upsampler():
    """The transformer of an upsampler, without its conditioner."""
    config = JukeboxPriorConfig(
        hidden_size=WIDTH, num_layers=DEPTH, n_heads=1, n_ctx=WINDOW, music_vocab_size=CODES, blocks=128,
        attention_pattern="raw_column_previous_row_attention", merged_decoder=False, nb_relevant_lyric_tokens=0,
        metadata_conditioning=True)
    model = JukeboxConditionalAutoregressive(
        config, n_ctx=WINDOW, embed_dim=CODES, audio_conditioning=True, metadata_conditioning=True)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.01)
    return model.eval()


@torch.no_grad()
def decode(model, batch, tokens=6):
    """Tokens a second, of a running batch."""
    cond = torch.zeros(batch, 1, WIDTH)
    start = torch.zeros(batch, WIDTH)
    times, token = [], None
    for place in range(tokens + 2):
        before = time.perf_counter()
        x, c = model.get_emb(place, batch, token, cond, start)
        logits = model.fc_proj_out(model.transformer(x, sample=True) + c)
        token = torch.distributions.Categorical(logits=logits / 0.99).sample()
        times.append(time.perf_counter() - before)
    model.transformer.del_cache()
    return batch / statistics.median(times[2:])


@torch.no_grad()
def prefill(model, rows=256, runs=2):
    """Tokens a second that a window catches up with."""
    times = []
    for _ in range(runs):
        x = torch.zeros(1, rows, WIDTH)
        before = time.perf_counter()
        model.transformer(x, sample=True)
        times.append(time.perf_counter() - before)
        model.transformer.del_cache()
    return rows / min(times)


def vqvae():
    config = JukeboxVQVAEConfig(
        sample_length=WINDOW * 128, levels=3, embed_dim=64, nb_discrete_codes=2048, res_conv_width=32,
        res_conv_depth=4, res_downs_t=[3, 2, 2], res_strides_t=[2, 2, 2], multipliers=[2, 1, 1],
        res_dilation_growth_rate=3, conv_input_shape=1)
    return JukeboxVQVAE(config).eval()


@torch.no_grad()
def codec(model, seconds=6.0, runs=2):
    """Multiples of real time of decoding and encoding level 0."""
    count = int(seconds * 44100) // 128 * 16
    codes = torch.randint(0, 2048, (1, count))
    audio = torch.randn(1, count * 8, 1) * 0.1
    best = {}
    for name, work in (("decode", lambda: model.decode([codes], start_level=0, end_level=1)),
                       ("encode", lambda: model.encode(audio, start_level=0, end_level=1))):
        times = []
        for _ in range(runs + 1):
            before = time.perf_counter()
            work()
            times.append(time.perf_counter() - before)
        best[name] = count * 8 / 44100 / statistics.median(times[1:])
    return best
