"""Jukebox as the paper describes it, with the published checkpoints' parameter names."""
