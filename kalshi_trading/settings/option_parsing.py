"""Parse the text of every kind of option, and describe a wrong text.

Never reads the environment or a file. Never repeats a refused text, because a secret may have been pasted
into the wrong line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from typing import Any, Generic, TypeVar, cast
from urllib.parse import urlsplit

from kalshi_trading.core.errors import InvalidInputError
from kalshi_trading.core.tickers import is_ticker
from kalshi_trading.settings.environments import Environment, is_loopback
from kalshi_trading.settings.places import PROJECT_FOLDER

T = TypeVar("T")
Parser = Callable[[str], T]

_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,4})?", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Option(Generic[T]):
    """One row of the table of options. An empty text means "not set"."""

    name: str
    parse: Parser[T]
    default: str
    help: str
    example: str
    aliases: tuple[str, ...] = ()

    def read(self, text: str, folder: Path) -> T:
        """Convert text to the value. Raises InvalidInputError.

        A relative path starts at `folder`.
        """
        value = self.parse(text)
        return cast(T, folder / value) if isinstance(value, Path) else value


def option(
    name: str, parse: Parser[T], default: str, help: str, *, example: str = "", aliases: tuple[str, ...] = ()
) -> T:
    """Declare a dataclass field that is read from the variable `name`."""
    row = Option(name, parse, default, help, example or default, aliases)
    field_of_row: T = field(
        default_factory=lambda: row.read(default, PROJECT_FOLDER), metadata={"option": row}, repr=True
    )
    return field_of_row


def options_of(owner: type[Any]) -> dict[str, Option[Any]]:
    """Return the options of a dataclass by field name."""
    return {each.name: each.metadata["option"] for each in fields(owner) if "option" in each.metadata}


def looks_like_key_id(text: str) -> bool:
    """Return True if the text has the form of a Kalshi key id, a UUID."""
    return _UUID.fullmatch(text) is not None


def environment(text: str) -> Environment:
    """Parse an environment's name or synonym."""
    word = text.lower()
    synonyms = {"demo": Environment.SANDBOX, "prod": Environment.PRODUCTION}
    if word in synonyms:
        return synonyms[word]
    if word in tuple(Environment):
        return Environment(word)
    raise InvalidInputError("must be practice, sandbox (or demo), or production (or prod)")


def yes_or_no(text: str) -> bool:
    """Parse a switch."""
    word = text.lower()
    if word in ("1", "true", "yes"):
        return True
    if word in ("0", "false", "no"):
        return False
    raise InvalidInputError("must be 1, true, yes, 0, false or no")


def one_of(*words: str) -> Parser[str]:
    """Return a parser of one of these upper-case words, in any case."""

    def parse(text: str) -> str:
        if text.upper() not in words:
            raise InvalidInputError(f"must be one of {', '.join(words)}")
        return text.upper()

    return parse


def whole(low: int, high: int) -> Parser[int]:
    """Return a parser of whole numbers."""

    def parse(text: str) -> int:
        return int(_number(text, Decimal(low), Decimal(high), 0))

    return parse


def seconds(low: str, high: str) -> Parser[float]:
    """Return a parser of seconds, with up to three decimals."""

    def parse(text: str) -> float:
        return float(_number(text, Decimal(low), Decimal(high), 3))

    return parse


def dollars(low: str, high: str) -> Parser[Decimal]:
    """Return a parser of dollars, with up to four decimals."""

    def parse(text: str) -> Decimal:
        return _number(text, Decimal(low), Decimal(high), 4)

    return parse


def contracts(low: str, high: str) -> Parser[Decimal]:
    """Return a parser of contract counts, with up to two decimals."""

    def parse(text: str) -> Decimal:
        return _number(text, Decimal(low), Decimal(high), 2)

    return parse


def optional(parse: Parser[T]) -> Parser[T | None]:
    """Return a parser that reads empty text as "not set"."""

    def parse_unless_empty(text: str) -> T | None:
        return parse(text) if text else None

    return parse_unless_empty


def path(text: str) -> Path:
    """Parse a path. A leading ~ is the home folder."""
    try:
        found = Path(text).expanduser()
    except RuntimeError:
        raise InvalidInputError("needs a full path, because the home folder (~) is unknown") from None
    if not text.isprintable():
        raise InvalidInputError("must be a path without control characters")
    return found


def ticker(text: str) -> str:
    """Parse the ticker of a market or event, in any case."""
    if not is_ticker(text.upper()):
        raise InvalidInputError("must be a ticker")
    return text.upper()


def key_id(text: str) -> str:
    """Parse the id of an API key."""
    if text.startswith(("<", "your_", "your-")):
        raise InvalidInputError("is still a placeholder; enter your own key ID")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise InvalidInputError("must be one word without spaces")
    if text.endswith(".pem") or "BEGIN" in text:
        raise InvalidInputError("must be the key ID, not the key or its file")
    return text


def secret(text: str) -> str:
    """Return a path or PEM unchanged. It is checked when the key is loaded."""
    return text


def url(scheme: str, ending: str) -> Parser[str]:
    """Return a parser of exchange addresses.

    `scheme` is http or ws. Only loopback hosts may be insecure.
    """

    def parse(text: str) -> str:
        address = text.rstrip("/")
        try:
            parts = urlsplit(address)
            well_formed = bool(parts.hostname) and parts.port != 0
        except ValueError:
            well_formed = False
        if not well_formed or not address.isascii() or not address.isprintable() or " " in address:
            raise InvalidInputError("must be a full address with a host")
        if parts.username is not None or parts.password is not None or "?" in address or "#" in address:
            raise InvalidInputError("must not contain a user name, password, query or fragment")
        if parts.scheme != f"{scheme}s" and not (parts.scheme == scheme and is_loopback(address)):
            raise InvalidInputError(f"must begin with {scheme}s:// ({scheme}:// only on this computer)")
        if parts.path != ending:
            raise InvalidInputError(f"must end in {ending} right after the host")
        return address

    return parse


def _number(text: str, low: Decimal, high: Decimal, places: int) -> Decimal:
    kind = f"a number with at most {places} decimals" if places else "a whole number"
    message = f"must be {kind} from {low} to {high}, in plain digits"
    if not _NUMBER.fullmatch(text) or len(text.partition(".")[2]) > places:
        raise InvalidInputError(message)
    if places == 0 and "." in text:
        raise InvalidInputError(message)
    number = Decimal(text)
    if not low <= number <= high:
        raise InvalidInputError(message)
    return number
