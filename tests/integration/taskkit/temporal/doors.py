"""What stands before a Temporal server in tests: an authority, a proxy with TLS, a server that refuses everything."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived, StreamEnded


class Authority:
    """Makes certificates; the files are in `folder`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._sign(self._subject, self._key.public_key(), None)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, host: str | None
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), critical=True)
        )
        if host is not None:
            names = x509.SubjectAlternativeName([x509.DNSName(host)])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def issue(self, host: str) -> tuple[Path, Path]:
        """The files of a certificate for this name and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = self._sign(subject, key.public_key(), host)
        file = self._folder / f"{self._name}-{host}.pem"
        key_file = file.with_suffix(".key")
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return file, key_file


def tls_of(authority: Authority, host: str, *, clients: Authority | None = None) -> ssl.SSLContext:
    """The server's side of TLS; with `clients`, only who has a certificate of theirs comes in."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.issue(host))
    context.set_alpn_protocols(["h2"])
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients.file)
    return context


@dataclass
class Proxy:
    """Passes on what it gets, until it falls `silent`, which the other side does not notice."""

    port: int = 0
    silent: bool = False
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                if not self.silent:
                    target.write(data)
                    await target.drain()
            target.close()


@asynccontextmanager
async def proxy(address: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[Proxy]:
    """A port that leads to this address."""
    host, _, port = address.rpartition(":")
    made = Proxy()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(host, int(port))
        try:
            await asyncio.gather(made.pass_on(reader, back), made.pass_on(there, writer))
        finally:
            await ended(back)

    async with served(connected, tls) as made.port:
        yield made


async def ended(writer: asyncio.StreamWriter) -> None:
    """Break the connection off."""
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()


@asynccontextmanager
async def served(connected: object, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port on which this answers connections; those that are open are ended with it."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await connected(reader, writer)  # type: ignore[operator]  # a coroutine function
        except (asyncio.CancelledError, OSError):
            pass
        finally:
            tasks.discard(task)
            await ended(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class Refuser:
    """A gRPC server that answers the first calls of a client well, and every other with one status."""

    port: int = 0
    status: int = 7
    message: str = "Request unauthorized."
    lets_in: bool = False
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        h2.initiate_connection()
        writer.write(h2.data_to_send())
        asked: dict[int, dict[str, str]] = {}
        while data := await reader.read(65536):
            for event in h2.receive_data(data):
                if isinstance(event, RequestReceived) and event.stream_id is not None:
                    asked[event.stream_id] = {str(k): str(v) for k, v in event.headers or ()}
                elif isinstance(event, StreamEnded) and event.stream_id is not None:
                    self._answer(h2, event.stream_id, asked.pop(event.stream_id))
            writer.write(h2.data_to_send())
            await writer.drain()

    def _answer(self, h2: H2Connection, stream: int, asked: dict[str, str]) -> None:
        self.headers.append(asked)
        head = [(":status", "200"), ("content-type", "application/grpc")]
        if self.lets_in and asked[":path"].endswith("/GetSystemInfo"):
            h2.send_headers(stream, head)
            h2.send_data(stream, b"\0\0\0\0\0")  # a message without fields
            h2.send_headers(stream, [("grpc-status", "0")], end_stream=True)
            return
        told = [("grpc-status", str(self.status)), ("grpc-message", self.message)]
        h2.send_headers(stream, [*head, *told], end_stream=True)


@asynccontextmanager
async def refuser(tls: ssl.SSLContext | None = None, **fields: object) -> AsyncIterator[Refuser]:
    made = Refuser(**fields)  # type: ignore[arg-type]  # of any kind
    async with served(made.connected, tls) as made.port:
        yield made
