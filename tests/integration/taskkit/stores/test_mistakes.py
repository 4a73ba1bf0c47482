"""What users are told when a store cannot be used."""

import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import taskkit
from taskkit import runs
from taskkit.errors import InvalidConfigError, StoreUnavailableError, TaskkitError
from taskkit.runtime import current_backend

pytestmark = pytest.mark.anyio


async def told(url: str) -> TaskkitError:
    try:
        with taskkit.use_backend(url):
            await runs.retrieve("run_1")
    except TaskkitError as error:
        return error
    finally:
        current_backend.forget(url)
    raise AssertionError("no error")


@pytest.mark.parametrize("entrance", ["worker", "use_backend"])
async def test_a_wrong_password_is_told_and_not_shown(postgres_url: str, entrance: str) -> None:
    wrong = postgres_url.replace(":secret@", ":hunter2@")
    assert wrong != postgres_url
    if entrance == "worker":
        with pytest.raises(StoreUnavailableError) as caught:
            async with taskkit.worker(wrong):
                raise AssertionError("nobody works with a wrong password")
        message = str(caught.value)
    else:
        message = str(await told(wrong))
    assert "password authentication failed" in message
    assert "127.0.0.1" in message
    assert "user, password and the name of the database are right" in message
    assert "hunter2" not in message


async def test_a_server_or_a_database_that_is_not_there(postgres_url: str) -> None:
    parts = urlsplit(postgres_url)
    nowhere = await told("postgresql://ada:hunter2@127.0.0.1:1/shop")
    assert isinstance(nowhere, StoreUnavailableError)
    assert "127.0.0.1:1/shop" in str(nowhere)
    assert "refused" in str(nowhere)
    missing = await told(parts._replace(path="/none").geturl())
    assert isinstance(missing, StoreUnavailableError)
    assert '"none" does not exist' in str(missing)
    for error in (nowhere, missing):
        assert "hunter2" not in str(error)
        assert "secret" not in str(error)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresl://ada:hun/ter2@db/shop", "Did you mean postgresql://?"),
        ("postgresql:ada:hunter2@db", "is not a URL"),
        ("x://db/shop?user=ada&password=hunter2", "No backend is registered for x://"),
        ("sqlite://runs.db", "Write sqlite:///runs.db"),
        ("sqlite:///runs.db?synchronous=off", "synchronous='off'"),
    ],
)
async def test_urls_that_mean_nothing(url: str, expected: str) -> None:
    error = await told(url)
    assert isinstance(error, InvalidConfigError)
    assert expected in str(error)
    assert "hun" not in str(error)
    assert "ter2" not in str(error)


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    error = await told(f"sqlite:///{tmp_path / 'none' / 'runs.db'}")
    assert isinstance(error, StoreUnavailableError)
    assert f"{tmp_path}/none/runs.db" in str(error)
    assert "whether the folder exists" in str(error)


async def test_a_folder_in_the_place_of_the_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    error = await told(f"sqlite:///{tmp_path}")
    assert isinstance(error, StoreUnavailableError)
    assert "chmod" not in caplog.text


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    path.write_text("no database" * 1000)
    assert "not a database" in str(await told(f"sqlite:///{path}"))
    assert path.read_text() == "no database" * 1000


def test_a_missing_driver_is_told_with_the_command_that_installs_it() -> None:
    program = (
        "import sys; sys.modules['psycopg'] = None\n"
        "import taskkit\n"
        "taskkit.use_backend('postgresql://ada:hunter2@127.0.0.1/shop')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    last = done.stderr.splitlines()[-1]
    assert "MissingExtraError" in last
    assert 'pip install "buster-tasks[postgres]"' in last
    assert "hunter2" not in done.stderr
