"""A key of BigQuery, and the tokens made with it, are in nothing that a source leaves behind."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.doubles.bigquery_proxy import TOKEN, Answer, Proxy
from tests.doubles.bigquery_server import BigqueryServer
from tests.doubles.footprint import Footprint

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("way", ["object", "text"])
@pytest.mark.parametrize("is_right", [True, False])
async def test_a_key_and_its_tokens(
    server: BigqueryServer, proxy: Proxy, footprint: Footprint, way: str, is_right: bool
) -> None:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    key: Any = {
        "type": "service_account",
        "client_email": "reader@shop.iam.gserviceaccount.com",
        "private_key": text,
        "private_key_id": "canary-id-7f3a",
        "token_uri": proxy.token_uri,
    }
    proxy.wants_token = True
    if not is_right:
        said = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
        proxy.token_answer = Answer(400, said)
    given = key if way == "object" else json.dumps(key)
    output = await footprint.of(
        server.credentials(api_endpoint=proxy.endpoint, service_account_key=given)
    )
    assert output.success is is_right
    assert footprint.found("shop-project")  # it does look
    assert footprint.found(TOKEN, *text.splitlines()[2:-2]) == []
