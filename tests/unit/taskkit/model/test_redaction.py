"""What a run leaves behind holds none of its secrets."""

import pytest

from taskkit.model.error_info import ErrorInfo
from taskkit.model.redaction import Redaction


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
