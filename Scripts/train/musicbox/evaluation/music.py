"""What is heard in whole sampled songs: harmony bar by bar, silences, and words, each beside the corpus's own songs."""

import pickle
from pathlib import Path

import numpy as np

from ..audio import read_wav
from ..corpus import ARTISTS, GENRES, compose
from ..settings import HELD_OUT
from ..training.vqvae import load_model
from . import chords, codec, listening, words
from .songs import sample


def corpus(model, level, seed, seconds, each, lines=None):
    """`each` songs a genre, as the level's codec leaves them: (song, audio)."""
    made, unit = [], model.hops[-1]
    for index, genre in enumerate(GENRES):
        for i in range(each):
            song = compose(seed + 1000 * index + i, genre.name, ARTISTS[i % len(ARTISTS)].name, seconds, lines)
            made.append((song, codec.measure(model, song.audio[: len(song.audio) // unit * unit], level)[1]))
    return made


def recognisers(model, run, level, each):
    """Of chords and of words, trained on corpus songs of this level's codec; kept in the run's folder."""
    path = Path(run) / f"recognisers_level_{level}.pickle"
    if not path.exists():
        made = corpus(model, level, 710_000_000, 20.0, each)
        found = (chords.Recogniser([(chords.by_name(song.genre), audio, chords.truth(song)) for song, audio in made]),
                 words.Recogniser([words.heard(audio, song) for song, audio in made]))
        path.write_bytes(pickle.dumps(found))
    return pickle.loads(path.read_bytes())


def measure(found, chord, word):
    """The figures of songs (song of the corpus that has the labels and words, audio)."""
    bars, right, sings, alike, silent = [], [], [], [], []
    for song, audio in found:
        genre = chords.by_name(song.genre)
        bars += chords.judge(chord(audio, genre), chords.truth(song), genre)
        sound = words.heard(audio, song)
        wanted = np.array([word for _, word in sound.words], int)
        named = word(sound, [at for at, _ in sound.words])
        right += [(int(3 * at / song.seconds), n == w) for n, w, (at, _) in zip(named, wanted, sound.words)]
        alike += list(words.VOWELS_OF[named] == words.VOWELS_OF[wanted])
        sings += list(named != words.NOBODY)
        silent.append(listening.silences(audio))
    thirds = {f"third_{i + 1}": share([r for at, r in right if at == i]) for i in range(3)}
    return {
        "songs": len(found), "harmony": chords.by_third(bars),
        "words": {"sung": len(right), "right": share([r for _, r in right]), **thirds, "vowel_right": share(alike),
                  "somebody_sings": share(sings)},
        "silences": {"songs": sum(bool(s) for s in silent), "seconds": round(sum(b - a for s in silent for a, b in s), 2),
                     "where": [[song.genre, song.artist, *np.round(run, 2).tolist()]
                               for (song, _), runs in zip(found, silent) for run in runs]}}


def share(hits):
    return round(float(np.mean(hits)), 3) if len(hits) else None


def evaluate(settings, run, program, model, folder, each=1, threads=2, level=2, temperature="0.8,0.9,0.99",
             seconds=20.0, training=24):
    """`each` songs for every genre by every artist, sampled whole down to a level, and as many held-out songs."""
    codecs = load_model(settings, run)
    chord, word = recognisers(codecs, run, level, training)
    held = corpus(codecs, level, HELD_OUT + 20_000, seconds, len(ARTISTS), lines=1000)
    wanted = [song for song, _ in held]
    labels = [(s.genre, s.artist, s.lyrics, 300 + i, s.seconds) for i, s in enumerate(wanted)]
    made = sample(program, model, folder, labels, each, None, threads, level, temperature)
    found = [(wanted[i // each], read_wav(path)[0]) for i, (_, path) in enumerate(made)]
    accuracy = {
        "chords": chord.accuracy([(chords.by_name(s.genre), audio, chords.truth(s)) for s, audio in held]),
        "words": word.accuracy([words.heard(audio, s) for s, audio in held])}
    return {"level": level, "seconds": seconds, "temperature": temperature, "recognisers": accuracy,
            "held_out": measure(held, chord, word), "sampled": measure(found, chord, word)}
