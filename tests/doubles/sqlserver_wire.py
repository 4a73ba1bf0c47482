"""TDS 7.4 as a server speaks it: packets, TLS inside them, and the tokens of an answer.

Written from [MS-TDS]; only what the drivers of the tests send and understand.
"""

import asyncio
import ssl
import struct
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

BATCH, RPC, RESPONSE, ATTENTION, TRANSACTION, LOGIN, PRELOGIN = 1, 3, 4, 6, 14, 16, 18
PACKET = 4096
COLLATION = b"\x09\x04\xd0\x00\x34"  # SQL_Latin1_General_CP1_CI_AS
DONE, DONE_PROC, DONE_IN_PROC = 0xFD, 0xFE, 0xFF
MORE, FAILED, COUNT, STOPPED = 1, 2, 16, 32
OFFSET = timedelta(hours=2)
"""The zone in which this server shows a datetimeoffset: one that is not UTC, so that it is seen to be read."""


class TdsError(Exception):
    """What the server says to the client: a number of SQL Server's, and a text."""

    def __init__(self, number: int, text: str, severity: int = 16) -> None:
        super().__init__(text)
        self.number, self.text, self.severity = number, text, severity


class Channel:
    """Messages over a connection, encrypted or not."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._tls: ssl.SSLObject | None = None
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()

    @property
    def is_encrypted(self) -> bool:
        return self._tls is not None

    async def encrypt(self, context: ssl.SSLContext) -> None:
        """The handshake, whose records travel in PRELOGIN packets."""
        tls = context.wrap_bio(self._in, self._out, server_side=True)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._send_handshake()
                _kind, data = await self.receive()
                self._in.write(data)
                continue
            break
        await self._send_handshake()
        self._tls = tls

    def decrypt(self) -> None:
        """From now on in the clear, as after a login where only that is encrypted."""
        self._tls = None

    async def _send_handshake(self) -> None:
        if data := self._out.read():
            await self.send(data, PRELOGIN)

    async def receive(self) -> tuple[int, bytes]:
        """The type of the next message and what is in its packets."""
        parts: list[bytes] = []
        while True:
            header = await self._exactly(8)
            kind, status, length = struct.unpack(">BBH", header[:4])
            parts.append(await self._exactly(length - 8))
            if status & 1:
                return kind, b"".join(parts)

    async def send(self, data: bytes, kind: int = RESPONSE, *, last: bool = True) -> None:
        room = PACKET - 8
        pieces = [data[at : at + room] for at in range(0, len(data), room)] or [b""]
        made = b""
        for number, piece in enumerate(pieces, 1):
            status = 1 if last and number == len(pieces) else 0
            made += (
                struct.pack(">BBHHBB", kind, status, len(piece) + 8, 51, number % 256, 0) + piece
            )
        if self._tls is not None:
            self._tls.write(made)
            made = self._out.read()
        self._writer.write(made)
        await self._writer.drain()

    async def _exactly(self, count: int) -> bytes:
        if self._tls is None:
            return await self._reader.readexactly(count)
        found = b""
        while len(found) < count:
            try:
                piece = self._tls.read(count - len(found))
            except ssl.SSLWantReadError:
                data = await self._reader.read(65_536)
                if not data:
                    raise asyncio.IncompleteReadError(found, count) from None
                self._in.write(data)
                continue
            if not piece:
                raise asyncio.IncompleteReadError(found, count)
            found += piece
        return found

    def close(self) -> None:
        self._writer.close()

    def abort(self) -> None:
        self._writer.transport.abort()


def prelogin_encryption(data: bytes) -> int:
    """What the client says about encryption: 0 off, 1 on, 2 not supported, 3 required."""
    at = 0
    while data[at] != 0xFF:
        token, offset, length = struct.unpack_from(">BHH", data, at)
        if token == 1 and length:
            return data[offset]
        at += 5
    return 2


def prelogin(encryption: int) -> bytes:
    body = {0: bytes([16, 0, 16, 135, 0, 0]), 1: bytes([encryption]), 2: b"\0", 4: b"\0"}
    offset, head, tail = len(body) * 5 + 1, b"", b""
    for token, value in body.items():
        head += struct.pack(">BHH", token, offset + len(tail), len(value))
        tail += value
    return head + b"\xff" + tail


@dataclass(frozen=True)
class Login:
    user: str
    password: str
    program: str
    database: str
    reads_only: bool


def login(data: bytes) -> Login:
    def text(at: int) -> bytes:
        offset, length = struct.unpack_from("<HH", data, at)
        return data[offset : offset + 2 * length]

    def plain(at: int) -> str:
        return text(at).decode("utf-16-le")

    bare = bytes(((b ^ 0xA5) << 4 & 0xF0) | ((b ^ 0xA5) >> 4) for b in text(44))
    return Login(
        user=plain(40),
        password=bare.decode("utf-16-le"),
        program=plain(48),
        database=plain(68),
        reads_only=bool(data[26] & 0x20),
    )


def _b(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16-le")


def _us(text: str) -> bytes:
    return struct.pack("<H", len(text)) + text.encode("utf-16-le")


def _sized(token: int, body: bytes) -> bytes:
    return struct.pack("<BH", token, len(body)) + body


def login_ack(database: str) -> bytes:
    name = "Microsoft SQL Server"
    return (
        _sized(0xE3, b"\x01" + _b(database) + _b("master"))
        + _sized(0xE3, b"\x07\x05" + COLLATION + b"\0")
        + _sized(0xAD, b"\x01\x74\x00\x00\x04" + _b(name) + bytes([16, 0, 16, 135]))
        + _sized(0xE3, b"\x04" + _b(str(PACKET)) + _b(str(PACKET)))
    )


def transaction(kind: int, number: int) -> bytes:
    """ENVCHANGE: 8 begun, 9 committed, 10 rolled back."""
    one = b"\x08" + struct.pack("<Q", number)
    return _sized(0xE3, bytes([kind]) + (one + b"\0" if kind == 8 else b"\0" + one))


def error(what: TdsError) -> bytes:
    text = what.text[:2_000]
    body = struct.pack("<iBB", what.number, 1, what.severity) + _us(text) + _b("double") + _b("")
    return _sized(0xAA, body + struct.pack("<I", 1))


def done(status: int = 0, rows: int = 0, token: int = DONE) -> bytes:
    return struct.pack("<BHHQ", token, status, 0xC1, rows)


def return_status() -> bytes:
    return struct.pack("<Bi", 0x79, 0)


def return_handle(handle: int) -> bytes:
    """The output parameter that a prepared statement's number comes back in."""
    kind = struct.pack("<IHBB", 0, 0, 0x26, 4)
    return struct.pack("<BH", 0xAC, 0) + _b("") + b"\x01" + kind + struct.pack("<Bi", 4, handle)


