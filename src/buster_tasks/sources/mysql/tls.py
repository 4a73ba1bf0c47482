"""What the credentials say about TLS, as the driver wants it."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from buster_tasks.errors import TlsFailedError
from buster_tasks.sources.credentials import TlsOptions
from buster_tasks.sources.secrets import resolve_secret


@dataclass(frozen=True, slots=True)
class Tls:
    """Options for the driver, and whether the server has to prove who it is."""

    options: dict[str, object]
    is_checked: bool = False


def read_tls(wanted: bool | TlsOptions | None, found: Sequence[str]) -> Tls:
    """False: none. True or details: encrypted, with a certificate that holds unless the details say otherwise.

    None is True, but for a server on this very machine (`found` are its addresses), which need not offer any. Raises
    TlsFailedError for texts that are no certificates, SecretNotFoundError.
    """
    if wanted is False:
        return Tls({"ssl_disabled": True})
    if wanted is None and all(ip_address(one.partition("%")[0]).is_loopback for one in found):
        return Tls({})
    details = wanted if isinstance(wanted, TlsOptions) else TlsOptions()
    return Tls({"ssl": _context(details)}, is_checked=details.reject_unauthorized)


def _context(details: TlsOptions) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cadata=details.ca)
    except (OSError, ValueError) as error:
        raise _unusable("ca", error) from error
    if details.ca is not None:
        # authorities that MySQL makes for itself lack what the strict mode of newer Pythons wants
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not details.reject_unauthorized:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if details.cert is not None:
        _present(
            context, details.cert, None if details.key is None else resolve_secret(details.key)
        )
    return context


def _present(context: ssl.SSLContext, certificate: str, key: str | None) -> None:
    """Make the context show our own certificate; Python reads it from files alone, which live as long as this takes."""
    with tempfile.TemporaryDirectory(prefix="buster-tls-") as folder:
        path = Path(folder, "client.pem")
        path.touch(mode=0o600)
        path.write_text(f"{certificate}\n{key or ''}", encoding="utf-8")
        try:
            # without an answer at hand OpenSSL would ask the terminal for the password of the key
            context.load_cert_chain(path, password="")
        except (OSError, ValueError) as error:
            raise _unusable("cert or key", error) from error


def _unusable(what: str, error: Exception) -> TlsFailedError:
    return TlsFailedError(
        f"`{what}` in `ssl` cannot be used: {getattr(error, 'reason', None) or 'it is no PEM text'}.",
        fix="Give PEM texts, the key without a password.",
    )
