"""Credentials give a driver what is on a list and nothing else, whatever they hold."""

from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr, ValidationError

from buster_tasks.errors import SourceError
from buster_tasks.sources.credentials import (
    KINDS,
    DatabricksCredentials,
    MysqlCredentials,
    PostgresCredentials,
    SnowflakeCredentials,
    parse_credentials,
)
from buster_tasks.sources.databricks.login import arguments as of_databricks, endpoint_of
from buster_tasks.sources.mysql.link import Link
from buster_tasks.sources.postgres.connection import _parameters, place_of
from buster_tasks.sources.postgres.tls import TextFiles, Tls
from buster_tasks.sources.snowflake.login import arguments as of_snowflake

VALUE = "hunter2"
SERVER = {"host": "h", "database": "d", "username": "u", "password": "p"}
WHOLE: dict[str, dict[str, Any]] = {
    "postgres": SERVER,
    "mysql": SERVER,
    "redshift": SERVER,
    "sqlserver": {"server": "h", "database": "d", "username": "u", "password": "p"},
    "snowflake": {
        "account_id": "a", "warehouse_id": "w", "username": "u", "password": "p", "default_database": "d",
    },
    "bigquery": {"project_id": "p"},
    "databricks": {"server_hostname": "h", "http_path": "/sql", "access_token": "t"},
    "sqlite": {"path": "x"},
    "duckdb": {"path": "x"},
}  # fmt: skip

DANGEROUS = {
    "postgres": """service servicefile passfile options hostaddr sslmode sslkey sslcert sslrootcert sslcrl sslcrldir
        sslkeylogfile sslpassword requirepeer require_auth krbsrvname gsslib gssencmode replication target_session_attrs
        channel_binding scram_client_key oauth_issuer load_balance_hosts""",
    "mysql": """local_infile allow_local_infile read_default_file read_default_group init_command unix_socket
        named_pipe server_public_key auth_plugin_map client_flag conv sql_mode ssl_ca ssl_key ssl_disabled
        ssl_verify_cert bind_address defer_connect allowLoadLocalInfile allowUrlInLocalInfile autoDeserialize
        queryInterceptors""",
    "sqlserver": """dsn filedsn savefile UID PWD connection_string attrs_before AttachDBFilename Trusted_Connection
        ClientCertificate ClientKey ServerCertificate ColumnEncryption KeystoreLocation WSID Failover_Partner
        MultiSubnetFailover LongAsMax StatsLogFile QueryLogFile authenticator""",
    "redshift": """credentials_provider plugin_name idp_host login_url listen_port ssl_insecure sslmode unix_sock
        source_address web_identity_token role_arn endpoint_url auth_profile provider_name auto_create db_groups
        allow_db_user_override iam_disable_cache issuer_url""",
    "snowflake": """insecure_mode disable_ocsp_checks ocsp_fail_open ocsp_response_cache_filename host protocol port
        proxy_host proxy_port proxy_user proxy_password private_key_file token_file_path authenticator connection_name
        connections_file_path session_parameters unsafe_file_write unsafe_skip_file_permissions_check
        client_store_temporary_credential passcode region cert_revocation_check_mode crl_cache_dir
        workload_identity_provider""",
    "databricks": """_tls_no_verify _tls_trusted_ca_file _tls_client_cert_file _tls_client_cert_key_file
        _tls_verify_hostname staging_allowed_local_path http_headers session_configuration _connection_uri _port
        auth_type credentials_provider oauth_jwt_key_file use_cloud_fetch enable_telemetry use_kernel
        experimental_oauth_persistence username password""",
    "bigquery": """client_options universe_domain credentials token token_uri quota_project_id
        client_cert_source _http credentials_file impersonate_service_account""",
    "duckdb": """config allow_unsigned_extensions extension_directory init temp_directory enable_external_access
        custom_extension_repository home_directory access_mode motherduck_token""",
    "sqlite": """uri factory vfs mode immutable cache load_extension enable_load_extension isolation_level
        detect_types""",
}
CASES = [(kind, name) for kind in KINDS for name in DANGEROUS[kind].split()]


