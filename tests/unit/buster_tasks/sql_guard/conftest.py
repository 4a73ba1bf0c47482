"""The lists of statements: one per line, `##` begins a heading."""

from pathlib import Path

import pytest

STATEMENTS = Path(__file__).parent / "statements"
DIALECTS = sorted({path.name.split(".")[0] for path in STATEMENTS.glob("*.sql")})


def statements(dialect: str, kind: str) -> list[str]:
    lines = (STATEMENTS / f"{dialect}.{kind}.sql").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("##")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "dialect" in metafunc.fixturenames:
        metafunc.parametrize("dialect", DIALECTS)


@pytest.fixture
def hostile(dialect: str) -> list[str]:
    return statements(dialect, "hostile")


@pytest.fixture
def legitimate(dialect: str) -> list[str]:
    return statements(dialect, "legitimate")
