"""How a connection is encrypted: credentials as libpq's parameters, and as a context to look at a failure with.

Certificates and keys are given as texts and libpq wants files: they are files in memory where the system has such,
else temporary ones, as long as the session lasts (a cancel request is encrypted too).
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from buster_tasks.errors import TlsFailedError
from buster_tasks.sources.credentials import TlsOptions
from buster_tasks.sources.secrets import resolve_secret

_SYSTEM_ROOTS = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
# Where no certificate is wanted, those in the home of whoever runs the task must not be taken by themselves.
_NO_FILE = f"{os.devnull}/none"


class TextFiles:
    """Texts that a library can open by path, until `close`; no other user can read them."""

    def __init__(self) -> None:
        self._descriptors: list[int] = []
        self._paths: list[Path] = []

    def add(self, text: str) -> str:
        """The path of a new file with this text."""
        if hasattr(os, "memfd_create"):
            descriptor = os.memfd_create("taskkit")
            self._descriptors.append(descriptor)
            os.fchmod(descriptor, 0o600)
            os.write(descriptor, text.encode())
            return f"/proc/{os.getpid()}/fd/{descriptor}"
        descriptor, path = tempfile.mkstemp()
        self._paths.append(Path(path))
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def close(self) -> None:
        """Let go of the files."""
        while self._descriptors:
            os.close(self._descriptors.pop())
        while self._paths:
            self._paths.pop().unlink(missing_ok=True)


class Tls:
    """The encryption of connections to one server.

    None in the credentials is True, but for a server on this very machine, which need not offer any.
    """

    def __init__(
        self, wanted: bool | TlsOptions | None, found: Sequence[str], files: TextFiles
    ) -> None:
        """Raises TlsFailedError for texts that are no certificates or keys."""
        options = wanted if isinstance(wanted, TlsOptions) else TlsOptions()
        here = all(ip_address(address.partition("%")[0]).is_loopback for address in found)
        self.mode = _mode(wanted, options, here=here)
        self._roots = files.add(options.ca) if options.ca else _system_roots()
        self._certificate = files.add(options.cert) if options.cert else None
        self._key = files.add(resolve_secret(options.key)) if options.key else None
        self.context()

    @property
    def is_required(self) -> bool:
        """Whether a connection without it is refused."""
        return self.mode in ("require", "verify-full")

    def parameters(self, libpq_version: int) -> dict[str, str]:
        """What libpq has to be told."""
        checked = self.mode == "verify-full"
        known = {
            "sslmode": self.mode,
            "sslrootcert": self._roots if checked else _NO_FILE,
            "sslcert": self._certificate or _NO_FILE,
            "sslkey": self._key or self._certificate or _NO_FILE,
        }
        if libpq_version >= 160_000:
            known["sslcertmode"] = "allow" if self._certificate else "disable"
        return known

    def context(self) -> ssl.SSLContext:
        """The same for Python's own TLS. Raises TlsFailedError."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.mode != "verify-full":
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        try:
            if self.mode == "verify-full" and self._roots != "system":
                context.load_verify_locations(self._roots)
            if self._certificate:
                # an encrypted key would be asked for on the terminal
                context.load_cert_chain(self._certificate, self._key, password=lambda: "")
        except (OSError, ValueError) as error:
            raise TlsFailedError(
                "The texts `ca`, `cert` and `key` of the option ssl cannot be used as certificates and key: "
                f"{getattr(error, 'reason', None) or type(error).__name__}.",
                fix="Give them whole, as PEM, the key without a passphrase and fitting the certificate.",
            ) from error
        return context


def _mode(wanted: bool | TlsOptions | None, options: TlsOptions, *, here: bool) -> str:
    if wanted is False:
        return "disable"
    if wanted is None and here:
        return "prefer"
    return "verify-full" if options.reject_unauthorized else "require"


def _system_roots() -> str:
    for path in (ssl.get_default_verify_paths().cafile, *_SYSTEM_ROOTS):
        if path and Path(path).is_file():
            return path
    return "system"
