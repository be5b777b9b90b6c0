"""`Scripts/train/evaluate`: the table of figures, and `figures.json`."""

import argparse
import json
from pathlib import Path

TARGETS = [
    ("codec.level_0.snr_db", "VQ-VAE level 0, SNR in dB", ">=", 12),
    ("codec.level_0.spectral_convergence", "VQ-VAE level 0, spectral convergence", "<=", 0.25),
    ("codec.level_2.beats_kept", "VQ-VAE level 2, beats kept within 50 ms", ">=", 0.9),
    ("codec.level_0.codes_used", "codes in use, level 0", ">=", 0.5),
    ("codec.level_1.codes_used", "codes in use, level 1", ">=", 0.5),
    ("codec.level_2.codes_used", "codes in use, level 2", ">=", 0.5),
    ("tokens.level_0.of_unigram", "prior level 0, bits over unigram bits", "<=", 0.55),
    ("tokens.level_1.of_unigram", "prior level 1, bits over unigram bits", "<=", 0.55),
    ("tokens.level_2.of_unigram", "prior level 2, bits over unigram bits", "<=", 0.60),
    ("songs.genre_right.generated", "genre as asked for", ">=", 0.85),
    ("songs.tempo_right.generated", "tempo in the genre's range", ">=", 0.85),
    ("songs.lyrics_advance", "lyrics advance", ">=", 0.8),
    ("songs.frechet.ratio", "Fréchet distance over that of halves", "<=", 2.5),
    ("music.sampled.harmony.allowed.third_1", "moves of harmony allowed, first third", ">=", 0.85),
    ("music.sampled.harmony.allowed.third_2", "moves of harmony allowed, second third", ">=", 0.85),
    ("music.sampled.harmony.allowed.third_3", "moves of harmony allowed, last third", ">=", 0.85),
    ("music.sampled.silences.songs", "songs with a silence over 0.5 s", "<=", 0),
    ("demo.silences.songs", "demo songs with a silence over 0.5 s", "<=", 0),
    ("music.sampled.words.right", "words right at their time", ">=", 0.6),
]


def look_up(table, path):
    for key in path.split("."):
        if not isinstance(table, dict) or key not in table:
            return None
        table = table[key]
    return table


def render(figures):
    lines = [f"{'figure':44} {'measured':>9} {'wanted':>8}"]
    for path, text, relation, goal in TARGETS:
        value = look_up(figures, path)
        if value is None:
            lines.append(f"{text:44} {'–':>9} {relation} {goal}")
            continue
        reached = value >= goal if relation == ">=" else value <= goal
        lines.append(f"{text:44} {value:>9} {relation} {goal}  {'reached' if reached else 'missed'}")
    return "\n".join(lines)


def pictures(settings, options):
    """A held-out song and what each level keeps of it, top to bottom; and one sampled song for each genre."""
    import torch

    from ..audio import read_wav
    from ..corpus import GENRES, compose
    from ..settings import HELD_OUT
    from ..training.vqvae import load_model
    from . import codec, listening, picture

    folder = Path(options.pictures)
    folder.mkdir(parents=True, exist_ok=True)
    model = load_model(settings, options.run)
    audio = compose(HELD_OUT + 5001, seconds=8).audio
    audio = audio[: len(audio) // model.hops[-1] * model.hops[-1]]
    with torch.no_grad():
        heard = [audio] + [codec.measure(model, audio, level)[1] for level in range(len(model.hops))]
    rows = [picture.mel_picture(listening.log_mel(x)) for x in heard]
    picture.write_png(folder / "codec.png", picture.stack(rows))
    rows = []
    for genre in GENRES:
        paths = sorted((Path(options.run) / "sampled").glob(f"level_0/{genre.name}_*/level_0/sample_0.wav"))
        rows += [picture.mel_picture(listening.log_mel(read_wav(p)[0])) for p in paths[:1]]
    if rows:
        picture.write_png(folder / "sampled.png", picture.stack(rows))


def main():
    parser = argparse.ArgumentParser(prog="evaluate", description=__doc__)
    parser.add_argument("--run", default="build/music-box")
    parser.add_argument("--settings", default="small")
    parser.add_argument("--parts", default="codec,tokens,songs,music,demo",
                        help="also `listener`, which leaves the classifier of genres in Tests/Fixtures/music-box")
    parser.add_argument("--orchestrion", default=".build/release/orchestrion", help="the sampler, for `songs`")
    parser.add_argument("--model", help="default RUN/music-box")
    parser.add_argument("--each", type=int, default=8, help="songs to sample of each genre by each artist")
    parser.add_argument("--every", type=int, default=1, help="sample one in so many pairs of genre and artist to level 0;"
                        " 7 takes each genre and each artist once")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each of them")
    parser.add_argument("--temperature", default="0.8,0.9,0.99", help="of them, level 0 first")
    parser.add_argument("--levels", default="2,1,0", help="of `tokens`")
    parser.add_argument("--music-level", type=int, default=2, help="to which whole songs are sampled for `music`")
    parser.add_argument("--music-songs", type=int, default=36, help="of them; six are each genre and each artist once")
    parser.add_argument("--training-songs", type=int, default=144, help="of which the recognisers of `music` learn")
    parser.add_argument("--no-words", action="store_true", help="no recogniser of words in `music`, whose training takes longest")
    parser.add_argument("--demo-songs", type=int, default=50, help="samples of the demo's song for `demo`")
    parser.add_argument("--songs", type=int, default=6, help="held-out songs for `codec`")
    parser.add_argument("--recording", action="append", default=[], help="a WAV of real music, 44.1 kHz")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pictures", help="folder for spectrograms as PNG: of `codec`'s levels, of sampled songs")
    options = parser.parse_args()

    import torch

    from .. import settings as sizes
    from . import codec, music, songs, tokens

    torch.set_num_threads(options.threads)
    settings = sizes.load(options.settings)
    path = Path(options.run) / "figures.json"
    figures = json.loads(path.read_text()) if path.exists() else {}
    for part in options.parts.split(","):
        if part == "codec":
            figures[part] = codec.evaluate(settings, options.run, options.songs, recordings=options.recording)
        elif part == "tokens":
            only = [int(level) for level in options.levels.split(",")]
            figures[part] = tokens.evaluate(settings, options.run, before=figures.get(part), only=only)
        elif part == "songs":
            model = options.model or f"{options.run}/music-box"
            figures[part] = songs.evaluate(settings, options.run, options.orchestrion, model,
                                           f"{options.run}/sampled", options.each, options.seconds, options.threads,
                                           options.every, options.temperature)
        elif part == "music":
            model = options.model or f"{options.run}/music-box"
            figures[part] = music.evaluate(settings, options.run, options.orchestrion, model,
                                           f"{options.run}/sampled/whole", options.music_songs, options.threads,
                                           options.music_level, options.temperature, training=options.training_songs,
                                           hear_words=not options.no_words)
        elif part == "demo":
            model = options.model or f"{options.run}/music-box"
            figures[part] = music.demo(options.orchestrion, model, f"{options.run}/sampled/demo", options.demo_songs,
                                       options.threads, options.music_level, options.temperature)
        elif part == "listener":
            songs.write_listener(settings, options.run, Path(__file__).parents[4] / "Tests/Fixtures/music-box/genres.json")
        else:
            parser.error(f"no part is called {part}; there are codec, tokens, songs, music, demo and listener")
        path.write_text(json.dumps(figures, indent=1) + "\n")
    if options.pictures:
        pictures(settings, options)
    print(json.dumps(figures, indent=1))
    print(render(figures))


if __name__ == "__main__":
    main()