class Kind:
    """A column's type on the wire."""

    def __init__(self, duckdb_type: str, *, is_unlimited: bool = True) -> None:
        self.name = duckdb_type.upper()
        self._max = is_unlimited
        self._digits = (38, 0)
        if self.name.startswith("DECIMAL"):
            precision, scale = self.name[8:-1].split(",")
            self._digits = (int(precision), int(scale))

    def info(self) -> bytes:  # noqa: C901 - a list of types
        size = b"\xff\xff" if self._max else struct.pack("<H", 8_000)
        match self.name:
            case "TINYINT" | "UTINYINT":
                return b"\x26\x01"
            case "SMALLINT":
                return b"\x26\x02"
            case "INTEGER":
                return b"\x26\x04"
            case "BIGINT":
                return b"\x26\x08"
            case "BOOLEAN":
                return b"\x68\x01"
            case "DOUBLE":
                return b"\x6d\x08"
            case "FLOAT":
                return b"\x6d\x04"
            case "UUID":
                return b"\x24\x10"
            case "DATE":
                return b"\x28"
            case "TIME":
                return b"\x29\x07"
            case "TIMESTAMP":
                return b"\x2a\x07"
            case "TIMESTAMP WITH TIME ZONE":
                return b"\x2b\x07"
            case "BLOB":
                return b"\xa5" + size
            case name if name.startswith("DECIMAL") or name in ("HUGEINT", "UBIGINT"):
                return bytes([0x6A, 17, *self._digits])
            case _:
                return b"\xe7" + size + COLLATION

    def value(self, value: Any) -> bytes:  # noqa: C901 - a list of types
        match self.name:
            case "TINYINT" | "UTINYINT" | "BOOLEAN":
                return _short(value, lambda v: bytes([int(v)]))
            case "SMALLINT":
                return _short(value, lambda v: struct.pack("<h", v))
            case "INTEGER":
                return _short(value, lambda v: struct.pack("<i", v))
            case "BIGINT":
                return _short(value, lambda v: struct.pack("<q", v))
            case "DOUBLE":
                return _short(value, lambda v: struct.pack("<d", v))
            case "FLOAT":
                return _short(value, lambda v: struct.pack("<f", v))
            case "UUID":
                return _short(value, lambda v: uuid.UUID(str(v)).bytes_le)
            case "DATE":
                return _short(value, _date)
            case "TIME":
                return _short(value, _time)
            case "TIMESTAMP":
                return _short(value, lambda v: _time(v.time()) + _date(v.date()))
            case "TIMESTAMP WITH TIME ZONE":
                return _short(value, _moment)
            case "BLOB":
                return self._long(value)
            case name if name.startswith("DECIMAL") or name in ("HUGEINT", "UBIGINT"):
                return _short(value, lambda v: _decimal(Decimal(v), self._digits[1]))
            case _:
                return self._long(None if value is None else str(value).encode("utf-16-le"))

    def _long(self, value: bytes | None) -> bytes:
        if not self._max:
            return b"\xff\xff" if value is None else struct.pack("<H", len(value)) + value
        if value is None:
            return b"\xff" * 8
        chunk = struct.pack("<I", len(value)) + value if value else b""
        return struct.pack("<Q", len(value)) + chunk + b"\0\0\0\0"


