"""Read environment variables and `.env` into one frozen `Settings`.

Every problem is reported at once. Knows which source wins and which options contradict each other. Never
used as a global: the program calls `load_settings` once and passes the settings on. Never shows a secret.
Creates no folder. `load_settings` never uses the network.

    from kalshi_trading.config import get_api_credentials, get_config

    get_config()["environment"]                  # practice, sandbox or production
    key_id, private_key = get_api_credentials()
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from kalshi_trading.core.errors import ConfigurationError, InvalidInputError, Problem
from kalshi_trading.settings import places
from kalshi_trading.settings.credentials import Credentials, find_leaks, key_path, load_private_key
from kalshi_trading.settings.env_file import EnvFile, read_env_file
from kalshi_trading.settings.environments import API_PATH, HOSTS, WEBSOCKET_PATH, Environment, is_loopback
from kalshi_trading.settings.option_parsing import Option, looks_like_key_id, options_of
from kalshi_trading.settings.options import (
    KNOWN_NAMES,
    LOGIN_NAMES,
    PAIR_NAMES,
    PAIRS,
    SAFETY_NAMES,
    SPELLED_NAMES,
    ApiKeyOptions,
    Limits,
    Settings,
)
from kalshi_trading.settings.setting_names import PREFIX, has_prefix, meant_name

__all__ = [
    "ConfigurationError",
    "get_api_base_url",
    "get_api_credentials",
    "get_config",
    "is_production",
]

_NOT_ABOVE = (  # the first of each pair may not exceed the second
    ("KALSHI_SOFT_ORDER_COST", "KALSHI_HARD_ORDER_COST"),
    ("KALSHI_SOFT_ORDER_COUNT", "KALSHI_HARD_ORDER_COUNT"),
    ("KALSHI_WARN_THROUGH", "KALSHI_BLOCK_THROUGH"),
    ("KALSHI_MARKET_ORDER_CAP", "KALSHI_BLOCK_THROUGH"),
    ("KALSHI_CONNECT_TIMEOUT_S", "KALSHI_TOTAL_TIMEOUT_S"),
)
_HIDDEN_SETTING = re.compile(rf"(?:^|[\s;,&]|export )({'|'.join(SPELLED_NAMES)})\s*=", re.MULTILINE)
_SETTINGS_ROWS = options_of(Settings)
_KEY_ROWS = options_of(ApiKeyOptions)
_KEY_NAMES = tuple(row.name for row in _KEY_ROWS.values())  # id, then secret


def load_settings(environ: Mapping[str, str], dotenv_path: Path | None) -> Settings:
    """Read all options. `environ` overrides the file.

    Raises ConfigurationError with every problem.
    """
    reader = _Reader(environ, read_env_file(dotenv_path, SPELLED_NAMES))
    limits = Limits(**reader.read_all(Limits))
    other_names = {_SETTINGS_ROWS["environment"].name: "ENV"} if _env_chooses_exchange(reader) else {}
    settings = Settings(**reader.read_all(Settings, other_names), limits=limits)
    if not reader.sources_of(_SETTINGS_ROWS["log_dir"]):
        settings = replace(settings, log_dir=places.log_dir(settings.data_dir))
    pair = PAIRS.get(settings.environment)
    names = {} if pair is None else dict(zip(_KEY_NAMES, (pair.key_id.name, pair.key_file.name), strict=True))
    api_key = ApiKeyOptions(**reader.read_all(ApiKeyOptions, names))
    _report_unused_keys(settings.environment, reader)
    _report_removed_login(reader)
    reader.check_pairs()
    reader.report_unknown_names()
    settings = _with_addresses(settings, reader)
    if settings.environment in HOSTS:
        settings = replace(settings, credentials=_credentials(settings.environment, api_key, reader))
    if settings.environment is Environment.PRODUCTION:
        reader.problems += _exposed_files(reader)
    if reader.problems:
        raise ConfigurationError([*reader.problems, *reader.misspelled])
    return replace(settings, warnings=tuple(reader.warnings), env_file=dotenv_path)


def load_configured() -> Settings:
    """Read the environment and the settings file. Raises ConfigurationError."""
    return load_settings(os.environ, env_file_path())


def env_file_path() -> Path | None:
    """Return the settings file's path. None: the home folder is unknown."""
    return places.env_file(os.environ)


