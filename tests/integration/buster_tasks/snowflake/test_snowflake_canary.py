"""Secrets of Snowflake are in nothing that a source leaves behind, whether it gets in or not."""

import asyncio
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from tests.doubles.footprint import Footprint
from tests.doubles.snowflake_account import PASSWORD

pytestmark = pytest.mark.anyio

WRONG = "wrong-canary-5e1f"
PROGRAMMATIC = {"token_type": "programmatic"}


@pytest.mark.parametrize(
    ("given", "is_right"),
    [
        ({"password": PASSWORD}, True),
        ({"password": WRONG}, False),
        ({"access_token": f"oauth-{PASSWORD}"}, True),
        ({"access_token": f"pat-{PASSWORD}", **PROGRAMMATIC}, True),
        ({"access_token": WRONG}, False),
        ({"access_token": WRONG, **PROGRAMMATIC}, False),
    ],
)
async def test_a_password_or_a_token(
    account: Any, footprint: Footprint, given: dict[str, Any], is_right: bool
) -> None:
    known = {"username": account.name, "default_schema": "APP", **given}
    output = await footprint.of(account.server.credentials(account.name, **known))
    assert output.success is is_right
    assert footprint.found(account.name)  # it does look
    assert footprint.found(PASSWORD, WRONG) == []
    await account.until_alone()


async def test_a_wrong_secret_of_oauth(account: Any, footprint: Footprint) -> None:
    known = {"client_id": "c", "client_secret": WRONG, "token_url": f"{account.server.url}/token"}
    output = await footprint.of(account.server.credentials(account.name, **known))
    assert not output.success
    assert footprint.found(WRONG) == []


async def test_a_secret_of_oauth_and_the_token_made_for_it(
    account: Any, footprint: Footprint
) -> None:
    asked: list[bytes] = []

    async def give(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"grant_type"))
        body = (
            b'{"access_token": "oauth-%s", "token_type": "Bearer", "expires_in": 600}'
            % PASSWORD.encode()
        )
        kind = b"Content-Type: application/json\r\nConnection: close\r\n"
        writer.write(b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n" % (kind, len(body)) + body)
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(give, "127.0.0.1", 0)
    async with listener:
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/token"
        known = {"client_id": "c", "client_secret": WRONG, "token_url": url}
        known |= {"username": account.name, "default_schema": "APP"}
        output = await footprint.of(account.server.credentials(account.name, **known))
    assert asked
    assert output.success, output.error
    assert footprint.found(WRONG, PASSWORD) == []


async def test_a_private_key(account: Any, footprint: Footprint) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(WRONG.encode())
    ).decode()
    known = {"private_key": text, "private_key_passphrase": WRONG, "username": account.name}
    await footprint.of(account.server.credentials(account.name, **known))
    assert footprint.found(WRONG, *text.splitlines()[2:-2]) == []
