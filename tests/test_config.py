"""Settings from the environment and `.env`: accepted, refused or hidden."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import textwrap
from dataclasses import FrozenInstanceError, fields
from decimal import Decimal
from functools import cache
from itertools import product
from pathlib import Path

import pytest
import requests
from cases import naming
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import example, given
from hypothesis import strategies as st

from kalshi_trading import config
from kalshi_trading.config import (
    ConfigurationError,
    get_api_base_url,
    get_api_credentials,
    get_config,
    is_production,
    load_settings,
)
from kalshi_trading.settings.environments import Environment
from kalshi_trading.settings.options import OPTIONS, Limits, Settings

PROJECT = Path(__file__).resolve().parent.parent
KEY_ID = "0d5b1c7e-0000-4000-8000-1234567890ab"


@cache
def key_pem():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def key_path(tmp_path):
    path = tmp_path / "kalshi.pem"
    path.write_text(key_pem())
    path.chmod(0o600)
    return path


@pytest.fixture
def sandbox(key_path):
    """An environment with which sandbox starts."""
    return {
        "KALSHI_ENVIRONMENT": "sandbox",
        "KALSHI_API_KEY": KEY_ID,
        "KALSHI_API_SECRET": str(key_path),
    }


@pytest.fixture
def dotenv(tmp_path):
    def write(text):
        path = tmp_path / ".env"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(0o600)
        return path

    return write


def problems_of(environ, path=None):
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environ, path)
    return caught.value.problems


def settings_or_error(environ, path):
    with naming(environ):
        try:
            return load_settings(environ, path)
        except ConfigurationError as error:
            return error


def complaint(environ, path=None):
    """Return one line per problem, as the user reads it. Empty: accepted."""
    outcome = settings_or_error(environ, path)
    return "" if isinstance(outcome, Settings) else str(outcome)


def only_problem(environ, path=None):
    problems = problems_of(environ, path)
    assert len(problems) == 1, problems
    return problems[0]


# --- Accepted ------------------------------------------------------------------------------------


def test_practice_starts_with_no_settings_at_all():
    settings = load_settings({}, None)
    assert settings.environment is Environment.PRACTICE
    assert settings.credentials is None
    assert settings.api_base_url is None
    assert settings.ws_url is None
    assert settings.warnings == ()
    assert settings.log_dir == PROJECT / "logs"


def test_a_missing_file_is_as_good_as_none(tmp_path):
    assert load_settings({}, tmp_path / ".env") == load_settings({}, None)


def test_the_guard_rails_have_their_documented_defaults():
    assert load_settings({}, None).limits == Limits(
        soft_order_cost=Decimal(100),
        hard_order_cost=Decimal(1000),
        soft_order_count=Decimal(1000),
        hard_order_count=Decimal(10000),
        market_loss_limit=Decimal(1000),
        daily_cost_limit=Decimal(5000),
        daily_order_limit=200,
        warn_through=Decimal("0.03"),
        block_through=Decimal("0.10"),
        market_order_cap=Decimal("0.05"),
    )


def test_settings_made_without_arguments_are_the_defaults():
    assert Settings() == load_settings({}, None)


@pytest.mark.parametrize(
    ("word", "environment"),
    [
        ("practice", Environment.PRACTICE),
        ("sandbox", Environment.SANDBOX),
        ("demo", Environment.SANDBOX),
        ("Demo", Environment.SANDBOX),
        ("production", Environment.PRODUCTION),
        (" PROD ", Environment.PRODUCTION),
    ],
)
def test_an_environment_has_its_name_and_its_synonym(word, environment, sandbox):
    assert load_settings(sandbox | {"KALSHI_ENVIRONMENT": word}, None).environment is environment


def test_sandbox_and_production_have_kalshis_hosts(sandbox):
    demo = load_settings(sandbox, None)
    assert demo.api_base_url == "https://external-api.demo.kalshi.co/trade-api/v2"
    assert demo.ws_url == "wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2"
    live = load_settings(sandbox | {"KALSHI_ENVIRONMENT": "production"}, None)
    assert live.api_base_url == "https://external-api.kalshi.com/trade-api/v2"
    assert live.ws_url == "wss://external-api-ws.kalshi.com/trade-api/ws/v2"


def test_the_key_is_loaded_from_its_file_and_from_inline_pem(sandbox):
    from_file = load_settings(sandbox, None).credentials
    inline = load_settings(sandbox | {"KALSHI_API_SECRET": key_pem().replace("\n", "\\n")}, None).credentials
    assert from_file.key_id == inline.key_id == KEY_ID
    assert from_file.private_key.private_numbers() == inline.private_key.private_numbers()


def test_a_pem_in_double_quotes_in_the_file_is_taken(sandbox, dotenv):
    del sandbox["KALSHI_API_SECRET"]
    for text in (key_pem(), key_pem().replace("\n", "\\n")):
        assert load_settings(sandbox, dotenv(f'KALSHI_API_SECRET="{text}"\n')).credentials.key_id == KEY_ID


def test_names_of_other_tools_are_taken(key_path):
    environ = {
        "KALSHI_ENV": "demo",
        "KALSHI_API_KEY_ID": KEY_ID,
        "KALSHI_PRIVATE_KEY_PATH": str(key_path),
    }
    settings = load_settings(environ, None)
    assert settings.environment is Environment.SANDBOX
    assert settings.credentials.key_id == KEY_ID


def test_a_name_and_its_alias_may_agree_in_other_words(sandbox):
    assert load_settings(sandbox | {"KALSHI_ENV": "demo"}, None).environment is Environment.SANDBOX


def test_the_process_environment_goes_before_the_file(dotenv):
    path = dotenv("KALSHI_DEFAULT_COUNT=20\nKALSHI_READ_RETRIES=1\n")
    settings = load_settings({"KALSHI_DEFAULT_COUNT": "30"}, path)
    assert settings.default_count == Decimal(30)
    assert settings.read_retries == 1


def test_an_empty_variable_counts_as_not_set(dotenv):
    settings = load_settings({"KALSHI_DEFAULT_COUNT": ""}, dotenv("KALSHI_DEFAULT_COUNT=20\nLOG_LEVEL=\n"))
    assert settings.default_count == Decimal(20)
    assert settings.log_level == "INFO"


def test_reading_the_file_leaves_the_process_environment_alone(dotenv, monkeypatch):
    monkeypatch.delenv("KALSHI_READ_RETRIES", raising=False)
    load_settings({}, dotenv("KALSHI_READ_RETRIES=1\n"))
    assert "KALSHI_READ_RETRIES" not in config.os.environ


def test_a_dollar_sign_in_the_file_stands_for_itself(dotenv, monkeypatch):
    monkeypatch.setenv("HOME_OF_LOGS", "/elsewhere")
    settings = load_settings({}, dotenv("KALSHI_LOG_DIR=/var/${HOME_OF_LOGS}\n"))
    assert settings.log_dir == Path("/var/${HOME_OF_LOGS}")


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(dotenv):
    settings = load_settings({}, dotenv(b"\xef\xbb\xbfKALSHI_READ_ONLY=yes\r\nLOG_LEVEL=debug\r\n"))
    assert settings.read_only is True
    assert settings.log_level == "DEBUG"


def test_quotes_comments_and_export_are_understood(dotenv):
    text = "# a note\nexport LOG_LEVEL='ERROR'\nKALSHI_READ_RETRIES=2 # twice\n"
    settings = load_settings({}, dotenv(text))
    assert (settings.log_level, settings.read_retries) == ("ERROR", 2)


def test_relative_paths_start_at_the_file_or_at_the_working_folder(dotenv, tmp_path):
    assert load_settings({}, dotenv("KALSHI_LOG_DIR=here\n")).log_dir == tmp_path / "here"
    assert load_settings({"KALSHI_LOG_DIR": "here"}, None).log_dir == Path("here")


def test_a_key_path_in_the_file_starts_at_the_file(dotenv, key_path):
    text = f"KALSHI_ENV=demo\nKALSHI_API_KEY={KEY_ID}\nKALSHI_API_SECRET={key_path.name}\n"
    assert load_settings({}, dotenv(text)).credentials is not None


def test_data_goes_to_the_desktops_folder_unless_said_otherwise(tmp_path):
    assert load_settings({}, None).data_dir == Path("~/.local/share/kalshi-trading").expanduser()
    assert load_settings({"XDG_DATA_HOME": "/data"}, None).data_dir == Path("/data/kalshi-trading")
    assert load_settings({"XDG_DATA_HOME": "relative"}, None).data_dir.is_absolute()
    chosen = {"XDG_DATA_HOME": "/data", "KALSHI_DATA_DIR": str(tmp_path)}
    assert load_settings(chosen, None).data_dir == tmp_path


def test_settings_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        load_settings({}, None).read_only = True


# --- Addresses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://demo-api.kalshi.co/trade-api/v2", "https://demo-api.kalshi.co/trade-api/v2"),
        ("https://demo-api.kalshi.co/trade-api/v2/", "https://demo-api.kalshi.co/trade-api/v2"),
        ("http://127.0.0.1:8123/trade-api/v2", "http://127.0.0.1:8123/trade-api/v2"),
        ("http://[::1]:8123/trade-api/v2", "http://[::1]:8123/trade-api/v2"),
        ("https://localhost/trade-api/v2", "https://localhost/trade-api/v2"),
    ],
)
def test_another_address_is_taken(text, address, sandbox):
    settings = load_settings(sandbox | {"KALSHI_API_BASE_URL": text}, None)
    assert settings.api_base_url == address
    assert settings.warnings == ()


def test_an_address_that_cannot_be_used_is_refused(sandbox):
    cases = [
        ("http://demo-api.kalshi.co/trade-api/v2", "must begin with https://"),
        ("http://127.0.0.1.evil.example/trade-api/v2", "must begin with https://"),
        ("ftp://localhost/trade-api/v2", "must begin with https://"),
        ("demo-api.kalshi.co", "must be a full address"),
        ("https://", "must be a full address"),
        ("https://host:99999/trade-api/v2", "must be a full address"),
        ("https://[::1/trade-api/v2", "must be a full address"),
        ("https://ho st/trade-api/v2", "must be a full address"),
        ("https://user:canary@host/trade-api/v2", "must not contain a user name"),
        ("https://user@host/trade-api/v2", "must not contain a user name"),
        ("https://host/trade-api/v2?a=canary", "must not contain"),
        ("https://host/trade-api/v2#canary", "must not contain"),
        ("https://demo-api.kalshi.co", "must end in /trade-api/v2"),
        ("https://demo-api.kalshi.co/trade-api/v1", "must end in /trade-api/v2"),
    ]
    wrong = []
    for address, sentence in cases:
        said = complaint(sandbox | {"KALSHI_API_BASE_URL": address})
        if not re.fullmatch(f"KALSHI_API_BASE_URL: .*{sentence}.*", said) or "canary" in said:
            wrong.append((address, said))
    assert wrong == []


def test_one_overridden_address_takes_the_websocket_along(sandbox):
    settings = load_settings(sandbox | {"KALSHI_API_BASE_URL": "http://127.0.0.1:81/trade-api/v2"}, None)
    assert settings.ws_url == "ws://127.0.0.1:81/trade-api/ws/v2"


def test_the_websocket_address_is_secure_but_on_this_machine(sandbox):
    taken = load_settings(sandbox | {"KALSHI_WS_URL": "ws://localhost:81/trade-api/ws/v2"}, None)
    assert taken.ws_url == "ws://localhost:81/trade-api/ws/v2"
    problem = only_problem(sandbox | {"KALSHI_WS_URL": "ws://demo-api.kalshi.co/trade-api/ws/v2"})
    assert "must begin with wss://" in problem.what


@pytest.mark.parametrize(
    ("environment", "host"), [("sandbox", "api.elections.kalshi.com"), ("production", "demo-api.kalshi.co")]
)
def test_a_key_is_never_sent_to_the_other_environments_host(environment, host, sandbox):
    address = f"https://{host}/trade-api/v2"
    problem = only_problem(sandbox | {"KALSHI_ENVIRONMENT": environment, "KALSHI_API_BASE_URL": address})
    assert f"but the environment is {environment}" in problem.what


@pytest.mark.parametrize("host", ["exchange.example", "notkalshi.co", "kalshi.co.evil.example"])
def test_a_strangers_host_is_warned_of(host, sandbox):
    settings = load_settings(sandbox | {"KALSHI_API_BASE_URL": f"https://{host}/trade-api/v2"}, None)
    assert any("not a Kalshi host" in warning for warning in settings.warnings)


def test_practice_ignores_addresses_and_says_so():
    settings = load_settings({"KALSHI_API_BASE_URL": "https://api.elections.kalshi.com/trade-api/v2"}, None)
    assert settings.api_base_url is None
    assert settings.warnings == ("KALSHI_API_BASE_URL has no effect in practice.",)


# --- Refused -------------------------------------------------------------------------------------

STRANGE_NUMBERS = [
    "nan",
    "inf",
    "-5",
    "1e3",
    "1_000",
    "١٢٣",
    "２",
    "²",
    "0x10",
    "1,000",
    ".5",
    "5.",
    "+5",
    "9" * 30,
]
NUMERIC_NAMES = [
    option.name
    for option in OPTIONS
    if re.fullmatch(r"[0-9.]+", option.default) and option.name != "KALSHI_READ_ONLY"
]


def test_a_number_is_plain_digits_or_refused():
    wrong = [
        (name, text, said)
        for name, text in product(NUMERIC_NAMES, STRANGE_NUMBERS)
        if not re.fullmatch(f"{name}: .*in plain digits.*", said := complaint({name: text}))
    ]
    assert wrong == []


def test_a_value_outside_its_range_is_refused_with_an_example():
    cases = [
        ("KALSHI_READ_RETRIES", "3.0"),
        ("KALSHI_READ_RETRIES", "11"),
        ("KALSHI_CONNECT_TIMEOUT_S", "0"),
        ("KALSHI_TOTAL_TIMEOUT_S", "500"),
        ("KALSHI_DEFAULT_COUNT", "0"),
        ("KALSHI_DEFAULT_COUNT", "1.005"),
        ("KALSHI_HARD_ORDER_COST", "0"),
        ("KALSHI_DAILY_ORDER_LIMIT", "0"),
        ("KALSHI_MARKET_ORDER_CAP", "1.5"),
        ("KALSHI_READ_ONLY", "maybe"),
        ("KALSHI_READ_ONLY", "2"),
        ("LOG_LEVEL", "loud"),
        ("KALSHI_ENVIRONMENT", "live"),
        ("KALSHI_LOG_DIR", "logs\x1b[2J"),
        ("KALSHI_LOG_DIR", "~no-such-user/logs"),
        ("KALSHI_PRACTICE_MARKETS", "0"),
    ]
    wrong = []
    for name, text in cases:
        said = complaint({name: text})
        if not re.fullmatch(f"{name}: .* Example: {name}=.*", said) or "\x1b" in said:
            wrong.append((name, text, said))
    assert wrong == []


@pytest.mark.parametrize(
    ("lower", "upper", "sentence"),
    [
        (("KALSHI_SOFT_ORDER_COST", "2000"), (), "above KALSHI_HARD_ORDER_COST (1000)"),
        (("KALSHI_SOFT_ORDER_COUNT", "10000.01"), (), "above KALSHI_HARD_ORDER_COUNT (10000)"),
        (("KALSHI_WARN_THROUGH", "0.2"), (), "above KALSHI_BLOCK_THROUGH (0.10)"),
        (("KALSHI_MARKET_ORDER_CAP", "0.2"), (), "above KALSHI_BLOCK_THROUGH (0.10)"),
        (("KALSHI_CONNECT_TIMEOUT_S", "6"), ("KALSHI_TOTAL_TIMEOUT_S", "5"), "above KALSHI_TOTAL_TIMEOUT_S"),
    ],
)
def test_a_soft_limit_above_its_hard_one_is_refused(lower, upper, sentence):
    problem = only_problem(dict(pair for pair in (lower, upper) if pair))
    assert problem.variable == lower[0]
    assert sentence in problem.what


def test_limits_may_be_equal():
    assert load_settings({"KALSHI_SOFT_ORDER_COST": "1000"}, None).limits.soft_order_cost == 1000


def test_a_refused_limit_is_not_compared_with_the_default():
    assert only_problem({"KALSHI_SOFT_ORDER_COST": "2000", "KALSHI_HARD_ORDER_COST": "x"}).variable == (
        "KALSHI_HARD_ORDER_COST"
    )


def test_every_problem_is_reported_together(dotenv):
    path = dotenv("LOG_LEVEL=loud\nnonsense\nKALSHI_READ_ONLY=maybe\n")
    problems = problems_of({"KALSHI_ENV": "demo", "KALSHI_READ_RETRIES": "x"}, path)
    named = [problem.variable for problem in problems]
    assert sorted(named) == sorted(
        [
            ".env",
            "LOG_LEVEL",
            "KALSHI_READ_ONLY",
            "KALSHI_READ_RETRIES",
            "KALSHI_API_KEY",
            "KALSHI_API_SECRET",
        ]
    )
    assert all(problem.what and problem.remedy for problem in problems)


@pytest.mark.parametrize("environment", ["sandbox", "production"])
def test_a_missing_key_is_said_with_where_to_get_one(environment):
    problems = problems_of({"KALSHI_ENVIRONMENT": environment})
    assert [problem.variable for problem in problems] == ["KALSHI_API_KEY", "KALSHI_API_SECRET"]
    site = "https://demo.kalshi.co" if environment == "sandbox" else "https://kalshi.com"
    assert all(f"{environment} needs an API key" in problem.what for problem in problems)
    assert all(site in problem.remedy for problem in problems)


@pytest.mark.parametrize(
    ("alias", "text", "name"),
    [
        ("KALSHI_ENV", "production", "KALSHI_ENVIRONMENT"),
        ("KALSHI_API_KEY_ID", "canary-another-id", "KALSHI_API_KEY"),
        ("KALSHI_PRIVATE_KEY_PATH", "/canary.pem", "KALSHI_API_SECRET"),
    ],
)
def test_an_alias_that_contradicts_its_name_is_refused(alias, text, name, sandbox, dotenv):
    from_process = only_problem(sandbox | {alias: text})
    from_file = only_problem(sandbox, dotenv(f"\n{alias}={text}\n"))
    assert from_process.variable == from_file.variable == alias
    assert f"conflicts with {name}" in from_process.what
    assert "(.env line 2)" in from_file.what
    assert "canary" not in str(from_process) + str(from_file)


@pytest.mark.parametrize("key_id", ["two words", "kalshi.pem", "-----BEGIN-PRIVATE-KEY-----", "schlüssel"])
def test_a_key_id_that_cannot_be_one_is_refused(key_id, sandbox):
    problem = only_problem(sandbox | {"KALSHI_API_KEY": key_id})
    assert problem.variable == "KALSHI_API_KEY"
    assert key_id not in str(problem)


def test_a_key_id_of_another_form_is_only_warned_of(sandbox):
    settings = load_settings(sandbox | {"KALSHI_API_KEY": "canary-1"}, None)
    assert settings.credentials.key_id == "canary-1"
    assert len(settings.warnings) == 1
    assert "canary" not in settings.warnings[0]


def test_a_faulty_key_is_reported_under_the_name_and_line_that_gave_it(sandbox, dotenv):
    del sandbox["KALSHI_API_SECRET"]
    problem = only_problem(sandbox, dotenv("# the key\nKALSHI_PRIVATE_KEY_PATH=absent.pem\n"))
    assert problem.variable == "KALSHI_PRIVATE_KEY_PATH"
    assert problem.what.endswith("absent.pem does not exist (.env line 2).")


# --- The file ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("KALSHI_READ_ONLY\n", "line 1 is not NAME=value"),
        ("\n\n\nsome words\n", "line 4 is not NAME=value"),
        ("LOG_LEVEL='INFO\n", "line 1 is not NAME=value"),
        ('LOG_LEVEL=INFO\n"quoted"=1\nx y\nz\n', "lines 3, 4 are not NAME=value"),
        (b"LOG_LEVEL=INFO\n\nKALSHI_LOG_DIR=\xff\n", "is not UTF-8 text (line 3)"),
        ("LOG_LEVEL=INFO\n".encode("utf-16"), "is not UTF-8 text (line 1)"),
    ],
)
def test_a_malformed_file_is_refused_with_its_line(text, sentence, dotenv):
    problem = only_problem({}, dotenv(text))
    assert problem.variable == ".env"
    assert sentence in problem.what


def test_a_value_is_blamed_with_its_line(dotenv):
    problem = only_problem({}, dotenv("# a\n\nLOG_LEVEL=INFO\n\n\nKALSHI_READ_RETRIES=x\n"))
    assert "(.env line 6)" in problem.what


def test_a_variable_written_twice_is_refused_with_both_lines(dotenv):
    problem = only_problem({}, dotenv("LOG_LEVEL=INFO\n\nLOG_LEVEL=INFO\n"))
    assert problem.variable == "LOG_LEVEL"
    assert "is set twice, in lines 1 and 3" in problem.what


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    assert "it is a folder" in only_problem({}, tmp_path).what


def test_a_pipe_or_a_link_to_nothing_in_place_of_the_file_is_refused_and_not_waited_for(tmp_path):
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(tmp_path / "secrets.env")
    assert "it is not a regular file" in only_problem({}, pipe).what
    assert "it is a broken link" in only_problem({}, link).what


def test_a_misspelled_option_is_named_beside_what_stops_the_start(dotenv):
    path = dotenv(f"KALSHI_ENVIRONMENT=sandbox\nKALSHI_APIKEY={KEY_ID}\n")
    said = [str(problem) for problem in problems_of({}, path)]
    assert any(each.startswith("KALSHI_API_KEY: is misspelled in line 2 of .env.") for each in said)


@pytest.mark.parametrize(
    "line", ["LOG_LEVEL=INFO KALSHI_READ_ONLY=1", "X=1;KALSHI_READ_ONLY=1", "NOTE='a\nKALSHI_READ_ONLY=1\nb'"]
)
def test_a_setting_inside_another_value_stops_the_start(dotenv, line):
    said = [str(problem) for problem in problems_of({}, dotenv(f"{line}\n"))]
    assert (
        "KALSHI_READ_ONLY: is inside another value, in line 1 of .env. "
        "Write each setting on a line of its own."
    ) in said


@pytest.mark.parametrize("name", ["KALI_ENV", "KASH_ENV", "KALITE_ENVIRONMENT", "KALIX_READ_ONLY"])
def test_variables_of_other_programs_with_a_like_name_are_nothing_to_us(name):
    assert load_settings({name: "1"}, None).warnings == ()


@pytest.mark.parametrize(("before", "line"), [(" ", 1), ("\t", 1), ("\n\n  ", 3), ("# first\n ", 2)])
def test_the_line_of_a_problem_is_the_one_it_stands_on(dotenv, before, line):
    assert f"line {line} of .env" in only_problem({}, dotenv(f"{before}KALSHI_READ_ONLI=1\n")).what


def test_a_pem_pasted_without_quotes_is_explained_and_never_shown(dotenv):
    path = dotenv(f"KALSHI_ENV=demo\nKALSHI_API_KEY={KEY_ID}\nKALSHI_API_SECRET={key_pem()}")
    message = "\n".join(str(problem) for problem in problems_of({}, path))
    assert "double quotes" in message
    assert "its END line is missing" in message
    assert not any(line in message for line in key_pem().splitlines() if not line.startswith("-"))


def test_unknown_options_are_warned_of_with_the_name_that_was_meant(dotenv):
    path = dotenv("KALSHI_READRETRIES=1\nkalshi_log_dir=x\nKALSHI_COFFEE=black\nEDITOR=vi\n")
    assert load_settings({}, path).warnings == (
        "Line 1 of .env sets an unknown option. Did you mean KALSHI_READ_RETRIES?",
        "Line 2 of .env sets an unknown option. Did you mean KALSHI_LOG_DIR?",
        "Line 3 of .env sets an unknown option (KALSHI_COFFEE).",
    )


def test_of_the_process_environment_only_likely_typing_errors_are_warned_of():
    warnings = load_settings({"KALSHI_LOGDIR": "1", "KALSHI_COFFEE": "1", "PATH": "/bin"}, None).warnings
    assert len(warnings) == 1
    assert "KALSHI_LOGDIR" in warnings[0]


# --- Without a home folder -----------------------------------------------------------------------


@pytest.fixture
def homeless(monkeypatch):
    """An environment without HOME and without an entry in the user database."""

    def no_entry(_):
        raise KeyError

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", no_entry)


def test_without_a_home_folder_the_advice_works(homeless):
    problem = only_problem({})
    assert problem.variable == "KALSHI_DATA_DIR"
    assert "home folder (~) is unknown" in problem.what
    name, value = problem.remedy.removeprefix("Example: ").split("=")
    assert load_settings({name: value}, None).data_dir == Path(value)


def test_without_a_home_folder_the_desktops_folder_is_enough(homeless):
    assert load_settings({"XDG_DATA_HOME": "/data"}, None).data_dir == Path("/data/kalshi-trading")


def test_a_path_from_an_unknown_home_folder_is_refused(homeless, sandbox):
    elsewhere = {"KALSHI_DATA_DIR": "/data"}
    assert only_problem(elsewhere | {"KALSHI_LOG_DIR": "~/logs"}).variable == "KALSHI_LOG_DIR"
    key = sandbox | elsewhere | {"KALSHI_API_SECRET": "~/key.pem"}
    assert "Use a full path" in only_problem(key).remedy


# --- Key files readable by others ----------------------------------------------------------------


@pytest.fixture
def production(sandbox):
    return sandbox | {"KALSHI_ENVIRONMENT": "production"}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o644])
def test_production_refuses_a_key_that_others_can_use(mode, production, key_path):
    key_path.chmod(mode)
    problem = only_problem(production)
    assert problem.variable == "KALSHI_API_SECRET"
    assert problem.remedy == f"Run: chmod 600 {key_path}"


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_production_accepts_a_private_key_file(mode, production, key_path):
    key_path.chmod(mode)
    assert load_settings(production, None).credentials is not None


def test_production_refuses_a_file_that_others_can_read(production, dotenv):
    path = dotenv("LOG_LEVEL=INFO\n")
    path.chmod(0o644)
    assert only_problem(production, path).remedy == f"Run: chmod 600 {path}"


def test_the_command_to_run_survives_a_space_in_the_path(production, tmp_path):
    path = tmp_path / "my key.pem"
    path.write_text(key_pem())
    path.chmod(0o644)
    assert only_problem(production | {"KALSHI_API_SECRET": str(path)}).remedy == f"Run: chmod 600 '{path}'"


def test_a_link_is_judged_by_what_it_leads_to(production, key_path, tmp_path):
    link = tmp_path / "link.pem"
    link.symlink_to(key_path)
    assert load_settings(production | {"KALSHI_API_SECRET": str(link)}, None).credentials is not None
    key_path.chmod(0o644)
    assert str(key_path) in only_problem(production | {"KALSHI_API_SECRET": str(link)}).remedy


def test_sandbox_does_not_mind_who_can_read_its_key(sandbox, key_path):
    key_path.chmod(0o644)
    assert load_settings(sandbox, None).credentials is not None


def test_production_refuses_a_key_that_git_would_take(production, tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    problem = only_problem(production)
    assert problem.variable == "KALSHI_API_SECRET"
    assert "git work tree" in problem.what
    (tmp_path / ".gitignore").write_text("*.pem\n")
    assert load_settings(production, None).credentials is not None


def test_git_is_asked_about_the_key_without_inheriting_it(production, tmp_path, key_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    git = tmp_path / "git"
    git.write_text(f"#!/bin/sh\nenv > '{tmp_path}/inherited'\n")
    git.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("KALSHI_API_SECRET", key_path.read_text())
    load_settings(production, None)
    inherited = (tmp_path / "inherited").read_text()
    assert f"PATH={tmp_path}" in inherited
    assert "PRIVATE KEY" not in inherited


def test_production_refuses_an_ignored_key_that_git_has_already_taken(production, tmp_path, key_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("*.pem\n")
    subprocess.run(["git", "-C", str(tmp_path), "add", "--force", str(key_path)], check=True)
    assert "git work tree" in only_problem(production).what


# --- Secrets -------------------------------------------------------------------------------------


def test_settings_show_neither_key_nor_id(sandbox, dotenv):
    settings = load_settings(sandbox, dotenv("LOG_LEVEL=INFO\n"))
    assert KEY_ID not in repr(settings)
    assert "credentials" not in repr(settings)
    assert KEY_ID not in str(settings)


MAY_BE_ANYTHING = (
    *("KALSHI_LOG_DIR", "KALSHI_DATA_DIR"),
    *("ENV", "PROD_KEYID", "PROD_KEYFILE"),  # no effect in sandbox
)


def test_a_secret_in_the_wrong_place_is_never_repeated(sandbox, dotenv):
    canary = "canary0123456789 canary"
    wrong = []
    for name in (option.name for option in OPTIONS):
        others = {other: text for other, text in sandbox.items() if other != name}
        for environ, path in (
            (others | {name: canary}, None),
            (others, dotenv(f"{name}={canary}\n")),
        ):
            outcome = settings_or_error(environ, path)
            refused = isinstance(outcome, ConfigurationError)
            said = f"{outcome} {outcome.problems!r}" if refused else str(outcome.warnings)
            if "canary" in said or refused is (name in MAY_BE_ANYTHING):
                wrong.append((name, path, said))
    assert wrong == []


NAMES = [name for option in OPTIONS for name in (option.name, *option.aliases)]
WORDS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["demo", "prod", "practice", "1", "0.5", "https://[", "~", "~x/y", "-----BEGIN PRIVATE KEY-----"]
    ),
)


@given(st.dictionaries(st.sampled_from(NAMES), WORDS))
@example({"KALSHI_ENV": "prod", "KALSHI_API_SECRET": "~nobody-of-that-name/a.pem"})
@example({"KALSHI_ENV": "prod", "KALSHI_API_SECRET": "\ud800"})
def test_any_environment_gives_settings_or_a_configuration_error(environ):
    outcome = settings_or_error(environ, None)
    if isinstance(outcome, ConfigurationError):
        assert outcome.problems
    else:
        assert outcome.environment is Environment.PRACTICE  # random text is never a key


@given(st.one_of(st.binary(), st.text(st.characters(codec="utf-8")).map(str.encode)))
def test_any_file_gives_settings_or_a_configuration_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("files") / ".env"
    path.write_bytes(content)
    outcome = settings_or_error({}, path)
    assert isinstance(outcome, Settings) or outcome.problems


# --- The documented doors ------------------------------------------------------------------------


def test_doors_in_practice_give_the_running_exchange(attaching_script, exchange, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "practice").symlink_to(exchange.data_dir)
    assert get_config().environment is Environment.PRACTICE
    assert get_api_base_url() == exchange.url
    key_id, private_key = get_api_credentials()
    assert key_id == exchange.key_id
    assert private_key.private_numbers() == exchange.credentials.private_key.private_numbers()
    assert is_production() is False


def test_doors_start_the_practice_exchange_where_none_runs(attaching_script, tmp_path):
    attaching_script.setenv("KALSHI_DATA_DIR", str(tmp_path / "elsewhere"))
    attaching_script.setenv("KALSHI_PRACTICE_MARKETS", "20")
    try:
        assert requests.get(f"{get_api_base_url()}/exchange/status", timeout=60).status_code == 200
    finally:
        ready = json.loads((tmp_path / "elsewhere/practice/ready.json").read_text())
        os.kill(ready["pid"], signal.SIGTERM)


def test_the_configuration_reads_like_a_dict(script):
    settings = get_config()
    assert settings["environment"] == "practice"
    assert dict(settings)["read_retries"] == settings.read_retries == 3
    assert "log_level" in settings
    assert settings.get("nonsense", 7) == 7
    with pytest.raises(KeyError, match="Settings has no 'nonsense'; it has environment, "):
        settings["nonsense"]


def test_no_reading_of_the_configuration_shows_the_key(script, exchange):
    settings = get_config()
    shown = f"{settings!r} {dict(settings)!r} {get_api_credentials()!r} {tuple(get_api_credentials())[1:]!r}"
    assert exchange.key_id not in shown
    assert "BEGIN" not in shown


def test_doors_in_production(script, production):
    for name, text in production.items():
        script.setenv(name, text)
    assert get_api_credentials().key_id == KEY_ID
    assert get_api_base_url() == "https://external-api.kalshi.com/trade-api/v2"
    assert is_production() is True


def test_doors_read_the_file_beside_main(script, dotenv):
    script.setattr(config, "env_file_path", lambda: dotenv("KALSHI_READ_ONLY=1\n"))
    assert get_config().read_only is True


# --- .env.example --------------------------------------------------------------------------------


def example_text():
    return (PROJECT / ".env.example").read_text()


def test_the_example_file_documents_every_option_with_its_default():
    documented = re.findall(r"^(?:# )?([A-Z_]+)=(.*)$", example_text(), re.MULTILINE)
    assert sorted(documented) == sorted((option.name, option.default) for option in OPTIONS)


def test_the_example_file_gives_every_option_its_help_and_aliases():
    for option in OPTIONS:
        above = [f"# {line}" for line in textwrap.wrap(option.help, 98)]
        above += [f"# (also read from {', '.join(option.aliases)})"] if option.aliases else []
        entry = re.escape("\n".join(above)) + rf"\n(# )?{option.name}="
        assert re.search(entry, example_text()), option.name


def test_the_example_file_works_as_it_stands(dotenv):
    plain = load_settings({}, dotenv(example_text()))
    spelled_out = load_settings(
        {}, dotenv(re.sub(r"^# ([A-Z_]+=)", r"\1", example_text(), flags=re.MULTILINE))
    )
    default = load_settings({}, None)
    for name in (each.name for each in fields(Settings) if each.name not in ("log_dir", "env_file")):
        assert getattr(plain, name) == getattr(spelled_out, name) == getattr(default, name)


def test_every_example_in_the_table_is_accepted_by_its_own_reader():
    wrong = []
    for option in OPTIONS:
        with naming(option.name):
            if option.read(option.example, PROJECT) is None:
                wrong.append(option.name)
    assert wrong == []