@pytest.mark.parametrize("kind", KINDS)
def test_without_them_the_credentials_are_whole(kind: str) -> None:
    assert parse_credentials({"type": kind, **WHOLE[kind]}).type == kind


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_dangerous_option_of_the_driver_is_refused_by_its_name(kind: str, name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        parse_credentials({"type": kind, **WHOLE[kind], name: VALUE})
    errors = caught.value.errors()
    assert [one["loc"] for one in errors if one["loc"][-1] == name], errors
    assert VALUE not in f"{caught.value}"


@pytest.mark.parametrize("name", ["ca_file", "check_hostname", "min_version", "ciphers", "keylog"])
@pytest.mark.parametrize("kind", ["postgres", "mysql", "redshift"])
def test_tls_in_detail_has_texts_and_no_files(kind: str, name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        parse_credentials({"type": kind, **WHOLE[kind], "ssl": {name: VALUE}})


@pytest.mark.parametrize(
    ("kind", "wrong", "near"),
    [
        ("postgres", "pasword", "password"),
        ("postgres", "userName1", "username"),
        ("mysql", "chraset", "charset"),
        ("snowflake", "privateKeyPath", "private_key"),
        ("databricks", "server_host", "server_hostname"),
        ("bigquery", "projectid", "project_id"),
        ("sqlserver", "trust_certificate", "trust_server_certificate"),
    ],
)
def test_an_unknown_option_is_told_with_the_nearest(kind: str, wrong: str, near: str) -> None:
    with pytest.raises(ValidationError, match=f"did you mean '{near}'") as caught:
        parse_credentials({"type": kind, **WHOLE[kind], wrong: VALUE})
    assert all(one.get("input") is None for one in caught.value.errors())


NASTY = [
    "h service=x passfile=/etc/passwd",
    "' service='x",
    "\\' sslmode=disable host=evil",
    "postgresql://evil/db?sslmode=disable",
    "host=evil sslmode=disable",
    "a\nservice=x",
]


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("field", ["host", "database", "username", "password"])
def test_a_value_for_postgres_is_a_value(field: str, text: str) -> None:
    credentials = PostgresCredentials.model_validate({**SERVER, field: text})
    password = credentials.password
    assert isinstance(password, SecretStr)
    files = TextFiles()
    tls = Tls(True, ["192.0.2.1"], files)
    known = _parameters(place_of(credentials), password.get_secret_value(), tls)
    files.close()
    read = conninfo_to_dict(make_conninfo(**known))
    assert set(read) == set(known)
    assert {name: str(value) for name, value in known.items()} == {
        name: str(value) for name, value in read.items()
    }
    assert read["sslmode"] == "verify-full"
    assert set(known) <= {
        "host", "port", "dbname", "user", "password", "application_name", "client_encoding", "gssencmode",
        "target_session_attrs", "sslmode", "sslrootcert", "sslcert", "sslkey", "sslcertmode",
    }  # fmt: skip
    assert psycopg.pq.Conninfo.parse(make_conninfo(**known).encode())


def test_mysql_is_told_to_send_no_file() -> None:
    pymysql = pytest.importorskip("pymysql")
    credentials = MysqlCredentials.model_validate(SERVER)
    options = Link(credentials, 1.0)._options(pymysql, allow_clear_password=False)
    assert options["local_infile"] is False
    assert options.keys().isdisjoint(
        ("unix_socket", "read_default_file", "read_default_group", "init_command", "client_flag")
    )
    made = pymysql.connect(**options)  # connects later
    assert not made.client_flag & pymysql.constants.CLIENT.LOCAL_FILES
    assert not made.client_flag & pymysql.constants.CLIENT.MULTI_STATEMENTS
    assert made.unix_socket is None


@pytest.mark.parametrize("major", [4, 5])
def test_snowflake_is_told_what_is_on_the_list(major: int) -> None:
    credentials = SnowflakeCredentials.model_validate(
        {**WHOLE["snowflake"], "role": "r", "default_schema": "s", "custom_host": "h:1"}
    )
    given = of_snowflake(credentials, major, open_seconds=1, network_seconds=1)
    expected = {
        "host",
        "port",
        "protocol",
        "session_parameters",
        "client_store_temporary_credential",
    }
    # whether a certificate was revoked is not asked: version 5 does not know how, and 4 would over plain HTTP
    expected |= {"disable_ocsp_checks"} if major == 4 else set()
    assert given.keys() & set(DANGEROUS["snowflake"].split()) == expected
    assert given["client_store_temporary_credential"] is False


@pytest.mark.parametrize("text", ["a&insecure=1", "x?y=z", "a#b", "a/../b"])
def test_a_value_for_snowflake_does_not_change_where_it_leads(text: str) -> None:
    credentials = SnowflakeCredentials.model_validate({**WHOLE["snowflake"], "account_id": text})
    with pytest.raises(SourceError):
        of_snowflake(credentials, 5, open_seconds=1, network_seconds=1)


def test_databricks_is_told_what_is_on_the_list() -> None:
    credentials = DatabricksCredentials.model_validate(WHOLE["databricks"])
    given = of_databricks(credentials, endpoint_of(credentials), 1.0)
    dangerous = given.keys() & set(DANGEROUS["databricks"].split())
    assert dangerous == {"use_cloud_fetch", "enable_telemetry", "_connection_uri"}
    assert (given["use_cloud_fetch"], given["enable_telemetry"]) == (False, False)
    assert given["_connection_uri"] == "https://h:443/sql"
