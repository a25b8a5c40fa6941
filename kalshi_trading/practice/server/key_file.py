"""Practice key pair, created on first use and readable only by its owner.

Knows the file and its permissions. The key id is derived from the key, so nothing else is stored.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from kalshi_trading.practice.storage.private_files import (
    KEY_FILE,
    exists_as_ours,
    open_private,
    write_atomically,
)

_MIN_BITS = 2048


@dataclass(frozen=True, slots=True)
class PracticeKey:
    key_id: str
    private_key_path: Path
    public_key: RSAPublicKey


def practice_key(directory: Path) -> PracticeKey:
    """Return the key of this directory; create it if missing.

    Raises OSError if the file cannot be read or written. Raises ValueError if it holds no usable key.
    """
    path = directory / KEY_FILE
    if not exists_as_ours(path):
        _write(path, rsa.generate_private_key(public_exponent=65537, key_size=2048))
    private_key = _read(path)
    public_key = private_key.public_key()
    return PracticeKey(_key_id(public_key), path, public_key)


def _read(path: Path) -> RSAPrivateKey:
    """Read the private key. Raises OSError and ValueError.

    We replace the library's error texts, because they mean nothing to a user who did not write the file.
    """
    with open(path, "rb", opener=open_private) as file:
        pem = file.read()
    try:
        private_key = load_pem_private_key(pem, password=None)
    except (
        ValueError,
        TypeError,
        UnsupportedAlgorithm,
    ):  # not a key, protected by a password, or an unsupported kind
        raise ValueError("it contains no private key") from None
    if not isinstance(private_key, RSAPrivateKey) or private_key.key_size < _MIN_BITS:
        raise ValueError("it contains no RSA key")
    return private_key


def _write(path: Path, private_key: RSAPrivateKey) -> None:
    """Write the key atomically, so that no reader sees half of it."""
    pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    write_atomically(path, pem)


def _key_id(public_key: RSAPublicKey) -> str:
    encoded = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return str(uuid.uuid5(uuid.NAMESPACE_OID, encoded.hex()))
