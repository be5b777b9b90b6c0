"""The figures of Docs/Measurements/MusicBox.md."""