def default_log_dir() -> Path:
    """Return the folder of the journal where no setting names one."""
    return places.log_dir(places.data_dir(os.environ) or Path.cwd())


def get_config() -> Settings:
    """Return the settings of this process, with the exchange's address.

    They come from its environment and the settings file. They also read like a dict:
    `config["environment"]`, `dict(config)`. In practice it starts the local exchange, unless one is running.
    Raises ConfigurationError with every problem, PracticeExchangeError.
    """
    from kalshi_trading import compose

    return compose.current_settings()


def get_api_credentials() -> Credentials:
    """Return the API key, which unpacks into key id and private key.

    `repr` shows neither. Raises the errors of `get_config`.
    """
    credentials = get_config().credentials
    assert credentials is not None  # always set by `get_config`
    return credentials


def get_api_base_url() -> str:
    """Return the address of the HTTP API, without a trailing slash.

    Raises the errors of `get_config`.
    """
    address = get_config().api_base_url
    assert address is not None  # always set by `get_config`
    return address


def is_production() -> bool:
    """Return True if real money is at stake.

    Starts no exchange. Raises ConfigurationError.
    """
    return load_configured().environment is Environment.PRODUCTION


@dataclass(frozen=True, slots=True)
class _OptionSource:
    """A variable's text, its base folder and its line. None: not in the file."""

    name: str
    text: str = field(repr=False)
    folder: Path
    line: int | None = None


class _Reader:
    """Looks options up in both sources and collects their problems."""

    def __init__(self, environ: Mapping[str, str], env_file: EnvFile) -> None:
        self.environ = environ
        self.env_file = env_file
        self.file_name = env_file.path.name if env_file.path else ".env"
        self.problems = list(env_file.problems)
        self.warnings: list[str] = []
        self.misspelled: list[Problem] = []  # other options: reported if the start fails anyway
        self._overrides: dict[str, _OptionSource] = {}
        self._other_names: dict[str, str] = {}  # by option: one more variable to read it from
        self._values: dict[str, Any] = {}  # by variable: only those that could be read

    def read_all(
        self, owner: type[Any], other_names: Mapping[str, str] = MappingProxyType({})
    ) -> dict[str, Any]:
        """Read the options of a dataclass by field.

        An unreadable option is None and adds a problem. `other_names` adds one more variable per option,
        also for later calls.
        """
        self._other_names |= other_names
        return {name: self._read(row) for name, row in options_of(owner).items()}

    def other_name(self, row: Option[Any]) -> str:
        """Return the additional variable of an option, or its own name."""
        return self._other_names.get(row.name, row.name)

    def sources_of(self, row: Option[Any]) -> list[_OptionSource]:
        """Return every source of the option, its own name before its aliases."""
        names = dict.fromkeys((row.name, *row.aliases, self.other_name(row)))
        looked_up = (self.look_up(name) for name in names)
        return [each for each in looked_up if each is not None]

    def add_problem(self, source: _OptionSource, what: str, remedy: str) -> None:
        """Report a problem of a variable, with its line if it is in the file."""
        place = "" if source.line is None else f" ({self.file_name} line {source.line})"
        self.problems.append(Problem(source.name, f"{what.rstrip('.')}{place}.", remedy))

    def check_pairs(self) -> None:
        """Report options that contradict each other."""
        for lower, upper in _NOT_ABOVE:
            low, high = self._values.get(lower), self._values.get(upper)
            if low is not None and high is not None and low > high:
                what = f"is {low}, above {upper} ({high})."
                self.problems.append(Problem(lower, what, f"Lower it, or raise {upper}."))

    def report_unknown_names(self) -> None:
        """Report names close to an option; from the process only with our prefix."""
        for name, entry in self.env_file.entries.items():
            if hidden := _HIDDEN_SETTING.search(entry.text):
                what = f"is inside another value, in line {entry.line} of {self.file_name}."
                self.problems.append(Problem(hidden[1], what, "Write each setting on a line of its own."))
            if name not in KNOWN_NAMES:
                self._report_unknown(name, f"line {entry.line} of {self.file_name}")
        for name in self.environ:
            if name not in KNOWN_NAMES and has_prefix(name):
                self._report_unknown(name)

    def _read(self, row: Option[Any]) -> Any:
        sources = self.sources_of(row)
        if not sources:
            data_dir = places.data_dir(self.environ) if row is _SETTINGS_ROWS["data_dir"] else None
            default = str(data_dir or row.default)
            sources = [_OptionSource(row.name, default, places.PROJECT_FOLDER)]
        values: list[Any] = []
        for each in sources:
            try:
                values.append(row.read(each.text, each.folder))
            except InvalidInputError as error:
                self.add_problem(each, str(error), f"Example: {each.name}={row.example}")
                continue
            if values[-1] != values[0]:
                self.add_problem(each, f"conflicts with {sources[0].name}", "Keep only one.")
        self._values[row.name] = values[0] if values else None
        return self._values[row.name]

    def override(self, sources: list[_OptionSource]) -> None:
        """Use this source for a variable, whatever the other source has."""
        self._overrides |= {each.name: each for each in sources}

    def look_up_all(self, name: str) -> list[_OptionSource]:
        """Return the sources of a variable: the environment, then the file."""
        return [each for each in (self._in_environment(name), self._in_file(name)) if each is not None]

    def look_up(self, name: str) -> _OptionSource | None:
        """Return a variable's source, the environment first. None: not set."""
        if name in self._overrides:
            return self._overrides[name]
        return self._in_environment(name) or self._in_file(name)

    def _in_environment(self, name: str) -> _OptionSource | None:
        text = self.environ.get(name, "").strip()
        return _OptionSource(name, text, Path()) if text else None

    def _in_file(self, name: str) -> _OptionSource | None:
        entry = self.env_file.entries.get(name)
        if entry is None or not entry.text.strip() or self.env_file.path is None:
            return None
        return _OptionSource(name, entry.text.strip(), self.env_file.path.parent, entry.line)

    def _report_unknown(self, name: str, line: str = "") -> None:
        """Report a misspelled safety setting as a problem, others as a warning."""
        meant = meant_name(name, SPELLED_NAMES)
        place = line or f"the process environment{f' ({name})' if _is_plain(name) else ''}"
        how = "" if name.isascii() else ", with an invisible or look-alike character"
        remedy = f"Write {meant}=value, or {'remove the line' if line else 'unset the variable'}."
        if meant:
            kept = self.problems if meant in SAFETY_NAMES else self.misspelled
            kept.append(Problem(meant, f"is misspelled in {place}{how}.", remedy))
        if meant in SAFETY_NAMES:
            return
        if meant or (line and name.upper().startswith(PREFIX)):
            hint = f" Did you mean {meant}?" if meant else ""
            where = place[0].upper() + place[1:]
            named = f" ({name})" if not meant and _is_plain(name) else ""
            self.warnings.append(f"{where} sets an unknown option{named}{how}.{hint}")


