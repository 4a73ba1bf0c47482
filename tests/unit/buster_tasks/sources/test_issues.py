import pytest

from buster_tasks.errors import (
    PermissionDeniedError,
    QueryFailedError,
    SourceError,
    SourceTimeoutError,
)
from buster_tasks.sources.issues import code_of, listed


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PermissionDeniedError("No."), "PERMISSION_DENIED"),
        (SourceTimeoutError("Late."), "TIME_LIMIT_REACHED"),
        (QueryFailedError("Wrong."), "CATALOG_UNREADABLE"),
    ],
)
def test_an_issue_has_the_code_of_what_ended_the_reading(error: SourceError, code: str) -> None:
    assert code_of(error) == code


@pytest.mark.parametrize(
    ("count", "end"), [(1, "'t0'"), (20, "'t19'"), (21, "'t19' and 1 more"), (300, "280 more")]
)
def test_no_more_than_twenty_names_are_listed(count: int, end: str) -> None:
    text = listed([f"t{number}" for number in range(count)])
    assert text.startswith("'t0'")
    assert text.endswith(end)
    assert text.count("'t") == min(count, 20)
