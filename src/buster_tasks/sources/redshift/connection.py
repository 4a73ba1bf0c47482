"""Connecting to Redshift within a time limit that can be cut: our own socket and TLS, the driver's log-in."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from pathlib import Path

import redshift_connector

from buster_tasks.errors import (
    ConnectionFailedError,
    SourceError,
    TlsFailedError,
)
from buster_tasks.sources.blocking import Budget
from buster_tasks.sources.credentials import RedshiftCredentials, TlsOptions
from buster_tasks.sources.network import addresses, check_host, no_answer, unreachable
from buster_tasks.sources.postgres.failures import Place
from buster_tasks.sources.postgres.tls import TextFiles, Tls
from buster_tasks.sources.redshift.driver import ReadingConnection
from buster_tasks.sources.redshift.failures import login_error
from buster_tasks.sources.redshift.login import Login, read_login

_WANTS_TLS = struct.pack("!II", 8, 80_877_103)
_CANCELS = struct.pack("!II", 16, 80_877_102)
_AUTHORITIES = Path(redshift_connector.__file__).parent / "files" / "redshift-ca-bundle.crt"
_KEEP_ALIVE = (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))


class Endpoint:
    """A server that can be reached again, for a connection and to cancel what runs on it; `cut` ends all of it."""

    def __init__(self, credentials: RedshiftCredentials) -> None:
        self._credentials = credentials
        self._files = TextFiles()
        self._context: ssl.SSLContext | None = None
        self._address = ""
        self._handle: socket.socket | None = None
        self._is_cut = False
        self.place = Place(
            credentials.host, credentials.port, credentials.database, credentials.username or ""
        )

    def connect(self, budget: Budget, seconds: float) -> ReadingConnection:
        """A connection to the first address that takes us within these seconds. Raises SourceError."""
        whole = Budget(seconds, within=budget)
        self._is_cut = False
        check_host(self.place.host, self.place.port)  # before a password is made for it
        login = read_login(self._credentials, whole)
        self.place = self.place._replace(user=login.user)
        _check_texts(self.place, login)
        found = addresses(self.place.host, self.place.port)
        self._context = self._tls(found)
        for at, address in enumerate(found):
            share = Budget((whole.left() or 0.0) / (len(found) - at))
            try:
                return self._logged_in(address, login, share, seconds)
            except SourceError as error:
                if budget.stopped or self._is_cut:
                    raise budget.error() from error
                if at + 1 == len(found) or not error.transient:
                    raise
        raise AssertionError("a host has an address, or the look-up fails")

    def cancel(self, key: bytes, seconds: float) -> None:
        """Ask the server to stop what runs on the connection with this key. Raises SourceError, OSError."""
        reached = self._reached(self._address, Budget(seconds), seconds, is_own=False)
        with reached:
            reached.sendall(_CANCELS + key)
            with contextlib.suppress(OSError):
                reached.recv(1)  # the server closes when it has done it

    def cut(self) -> None:
        """Make whatever waits for the server fail at once; from any thread."""
        self._is_cut = True
        handle = self._handle
        if handle is not None:
            with contextlib.suppress(OSError):  # it is cut already, or closed just now
                handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of what belonged to the connection."""
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.close()
        self._files.close()

    def _tls(self, found: list[str]) -> ssl.SSLContext | None:
        wanted = self._credentials.ssl
        tls = Tls(wanted, found, self._files)
        if tls.mode == "disable":
            return None
        context = tls.context()
        if tls.mode == "verify-full" and not (isinstance(wanted, TlsOptions) and wanted.ca):
            context.load_verify_locations(_AUTHORITIES)  # Amazon's, older systems lack some
        return context

    def _logged_in(
        self, address: str, login: Login, share: Budget, seconds: float
    ) -> ReadingConnection:
        connected = self._reached(address, share, seconds)
        made = ReadingConnection.__new__(ReadingConnection)
        try:
            connected.settimeout(share.left())
            made.__init__(connected, login.user, login.password, self.place.database)  # type: ignore[misc] # so that what it learned stays when it fails
            connected.settimeout(None)
        except Exception as error:  # the driver raises whatever comes when a connection breaks
            connected.close()
            if isinstance(error, TimeoutError) or share.is_spent:
                raise no_answer(self.place.host, self.place.port, seconds) from None
            told = getattr(made, "error", None)
            raise login_error(error, self.place, told) from None
        self._address = address
        return made

    def _reached(
        self, address: str, share: Budget, seconds: float, *, is_own: bool = True
    ) -> socket.socket:
        """A socket that is connected, and encrypted where that is wanted. Raises SourceError."""
        host, port = self.place.host, self.place.port
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        plain = socket.socket(family, socket.SOCK_STREAM)
        try:
            plain.settimeout(max(share.left() or 0.0, 0.01))
            plain.connect((address, port))
            if is_own:
                self._keep(plain)
            return self._encrypted(plain)
        except TimeoutError:
            plain.close()
            raise no_answer(host, port, seconds) from None
        except OSError as error:  # TLS's errors are such too
            plain.close()
            raise self._tls_error(error) or unreachable(host, port, error) from None
        except BaseException:
            plain.close()
            raise

    def _keep(self, connected: socket.socket) -> None:
        """Have the system notice that the other side is gone, and keep a handle to cut the connection with."""
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEP_ALIVE:
            option = getattr(socket, name, None)  # not every system has them
            if option is not None:
                connected.setsockopt(socket.IPPROTO_TCP, option, value)
        handle, self._handle = self._handle, connected.dup()
        if handle is not None:
            handle.close()

    def _encrypted(self, plain: socket.socket) -> socket.socket:
        if self._context is None:
            return plain
        plain.sendall(_WANTS_TLS)
        answer = plain.recv(1)
        where = self.place.server
        if answer == b"N":
            raise TlsFailedError(
                f"{where} offers no TLS, and an open connection would show the password and all data.",
                fix="Set the option ssl to False where the network is trusted.",
            )
        if answer != b"S":
            raise ConnectionFailedError(
                f"What listens on {where} does not answer as Redshift does.",
                fix="Check host and port, and that the cluster is available.",
                transient=not answer,
            )
        return self._context.wrap_socket(plain, server_hostname=self.place.host)

    def _tls_error(self, error: OSError) -> SourceError | None:
        where = self.place.server
        if isinstance(error, ssl.SSLCertVerificationError):
            return TlsFailedError(
                f"The certificate of {where} does not hold: {error.verify_message.rstrip('.')}.",
                fix="Give the certificate of its authority as ssl.ca, and the host by the name in its certificate.",
            )
        if isinstance(error, ssl.SSLError):
            return TlsFailedError(
                f"TLS with {where} fails: {error.reason}.", fix="Check the option ssl."
            )
        return None


def _check_texts(place: Place, login: Login) -> None:
    texts = (place.host, place.database, login.user, login.password)
    if any("\0" in text for text in texts):
        raise ConnectionFailedError(
            "A NUL character is in the host, database, user or password.",
            fix="Remove it from the credentials.",
            transient=False,
        )
