"""Define each option: its variable, grammar, default and help.

Options are fields of `Settings`. This module also sets every limit's default. It never reads the environment
or a file; `config` does.
"""

# ruff: noqa: RUF009 -- `option` declares a field, as dataclasses.field does

from __future__ import annotations

from dataclasses import dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from typing import Any

from kalshi_trading.core.results import DictLike
from kalshi_trading.settings import option_parsing as grammar
from kalshi_trading.settings.credentials import Credentials
from kalshi_trading.settings.environments import API_PATH, HOSTS, WEBSOCKET_PATH, Environment
from kalshi_trading.settings.option_parsing import Option, option, options_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits on orders: soft ones ask for confirmation, hard ones block.

    A hard limit holds until its setting is changed.
    """

    soft_order_cost: Decimal = option(
        "KALSHI_SOFT_ORDER_COST",
        grammar.dollars("0", "1000000"),
        "100",
        "Dollars one order may cost before the amount must be typed.",
    )
    hard_order_cost: Decimal = option(
        "KALSHI_HARD_ORDER_COST",
        grammar.dollars("0.01", "1000000"),
        "1000",
        "Dollars one order may cost at most.",
    )
    soft_order_count: Decimal = option(
        "KALSHI_SOFT_ORDER_COUNT",
        grammar.contracts("0", "1000000"),
        "1000",
        "Contracts one order may have before the number must be typed.",
    )
    hard_order_count: Decimal = option(
        "KALSHI_HARD_ORDER_COUNT",
        grammar.contracts("0.01", "1000000"),
        "10000",
        "Contracts one order may have at most.",
    )
    market_loss_limit: Decimal = option(
        "KALSHI_MARKET_LOSS_LIMIT",
        grammar.dollars("0.01", "1000000"),
        "1000",
        "Dollars that can be lost in one market, resting orders included.",
    )
    daily_cost_limit: Decimal = option(
        "KALSHI_DAILY_COST_LIMIT",
        grammar.dollars("0.01", "10000000"),
        "5000",
        "Dollars of buying in one day.",
    )
    daily_order_limit: int = option(
        "KALSHI_DAILY_ORDER_LIMIT", grammar.whole(1, 100_000), "200", "Orders in one day."
    )
    daily_loss_limit: Decimal = option(
        "KALSHI_DAILY_LOSS_LIMIT",
        grammar.dollars("0.01", "10000000"),
        "500",
        "Dollars of loss in one day from which on only reducing orders pass.",
    )
    warn_through: Decimal = option(
        "KALSHI_WARN_THROUGH",
        grammar.dollars("0", "1"),
        "0.03",
        "Dollars a price may lie beyond the best opposite price before a warning.",
    )
    block_through: Decimal = option(
        "KALSHI_BLOCK_THROUGH",
        grammar.dollars("0", "1"),
        "0.10",
        "Dollars a price may lie beyond the best opposite price at most.",
    )
    warn_from_midpoint: Decimal = option(
        "KALSHI_WARN_FROM_MIDPOINT",
        grammar.dollars("0", "1"),
        "0.10",
        "Dollars a price may lie away from the midpoint before a warning.",
    )
    market_order_cap: Decimal = option(
        "KALSHI_MARKET_ORDER_CAP",
        grammar.dollars("0", "1"),
        "0.05",
        "Dollars a market order may pay beyond the best price.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(DictLike):
    """All settings of the user. Also reads like a dict, by field name.

    `repr` shows no secret.
    """

    environment: Environment = option(
        "KALSHI_ENVIRONMENT",
        grammar.environment,
        "practice",
        "The exchange: practice (no account, no network), sandbox (Kalshi's demo) or production.",
        aliases=("KALSHI_ENV",),
    )
    api_base_url: str | None = option(
        "KALSHI_API_BASE_URL",
        grammar.optional(grammar.url("http", API_PATH)),
        "",
        "Another address of the exchange's HTTP API; https only, except on this machine.",
        example=HOSTS[Environment.SANDBOX].api,
    )
    ws_url: str | None = option(
        "KALSHI_WS_URL",
        grammar.optional(grammar.url("ws", WEBSOCKET_PATH)),
        "",
        "Another address of the exchange's WebSocket; wss only, except on this machine.",
        example=HOSTS[Environment.SANDBOX].websocket,
    )
    example_ticker: str | None = option(
        "KALSHI_EXAMPLE_TICKER",
        grammar.optional(grammar.ticker),
        "",
        "Market that a new trade begins with.",
        example="KXHIGHNY-26NOV21-B46.5",
    )
    event_ticker: str | None = option(
        "EVENT_TICKER",
        grammar.optional(grammar.ticker),
        "",
        "Event that a new trade begins with, where no market is named above.",
        example="KXHIGHNY-26NOV21",
    )
    read_only: bool = option(
        "KALSHI_READ_ONLY", grammar.yes_or_no, "0", "1 to look without being able to trade."
    )
    default_count: Decimal = option(
        "KALSHI_DEFAULT_COUNT",
        grammar.contracts("0.01", "1000000"),
        "10",
        "Contracts proposed for a new order.",
    )
    connect_timeout_s: float = option(
        "KALSHI_CONNECT_TIMEOUT_S",
        grammar.seconds("0.1", "30"),
        "3",
        "Seconds to wait for a connection.",
    )
    total_timeout_s: float = option(
        "KALSHI_TOTAL_TIMEOUT_S",
        grammar.seconds("0.1", "120"),
        "12",
        "Seconds to wait for a whole answer.",
    )
    read_retries: int = option(
        "KALSHI_READ_RETRIES",
        grammar.whole(0, 10),
        "3",
        "Times a failed read is repeated; an order never is.",
    )
    log_level: str = option(
        "LOG_LEVEL",
        grammar.one_of("DEBUG", "INFO", "WARNING", "ERROR"),
        "INFO",
        "How much goes to the log: DEBUG, INFO, WARNING or ERROR.",
    )
    log_dir: Path = option(
        "KALSHI_LOG_DIR", grammar.path, "logs", "Folder of the trade journal and the error log."
    )
    data_dir: Path = option(
        "KALSHI_DATA_DIR",
        grammar.path,
        "~/.local/share/kalshi-trading",
        "Folder of the practice world and of caches (inside XDG_DATA_HOME where that is set).",
        example="/var/tmp/kalshi-trading",
    )
    practice_seed: int | None = option(
        "KALSHI_PRACTICE_SEED",
        grammar.optional(grammar.whole(0, 999_999_999)),
        "",
        "Number from which a new practice world grows.",
        example="7",
    )
    practice_markets: int = option(
        "KALSHI_PRACTICE_MARKETS",
        grammar.whole(1, 100_000),
        "400",
        "Markets in a new practice world.",
    )
    limits: Limits = field(default_factory=Limits)
    credentials: Credentials | None = field(default=None, repr=False)
    warnings: tuple[str, ...] = ()
    env_file: Path | None = field(default=None, compare=False)
    """Path of the settings file. None: there is none."""

    def keys(self) -> tuple[str, ...]:
        return tuple(each.name for each in fields(self))

    def _read_key(self, key: str) -> object:
        return getattr(self, key)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ApiKeyOptions:
    """The API key as written by the user. Only for sandbox and production."""

    key_id: str = option(
        "KALSHI_API_KEY",
        grammar.key_id,
        "",
        "Id of your API key. Practice needs none.",
        example="01234567-89ab-cdef-0123-456789abcdef",
        aliases=("KALSHI_API_KEY_ID",),
    )
    secret: str = option(
        "KALSHI_API_SECRET",
        grammar.secret,
        "",
        "Path of the private key's .pem file, or the PEM itself in double quotes with \\n for line ends.",
        example="~/.kalshi/key.pem",
        aliases=("KALSHI_PRIVATE_KEY_PATH",),
    )


def _documented(name: str, help: str, example: str) -> Option[str]:
    """Declare a variable that is documented but has no field of its own.

    When it applies, its text becomes the value of another option.
    """
    return Option(name, grammar.secret, "", help, example)


ENV = _documented(
    "ENV",
    "DEMO (sandbox) or PROD (production): the exchange, and which key pair below is used. "
    "Counts with these two words and beside the key id of that pair.",
    "DEMO",
)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """The key of one exchange, so that one file can hold both keys.

    `word` is the value of ENV for that exchange.
    """

    word: str
    key_id: Option[str]
    key_file: Option[str]


PAIRS = {
    Environment.SANDBOX: KeyPair(
        "DEMO",
        _documented("DEMO_KEYID", "Key id for sandbox.", "01234567-89ab-cdef-0123-456789abcdef"),
        _documented("DEMO_KEYFILE", "Private key file for sandbox.", "api_keys/demo/key.pem"),
    ),
    Environment.PRODUCTION: KeyPair(
        "PROD",
        _documented("PROD_KEYID", "Key id for production.", "01234567-89ab-cdef-0123-456789abcdef"),
        _documented("PROD_KEYFILE", "Private key file for production.", "api_keys/prod/key.pem"),
    ),
}
_PAIR_ROWS = tuple(row for pair in PAIRS.values() for row in (pair.key_id, pair.key_file))
PAIR_NAMES = tuple(row.name for row in _PAIR_ROWS)
LOGIN_NAMES = ("KALSHI_EMAIL", "KALSHI_PASSWORD")
"""Variables of the e-mail login, which Kalshi has removed."""
OPTIONS: tuple[Option[Any], ...] = (
    *options_of(ApiKeyOptions).values(),
    ENV,
    *_PAIR_ROWS,
    *(row for owner in (Settings, Limits) for row in options_of(owner).values()),
)
_OPTION_NAMES = tuple(name for row in OPTIONS for name in (row.name, *row.aliases))
KNOWN_NAMES = (*_OPTION_NAMES, *LOGIN_NAMES)
SPELLED_NAMES = tuple(name for name in _OPTION_NAMES if name.startswith("KALSHI_") or name == "LOG_LEVEL")
"""Names that misspellings are matched to. The others are common words, or close to other programs' names."""
SAFETY_NAMES = frozenset(  # a misspelled one stops the start
    name
    for owner in (Settings, Limits)
    for field_name, row in options_of(owner).items()
    if owner is Limits or field_name in ("environment", "read_only")
    for name in (row.name, *row.aliases)
)
