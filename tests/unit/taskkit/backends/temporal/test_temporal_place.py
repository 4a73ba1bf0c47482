"""What a URL of a Temporal server may say."""

import pytest

from taskkit.errors import InvalidConfigError

pytest.importorskip("temporalio", reason="temporalio is not installed")

from taskkit.backends.temporal.place import Tls, place_of  # its package needs it


def test_a_url_says_how_tls_is_spoken() -> None:
    said = "tls=true&ca=/etc/ca.pem&cert=/etc/worker.pem&key=/etc/worker.key&server_name=runs"
    assert place_of(f"temporal://host/ns?{said}").tls == Tls(
        True, "/etc/ca.pem", "/etc/worker.pem", "/etc/worker.key", "runs"
    )
    assert place_of("temporal://host?tls=no").tls == Tls(False)
    assert place_of("temporal://host").tls == Tls()


def test_an_address_of_ipv6_keeps_its_brackets() -> None:
    assert place_of("temporal://[::1]:7000/ns").address == "[::1]:7000"


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("tls=perhaps", "true or false"),
        ("tls=false&ca=/etc/ca.pem", "contradict"),
        ("cert=/etc/worker.pem", "go together"),
        ("key=/etc/worker.key", "go together"),
        ("ca=", "must not be empty"),
        ("api_key=s3cr3t", "TEMPORAL_API_KEY"),
        ("token=s3cr3t", "'token' is no option"),
    ],
)
def test_what_is_not_understood_is_said_without_secrets(options: str, why: str) -> None:
    with pytest.raises(InvalidConfigError, match="is not understood") as caught:
        place_of(f"temporal://host/ns?{options}")
    assert why in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_a_password_is_not_shown() -> None:
    with pytest.raises(InvalidConfigError, match="and no user") as caught:
        place_of("temporal://me:s3cr3t@host/ns")
    assert "s3cr3t" not in str(caught.value)
