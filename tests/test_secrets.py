"""No key or signature is in any artifact of a session.

Artifacts are logs, journal, export, databases and screen. A session signs with a key made for the test while
every library logs at DEBUG. It meets refusals, broken answers and a crash, and exports its journal. Then
every byte left behind is searched.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

HERE = Path(__file__).resolve().parent
CANARIES = str(HERE / "support" / "program" / "secret_canaries.py")
KEY_ID = "c0ffee00-cafe-4bad-8bad-5ec4e7000001"
FAULTS = {
    "rules": [
        {"kind": "before_accept", "path": "/portfolio/positions", "answer": "html_403", "times": 1},
        {"kind": "before_accept", "path": "/portfolio/fills", "answer": "html_502", "times": 1},
        {"kind": "after_accept", "path": "/portfolio/balance", "answer": "truncated_json", "times": 2},
        {"kind": "after_accept", "path": "/portfolio/settlements", "answer": "captive_portal", "times": 1},
        {"kind": "after_accept", "path": "/portfolio/positions", "answer": "deep", "times": 1},
        {"kind": "after_accept", "method": "POST", "answer": "error_with_201", "times": 1},
    ]
}


@dataclass(frozen=True)
class Canary:
    """A key made for one test, and every form in which it might leak."""

    pem: Path
    forms: tuple[bytes, ...]


def rsa_numbers(key: rsa.RSAPrivateKey) -> list[int]:
    numbers = key.private_numbers()
    return [numbers.d, numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp]


def canary(folder: Path, kind: str) -> Canary:
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    if kind == "rsa":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        numbers = rsa_numbers(key)
    else:
        key = ed25519.Ed25519PrivateKey.generate()
        numbers = [int.from_bytes(key.private_bytes_raw(), "big")]
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "canary.pem"
    path.write_bytes(pem)
    path.chmod(0o600)
    lines = pem.split(b"\n")[1:-2]
    raw = [number.to_bytes((number.bit_length() + 7) // 8, "big") for number in numbers]
    written = [text.encode() for number in numbers for text in (str(number), f"{number:x}", f"{number:X}")]
    # the first line of a PEM holds the kind of key, the same for every key
    secret_lines = lines[1:] or [lines[0][24:]]
    return Canary(path, (*[line for line in secret_lines if len(line) > 16], b"".join(lines), *written, *raw))


@contextmanager
def exchange_that_knows(key: Canary, folder: Path) -> Iterator[str]:
    """Run a practice exchange with FAULTS that accepts the key.

    Its output is written to the artifacts.
    """
    (folder / "faults.json").write_text(json.dumps(FAULTS))
    command = [
        sys.executable,
        CANARIES,
        "exchange",
        str(key.pem),
        KEY_ID,
    ]
    options = [
        "--data-dir",
        str(folder / "exchange"),
        "--faults",
        str(folder / "faults.json"),
        "--idle-exit",
        "0",
    ]
    with (folder / "exchange.err").open("wb") as errors:
        process = subprocess.Popen(
            command + options, env=surroundings(), stdout=subprocess.PIPE, stderr=errors, text=True
        )
    assert process.stdout is not None
    try:
        ready = json.loads(process.stdout.readline())
        yield ready["url"]
    finally:
        process.kill()
        (folder / "exchange.out").write_text(process.communicate()[0])


def surroundings(**settings: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KALSHI_")}
    return {**inherited, "PYTHONPATH": str(HERE.parent), "PYTHONUTF8": "1", **settings}


def run_session(folder: Path, signatures: Path, url: str, key: Canary, key_id: str, typed: str) -> str:
    """Run a session with this input; return its output.

    The output is written to the artifacts.
    """
    program = [sys.executable, CANARIES, "session"]
    settings = {
        "KALSHI_ENVIRONMENT": "sandbox",
        "KALSHI_API_BASE_URL": url,
        "KALSHI_API_KEY": key_id,
        "KALSHI_API_SECRET": str(key.pem),
        "KALSHI_LOG_DIR": str(folder / "logs"),
        "KALSHI_DATA_DIR": str(folder / "data"),
        "LOG_LEVEL": "DEBUG",
    }
    ended = subprocess.run(
        [*program, str(folder / "libraries.log"), str(signatures)],
        input=typed,
        cwd=folder,
        env=surroundings(HOME=str(folder), **settings),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    with (folder / "screen.txt").open("a") as file:
        file.write(ended.stdout + ended.stderr)
    return ended.stdout + ended.stderr


def contents(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def leaks(folder: Path, secrets: set[bytes]) -> list[str]:
    """Return the artifacts that contain a secret, without the secret."""
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(secret in contents(path) for secret in secrets)
    )


TYPED = "".join(
    f"{line}\n"
    for line in [
        *("1", "0", "1", "0", "1", "0"),  # the portfolio three times
        *("3", "5", "9", "0"),  # orders, the crash, account
        *("2", "bitcoin", "1", "1", "1", "1", "3", "1"),  # a trade
        *("8", "1", "0", "8", "2", "0", "8", "3", "5", "all", "export.csv"),
        *("1", "0", "0", "1", "0", "0"),
    ]
)


@pytest.mark.journey
@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_with_every_library_at_debug_no_secret_is_in_any_artefact(tmp_path, kind):
    key = canary(tmp_path, kind)
    folder, signatures = tmp_path / "artefacts", tmp_path / "signatures"
    folder.mkdir()
    with exchange_that_knows(key, folder) as url:
        screen = run_session(folder, signatures, url, key, KEY_ID, TYPED)
        refused = run_session(folder, signatures, url, key, KEY_ID[::-1].replace("-", "0"), "0\n")
    sent = signatures.read_text().split()
    assert len(sent) > 20
    assert "Unexpected error (reference " in screen, screen
    assert "crashed among" in (folder / "logs/sandbox/errors.log").read_text()
    assert "order.intent" in (folder / "logs/sandbox/trades.log").read_text(), screen
    assert "(journal, all time) written to" in screen, screen
    assert "rejected your API key" in refused, refused
    assert "urllib3" in (folder / "libraries.log").read_text()
    assert "GET" in (folder / "logs/sandbox/requests.log").read_text()
    secrets = {*key.forms, *(signature.encode() for signature in sent)}
    assert leaks(folder, secrets) == []
    for path in [*(folder / "logs").rglob("*.log"), folder / "export.csv", folder / "screen.txt"]:
        assert KEY_ID.encode() not in contents(path), path


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_the_search_finds_what_it_is_meant_to_find(tmp_path, kind):
    key = canary(tmp_path, kind)
    folder = tmp_path / "artefacts"
    folder.mkdir()
    for number, form in enumerate(key.forms):
        assert len(form) > 16
        (folder / f"{number}.txt").write_bytes(b"before " + form + b" after")
    (folder / "packed.log.gz").write_bytes(gzip.compress(key.pem.read_bytes().replace(b"\n", b"\\n")))
    (folder / "harmless.txt").write_text("-----BEGIN PRIVATE KEY-----")
    assert len(leaks(folder, set(key.forms))) == len(key.forms) + 1
