"""Machine presets: how much CPU and memory a run asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType

from taskkit.errors import InvalidOptionError


@dataclass(frozen=True, slots=True)
class MachinePreset:
    """A size of machine. `cpu` in virtual cores, `memory_gb` in gigabytes."""

    name: str
    cpu: float
    memory_gb: float


DEFAULT = "small-1x"
"""The preset of a task that names none."""

PRESETS: Mapping[str, MachinePreset] = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            MachinePreset("micro", 0.25, 0.25),
            MachinePreset("small-1x", 0.5, 0.5),
            MachinePreset("small-2x", 1, 1),
            MachinePreset("medium-1x", 1, 2),
            MachinePreset("medium-2x", 2, 4),
            MachinePreset("large-1x", 4, 8),
            MachinePreset("large-2x", 8, 16),
        )
    }
)
"""Every preset by its name, smallest first."""


def preset_name(machine: str | Mapping[str, str], *, option: str = "machine") -> str:
    """The name of a preset, given as "large-1x" or {"preset": "large-1x"}; InvalidOptionError otherwise."""
    name: object = machine
    if isinstance(machine, Mapping) and set(machine) == {"preset"}:
        name = machine["preset"]
    if isinstance(name, str) and name in PRESETS:
        return name
    near = get_close_matches(name.lower(), PRESETS, n=2) if isinstance(name, str) else []
    guess = f" Did you mean {' or '.join(near)}?" if near else ""
    raise InvalidOptionError(
        option,
        machine,
        f'give the name of a preset, "x" or {{"preset": "x"}}: {", ".join(PRESETS)}.{guess}',
    )
