"""Each fault of a key file has its own sentence, and none shows the key."""

from __future__ import annotations

import os
from functools import cache

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from kalshi_trading.core.errors import ConfigurationError
from kalshi_trading.settings.credentials import load_private_key

PKCS1, PKCS8, OPENSSH = PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8, PrivateFormat.OpenSSH


@cache
def rsa_key(bits=2048):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@cache
def ed25519_key():
    return ed25519.Ed25519PrivateKey.generate()


def pem(key, form=PKCS8, encryption=None):
    encryption = encryption or NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, encryption).decode()


def public_pem(key, form=PublicFormat.SubjectPublicKeyInfo):
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def pass_phrase():
    return serialization.BestAvailableEncryption(b"canary-pass-phrase")


def cut(text, lines):
    return "\n".join(text.splitlines()[:lines])


def without_a_line(text):
    lines = text.splitlines()
    return "\n".join(lines[:3] + lines[4:])


FAULTY_TEXTS = {
    "empty": (lambda: "", "it has no BEGIN line"),
    "garbage": (lambda: "this is not a key\n", "it has no BEGIN line"),
    "truncated": (lambda: cut(pem(rsa_key()), 8), "its END line is missing"),
    "line lost": (lambda: without_a_line(pem(rsa_key())), "damaged"),
    "body garbled": (lambda: pem(rsa_key()).replace("M", "!"), "damaged"),
    "encrypted": (lambda: pem(rsa_key(), PKCS8, pass_phrase()), "encrypted"),
    "encrypted the old way": (lambda: pem(rsa_key(), PKCS1, pass_phrase()), "encrypted"),
    "elliptic curve": (lambda: pem(ec.generate_private_key(ec.SECP256R1()), PKCS1), "elliptic-curve"),
    "elliptic curve in PKCS#8": (lambda: pem(ec.generate_private_key(ec.SECP256R1())), "elliptic-curve"),
    "DSA": (lambda: pem(dsa.generate_private_key(1024), PKCS1), "DSA"),
    "DSA in PKCS#8": (lambda: pem(dsa.generate_private_key(1024)), "DSA"),
    "Ed448": (lambda: pem(ed448.Ed448PrivateKey.generate()), "a key type that Kalshi does not accept"),
    "public key": (lambda: public_pem(rsa_key()), "public key"),
    "public key in PKCS#1": (lambda: public_pem(rsa_key(), PublicFormat.PKCS1), "public key"),
    "certificate": (lambda: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "certificate"),
    "OpenSSH": (lambda: pem(ed25519_key(), OPENSSH), "OpenSSH"),
    "short RSA": (lambda: pem(rsa_key(1024)), "1024 bits; at least 2048"),
    "unknown block": (lambda: "-----BEGIN COFFEE-----\nMIIB\n-----END COFFEE-----\n", "no private key"),
}


def key_body_lines(text):
    """Return the lines of a PEM that no message may contain."""
    return [line for line in text.splitlines() if len(line) > 15 and not line.startswith("-")]


@pytest.fixture
def problem_of():
    def load_and_fail(path_or_pem):
        with pytest.raises(ConfigurationError) as caught:
            load_private_key(path_or_pem)
        assert len(caught.value.problems) == 1
        assert caught.value.__cause__ is None
        return caught.value.problems[0]

    return load_and_fail


@pytest.mark.parametrize("name", FAULTY_TEXTS)
def test_a_faulty_key_file_is_named_with_its_own_fault(name, tmp_path, problem_of):
    make, sentence = FAULTY_TEXTS[name]
    path = tmp_path / "kalshi.pem"
    path.write_text(make())
    problem = problem_of(str(path))
    assert sentence in problem.what
    assert str(path) in problem.what
    assert problem.variable == "KALSHI_API_SECRET"
    assert problem.remedy
    assert not any(line in str(problem) for line in key_body_lines(make()))


def test_kinds_of_fault_do_not_share_a_sentence(tmp_path, problem_of):
    path = tmp_path / "kalshi.pem"
    said = set()
    kinds = ("garbage", "truncated", "line lost", "encrypted", "elliptic curve", "DSA")
    kinds += ("Ed448", "public key", "certificate", "OpenSSH", "short RSA")
    for name in kinds:
        path.write_text(FAULTY_TEXTS[name][0]())
        said.add(problem_of(str(path)).what)
    assert len(said) == len(kinds)


