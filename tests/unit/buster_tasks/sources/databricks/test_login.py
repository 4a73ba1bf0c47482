"""Where the workspace is, and what the driver is given."""

from typing import Any

import pytest

from buster_tasks.errors import ConnectionFailedError, HostNotFoundError
from buster_tasks.sources import DatabricksCredentials
from buster_tasks.sources.databricks.login import arguments, endpoint_of
from buster_tasks.sources.databricks.principal import ServicePrincipal


def credentials(**changes: Any) -> DatabricksCredentials:
    known = {"server_hostname": "dbc.example", "http_path": "/sql/x", "access_token": "t"}
    return DatabricksCredentials.model_validate({**known, **changes})


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("dbc.example", "https://dbc.example:443"),
        ("https://dbc.example/", "https://dbc.example:443"),
        ("https://dbc.example:8443", "https://dbc.example:8443"),
        ("http://127.0.0.1:5", "http://127.0.0.1:5"),
        ("http://[::1]:5", "http://[::1]:5"),
    ],
)
def test_a_host_is_a_name_or_a_url(host: str, url: str) -> None:
    assert endpoint_of(credentials(server_hostname=host)).url == url


@pytest.mark.parametrize(
    "host", ["https://u:p@h", "https://h/path", "ftp://h", "https://h?x=1", "https://[h"]
)
def test_what_is_no_host_is_told_without_its_secret(host: str) -> None:
    with pytest.raises(HostNotFoundError) as caught:
        endpoint_of(credentials(server_hostname=host))
    assert "u:p" not in str(caught.value)


def test_no_token_goes_over_the_network_without_tls() -> None:
    with pytest.raises(ConnectionFailedError, match="http://"):
        endpoint_of(credentials(server_hostname="http://dbc.example"))


def test_the_driver_tells_nothing_and_fetches_nothing_elsewhere() -> None:
    one = credentials(catalog="main", default_schema="shop")
    given = arguments(one, endpoint_of(one), 10)
    assert (given["enable_telemetry"], given["use_cloud_fetch"]) == (False, False)
    assert given["_connection_uri"] == "https://dbc.example:443/sql/x"
    assert (given["access_token"], given["catalog"], given["schema"]) == ("t", "main", "shop")
    assert given["_retry_stop_after_attempts_duration"] == 10


def test_a_service_principal_has_a_provider_and_no_token() -> None:
    one = credentials(access_token=None, client_id="c", client_secret="canary")
    given = arguments(one, endpoint_of(one), 10)
    assert isinstance(given["credentials_provider"], ServicePrincipal)
    assert "access_token" not in given
    assert "canary" not in repr(given)
