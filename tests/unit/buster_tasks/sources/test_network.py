import errno
import socket

import pytest

from buster_tasks.errors import ConnectionFailedError, HostNotFoundError, SourceTimeoutError
from buster_tasks.sources.network import addresses, no_answer, unreachable


def test_addresses_are_numeric_and_each_comes_once() -> None:
    assert addresses("127.0.0.1", 1) == ["127.0.0.1"]
    assert "127.0.0.1" in addresses("localhost", 1)


def failing(error: Exception, monkeypatch: pytest.MonkeyPatch) -> HostNotFoundError:
    def refuse(*_args: object, **_options: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pytest.raises(HostNotFoundError) as caught:
        addresses("db.example", 5432)
    return caught.value


def test_a_name_without_an_address_will_not_have_one_later(monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = failing(socket.gaierror(socket.EAI_NONAME, "Name not known"), monkeypatch)
    assert "'db.example'" in unknown.message
    assert not unknown.transient


def test_a_name_server_that_does_not_answer_may_do_so_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert failing(socket.gaierror(socket.EAI_AGAIN, "Try again"), monkeypatch).transient


def test_a_name_that_cannot_be_one() -> None:
    with pytest.raises(HostNotFoundError, match="cannot be the name"):
        addresses("a" * 70 + ".example", 5432)


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (
            ConnectionRefusedError(errno.ECONNREFUSED, "no"),
            ConnectionFailedError,
            "Nothing listens",
        ),
        (OSError(errno.EHOSTUNREACH, "no"), ConnectionFailedError, "No way leads"),
        (OSError(errno.ETIMEDOUT, "no"), SourceTimeoutError, "did not answer"),
        (TimeoutError("no"), SourceTimeoutError, "did not answer"),
        (ConnectionResetError(errno.ECONNRESET, "no"), ConnectionFailedError, "reset"),
        (OSError("no"), ConnectionFailedError, "OSError"),
    ],
)
def test_the_errno_decides(error: OSError, kind: type[Exception], text: str) -> None:
    found = unreachable("db", 5432, error)
    assert type(found) is kind
    assert text in found.message
    assert "db:5432" in found.message
    assert found.transient
    assert found.fix


def test_nobody_answered_in_time() -> None:
    assert "within 2.5 s" in no_answer("db", 1, 2.5).message
