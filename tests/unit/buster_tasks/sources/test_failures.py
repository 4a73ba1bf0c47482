import ssl

import pytest

from buster_tasks.errors import TlsFailedError
from buster_tasks.sources.failures import (
    behind,
    by_number,
    locked,
    not_a_read,
    rejected,
    tls_failed,
)


@pytest.mark.parametrize("text", ["no such table", "no such table."])
def test_a_sentence_has_one_full_stop_whoever_wrote_it(text: str) -> None:
    assert rejected("MyBase", text).message == "MyBase rejects the statement: no such table."
    assert not_a_read(text).message == "A data source is only read, and no such table."
    assert locked(text).message == "Somebody else holds a lock: no such table."


def test_a_certificate_has_a_fix_of_its_own() -> None:
    wrong = ssl.SSLCertVerificationError(1, "certificate verify failed")
    wrong.verify_message = "self-signed certificate"
    told = tls_failed(wrong, "h:1", certificate="Give the ca.", otherwise="Use TLS.")
    assert isinstance(told, TlsFailedError)
    assert told.message == "The certificate of h:1 does not hold: self-signed certificate."
    assert told.fix == "Give the ca."


def test_without_a_reason_tls_had_no_agreement() -> None:
    told = tls_failed(ssl.SSLError(), "h:1", certificate="Give the ca.", otherwise="Use TLS.")
    assert (told.message, told.fix) == ("TLS with h:1 failed: no agreement.", "Use TLS.")


def test_a_table_of_numbers_is_written_by_meaning() -> None:
    table = by_number(((1, 2), rejected), ((3,), locked))
    assert table == {1: rejected, 2: rejected, 3: locked}


def test_all_errors_within_one_are_found_once() -> None:
    root, cause, argument = ValueError("root"), OSError("cause"), KeyError("argument")
    root.__cause__, root.args = cause, ("text", argument)
    cause.__context__ = root  # a circle
    assert behind(root) == [root, cause, argument]
