"""ENV chooses between two key pairs.

Files are written as other tools document them. Names of other tools have no effect.
"""

from __future__ import annotations

from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kalshi_trading.config import ConfigurationError, load_settings
from kalshi_trading.settings.environments import HOSTS, Environment

DEMO_ID, PROD_ID = "00000000-0000-4000-8000-00000000de30", "00000000-0000-4000-8000-00000000940d"
SERVICE = f"""\
# Select environment: DEMO or PROD
ENV=DEMO

# API credentials
DEMO_KEYID={DEMO_ID}
DEMO_KEYFILE=api_keys/demo/private_key.pem

# For production
PROD_KEYID={PROD_ID}
PROD_KEYFILE=api_keys/prod/private_key.pem

# Event ticker to monitor
EVENT_TICKER=KXNFLGAME-25OCT12CLEPIT
"""


@cache
def pem() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture
def loaded(tmp_path):
    """Return a loader of `.env` text, with the documented key files beside it."""
    for name in ("api_keys/demo/private_key.pem", "api_keys/prod/private_key.pem", "private_key.pem"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pem())
        path.chmod(0o600)

    def load(text, environ=None):
        path = tmp_path / ".env"
        path.write_text(text)
        path.chmod(0o600)
        return load_settings(environ or {}, path)

    return load


@pytest.fixture
def refused(loaded):
    """Return a loader of a refused `.env`; its result is a line per problem."""

    def load(text, environ=None):
        with pytest.raises(ConfigurationError) as caught:
            loaded(text, environ)
        return str(caught.value)

    return load


# --- ENV and the two key pairs ---------------------------------------------------------------------


def test_one_word_switches_between_the_pairs(loaded):
    demo, prod = loaded(SERVICE), loaded(SERVICE.replace("ENV=DEMO", "ENV=PROD"))
    assert (demo.environment, demo.credentials.key_id) == (Environment.SANDBOX, DEMO_ID)
    assert (prod.environment, prod.credentials.key_id) == (Environment.PRODUCTION, PROD_ID)
    assert demo.api_base_url == HOSTS[Environment.SANDBOX].api
    assert prod.api_base_url == HOSTS[Environment.PRODUCTION].api
    assert demo.event_ticker == "KXNFLGAME-25OCT12CLEPIT"
    assert demo.warnings == prod.warnings == ()


def test_the_pair_goes_with_the_environment_however_that_was_chosen(loaded):
    text = SERVICE.replace("ENV=DEMO", "KALSHI_ENVIRONMENT=production")
    assert loaded(text).credentials.key_id == PROD_ID


@pytest.mark.parametrize("word", ["demo", "Prod", "production", "dev", "1"])
def test_another_word_counts_for_nothing_and_says_so(word, loaded):
    settings = loaded(SERVICE.replace("ENV=DEMO", f"ENV={word}"))
    assert settings.environment is Environment.PRACTICE
    assert settings.warnings == ("ENV is neither DEMO nor PROD: using the practice exchange.",)


def test_a_word_without_its_key_id_counts_for_nothing_and_says_so(loaded):
    settings = loaded(SERVICE.replace(f"DEMO_KEYID={DEMO_ID}\n", ""))
    assert settings.environment is Environment.PRACTICE
    assert settings.warnings == ("ENV is DEMO, but DEMO_KEYID is not set: using the practice exchange.",)


def test_an_ENV_of_the_shell_beside_no_pair_means_nothing(loaded):
    settings = loaded("", {"ENV": "PROD"})
    assert (settings.environment, settings.warnings) == (Environment.PRACTICE, ())


@pytest.mark.parametrize("word", ["dev", "~/.shinit", "prod", "DEMO"])
def test_an_ENV_of_the_shell_that_is_no_other_word_hides_nothing_of_the_file(word, loaded):
    settings = loaded(SERVICE, {"ENV": word})
    assert (settings.environment, settings.credentials.key_id) == (Environment.SANDBOX, DEMO_ID)
    assert settings.warnings == ()


def test_an_ENV_of_the_shell_chooses_where_the_file_does_not(loaded):
    settings = loaded(SERVICE.replace("ENV=DEMO\n", ""), {"ENV": "PROD"})
    assert settings.credentials.key_id == PROD_ID


