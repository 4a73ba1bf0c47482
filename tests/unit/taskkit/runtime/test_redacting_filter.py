"""Secrets that are known outside of a run are masked in log records too."""

import logging
from collections.abc import Iterator

import pytest

from taskkit.model.redaction import Redaction
from taskkit.runtime.redacting_filter import RedactingFilter, mask_logs

NAME = "taskkit.test_redacting_filter"
SECRET = "hunter2-secret"


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    known = Redaction()
    known.add(SECRET)
    logger = logging.getLogger(NAME)
    mask_logs(NAME, known=known)
    yield logger
    logger.filters.clear()


def test_texts_and_arguments(logger: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    logger.warning("the key is %s", SECRET)
    assert caplog.messages == ["the key is ********"]


def test_tracebacks(logger: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError(SECRET)
    except ValueError:
        logger.exception("it failed")
    assert "ValueError: ********" in caplog.text
    assert SECRET not in caplog.text


def test_arguments_that_do_not_fit_stop_nobody(
    logger: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    logger.warning("two %s %s", *[SECRET])
    assert caplog.messages == ["two %s %s ('********',)"]


def test_the_filter_is_put_on_once(logger: logging.Logger) -> None:
    mask_logs(NAME)
    assert len([one for one in logger.filters if isinstance(one, RedactingFilter)]) == 1
