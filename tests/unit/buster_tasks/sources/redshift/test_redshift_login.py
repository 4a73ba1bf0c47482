"""How credentials become a user and a password; AWS is a server here that answers as it does."""

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from benchmarks.servers import free_port
from buster_tasks.errors import AuthenticationError, ConnectionFailedError
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.credentials import RedshiftCredentials
from buster_tasks.sources.redshift.login import Login, Target, read_login, target_of

HOST = "shop.abc123.eu-west-1.redshift.amazonaws.com"
SERVERLESS = "sales.123456789012.us-east-1.redshift-serverless.amazonaws.com"
NAMESPACE = "http://redshift.amazonaws.com/doc/2012-12-01/"


class Aws(ThreadingHTTPServer):
    """Makes temporary passwords, or refuses to with this code."""

    daemon_threads = True
    refusal: str | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[dict[str, Any]] = []
        self.headers: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Aws

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.headers.append(str(self.headers))
        target = self.headers.get("X-Amz-Target")
        if target is not None:
            self.server.asked.append({"Action": target.rpartition(".")[2], **json.loads(body)})
            made = {"dbUser": "IAMR:role", "dbPassword": "temporary-9"}
            self._say(200, json.dumps(made), "application/x-amz-json-1.1")
            return
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        self.server.asked.append(asked)
        action = asked["Action"]
        if self.server.refusal is not None:
            error = (
                f"<Error><Code>{self.server.refusal}</Code><Message>no canary-key</Message></Error>"
            )
            self._say(
                400, f'<ErrorResponse xmlns="{NAMESPACE}">{error}</ErrorResponse>', "text/xml"
            )
            return
        user = "IAM:" + asked.get("DbUser", "me")
        made_xml = f"<DbUser>{user}</DbUser><DbPassword>temporary-8</DbPassword>"
        self._say(
            200,
            f'<{action}Response xmlns="{NAMESPACE}"><{action}Result>{made_xml}</{action}Result></{action}Response>',
            "text/xml",
        )

    def _say(self, status: int, text: str, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_request(self, *given: object) -> None:
        pass


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the machine's own AWS settings."""
    for name in (
        "AWS_PROFILE",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_DEFAULT_REGION",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    server = Aws()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL_REDSHIFT", url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS", url)
    thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def credentials(**given: object) -> RedshiftCredentials:
    known: dict[str, object] = {"host": HOST, "database": "dev", "iam": True}
    keys: dict[str, object] = {"access_key_id": "AKIAX", "secret_access_key": "canary-key"}
    return RedshiftCredentials.model_validate({**known, **keys, **given})


def login(given: RedshiftCredentials) -> Login:
    return read_login(given, Budget(10))


def test_a_password_of_the_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RS_PASSWORD", "p")
    plain = RedshiftCredentials.model_validate(
        {"host": "h", "database": "d", "username": "u", "password": "env:RS_PASSWORD"}
    )
    assert login(plain) == ("u", "p")


def test_for_a_user_of_a_cluster(aws: Aws) -> None:
    assert login(credentials(username="reader")) == ("IAM:reader", "temporary-8")
    [asked] = aws.asked
    assert asked["Action"] == "GetClusterCredentials"
    assert (asked["ClusterIdentifier"], asked["DbUser"], asked["DbName"]) == (
        "shop",
        "reader",
        "dev",
    )
    assert asked["AutoCreate"] == "false"
    assert "AKIAX" in aws.headers[0]
    assert "/eu-west-1/redshift/" in aws.headers[0]
    assert "canary-key" not in aws.headers[0]


def test_for_the_identity_itself(aws: Aws) -> None:
    given = credentials(cluster_identifier="other", region="eu-central-1", session_token="token-7")
    assert login(given) == ("IAM:me", "temporary-8")
    [asked] = aws.asked
    assert asked["Action"] == "GetClusterCredentialsWithIAM"
    assert asked["ClusterIdentifier"] == "other"
    assert "token-7" in aws.headers[0]
    assert "/eu-central-1/" in aws.headers[0]


def test_for_a_workgroup(aws: Aws) -> None:
    assert login(credentials(host=SERVERLESS)) == ("IAMR:role", "temporary-9")
    [asked] = aws.asked
    assert asked == {"Action": "GetCredentials", "workgroupName": "sales", "dbName": "dev"}


@pytest.mark.parametrize("host", [HOST, SERVERLESS])
def test_nothing_of_it_is_logged(aws: Aws, host: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    given = credentials(host=host, session_token="token-7")
    assert login(given).password.startswith("temporary")
    told = "".join(f"{record.getMessage()}{record.__dict__}" for record in caplog.records)
    assert "botocore" in told  # the rest of what AWS's library says is still there
    assert [secret for secret in ("temporary", "canary-key", "token-7") if secret in told] == []
    logging.getLogger("botocore.parsers").debug("another's answer")
    assert "another's answer" in caplog.text


def test_by_a_profile(aws: Aws, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text(
        "[dev]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = s\n"
    )
    login(credentials(access_key_id=None, secret_access_key=None, profile="dev"))
    assert "AKIAPROFILE" in aws.headers[0]


def test_aws_refuses(aws: Aws) -> None:
    aws.refusal = "ClusterNotFound"
    with pytest.raises(AuthenticationError, match="ClusterNotFound") as caught:
        login(credentials(username="reader"))
    assert "canary" not in str(caught.value) + repr(caught.value.__cause__)
    assert not caught.value.transient


def test_nobody_is_logged_in_here() -> None:
    with pytest.raises(AuthenticationError, match="NoCredentialsError"):
        login(credentials(access_key_id=None, secret_access_key=None))
    with pytest.raises(AuthenticationError, match="ProfileNotFound"):
        login(credentials(profile="nobody"))


def test_aws_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_REDSHIFT", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(ConnectionFailedError) as caught:
        login(credentials())
    assert caught.value.transient


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ({}, Target("shop", "eu-west-1", is_serverless=False)),
        ({"host": SERVERLESS}, Target("sales", "us-east-1", is_serverless=True)),
        ({"host": HOST + ".cn"}, Target("shop", "eu-west-1", is_serverless=False)),
        ({"host": "10.0.0.1", "cluster_identifier": "c"}, Target("c", None, is_serverless=False)),
        (
            {"host": "10.0.0.1", "serverless_work_group": "w", "region": "r"},
            Target("w", "r", is_serverless=True),
        ),
    ],
)
def test_what_aws_is_asked_about(given: dict[str, object], target: Target) -> None:
    assert target_of(credentials(**given)) == target


def test_a_host_that_tells_no_cluster() -> None:
    with pytest.raises(AuthenticationError, match="for which cluster"):
        target_of(credentials(host="10.0.0.1"))
