"""Read the user's API key from PEM and check who else can read its file.

Describes each fault of a PEM in its own sentence. Never shows a key, an id or any text that might be one.
Never asks for a pass phrase. Never changes a file.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from kalshi_trading.core.errors import ConfigurationError, Problem
from kalshi_trading.settings.child_environment import child_environment

_OTHERS = 0o077
_NOT_IGNORED = 1  # exit status of `git check-ignore` if git tracks the file or would add it

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

PrivateKey: TypeAlias = "RSAPrivateKey | Ed25519PrivateKey"

MINIMUM_RSA_BITS = 2048
_LARGEST_PEM_BYTES = 65_536
_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_USE_KALSHI_FILE = "Use the .pem file from Kalshi, downloaded when the API key was created."
_DECRYPT = "Save an unencrypted copy: openssl pkey -in KEY.pem -out PLAIN.pem, then chmod 600 PLAIN.pem."
_FAULTS_BY_LABEL = {
    "OPENSSH PRIVATE KEY": (
        "is an OpenSSH key; Kalshi does not accept these.",
        _USE_KALSHI_FILE,
    ),
    "EC PRIVATE KEY": ("is an elliptic-curve (EC) key; Kalshi accepts RSA and Ed25519.", _USE_KALSHI_FILE),
    "EC PARAMETERS": ("contains elliptic-curve (EC) parameters, not a key.", _USE_KALSHI_FILE),
    "DSA PRIVATE KEY": ("is a DSA key; Kalshi accepts RSA and Ed25519.", _USE_KALSHI_FILE),
    "ENCRYPTED PRIVATE KEY": ("is encrypted with a passphrase.", _DECRYPT),
    "PUBLIC KEY": ("is a public key; the private key is needed.", _USE_KALSHI_FILE),
    "RSA PUBLIC KEY": ("is a public key; the private key is needed.", _USE_KALSHI_FILE),
    "CERTIFICATE": ("is a certificate, not a private key.", _USE_KALSHI_FILE),
    "CERTIFICATE REQUEST": ("is a certificate request, not a private key.", _USE_KALSHI_FILE),
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """An API key id and its private key, which it unpacks to.

    `repr` shows neither.
    """

    key_id: str = field(repr=False)
    private_key: PrivateKey = field(repr=False)

    def __iter__(self) -> Iterator[Any]:
        return iter((self.key_id, self.private_key))

    def __repr__(self) -> str:
        return "Credentials(key_id='****', private_key='****')"


class _Fault(Exception):
    """A fault of a key and its remedy."""

    def __init__(self, what: str, remedy: str = _USE_KALSHI_FILE) -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(what)


def load_private_key(
    path_or_pem: str | Path, *, variable: str = "KALSHI_API_SECRET", folder: Path | None = None
) -> PrivateKey:
    r"""Load an RSA (2048 bits or more) or Ed25519 key from a file or PEM text.

    A literal `\n` counts as a line end. A relative path starts at `folder`. Raises ConfigurationError naming
    `variable`.
    """
    try:
        if is_inline(path_or_pem):
            text = str(path_or_pem)
        elif (path := key_path(path_or_pem, folder)) is not None:
            text = _read(path)
        else:
            raise _Fault("cannot be found: the home folder (~) is unknown.", "Use a full path.")
        return _parse(text.replace("\\r", "").replace("\\n", "\n"))
    except _Fault as fault:
        where = "The key" if is_inline(path_or_pem) else f"The file {_safe_name(path_or_pem)}"
        raise ConfigurationError([Problem(variable, f"{where} {fault.what}", fault.remedy)]) from None


def is_inline(path_or_pem: str | Path) -> bool:
    """Return True if the text is PEM, perhaps damaged, and not a file path."""
    return isinstance(path_or_pem, str) and ("PRIVATE KEY" in path_or_pem or "-BEGIN " in path_or_pem)


def key_path(path_or_pem: str | Path, folder: Path | None = None) -> Path | None:
    """Return the path of the key file.

    None: the text is PEM, or the home folder of `~` is unknown.
    """
    if is_inline(path_or_pem):
        return None
    try:
        return (folder or Path()) / Path(path_or_pem).expanduser()
    except RuntimeError:
        return None


def _safe_name(path_or_pem: str | Path) -> str:
    """Return the file name, unless the text might be a pasted bare key.

    Base64 has no full stop, so a text with one is no key.
    """
    text = str(path_or_pem)
    return text if "." in text and text.isprintable() and len(text) < 1000 else "named there"


def _read(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise _Fault("is a folder.", "Use the .pem file in it.")
        if not stat.S_ISREG(mode):
            raise _Fault("is not a regular file.", "Use a .pem file.")
        with path.open("rb") as file:
            content = file.read(_LARGEST_PEM_BYTES)
    except FileNotFoundError:
        raise _Fault("does not exist.", "Correct the path, or use a full path.") from None
    except PermissionError:
        raise _Fault("cannot be read: permission denied.", "Become its owner, then chmod 600.") from None
    except (OSError, ValueError):
        raise _Fault("cannot be read.", "Correct the path.") from None
    return content.decode(errors="replace")  # the file may hold any text around the PEM


def _parse(text: str) -> PrivateKey:
    """Read the private key in `text`, or its first PEM block if it has none."""
    found = list(_BEGIN.finditer(text))
    if not found:
        raise _Fault("is not PEM text: it has no BEGIN line.")
    begin = next((match for match in found if match[1].endswith("PRIVATE KEY")), found[0])
    label, lines = begin[1], text[begin.start() :].splitlines()
    pem = "\n".join(line.strip() for line in lines) + "\n"
    if label in _FAULTS_BY_LABEL:
        raise _Fault(*_FAULTS_BY_LABEL[label])
    if "Proc-Type: 4,ENCRYPTED" in pem:
        raise _Fault(*_FAULTS_BY_LABEL["ENCRYPTED PRIVATE KEY"])
    if label not in ("PRIVATE KEY", "RSA PRIVATE KEY"):
        raise _Fault("contains no private key.")
    if f"-----END {label}-----" not in pem:
        raise _Fault("is incomplete: its END line is missing.", "Copy the whole file again.")
    return _accept(_decode(pem))


def _decode(pem: str) -> object:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(pem.encode(), password=None)
    except TypeError:
        raise _Fault(*_FAULTS_BY_LABEL["ENCRYPTED PRIVATE KEY"]) from None
    except UnsupportedAlgorithm:
        raise _Fault("is a key type that Kalshi does not accept.") from None
    except ValueError:
        raise _Fault("is damaged: it cannot be decoded.", "Copy the whole file again.") from None


def _accept(key: object) -> PrivateKey:
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < MINIMUM_RSA_BITS:
            raise _Fault(f"is an RSA key of {key.key_size} bits; at least {MINIMUM_RSA_BITS} are required.")
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey):
        raise _Fault(*_FAULTS_BY_LABEL["EC PRIVATE KEY"])
    if isinstance(key, dsa.DSAPrivateKey):
        raise _Fault(*_FAULTS_BY_LABEL["DSA PRIVATE KEY"])
    raise _Fault("is a key type that Kalshi does not accept; use RSA or Ed25519.")


def find_leaks(variable: str, path: Path) -> list[Problem]:
    """Return what exposes the file that `path` leads to.

    A file that cannot be found exposes nothing.
    """
    try:
        target = path.resolve(strict=True)
        mode = target.stat().st_mode
    except (OSError, RuntimeError, ValueError):
        return []
    problems = []
    if os.name != "nt" and mode & _OTHERS:
        what = f"{target} is accessible to other users (mode {mode & 0o777:o})."
        problems.append(Problem(variable, what, f"Run: chmod 600 {shlex.quote(str(target))}"))
    if _is_git_visible(target):
        what = f"{target} is in a git work tree and not ignored."
        problems.append(Problem(variable, what, "Move it out of the work tree, or add it to .gitignore."))
    return problems


def _is_git_visible(target: Path) -> bool:
    """Ask git whether the file is tracked or could be added.

    False without git.
    """
    if not any((folder / ".git").exists() for folder in target.parents):
        return False
    command = ["git", "-C", str(target.parent), "check-ignore", "--quiet", "--", str(target)]
    try:
        answer = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=10, env=child_environment()
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == _NOT_IGNORED
