"""Which hosts may be connected to: rules of names and networks, and the check of a host and of its addresses.

A host is judged twice: as it is written, and by the addresses that its name leads to. What cannot be judged safely is
refused, such as `0177.0.0.1`, which is another address to each library.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NoReturn

from buster_tasks.errors import HostNotAllowedError, SettingError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_RULE = re.compile(
    r"(?:\[(?P<inner>[^\]]+)\](?P<size>/\d+)?|(?P<plain>[^:\[\]]+))(?::(?P<port>\d+))?"
)
_NAME = re.compile(r"(?!-)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_PATTERN = re.compile(r"\*|(?:\*\.)?" + _NAME.pattern)
# The last label of a name is never a number: what ends so is an address, to some library or other.
_NUMBER = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)")
_EMBEDDING = IPv6Network("64:ff9b::/96")
_CREDENTIALS_OF_CLOUDS = frozenset(
    map(ip_address, ("168.63.129.16", "100.100.100.200", "fd00:ec2::254", "fd20:ce::254"))
)
"""Where clouds give machines their credentials, beside 169.254.169.254, which is link-local."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """A pattern of names or a network, on any port or on one."""

    names: str | None
    network: Network | None
    port: int | None

    @classmethod
    def of(cls, text: str) -> _Rule | None:
        """The rule that is written so, None for what is none."""
        found = _RULE.fullmatch(text)
        if found is None:  # an IPv6 address needs no brackets where no port follows
            network = _network(text)
            return None if network is None else cls(None, network, None)
        port = int(found["port"]) if found["port"] else None
        written = found["plain"] or found["inner"] + (found["size"] or "")
        network = _network(written)
        if network is not None:
            return cls(None, network, port)
        names = _ascii(written)
        if (
            found["inner"]
            or names is None
            or not _PATTERN.fullmatch(names)
            or _NUMBER.fullmatch(names)
        ):
            return None
        return cls(names, None, port)

    def takes_name(self, name: str, port: int | None) -> bool:
        """Whether this allows the name, wherever it leads."""
        return self.names is not None and self._on(port) and fnmatchcase(name, self.names)

    def takes_address(self, address: Address, port: int | None) -> bool:
        """Whether this allows the address."""
        return self.network is not None and self._on(port) and address in self.network

    def _on(self, port: int | None) -> bool:
        return self.port is None or self.port == port


class AllowedHosts:
    """Names (`db.internal`), names below one (`*.example.com`), networks (`10.0.0.0/8`), each with a port or without.

    A name that is allowed may lead to public addresses, and to private ones where no network is listed. Where networks
    are, private addresses have to be in one of them; those of the machine itself (loopback), of its link, and where
    clouds give out credentials have to be in any case. The name `localhost` may be this machine where it is listed.
    """

    def __init__(self, rules: Iterable[str], *, where: str = "The allowed hosts") -> None:
        """Raises SettingError for what is no rule, and where there is none; `where` is where they are set."""
        self._where = where
        self._rules: list[_Rule] = []
        for text in rules:
            rule = _Rule.of(text.strip())
            if rule is None:
                raise SettingError(
                    f"{where}: {text.strip()!r} is neither a name nor a network.",
                    fix="Write names, `*.` before a name, or networks such as 10.0.0.0/8, each with :port or without.",
                )
            self._rules.append(rule)
        if not self._rules:
            raise SettingError(
                f"{where}: no host is named, so none may be connected to.",
                fix="Name those that may be, or take the setting away where all may be.",
            )

    def check_written(self, host: str, port: int | None) -> bool:
        """Whether the name, as it is written, is allowed; False where its addresses have to be.

        Raises HostNotAllowedError where it cannot be allowed whatever addresses it has.
        """
        name = _ascii(host)
        if name is None:
            self._refuse(host, port, "It is no name of one host, and no address.")
        address = _address(name)
        if address is not None:
            if not self._takes(address, port):
                self._refuse(host, port)
            return False
        if _NUMBER.fullmatch(name) or not _NAME.fullmatch(name):
            self._refuse(host, port, "It is neither a name nor an address in its plain spelling.")
        if any(rule.takes_name(name, port) for rule in self._rules):
            return True
        if not self._has_networks:
            self._refuse(host, port)
        return False

    def check(self, host: str, port: int | None, addresses: Sequence[str]) -> None:
        """Raise HostNotAllowedError unless the host may be connected to at each of these addresses."""
        is_named = self.check_written(host, port)
        name = _ascii(host) or ""
        for text in addresses:
            address = _address(text.lower())
            if address is None or not (
                self._takes(address, port) or (is_named and self._may_lead_to(name, address))
            ):
                self._refuse(host, port, f"Its name leads to {text}.")

    @property
    def _has_networks(self) -> bool:
        return any(rule.network is not None for rule in self._rules)

    def _takes(self, address: Address, port: int | None) -> bool:
        return any(rule.takes_address(address, port) for rule in self._rules)

    def _may_lead_to(self, name: str, address: Address) -> bool:
        """Whether a name that is allowed may have this address, though no network that is listed has it."""
        if address.is_loopback:
            return name == "localhost" and any(rule.names == name for rule in self._rules)
        if address.is_link_local or address.is_unspecified or address.is_multicast:
            return False
        if address.is_reserved or address in _CREDENTIALS_OF_CLOUDS:
            return False
        return address.is_global or not self._has_networks

    def _refuse(self, host: str, port: int | None, why: str = "") -> NoReturn:
        shown = host.rpartition("@")[2]  # what stands before it may be a password
        place = repr(shown) if port is None else f"{shown!r} on port {port}"
        raise HostNotAllowedError(
            f"The host {place} is not among those that may be connected to. {why}".rstrip(),
            fix=f"Ask whoever runs the worker to allow it: {self._where}.",
        )


def _ascii(host: str) -> str | None:
    """The host as resolvers see it: small letters, other scripts in Punycode, no dot at its end; None for no host."""
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") and ":" in host else host
    try:
        name = bare if bare.isascii() else bare.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return name.lower().removesuffix(".") or None


def _address(text: str) -> Address | None:
    """The address that is written so; one of IPv4 in the clothes of IPv6 is one of IPv4."""
    try:
        address = ip_address(text.partition("%")[0] if ":" in text else text)
    except ValueError:
        return None
    if isinstance(address, IPv4Address):
        return address
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address in _EMBEDDING:
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


def _network(text: str) -> Network | None:
    try:
        return ip_network(text)
    except ValueError:
        return None
