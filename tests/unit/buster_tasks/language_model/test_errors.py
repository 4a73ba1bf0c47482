import pickle

import pytest

from buster_tasks.language_model import errors
from buster_tasks.language_model.errors import (
    BudgetExceededError,
    LanguageModelError,
    ModelLibraryMissingError,
    ModelTimeoutError,
    RateLimitedError,
)
from taskkit.errors import MissingExtraError, TaskkitError

TYPES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, LanguageModelError)
]


@pytest.mark.parametrize("kind", TYPES)
def test_an_error_has_a_code_a_message_and_a_fix(kind: type[LanguageModelError]) -> None:
    error = kind("What happened.", fix="What to do.", transient=True)
    assert isinstance(error, TaskkitError)
    assert (error.message, error.fix, error.transient) == ("What happened.", "What to do.", True)
    assert str(error) == "What happened. What to do."
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.fix) == (kind, str(error), error.fix)


def test_codes_are_different() -> None:
    assert len({kind.code for kind in TYPES}) == len(TYPES)


def test_the_tree_on_top_names_them_all() -> None:
    assert errors.__doc__ is not None
    assert [kind.__name__ for kind in TYPES if kind.__name__ not in errors.__doc__] == []


def test_what_comes_and_goes_is_transient() -> None:
    assert ModelTimeoutError("Silence.").transient
    assert not BudgetExceededError("No more.").transient
    assert pickle.loads(pickle.dumps(RateLimitedError("Slow.", retry_after=2.5))).retry_after == 2.5


def test_a_missing_library_is_a_missing_extra_with_its_command() -> None:
    error = ModelLibraryMissingError.of(ImportError("No module named 'litellm'"))
    assert isinstance(error, MissingExtraError)
    assert (error.extra, error.transient) == ("agent", False)
    assert 'pip install "buster-tasks[agent]"' in str(error)
