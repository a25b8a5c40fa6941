"""The account screen: environment, exchange, limits with use, files.

Asks, calls and shows; computes nothing. If a part cannot be read, the others still appear.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Group, RenderableType

from kalshi_trading.core.errors import JournalError
from kalshi_trading.core.results import Fetched, fetch
from kalshi_trading.core.text import clock_skew
from kalshi_trading.orders.pretrade.activity import ActivityReader
from kalshi_trading.orders.pretrade.day_pnl import DayPnlReader
from kalshi_trading.ui import tables
from kalshi_trading.ui.app import AppContext
from kalshi_trading.ui.prompts.prompter import BACK_OR_REFRESH
from kalshi_trading.ui.views import account as account_view
from kalshi_trading.ui.views import records as records_view
from kalshi_trading.verify import stored


def account(app: AppContext) -> None:
    """Show the page until the user goes back."""
    is_wanted = True
    while is_wanted:
        app.show(app.run_with_spinner("Reading the account…", lambda: _page(app)))
        is_wanted = app.prompter.choose_in_line("Account & settings", BACK_OR_REFRESH)


def _page(app: AppContext) -> RenderableType:
    with ThreadPoolExecutor(max_workers=3) as pool:
        pnl = pool.submit(fetch, DayPnlReader(app.client, clock=app.clock).pnl)
        facts = pool.submit(lambda: list(_exchange(app)))
        reader = ActivityReader(app.journal, account=app.account, clock=app.clock)
        try:
            today = Fetched(reader.read().today)
        except JournalError as error:
            today = Fetched(None, str(error))
        limits_table = account_view.limits_table(app.settings.limits, today, pnl.result(), app.console.width)
        rows = facts.result()
        skew_s, changes = app.client.clock_skew_s, app.api_changes()
        sizes = records_view.total_size(app.journal.log_sizes())
        rows += [
            ("Clock", "not checked yet" if skew_s is None else clock_skew(skew_s)),
            ("API", f"{'changed, see below' if changes else 'as documented'} · {_behavior(app)}"),
            ("Records", f"{app.journal.folder}, {sizes}"),
            ("Settings file", _settings_file(app.settings.env_file)),
            ("Data folder", str(app.settings.data_dir)),
        ]
    return Group(tables.key_values(rows), limits_table, *account_view.api_changes(changes))


def _behavior(app: AppContext) -> str:
    verified = stored.load(app.settings, app.account)
    return "not verified" if verified is None else verified.summary


def _settings_file(path: Path | None) -> str:
    if path is None:
        return "none"
    return str(path) if path.exists() else f"none ({path})"


def _exchange(app: AppContext) -> Iterator[tuple[str, str]]:
    status, limits = fetch(app.client.get_exchange_status), fetch(app.client.get_account_limits)
    state = account_view.trading_status(status).plain
    if status.unavailable:
        state += f": {status.unavailable}"
    read_only = ", read-only" if app.orders.read_only else ""
    yield "Environment", f"{app.settings.environment}{read_only} · {state}"
    if limits.value is not None:
        rates = f"{limits.value.read.refill_rate} reads, {limits.value.write.refill_rate} writes per second"
        yield "Request limit", f"{rates} · usage tier {limits.value.usage_tier}"
    elif limits.unavailable != status.unavailable:
        yield "Request limit", f"unavailable: {limits.unavailable}"
