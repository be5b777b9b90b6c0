"""Who plays and sings: timbre and mannerisms, over whatever instruments a genre calls for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Artist:
    name: str
    # voice
    formants: float  # 1: average throat; above: smaller
    register: int  # MIDI note the voice is centred on
    vibrato: float  # semitones
    # players
    brightness: float
    kit_pitch: float
    kit_bright: float
    # mannerisms
    staccato: float  # share of a note that is held
    octaves: bool  # lead doubled an octave above
    room: float  # level of reflections


ARTISTS = [
    Artist("the_lanterns", 1.0, 60, 0.0, 1.0, 1.0, 1.0, 0.9, False, 0.2),
    Artist("mira_sol", 1.18, 67, 0.25, 0.7, 1.0, 0.8, 0.95, False, 0.45),
    Artist("iron_kites", 0.9, 55, 0.0, 1.6, 1.15, 1.2, 0.85, True, 0.0),
    Artist("velvet_hours", 0.9, 55, 0.2, 0.7, 0.85, 0.8, 0.95, False, 0.45),
    Artist("juniper_dot", 1.18, 67, 0.0, 1.6, 1.15, 1.2, 0.6, True, 0.0),
    Artist("old_harbour", 1.0, 60, 0.2, 0.7, 0.85, 1.0, 0.75, False, 0.2),
]
