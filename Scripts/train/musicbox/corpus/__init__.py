"""An unlimited, seeded corpus of songs with exactly known labels and lyrics."""

from .artists import ARTISTS
from .genres import GENRES
from .song import RATE, Song, compose

__all__ = ["ARTISTS", "GENRES", "RATE", "Song", "compose"]
