"""What every test shares: the event loop, and how hard Hypothesis tries."""

import pytest
from hypothesis import settings

settings.register_profile("ci", max_examples=100, deadline=None, derandomize=False, print_blob=True)
settings.register_profile("thorough", settings.get_profile("ci"), max_examples=5_000)
settings.load_profile("ci")  # `--hypothesis-profile=thorough` overrides it


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
