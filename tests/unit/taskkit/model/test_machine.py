"""Machine presets by name."""

from typing import Any

import pytest

from taskkit.errors import InvalidOptionError
from taskkit.model.machine import DEFAULT, PRESETS, preset_name


def test_presets_are_those_of_trigger_dev() -> None:
    assert {name: (preset.cpu, preset.memory_gb) for name, preset in PRESETS.items()} == {
        "micro": (0.25, 0.25),
        "small-1x": (0.5, 0.5),
        "small-2x": (1, 1),
        "medium-1x": (1, 2),
        "medium-2x": (2, 4),
        "large-1x": (4, 8),
        "large-2x": (8, 16),
    }
    assert DEFAULT == "small-1x"
    assert all(preset.name == name for name, preset in PRESETS.items())


@pytest.mark.parametrize("machine", ["large-1x", {"preset": "large-1x"}])
def test_both_spellings(machine: Any) -> None:
    assert preset_name(machine) == "large-1x"


@pytest.mark.parametrize(
    "machine",
    ["", "large", "LARGE-1X", {}, {"preset": "x"}, {"preset": ["micro"]}, {"cpu": 1}, {"preset": "micro", "cpu": 1},
     3, None, ["micro"]],
    ids=repr,
)  # fmt: skip
def test_anything_else_is_refused(machine: Any) -> None:
    with pytest.raises(InvalidOptionError) as caught:
        preset_name(machine)
    assert all(name in str(caught.value) for name in PRESETS)


def test_error_knows_what_was_meant() -> None:
    with pytest.raises(InvalidOptionError, match=r"Did you mean large-1x"):
        preset_name("Large-1X")
    with pytest.raises(InvalidOptionError, match=r"^out_of_memory is 'big'"):
        preset_name("big", option="out_of_memory")