def _short(value: Any, write: Any) -> bytes:
    if value is None:
        return b"\0"
    data = write(value)
    return bytes([len(data)]) + data


def _date(value: date) -> bytes:
    return struct.pack("<I", value.toordinal() - 1)[:3]


def _time(value: time) -> bytes:
    seconds = (value.hour * 60 + value.minute) * 60 + value.second
    return struct.pack("<Q", seconds * 10**7 + value.microsecond * 10)[:5]


def _moment(value: datetime) -> bytes:
    there = value.astimezone(UTC)
    minutes = struct.pack("<h", int(OFFSET.total_seconds() // 60))
    return _time(there.time()) + _date(there.date()) + minutes


def _decimal(value: Decimal, scale: int) -> bytes:
    whole = int(value.scaleb(scale))
    return bytes([int(whole >= 0)]) + abs(whole).to_bytes(16, "little")


def columns(described: Sequence[tuple[str, Kind]]) -> bytes:
    made = struct.pack("<BH", 0x81, len(described))
    for name, kind in described:
        made += struct.pack("<IH", 0, 9) + kind.info() + _b(name[:128])
    return made


def row(kinds: Sequence[Kind], values: Sequence[Any]) -> bytes:
    return b"\xd1" + b"".join(kind.value(one) for kind, one in zip(kinds, values, strict=True))


class Request:
    """An RPC or a batch as it comes in: the headers before it are skipped."""

    def __init__(self, data: bytes) -> None:
        (size,) = struct.unpack_from("<I", data)
        self._data, self._at = data, size

    @property
    def text(self) -> str:
        return self._data[self._at :].decode("utf-16-le")

    @property
    def has_more(self) -> bool:
        return self._at < len(self._data)

    def take(self, form: str) -> Any:
        (value,) = struct.unpack_from("<" + form, self._data, self._at)
        self._at += struct.calcsize("<" + form)
        return value

    def piece(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        self._at += count
        return found

    def procedure(self) -> int | str:
        length = self.take("H")
        called = self.take("H") if length == 0xFFFF else self.piece(2 * length).decode("utf-16-le")
        self.take("H")
        return called

    def parameter(self) -> tuple[str, Any]:
        """The name of the next parameter and its value."""
        name = self.piece(2 * self.take("B")).decode("utf-16-le")
        self.take("B")
        return name, self._value(self.take("B"))

    def _value(self, kind: int) -> Any:
        if kind in (0x26, 0x68, 0x6D):
            self.take("B")
            data = self.piece(self.take("B"))
            if kind == 0x6D:
                return struct.unpack("<d" if len(data) == 8 else "<f", data)[0] if data else None
            return int.from_bytes(data, "little", signed=len(data) > 1) if data else None
        if kind in (0xE7, 0xEF, 0xA7, 0xAF, 0xA5, 0xAD):
            longest = self.take("H")
            if kind in (0xE7, 0xEF, 0xA7, 0xAF):
                self.piece(5)
            found = self._plp() if longest == 0xFFFF else self._counted()
            if found is None or kind in (0xA5, 0xAD):
                return found
            return found.decode("utf-16-le" if kind in (0xE7, 0xEF) else "cp1252")
        if kind in (0x6A, 0x6C):
            _size, _precision, scale = self.piece(3)
            data = self.piece(self.take("B"))
            if not data:
                return None
            whole = int.from_bytes(data[1:], "little")
            return Decimal(whole if data[0] else -whole).scaleb(-scale)
        raise TdsError(8009, f"This double knows no parameter of type {kind:#x}.")

    def _counted(self) -> bytes | None:
        length = self.take("H")
        return None if length == 0xFFFF else self.piece(length)

    def _plp(self) -> bytes | None:
        if self.take("Q") == 0xFFFFFFFFFFFFFFFF:
            return None
        found = b""
        while length := self.take("I"):
            found += self.piece(length)
        return found
