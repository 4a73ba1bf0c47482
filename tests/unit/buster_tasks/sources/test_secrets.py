import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from buster_tasks.errors import SecretNotFoundError
from buster_tasks.sources import resolve_secret


@pytest.mark.parametrize("text", ["hunter2", "", "a:b", "environment:x", "https://x"])
def test_a_secret_is_itself(text: str) -> None:
    assert resolve_secret(SecretStr(text)) == text


def test_a_variable_is_looked_up_when_it_is_needed() -> None:
    assert resolve_secret("env:PATH") == os.environ["PATH"]


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(SecretNotFoundError, match="SHOP_PASSWORD_THAT_IS_NOT_SET"):
        resolve_secret("env:SHOP_PASSWORD_THAT_IS_NOT_SET")


@pytest.mark.parametrize(
    ("content", "secret"), [("hunter2\n", "hunter2"), ("hunter2\r\n", "hunter2"), ("a\n\n", "a\n"), ("", "")]
)  # fmt: skip
def test_a_file_is_read_without_its_last_line_end(
    tmp_path: Path, content: str, secret: str
) -> None:
    file = tmp_path / "password"
    file.write_bytes(content.encode())
    assert resolve_secret(f"file:{file}") == secret


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SecretNotFoundError, match="no-such-file"):
        resolve_secret(f"file:{tmp_path / 'no-such-file'}")


def test_a_file_that_is_no_text_shows_nothing_of_it(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_bytes(b"hunter2\xff")
    with pytest.raises(SecretNotFoundError) as caught:
        resolve_secret(f"file:{file}")
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