@pytest.mark.parametrize("form", [PKCS1, PKCS8])
def test_an_rsa_key_of_2048_bits_is_taken_in_both_pem_forms(form, tmp_path):
    path = tmp_path / "kalshi.pem"
    path.write_text(pem(rsa_key(), form))
    assert load_private_key(path).private_numbers() == rsa_key().private_numbers()


def test_an_ed25519_key_is_taken(tmp_path):
    path = tmp_path / "kalshi.pem"
    path.write_text(pem(ed25519_key()))
    assert load_private_key(path).private_bytes_raw() == ed25519_key().private_bytes_raw()


@pytest.mark.parametrize("line_end", ["\\n", "\\r\\n"])
@pytest.mark.parametrize("form", [PKCS1, PKCS8])
def test_a_key_file_of_one_line_with_its_line_ends_spelled_out_is_taken(form, line_end, tmp_path):
    path = tmp_path / "kalshi.pem"
    one_line = pem(rsa_key(), form).replace("\n", line_end)
    for text in (one_line, f'"{one_line}"\n', one_line.removesuffix(line_end)):
        path.write_text(text)
        assert load_private_key(path).private_numbers() == rsa_key().private_numbers()


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path):
    path = tmp_path / "kalshi.pem"
    path.write_bytes(b"\xef\xbb\xbf" + pem(rsa_key()).replace("\n", "\r\n").encode())
    assert load_private_key(path).key_size == 2048


@pytest.mark.parametrize("line_end", ["\n", "\\n", "\r\n", "\\r\\n"])
def test_inline_pem_is_taken_with_real_and_with_written_line_ends(line_end):
    assert load_private_key(pem(rsa_key()).replace("\n", line_end)).key_size == 2048


def test_a_key_behind_other_blocks_is_found(tmp_path):
    path = tmp_path / "both.pem"
    path.write_text("Key for trading\n" + public_pem(rsa_key()) + pem(rsa_key()))
    assert load_private_key(path).key_size == 2048


def test_a_missing_file_is_named(tmp_path, problem_of):
    problem = problem_of(str(tmp_path / "absent.pem"))
    assert "does not exist" in problem.what
    assert "absent.pem" in problem.what


def test_a_folder_is_no_key(tmp_path, problem_of):
    folder = tmp_path / "keys.d"
    folder.mkdir()
    assert "is a folder" in problem_of(str(folder)).what


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path, problem_of):
    pipe = tmp_path / "pipe.pem"
    os.mkfifo(pipe)
    assert "not a regular file" in problem_of(str(pipe)).what


def test_a_file_that_may_not_be_read_is_said_to_be_so(tmp_path, monkeypatch, problem_of):
    path = tmp_path / "kalshi.pem"
    path.write_text("x")

    def refuse(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)  # file modes do not stop root, who may run the tests
    assert "cannot be read: permission denied" in problem_of(str(path)).what


@pytest.mark.parametrize("name", ["a.pem\0b", "~nobody-of-that-name/key.pem", "kalshi.pem/inside.pem"])
def test_an_impossible_path_is_one_sentence(name, tmp_path, problem_of):
    (tmp_path / "kalshi.pem").write_text("x")
    start = "" if name.startswith("~") else f"{tmp_path}/"
    assert problem_of(start + name).what.startswith("The file ")


def test_a_relative_path_starts_at_the_given_folder(tmp_path):
    (tmp_path / "kalshi.pem").write_text(pem(ed25519_key()))
    assert load_private_key("kalshi.pem", folder=tmp_path)


def test_a_key_pasted_without_its_begin_line_is_not_shown_as_a_path(problem_of):
    bare = "".join(key_body_lines(pem(rsa_key())))
    problem = problem_of(bare)
    assert bare[:20] not in str(problem)
    assert "named there" in problem.what


@given(st.text())
def test_any_text_is_a_key_or_a_configuration_error(text):
    with pytest.raises(ConfigurationError):
        load_private_key(text)


@given(st.binary(), st.integers(0, 1700))
def test_a_key_overwritten_anywhere_is_a_configuration_error_or_still_a_key(tmp_path_factory, damage, place):
    path = tmp_path_factory.mktemp("keys") / "kalshi.pem"
    sound = pem(rsa_key()).encode()
    path.write_bytes(sound[:place] + damage + sound[place + len(damage) :])
    problems = problems_with(path)
    assert len(problems) <= 1


def problems_with(path):
    try:
        assert load_private_key(path).key_size >= 2048
    except ConfigurationError as error:
        return error.problems
    return ()
