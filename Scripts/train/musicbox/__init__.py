"""Trains music-box, a small Jukebox, on songs that it composes itself."""
