from urllib.parse import urlsplit

import pytest
from hypothesis import given, strategies as st

from buster_tasks.errors import HostNotAllowedError, SettingError
from buster_tasks.sources.allowed_hosts import AllowedHosts

RULES = ("*.example.com", "10.0.0.0/8", "db.internal:5432", "[fd00::]/16:6432", "192.0.2.7")
PUBLIC = ["93.184.216.34"]


def is_allowed(rules: tuple[str, ...], host: str, port: int | None, *addresses: str) -> bool:
    try:
        AllowedHosts(rules).check(host, port, addresses)
    except HostNotAllowedError:
        return False
    return True


@pytest.mark.parametrize(
    ("host", "port", "addresses"),
    [
        ("db.example.com", 1, PUBLIC),
        ("a.b.example.com", None, PUBLIC),
        ("DB.Example.COM.", 1, PUBLIC),
        ("db.example.com", 1, ["10.1.2.3"]),
        ("db.internal", 5432, ["10.1.2.3"]),
        ("anything.at.all", 1, ["10.1.2.3", "10.3.2.1"]),
        ("10.200.0.1", 1, ["10.200.0.1"]),
        ("::ffff:10.0.0.1", 1, []),
        ("[::ffff:10.0.0.1]", 1, []),
        ("192.0.2.7", 1, []),
        ("fd00::5", 6432, []),
        ("fd00::5%eth0", 6432, []),
    ],
)
def test_allowed(host: str, port: int | None, addresses: list[str]) -> None:
    assert is_allowed(RULES, host, port, *addresses)


@pytest.mark.parametrize(
    ("host", "port", "addresses"),
    [
        ("example.com", 1, PUBLIC),
        ("evilexample.com", 1, PUBLIC),
        ("db.example.com.evil.net", 1, PUBLIC),
        ("evil.net", 1, PUBLIC),
        ("evil.net", 1, ["10.0.0.1", "93.184.216.34"]),
        ("db.internal", 5433, PUBLIC),
        ("db.internal", None, PUBLIC),
        ("fd00::5", 5432, []),
        ("11.0.0.1", 1, []),
        ("192.0.2.8", 1, []),
    ],
)
def test_not_allowed(host: str, port: int | None, addresses: list[str]) -> None:
    assert not is_allowed(RULES, host, port, *addresses)


@pytest.mark.parametrize(
    "host",
    [
        "",
        ".",
        "012.0.0.1",
        "0x0a.0.0.1",
        "0xa000001",
        "167772161",
        "10.1",
        "010.0.0.1",
        "\uff11\uff10.0.0.1\u3002\uff10",
        "10.0.0.1,evil.net",
        "evil.net,10.0.0.1",
        "db.example.com,evil.net",
        "/tmp",
        "@db.example.com",
        "/tmp/a.example.com",
        "user:hunter2@evil.example.com",
        "evil.net/.example.com",
        "evil.net?.example.com",
        "evil.net#.example.com",
        "evil.net\\.example.com",
        "evil.net\0.example.com",
        "evil.net .example.com",
        "evil.net\n.example.com",
        "%65vil.example.com",
        "10.0.0.1%eth0",
        "[10.0.0.1]",
        "[fd00::5",
        "db.example.com:6432",
        "..example.com",
        "-a.example.com",
        "*.example.com",
        "a" * 70 + "é.example.com",
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_as_it_is_written(host: str) -> None:
    allowed = AllowedHosts([*RULES, "0.0.0.0/0:1"])
    with pytest.raises(HostNotAllowedError) as caught:
        allowed.check_written(host, 2)
    assert "hunter2" not in str(caught.value)
    assert caught.value.fix
    assert not caught.value.transient


@given(st.text("ab.EXAMPLE-com@:/\\\\#?%[],* \n\0\u3002\uff0f\uff20é", max_size=12))
def test_what_is_allowed_is_the_same_host_to_whoever_reads_it(text: str) -> None:
    host = f"{text}.example.com"
    try:
        AllowedHosts(["*.example.com"]).check_written(host, 443)
    except HostNotAllowedError:
        return
    parts = urlsplit(f"https://{host}:443/path")
    assert (parts.username, parts.port, parts.path) == (None, 443, "/path")
    assert parts.hostname == host.lower()
    assert host.encode("idna").lower().endswith(b".example.com")


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "::a9fe:a9fe",
        "fe80::1%2",
        "127.0.0.1",
        "::1",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "168.63.129.16",
        "100.100.100.200",
        "fd00:ec2::254",
        "no address",
    ],
)
@pytest.mark.parametrize("rule", ["*", "*.example.com", "db.example.com"])
def test_a_name_does_not_lead_to_the_machine_or_to_its_credentials(rule: str, address: str) -> None:
    assert is_allowed((rule,), "db.example.com", 443, *PUBLIC)
    assert not is_allowed((rule,), "db.example.com", 443, *PUBLIC, address)


def test_they_may_be_listed_as_all_networks_may() -> None:
    assert is_allowed(("*", "169.254.169.254"), "db.example.com", 80, "169.254.169.254")
    assert is_allowed(("127.0.0.0/8",), "localhost", 80, "127.0.0.1")
    assert not is_allowed(("127.0.0.0/8",), "localhost", 80, "127.0.0.1", "::1")


def test_localhost_is_this_machine_where_it_is_listed_by_this_name() -> None:
    assert is_allowed(("localhost",), "LOCALHOST", 80, "127.0.0.1", "::1")
    assert not is_allowed(("localhost",), "127.0.0.1", 80)
    assert not is_allowed(("localhost",), "localhost", 80, "169.254.169.254")
    assert not is_allowed(("*",), "localhost", 80, "127.0.0.1")
    assert not is_allowed(("127.0.0.1",), "127.0.0.2", 80)


def test_private_addresses_of_names_have_to_be_in_a_network_where_networks_are_listed() -> None:
    assert is_allowed(("db.internal",), "db.internal", 80, "192.168.1.1")
    assert not is_allowed(("db.internal", "10.0.0.0/8"), "db.internal", 80, "192.168.1.1")


def test_other_scripts_are_compared_as_resolvers_see_them() -> None:
    assert is_allowed(("bücher.example",), "BÜCHER.example", 80, *PUBLIC)
    assert is_allowed(("bücher.example",), "xn--bcher-kva.example", 80, *PUBLIC)
    # a Cyrillic letter that looks like a Latin one
    assert not is_allowed(("*.example.com",), "db.ex\u0430mple.com", 80, *PUBLIC)
    assert is_allowed(("*.example.com",), "db\u3002example\u3002com", 80, *PUBLIC)


@pytest.mark.parametrize(
    "rule",
    ["", "10.0.0.1/8", "10.0.0.0/33", "a*.example.com", "*.*", "http://a", "a b", "a:b", "a:1:2", "010.0.0.1", "[a]"],
)  # fmt: skip
def test_a_rule_that_is_none_is_told(rule: str) -> None:
    with pytest.raises(SettingError, match="THE_SETTING"):
        AllowedHosts(["ok.example", rule], where="THE_SETTING")


def test_an_address_is_judged_by_what_a_resolver_makes_of_it_too() -> None:
    assert is_allowed(RULES, "10.0.0.1.", 1, "10.0.0.1")
    assert not is_allowed(RULES, "10.0.0.1.", 1, "169.254.169.254")


def test_no_rule_at_all_is_told() -> None:
    with pytest.raises(SettingError, match="no host is named"):
        AllowedHosts([])
