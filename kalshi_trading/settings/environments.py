"""The trading environments and the exchange's hosts in each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
API_PATH = "/trade-api/v2"
WEBSOCKET_PATH = "/trade-api/ws/v2"


class Environment(StrEnum):
    """The exchange that the program trades on."""

    PRACTICE = "practice"
    SANDBOX = "sandbox"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Hosts:
    """Addresses of one environment, and the page where its keys are made."""

    api: str
    websocket: str
    domain: str
    keys_page: str


# Source: Kalshi API, hosts and environments.
HOSTS = {
    Environment.SANDBOX: Hosts(
        api="https://external-api.demo.kalshi.co/trade-api/v2",
        websocket="wss://external-api-ws.demo.kalshi.co/trade-api/ws/v2",
        domain="kalshi.co",
        keys_page="https://demo.kalshi.co",
    ),
    Environment.PRODUCTION: Hosts(
        api="https://external-api.kalshi.com/trade-api/v2",
        websocket="wss://external-api-ws.kalshi.com/trade-api/ws/v2",
        domain="kalshi.com",
        keys_page="https://kalshi.com",
    ),
}


def is_loopback(url: str) -> bool:
    """Return True if the URL names this machine."""
    return urlsplit(url).hostname in _LOOPBACK_HOSTS
