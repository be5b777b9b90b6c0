"""Who plays and sings: timbre and mannerisms, over whatever instruments a genre calls for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Artist:
    name: str
    # voice
    formants: float  # 1: average throat; above: smaller
    register: int  # MIDI note the voice is centred on
    vibrato: float  # semitones
    breath: float  # share of noise
    glide: float  # s between notes
    # players
    brightness: float
    softness: float  # attack and decay
    detune: int  # halves of a block's frequency
    kit_pitch: float
    kit_bright: float
    # mannerisms
    ornament: float  # chance of a grace note
    staccato: float  # share of a note that is held
    echo: float  # level of a dotted echo on the lead
    octaves: bool  # lead doubled an octave above
    room: float  # level of reflections
    push: float  # beats that chords come early


ARTISTS = [
    Artist("the_lanterns", 1.0, 57, 0.10, 0.02, 0.04, 1.0, 1.0, 0, 1.0, 1.0, 0.05, 0.95, 0.0, False, 0.25, 0.0),
    Artist("mira_sol", 1.18, 67, 0.30, 0.04, 0.09, 0.8, 1.6, 0, 0.9, 0.8, 0.25, 1.0, 0.25, False, 0.45, 0.0),
    Artist("iron_kites", 0.92, 53, 0.05, 0.01, 0.02, 1.6, 0.7, 1, 1.1, 1.2, 0.0, 0.80, 0.0, True, 0.12, 0.0),
    Artist("velvet_hours", 0.95, 55, 0.22, 0.08, 0.12, 0.6, 1.9, 0, 0.85, 0.7, 0.15, 1.0, 0.0, False, 0.5, 0.0),
    Artist("juniper_dot", 1.25, 69, 0.0, 0.0, 0.01, 1.3, 0.5, 0, 1.25, 1.1, 0.0, 0.55, 0.35, True, 0.1, 0.0),
    Artist("old_harbour", 0.88, 51, 0.15, 0.03, 0.06, 0.7, 1.1, 1, 0.8, 0.8, 0.35, 0.9, 0.0, False, 0.3, 0.04),
]
