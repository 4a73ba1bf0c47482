"""The palette can be told apart and seen, on light and dark, by all eyes."""

import itertools
import math
import re
from pathlib import Path

import pytest

from buster_tasks.analyst.charting import theme
from buster_tasks.analyst.report import html_page

CSS = Path(html_page.__file__).with_suffix(".css").read_text("utf-8")

# Machado, Oliveira and Fernandes 2009, severity 1
EYES = {
    "all cones": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "no red": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no green": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no blue": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear(color: str) -> list[float]:
    parts = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]


def contrast(one: str, other: str) -> float:
    lights = [
        sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear(x), strict=True))
        for x in (one, other)
    ]
    return (max(lights) + 0.05) / (min(lights) + 0.05)


def lab(rgb: list[float]) -> tuple[float, float, float]:
    r, g, b = (min(1.0, max(0.0, c)) for c in rgb)
    scaled = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
    )
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in scaled)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def seen_by(eyes: list[list[float]], color: str) -> tuple[float, float, float]:
    known = linear(color)
    return lab([sum(w * c for w, c in zip(row, known, strict=True)) for row in eyes])


def variable(name: str, scheme: str) -> str:
    light, dark = CSS.split("@media (prefers-color-scheme: dark)")[:2]
    found = re.search(rf"--{name}: (#[0-9a-f]{{6}})", light if scheme == "light" else dark)
    assert found
    return found[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("color", theme.PALETTE)
def test_each_color_stands_out_from_the_page(color: str, scheme: str) -> None:
    assert contrast(color, variable("card", scheme)) >= 3


@pytest.mark.parametrize("eyes", sorted(EYES))
def test_any_two_colors_differ_for_all_eyes(eyes: str) -> None:
    seen = [seen_by(EYES[eyes], color) for color in theme.PALETTE]
    assert min(math.dist(*pair) for pair in itertools.combinations(seen, 2)) >= 15
    assert min(math.dist(*pair) for pair in itertools.combinations(seen[:5], 2)) >= 24


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("text", "page"),
        ("text", "card"),
        ("text", "sunken"),
        ("text", "mark"),
        ("text", "unsure-soft"),
        ("text", "bad-soft"),
        ("muted", "page"),
        ("muted", "card"),
        ("muted", "sunken"),
        ("accent", "card"),
        ("good", "good-soft"),
        ("bad", "bad-soft"),
        ("unsure", "unsure-soft"),
    ],
)
def test_text_can_be_read(text: str, ground: str, scheme: str) -> None:
    assert contrast(variable(text, scheme), variable(ground, scheme)) >= 4.5


def test_the_page_knows_the_colors_of_a_drawing() -> None:
    for color in (theme.TEXT, theme.MUTED, theme.GRID, theme.ZERO):
        assert f'="{color}"]' in CSS
    assert variable("text", "light") == theme.TEXT
    assert variable("muted", "light") == theme.MUTED
