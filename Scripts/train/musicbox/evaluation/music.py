"""What is heard in whole sampled songs: harmony bar by bar, silences, and words, each beside the corpus's own songs."""

import pickle
from pathlib import Path

import numpy as np

from ..audio import read_wav
from ..corpus import ARTISTS, GENRES, compose
from ..settings import HELD_OUT
from ..training.codes import encode
from ..training.vqvae import load_model
from . import chords, codec, listening, words
from .songs import sample


# What `orchestrion demo` asks for: genre, artist, lines, seconds (Sources/Program/orchestrion/Commands/DemoCommand.swift).
DEMO = ("techno", "mira_sol", """sun sea sky far low you
new day may fly for her
men too row all old sea
sky run far day who her
low old sun may fly way
you men all new for tea
sea sky low sun far day
""", 20.0)


def pairs(count):
    """`count` of (genre, artist, how often the two were together before). The first six have each genre and artist once."""
    found = []
    for index in range(count):
        turn, genre = divmod(index, len(GENRES))
        found.append((genre, (genre + turn) % len(ARTISTS), turn // len(ARTISTS)))
    return found


def corpus(model, level, seed, seconds, count, lines=None):
    """`count` songs, as the level's codec leaves them: (song, audio)."""
    made, unit = [], model.hops[-1]
    for index, (genre, artist, turn) in enumerate(pairs(count)):
        own = seed + 1000 * genre + artist + len(ARTISTS) * turn
        song = compose(own, GENRES[genre].name, ARTISTS[artist].name, seconds, lines)
        audio = song.audio[: len(song.audio) // unit * unit]
        made.append((song, codec.decode(model, encode(model, audio, level), level)))
        if index % 12 == 11:
            print(f"{index + 1} of {count} songs of the corpus", flush=True)
    return made


def recognisers(model, run, level, count, hear_words):
    """Of chords and of words (or None), trained on corpus songs of this level's codec; kept in the run's folder."""
    paths = [Path(run) / f"recogniser_of_{kind}_level_{level}.pickle" for kind in ("chords", "words")[: 1 + hear_words]]
    if not all(path.exists() for path in paths):
        made = corpus(model, level, 710_000_000, 20.0, count)
        rows = [(chords.by_name(song.genre), audio, chords.truth(song)) for song, audio in made]
        paths[0].write_bytes(pickle.dumps(chords.Recogniser(rows)))
        if hear_words:
            paths[1].write_bytes(pickle.dumps(words.Recogniser([words.heard(audio, song) for song, audio in made])))
    found = [pickle.loads(path.read_bytes()) for path in paths]
    return found[0], found[1] if hear_words else None


def measure(found, chord, word):
    """The figures of songs (song of the corpus that has the labels and words, audio); without words where `word` is None."""
    bars = []
    for song, audio in found:
        genre = chords.by_name(song.genre)
        bars += chords.judge(chord(audio, genre), chords.truth(song), genre)
    quiet = silences([(song.genre, song.artist, audio) for song, audio in found])
    figures = {"songs": len(found), "harmony": chords.by_third(bars), "silences": quiet}
    return figures if word is None else {**figures, "words": sung(found, word)}


def sung(found, word):
    """Words that the recogniser hears at the times at which they are due."""
    right, sings, alike = [], [], []
    for song, audio in found:
        sound = words.heard(audio, song)
        wanted = np.array([word for _, word in sound.words], int)
        named = word(sound, [at for at, _ in sound.words])
        right += [(int(3 * at / song.seconds), n == w) for n, w, (at, _) in zip(named, wanted, sound.words)]
        alike += list(words.VOWELS_OF[named] == words.VOWELS_OF[wanted])
        sings += list(named != words.NOBODY)
    thirds = {f"third_{i + 1}": share([r for at, r in right if at == i]) for i in range(3)}
    return {"sung": len(right), "right": share([r for _, r in right]), **thirds, "vowel_right": share(alike),
            "somebody_sings": share(sings)}


def silences(heard):
    """Of (genre, artist, audio): how many have a silence, of how many seconds in all, and where (from s, to s)."""
    runs = [(genre, artist, listening.silences(audio)) for genre, artist, audio in heard]
    return {"songs": sum(bool(some) for *_, some in runs),
            "seconds": round(sum(b - a for *_, some in runs for a, b in some), 2),
            "where": [[genre, artist, *np.round(run, 2).tolist()] for genre, artist, some in runs for run in some]}


def share(hits):
    return round(float(np.mean(hits)), 3) if len(hits) else None


def evaluate(settings, run, program, model, folder, count=36, threads=2, level=2, temperature="0.8,0.9,0.99",
             seconds=20.0, training=144, hear_words=True):
    """`count` songs, of every genre by every artist, sampled whole down to a level, and as many held-out songs."""
    codecs = load_model(settings, run)
    chord, word = recognisers(codecs, run, level, training, hear_words)
    held = corpus(codecs, level, HELD_OUT + 20_000, seconds, count, lines=1000)
    wanted = [song for song, _ in held]
    # A song of the same labels has the same seed, however many are asked for.
    seeds = [300 + len(ARTISTS) * genre + artist + len(GENRES) * len(ARTISTS) * turn for genre, artist, turn in pairs(count)]
    labels = [(s.genre, s.artist, s.lyrics, seed, s.seconds) for s, seed in zip(wanted, seeds)]
    made = sample(program, model, folder, labels, 1, None, threads, level, temperature)
    found = [(song, read_wav(path)[0]) for song, (_, path) in zip(wanted, made)]
    accuracy = {"chords": chord.accuracy([(chords.by_name(s.genre), audio, chords.truth(s)) for s, audio in held])}
    if word is not None:
        accuracy["words"] = word.accuracy([words.heard(audio, s) for s, audio in held])
    return {"level": level, "seconds": seconds, "temperature": temperature, "recognisers": accuracy,
            "held_out": measure(held, chord, word), "sampled": measure(found, chord, word)}


def demo(program, model, folder, count=50, threads=2, level=2, temperature="0.8,0.9,0.99"):
    """Silences in as many samples of the song that the demo asks for; the first two are its own."""
    genre, artist, lyrics, seconds = DEMO
    made = sample(program, model, folder, [(genre, artist, lyrics, 2020, seconds)], count, None, threads, level, temperature)
    heard = [(genre, artist, read_wav(path)[0]) for _, path in made]
    return {"songs": count, "level": level, "temperature": temperature, "silences": silences(heard)}
