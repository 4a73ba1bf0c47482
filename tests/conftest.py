"""What tests share: the event loop, how hard Hypothesis tries, what is forgotten after each, servers that keep runs."""

import os
import shutil
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from hypothesis import settings

from benchmarks.redis import redis_program, redis_server
from benchmarks.servers import PostgresServer, ServerMissingError, postgres_server
from benchmarks.temporal import temporal_server
from taskkit import config
from taskkit.definition.registry import REGISTRY
from taskkit.runtime import current_backend

settings.register_profile("ci", max_examples=100, deadline=None, derandomize=False, print_blob=True)
settings.register_profile("thorough", settings.get_profile("ci"), max_examples=5_000)
settings.load_profile("ci")  # `--hypothesis-profile=thorough` overrides it

SCHEMAS = count()
PROJECTS = count()
PREFIXES = count()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def catalog_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a test introspects is kept in a catalog that goes with the tests, also by processes that they start."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv(
            "BUSTER_TASKS_CATALOG", str(tmp_path_factory.mktemp("catalog") / "catalog.db")
        )
        yield


@pytest.fixture
def isolated() -> Iterator[None]:
    """No task, hook, setting or backend of one test is seen by the next."""
    with REGISTRY.isolated():
        config.reset()
        yield
    config.reset()
    current_backend.configure(None)
    current_backend.forget("memory://")


@pytest.fixture(scope="session")
def runs_server() -> Iterator[PostgresServer]:
    """A server that is started when the first test needs it; who stops or breaks one starts its own."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def new_postgres_url(runs_server: PostgresServer) -> Callable[[], str]:
    """Makes URLs of backends that know nothing of each other."""
    return lambda: f"{runs_server.url()}?schema=taskkit_{next(SCHEMAS)}"


@pytest.fixture
def postgres_url(new_postgres_url: Callable[[], str]) -> str:
    return new_postgres_url()


@pytest.fixture(scope="session")
def temporal_address() -> Iterator[str]:
    """Of a Temporal server that is started when the first test needs it."""
    try:
        with temporal_server() as address:
            yield address
    except ServerMissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def new_temporal_url(temporal_address: str) -> Callable[[], str]:
    """Makes URLs of projects that know nothing of each other; a silent worker is dead after 5 seconds."""
    return lambda: f"temporal://{temporal_address}/default?project=test{next(PROJECTS)}&lease=5"


@pytest.fixture
def temporal_url(new_temporal_url: Callable[[], str]) -> str:
    return new_temporal_url()


@pytest.fixture(scope="session")
def redis_is_installed() -> None:
    """Skips where nobody may install the server; where `.ci/run` could have done so, its absence is an error."""
    try:
        redis_program()
    except ServerMissingError as missing:
        if "CI" in os.environ and os.geteuid() == 0 and shutil.which("apt-get"):
            raise
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def redis_url(redis_is_installed: None) -> Iterator[str]:
    """Of a Redis server that is started when the first test needs it; who stops one starts its own."""
    with redis_server() as server:
        yield server.url


@pytest.fixture(scope="session")
def new_redis_prefix() -> Callable[[], str]:
    """Makes prefixes of keys, under which nothing is there yet."""
    return lambda: f"test{next(PREFIXES)}"
