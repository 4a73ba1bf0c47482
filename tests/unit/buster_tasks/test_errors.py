import pickle

import pytest

from buster_tasks import errors
from buster_tasks.errors import ConnectionFailedError, DriverMissingError, SourceError
from taskkit.errors import MissingExtraError, TaskkitError

TYPES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, SourceError)
]


@pytest.mark.parametrize("kind", TYPES)
def test_an_error_has_a_code_a_message_and_a_fix(kind: type[SourceError]) -> None:
    error = kind("What happened.", fix="What to do.")
    assert isinstance(error, TaskkitError)
    assert (error.message, error.fix) == ("What happened.", "What to do.")
    assert str(error) == "What happened. What to do."
    assert error.code.isupper()
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.fix) == (kind, str(error), error.fix)


def test_codes_are_different() -> None:
    assert len({kind.code for kind in TYPES}) == len(TYPES)


def test_the_tree_on_top_names_them_all() -> None:
    assert errors.__doc__ is not None
    assert [kind.__name__ for kind in TYPES if kind.__name__ not in errors.__doc__] == []


def test_one_error_may_differ_from_its_kind() -> None:
    assert ConnectionFailedError("Down.").transient is True
    assert ConnectionFailedError("Gone.", transient=False).transient is False


def test_a_missing_driver_is_a_missing_extra_with_its_command() -> None:
    error = DriverMissingError.of(
        "PostgreSQL", "postgres", ImportError("No module named 'psycopg'")
    )
    assert isinstance(error, MissingExtraError)
    assert (error.extra, error.transient) == ("postgres", False)
    assert 'pip install "buster-tasks[postgres]"' in str(error)
    assert "psycopg" in error.message
    assert pickle.loads(pickle.dumps(error)).extra == "postgres"