def test_an_ENV_of_the_shell_against_that_of_the_file_stops_the_start(refused):
    said = refused(SERVICE, {"ENV": "PROD"})
    assert said.startswith("ENV: conflicts with ENV of the process environment (.env line 2).")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (SERVICE.replace("ENV=DEMO\n", ""), "ENV is not set"),
        (f"KALSHI_API_KEY={DEMO_ID}\n", "An API key is set, but KALSHI_ENVIRONMENT is not"),
        ("KALSHI_PRIVATE_KEY_PATH=private_key.pem\n", "An API key is set, but KALSHI_ENVIRONMENT is not"),
    ],
)
def test_keys_for_which_nothing_chooses_an_exchange_are_noted(text, why, loaded):
    settings = loaded(text)
    assert settings.environment is Environment.PRACTICE
    assert settings.warnings == (f"{why}: using the practice exchange.",)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("KALSHI_ENVIRONMENT=production", "ENV"),
        ("KALSHI_ENV=practice", "ENV"),
        ("KALSHI_API_KEY=another", "DEMO_KEYID"),
        ("KALSHI_PRIVATE_KEY_PATH=private_key.pem", "DEMO_KEYFILE"),
    ],
)
def test_a_conflict_with_other_settings_stops_the_start(line, name, refused):
    said = refused(f"{SERVICE}{line}\n")
    assert f"{name}: conflicts with KALSHI_" in said
    assert "Keep only one." in said


def test_the_same_said_twice_is_no_conflict(loaded):
    more = f"KALSHI_ENV=demo\nKALSHI_API_KEY_ID={DEMO_ID}\n"
    assert loaded(SERVICE + more).credentials.key_id == DEMO_ID


def test_what_the_chosen_pair_lacks_is_named_by_its_own_name(refused):
    said = refused(SERVICE.replace("DEMO_KEYFILE=api_keys/demo/private_key.pem\n", ""))
    assert said.startswith("DEMO_KEYFILE: is not set; sandbox needs an API key.")
    assert "then write DEMO_KEYFILE=" in said


# --- Files as other tools document them --------------------------------------------------------------


def test_the_file_of_the_service_with_its_placeholders_says_what_to_replace(refused):
    said = refused(SERVICE.replace(DEMO_ID, "<your_demo_key_id>").replace(PROD_ID, "<your_prod_key_id>"))
    assert said.startswith("DEMO_KEYID: is still a placeholder; enter your own key ID (.env line 5).")


def test_the_file_of_the_plan_leads_to_sandbox_with_its_comment_inline(loaded, refused):
    plan = """\
KALSHI_API_KEY=your_api_key_here
KALSHI_API_SECRET=your_secret_here
KALSHI_ENVIRONMENT=sandbox  # or production
LOG_LEVEL=INFO
"""
    said = refused(plan)
    assert "KALSHI_API_KEY: is still a placeholder; enter your own key ID (.env line 1)." in said
    assert "KALSHI_API_SECRET: The file named there does not exist (.env line 2)." in said
    own = plan.replace("your_secret_here", "./private_key.pem").replace("your_api_key_here", DEMO_ID)
    settings = loaded(own)
    assert (settings.environment, settings.log_level) == (Environment.SANDBOX, "INFO")
    assert settings.credentials.key_id == DEMO_ID


def test_the_file_of_the_demos_leads_to_sandbox_or_names_the_key_that_is_missing(loaded, refused):
    demos = """\
# "demo" or "prod"
KALSHI_ENV=demo
KALSHI_API_KEY_ID=your-api-key-id-here
KALSHI_PRIVATE_KEY_PATH=/path/to/private_key.pem
# optional: pre-set a market ticker
KALSHI_EXAMPLE_TICKER=
"""
    said = refused(demos)
    assert "KALSHI_PRIVATE_KEY_PATH: The file /path/to/private_key.pem does not exist (.env line 4)." in said
    own = demos.replace("/path/to/", "").replace("your-api-key-id-here", DEMO_ID)
    settings = loaded(own.replace("TICKER=", "TICKER=kxhighny-26nov21-b46.5"))
    assert settings.environment is Environment.SANDBOX
    assert settings.example_ticker == "KXHIGHNY-26NOV21-B46.5"


LOGIN = "KALSHI_EMAIL=your@email.com\nKALSHI_PASSWORD=your_password\n"
REMOVED = "Kalshi removed email login; create an API key at https://kalshi.com"


def test_the_file_of_the_login_by_e_mail_says_that_there_is_none_any_more(refused):
    said = refused(LOGIN)
    assert said.startswith(f"KALSHI_EMAIL: {REMOVED} (.env line 1).")
    assert "Write KALSHI_ENVIRONMENT, KALSHI_API_KEY, KALSHI_API_SECRET and remove KALSHI_EMAIL" in said
    assert "your_password" not in said


def test_a_login_left_beside_other_settings_is_only_noted(loaded):
    settings = loaded(f"{LOGIN}KALSHI_ENVIRONMENT=practice\n")
    assert settings.warnings == (f"KALSHI_EMAIL has no effect: {REMOVED}.",)


@pytest.mark.parametrize("name", ["EVENT_TICKER", "KALSHI_EXAMPLE_TICKER"])
def test_a_ticker_that_cannot_be_one_is_refused(name, refused):
    assert refused(f"{name}=no ticker\n").startswith(f"{name}: must be a ticker (.env line 1).")