def _is_plain(name: str) -> bool:
    """Return True if a variable's name is safe to show."""
    return re.fullmatch(r"[A-Za-z0-9_]{1,60}", name) is not None


def _env_chooses_exchange(reader: _Reader) -> bool:
    """Return True if ENV chooses the exchange.

    It must be DEMO or PROD, and the key id of that pair must be set. Elsewhere the name ENV is common, so
    another value in the process does not hide that of the file. Two different valid values are a problem.
    """
    pairs = {pair.word: pair for pair in PAIRS.values()}
    valid = [each for each in reader.look_up_all("ENV") if each.text in pairs]
    effective = [each for each in valid if reader.look_up(pairs[each.text].key_id.name)]
    if len({each.text for each in effective}) > 1:
        reader.add_problem(effective[1], "conflicts with ENV of the process environment", "Keep only one.")
    reader.override(effective[:1])
    return bool(effective)


def _report_unused_keys(environment: Environment, reader: _Reader) -> None:
    """Warn if keys are set but no setting chooses an exchange."""
    if reader.sources_of(_SETTINGS_ROWS["environment"]):
        return
    env = reader.look_up("ENV")
    if env is not None and env.text in {pair.word for pair in PAIRS.values()} and env.line is not None:
        why = f"ENV is {env.text}, but {env.text}_KEYID is not set"
    elif any(map(reader.look_up, PAIR_NAMES)):
        why = "ENV is not set" if env is None else "ENV is neither DEMO nor PROD"
    elif any(map(reader.sources_of, _KEY_ROWS.values())):
        why = "An API key is set, but KALSHI_ENVIRONMENT is not"
    else:
        return
    reader.warnings.append(f"{why}: using the {environment} exchange.")


