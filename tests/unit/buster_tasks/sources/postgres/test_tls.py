import os
import ssl
from pathlib import Path

import pytest

from buster_tasks.errors import TlsFailedError
from buster_tasks.sources.credentials import TlsOptions
from buster_tasks.sources.postgres.tls import TextFiles, Tls

HERE, AWAY = ["127.0.0.1", "::1"], ["192.0.2.1"]
NEW = 180_000


@pytest.mark.parametrize(
    ("wanted", "found", "mode"),
    [
        (None, HERE, "prefer"),
        (None, AWAY, "verify-full"),
        (None, [*HERE, *AWAY], "verify-full"),
        (True, HERE, "verify-full"),
        (True, AWAY, "verify-full"),
        (False, AWAY, "disable"),
        (TlsOptions(), AWAY, "verify-full"),
        (TlsOptions(reject_unauthorized=False), AWAY, "require"),
    ],
)
def test_it_is_checked_unless_said_otherwise(
    wanted: bool | TlsOptions | None, found: list[str], mode: str
) -> None:
    tls = Tls(wanted, found, TextFiles())
    parameters = tls.parameters(NEW)
    assert parameters["sslmode"] == mode
    assert tls.is_required == (mode in ("verify-full", "require"))
    assert tls.context().check_hostname == (mode == "verify-full")
    assert (tls.context().verify_mode == ssl.CERT_REQUIRED) == (mode == "verify-full")


def test_certificates_in_somebodys_home_are_not_taken() -> None:
    parameters = Tls(TlsOptions(reject_unauthorized=False), AWAY, TextFiles()).parameters(NEW)
    assert parameters["sslcertmode"] == "disable"
    for name in ("sslrootcert", "sslcert", "sslkey"):
        assert not Path(parameters[name]).exists()
    assert "sslcertmode" not in Tls(True, AWAY, TextFiles()).parameters(150_000)


def test_texts_that_are_no_certificates() -> None:
    with pytest.raises(TlsFailedError, match="cannot be used") as caught:
        Tls(TlsOptions(ca="canary-ca"), AWAY, TextFiles())
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_text_is_a_file_that_nobody_else_reads(
    monkeypatch: pytest.MonkeyPatch, in_memory: bool
) -> None:
    if not in_memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)
    files = TextFiles()
    path = Path(files.add("a key"))
    assert path.read_text() == "a key"
    assert path.stat().st_mode & 0o777 == 0o600
    files.close()
    assert not path.exists()
    files.close()
