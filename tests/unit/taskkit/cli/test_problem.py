"""How errors are shown, and the exit status that each means."""

import pytest

from taskkit import errors
from taskkit.cli.problem import TROUBLE, USAGE, Problem, block_of, places, status_of


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.TaskNotFoundError("x"), USAGE),
        (errors.PayloadValidationError("no"), USAGE),
        (errors.InvalidOptionError("delay", 1, "no"), USAGE),
        (errors.InvalidDurationError("delay", "x", "no"), USAGE),
        (errors.RunNotFoundError("run_x"), USAGE),
        (errors.BackendNotConfiguredError(), TROUBLE),
        (errors.InvalidConfigError("no"), TROUBLE),
        (errors.MissingExtraError("sql", "SQLite needs sqlalchemy"), TROUBLE),
        (errors.StoreUnavailableError("gone"), TROUBLE),
        (errors.UnsupportedByBackendError("x", backend="b"), TROUBLE),
        (errors.TaskSignatureError("no"), TROUBLE),
        (ConnectionRefusedError(111, "refused"), TROUBLE),
        (Problem("typed wrongly"), USAGE),
        (Problem("trouble", status=TROUBLE), TROUBLE),
    ],
)
def test_status(error: Exception, status: int) -> None:
    assert status_of(error) == status


def test_first_sentence_is_what_and_the_rest_is_why() -> None:
    block = block_of(errors.RunNotDelayedError("run_1", "EXECUTING"))
    assert block.what == "Run run_1 is EXECUTING; only a DELAYED run can be rescheduled."
    assert block.why == "Cancel it and trigger again with another delay."
    assert block.kind == "RunNotDelayedError"


def test_lines_of_a_message_are_kept() -> None:
    block = block_of(errors.BackendNotConfiguredError())
    assert len(block.details) == 4
    assert block.details[0].lstrip().startswith("async with taskkit.local()")


def test_unforeseen_error_is_told_by_its_class() -> None:
    block = block_of(KeyError("x"))
    assert (block.what, block.fix) == ("KeyError: 'x'", "Run it again with --debug to see where.")


def test_places_name_the_path_and_what_was_given() -> None:
    found = places(
        [
            {"type": "missing", "loc": ("a", 0), "msg": "Field required", "input": {}},
            {"type": "int_type", "loc": (), "msg": "Not a number", "input": "x" * 100},
            {"type": "int_type", "loc": ("secret",), "msg": "Not a number"},
        ]
    )
    assert list(found) == [
        "payload.a.0: Field required",
        f"payload: Not a number (given '{'x' * 56}...)",
        "payload.secret: Not a number",
    ]


def test_problem_is_json_for_programs() -> None:
    problem = Problem("What.", where="here", details=["one"], fix="Mend it.")
    assert problem.block.as_json() == {
        "error": {
            "name": "Problem",
            "message": "What.",
            "where": "here",
            "why": None,
            "details": ["one"],
            "fix": "Mend it.",
        }
    }
