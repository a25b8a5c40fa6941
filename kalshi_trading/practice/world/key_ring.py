"""Request authentication: verify the KALSHI-ACCESS headers.

The signed text is timestamp + METHOD + path without query. RSA keys sign with PSS over SHA-256 and a salt
as long as the digest; Ed25519 keys sign directly. A timestamp may be `window_ms` off. Holds public keys
only.
Source: Kalshi API, authentication.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from kalshi_trading.practice.responses.errors import missing_signature, stale_timestamp, unauthenticated

KEY_HEADER = "kalshi-access-key"
TIMESTAMP_HEADER = "kalshi-access-timestamp"
SIGNATURE_HEADER = "kalshi-access-signature"

_MILLISECONDS = re.compile(r"[0-9]{1,16}")
_PSS = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)

PublicKey = RSAPublicKey | Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class _KeyOwner:
    account_id: str
    public_key: PublicKey


class KeyRing:
    """The accepted public keys and their accounts."""

    def __init__(self) -> None:
        self.window_ms = 10_000
        self._owners: dict[str, _KeyOwner] = {}

    def add_key(self, key_id: str, account_id: str, public_key: PublicKey) -> None:
        """Accept signatures made with this key."""
        self._owners[key_id] = _KeyOwner(account_id, public_key)

    def key_ids(self, account_id: str) -> list[str]:
        """Return the ids of an account's keys."""
        return [key_id for key_id, owner in self._owners.items() if owner.account_id == account_id]

    def signer(self, headers: Mapping[str, str], method: str, path: str, now: int) -> str | None:
        """Return the account that signed the request. Raises ApiError.

        None: none of the three headers was sent.
        """
        given = [headers.get(name) for name in (KEY_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER)]
        if given == [None, None, None]:
            return None
        key_id, timestamp, signature = given
        if not key_id or not timestamp or not signature:
            raise missing_signature()
        if not _MILLISECONDS.fullmatch(timestamp) or abs(int(timestamp) - now // 1000) > self.window_ms:
            raise stale_timestamp()
        owner = self._owners.get(key_id)
        if owner is None:
            raise unauthenticated("NOT_FOUND")
        if not _is_valid(owner.public_key, signature, f"{timestamp}{method}{path}".encode()):
            raise unauthenticated("INCORRECT_API_KEY_SIGNATURE")
        return owner.account_id


def _is_valid(public_key: PublicKey, signature: str, text: bytes) -> bool:
    try:
        raw = base64.b64decode(signature, validate=True)
        if isinstance(public_key, Ed25519PublicKey):
            public_key.verify(raw, text)
        else:
            public_key.verify(raw, text, _PSS, SHA256())
    except (binascii.Error, ValueError, InvalidSignature):
        return False
    return True
