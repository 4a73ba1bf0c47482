"""`taskkit secrets`: keys that seal the secrets of payloads; and what `doctor` says of those that are here."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from taskkit.cli.extras import PACKAGE
from taskkit.cli.inspection import Finding
from taskkit.cli.options import NOTHING_SAID, Shared
from taskkit.cli.problem import OK
from taskkit.cli.screen import write_json
from taskkit.errors import InvalidConfigError
from taskkit.model import sealing


def new_key(*, shared: Shared = NOTHING_SAID) -> int:
    """Print a new key for TASKKIT_SECRET_KEY.

    Every process that triggers or works needs it. To change keys put the new one behind the old one everywhere,
    then before it, then take the old one out once no run sealed with it is left.

    For example:

        export TASKKIT_SECRET_KEY=$(taskkit secrets new-key)
    """
    key = sealing.new_key()
    if shared.is_json:
        write_json({"key": key, "id": sealing.key_of(key).id})
    else:
        print(key)
    return OK


def key_setting() -> dict[str, str]:
    """The keys of this process by their fingerprints, as a row of doctor's configuration."""
    try:
        ids = [key.id for key in sealing.secret_keys()]
    except InvalidConfigError:
        text = "malformed"
    else:
        uses = ["seals and opens", *["opens"] * (len(ids) - 1)]
        text = ", ".join(f"{key_id} {use}" for key_id, use in zip(ids, uses, strict=False))
    said = sealing.VARIABLE if text else "default"
    return {"name": "secret_keys", "value": text or "none", "from": said}


def key_faults() -> Iterator[Finding]:
    """What keeps the keys that are configured from being used."""
    try:
        keys = sealing.secret_keys()
    except InvalidConfigError as error:
        yield Finding(sealing.VARIABLE, str(error))
        return
    if keys and find_spec("cryptography") is None:
        what = "A key is configured, and cryptography, which seals and opens with it, is missing."
        yield Finding(sealing.VARIABLE, what, f'pip install "{PACKAGE}[secrets]"')