def _report_removed_login(reader: _Reader) -> None:
    """Report the removed e-mail login, as a problem if no exchange is chosen."""
    login = next(filter(None, map(reader.look_up, LOGIN_NAMES)), None)
    if login is None:
        return
    what = f"Kalshi removed email login; create an API key at {HOSTS[Environment.PRODUCTION].keys_page}"
    if reader.sources_of(_SETTINGS_ROWS["environment"]):
        reader.warnings.append(f"{login.name} has no effect: {what}.")
    else:
        remedy = (
            f"Write {', '.join(('KALSHI_ENVIRONMENT', *_KEY_NAMES))} and remove {' and '.join(LOGIN_NAMES)}."
        )
        reader.add_problem(login, what, remedy)


def _with_addresses(settings: Settings, reader: _Reader) -> Settings:
    hosts = HOSTS.get(settings.environment)
    for row in (_SETTINGS_ROWS["api_base_url"], _SETTINGS_ROWS["ws_url"]):
        for source in reader.sources_of(row):
            _check_host(source, settings.environment, reader)
    if hosts is None:
        return replace(settings, api_base_url=None, ws_url=None)
    api = settings.api_base_url or hosts.api
    # Use the WebSocket of the same host, so that one override never mixes two exchanges.
    of_same_host = "ws" + api.removeprefix("http").removesuffix(API_PATH) + WEBSOCKET_PATH
    beside = hosts.websocket if api == hosts.api else of_same_host
    return replace(settings, api_base_url=api, ws_url=settings.ws_url or beside)


def _check_host(source: _OptionSource, environment: Environment, reader: _Reader) -> None:
    """Refuse a host of the other environment; warn about an unknown host.

    The other environment has different keys.
    """
    if environment is Environment.PRACTICE:
        reader.warnings.append(f"{source.name} has no effect in practice.")
        return
    try:
        host = urlsplit(source.text).hostname or ""
    except ValueError:
        return  # already reported as an invalid address
    owners = [name for name, each in HOSTS.items() if f".{host}".endswith(f".{each.domain}")]
    if environment in owners or is_loopback(source.text):
        return
    if owners:
        reader.add_problem(
            source, f"is a {owners[0]} host, but the environment is {environment}", "Change one of them."
        )
    else:
        reader.warnings.append(f"{source.name} is not a Kalshi host. Signed requests will be sent there.")


def _credentials(environment: Environment, api_key: ApiKeyOptions, reader: _Reader) -> Credentials | None:
    """Load the key and report what is missing or wrong. None: not usable."""
    key_sources = [source for row in _KEY_ROWS.values() for source in reader.sources_of(row)]
    uses_pair = any(source.name in PAIR_NAMES for source in key_sources)
    for row in _KEY_ROWS.values():
        if not reader.sources_of(row):
            name = reader.other_name(row) if uses_pair else row.name
            what = f"is not set; {environment} needs an API key."
            remedy = f"Create one at {HOSTS[environment].keys_page}, then write {name}={row.example}"
            reader.problems.append(Problem(name, what, remedy))
    if api_key.key_id and not looks_like_key_id(api_key.key_id):
        name = reader.sources_of(_KEY_ROWS["key_id"])[0].name
        reader.warnings.append(f"{name} does not look like a Kalshi key ID (a UUID).")
    for source in reader.sources_of(_KEY_ROWS["secret"])[:1]:
        try:
            private_key = load_private_key(source.text, variable=source.name, folder=source.folder)
        except ConfigurationError as error:
            for problem in error.problems:
                reader.add_problem(source, problem.what, problem.remedy)
        else:
            return Credentials(api_key.key_id, private_key)
    return None


def _exposed_files(reader: _Reader) -> list[Problem]:
    """Return problems if others could read `.env` or the key.

    With real money they stop the start.
    """
    problems = find_leaks(reader.file_name, reader.env_file.path) if reader.env_file.path else []
    for source in reader.sources_of(_KEY_ROWS["secret"])[:1]:
        path = key_path(source.text, source.folder)
        problems += find_leaks(source.name, path) if path else []
    return problems
