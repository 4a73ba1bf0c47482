"""A SQL Server that is none: a double of its protocol over DuckDB, in a process of its own.

It shows what the drivers say and hear: logging in, TLS, errors by their numbers, types, parameters, cancels. It does
not show that T-SQL is right: sqlglot reads it, not SQL Server.
"""

import datetime as dt
import ipaddress
import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PASSWORD = "p/w;{€}"


@dataclass
class SqlserverDouble:
    """A running double; `run` is what an administrator does."""

    process: "subprocess.Popen[str]"
    port: int
    control: int

    def credentials(self, database: str = "master", **changes: Any) -> dict[str, Any]:
        known = {
            "type": "sqlserver",
            "server": "127.0.0.1",
            "port": self.port,
            "database": database,
            "username": "sa",
            "password": PASSWORD,
            "encrypt": False,
        }
        return {**known, **changes}

    def ask(self, do: str, **more: Any) -> Any:
        with socket.create_connection(("127.0.0.1", self.control), timeout=30) as connection:
            connection.sendall(json.dumps({"do": do, **more}).encode() + b"\n")
            with connection.makefile() as file:
                answer = json.loads(file.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["ok"]

    def database(self, name: str, *statements: str) -> None:
        """Make a database and what is in it."""
        self.ask("database", name=name)
        self.run(name, *statements)

    def run(self, database: str, *statements: str) -> None:
        self.ask("run", database=database, statements=list(statements))

    def account(self, name: str, **changes: Any) -> None:
        self.ask("account", name=name, **{"password": PASSWORD, **changes})

    def sessions(self, user: str) -> list[Any]:
        return [one for one in self.ask("sessions") if one["user"] == user]

    def running(self, user: str, statement: str) -> bool:
        return any(one["statement"] == statement for one in self.sessions(user))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def sqlserver_double(
    certificate: Path | None = None, mode: str = "wanted", port: int = 0
) -> Iterator[SqlserverDouble]:
    """The double from the moment that it listens; ended when the block is. `mode` "required" takes TLS alone."""
    command = [
        sys.executable,
        "-m",
        "tests.doubles.sqlserver_server",
        str(certificate or "-"),
        mode,
        str(port),
    ]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        ports = process.stdout.readline().split()
        double = SqlserverDouble(process, *map(int, ports))
        double.account("sa")
        yield double
    finally:
        process.stdin.close()
        process.kill()
        process.wait()
        process.stdout.close()


def make_certificates(folder: Path, names: Sequence[str] = ("db.example",)) -> tuple[Path, Path]:
    """The files of an authority, and of a server's certificate by it with its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = dt.datetime.now(dt.UTC)

    def builder(subject: str, key: Any) -> x509.CertificateBuilder:
        made = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("test authority"))
        )
        made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
        day = dt.timedelta(days=1)
        return made.not_valid_before(now - day).not_valid_after(now + day)

    authority, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    is_authority = x509.BasicConstraints(ca=True, path_length=None)
    root = builder("test authority", authority).add_extension(is_authority, critical=True)
    alternatives = [*map(x509.DNSName, names), x509.IPAddress(ipaddress.ip_address("127.0.0.9"))]
    leaf = builder(names[0], key).add_extension(
        x509.SubjectAlternativeName(alternatives), critical=False
    )
    pem = serialization.Encoding.PEM
    files = folder / "authority.pem", folder / "server.pem"
    files[0].write_bytes(root.sign(authority, hashes.SHA256()).public_bytes(pem))
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files[1].write_bytes(leaf.sign(authority, hashes.SHA256()).public_bytes(pem) + private)
    return files
