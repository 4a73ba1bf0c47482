"""What a run leaves behind holds none of its secrets."""

import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from pydantic_core import to_json

from taskkit.model.error_info import ErrorInfo
from taskkit.model.redaction import Redaction

SECRET = "hunter/ü\"'7f3a"


@pytest.mark.parametrize("kept", [4, 10, 19])
def test_the_beginning_of_a_secret_that_was_cut_off_is_masked(kept: int) -> None:
    secret = "correct-horse-battery"
    redaction = Redaction({"/password": f'"{secret}"'})
    error = ValueError("x" * (1000 - kept) + secret + "y" * 50)
    shown = redaction.error(ErrorInfo.of(error))
    assert secret[:4] not in shown.message
    assert shown.message.endswith("********...[truncated]")
    long_line = ValueError("\x00" + "x" * (1024 - kept - len("ValueError: ")) + secret)
    stack = redaction.error(ErrorInfo.of(long_line)).stack
    assert stack is not None
    assert secret[:4] not in stack


@pytest.mark.parametrize(
    "write",
    [
        str,
        repr,
        json.dumps,
        lambda secret: to_json(secret).decode(),
        lambda secret: quote(secret, safe=""),
    ],
    ids=["plain", "repr", "ascii JSON", "JSON", "URL"],
)
def test_a_secret_is_masked_however_it_is_written(write: Callable[[str], str]) -> None:
    redaction = Redaction()
    redaction.add(SECRET)
    assert "7f3a" not in redaction.text(f"<{write(SECRET)}>")
