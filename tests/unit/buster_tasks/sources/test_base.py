import pytest

from buster_tasks.errors import AuthenticationError, SourceError
from buster_tasks.sources import ConnectionTest


def test_a_failed_test_raises_what_it_failed_with() -> None:
    error = AuthenticationError("The server refuses user 'shop'.", fix="Check the password.")
    test = ConnectionTest.failed(error)
    assert (test.ok, test.error_code) == (False, "AUTHENTICATION_FAILED")
    with pytest.raises(AuthenticationError) as caught:
        test.raise_if_failed()
    assert caught.value is error


def test_after_the_wire_it_raises_the_message() -> None:
    test = ConnectionTest.failed(AuthenticationError("The server refuses user 'shop'."))
    again = ConnectionTest.model_validate_json(test.model_dump_json(by_alias=True))
    with pytest.raises(SourceError, match="refuses user 'shop'"):
        again.raise_if_failed()


def test_a_good_test_raises_nothing() -> None:
    ConnectionTest(ok=True).raise_if_failed()
