"""Screens of the history: list, filters, timeline, reconcile, summary.

Asks, calls and shows; computes nothing. Other dates or another environment read the history again. Every
other filter uses the history already read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial

from kalshi_trading.core.dates import Period, local_date, parse_period
from kalshi_trading.core.errors import InvalidInputError, KalshiAPIError
from kalshi_trading.core.models import Side
from kalshi_trading.history import load_history, read_summary, read_timeline, reconcile
from kalshi_trading.history.day_summary import DaySummary
from kalshi_trading.history.rows import HistoryFilter, HistoryRow, OrderResult
from kalshi_trading.history.trade_history import TradeHistory, history_from_journal
from kalshi_trading.settings.environments import Environment
from kalshi_trading.trade_logger import TradeLogger
from kalshi_trading.ui.app import AppContext, not_empty
from kalshi_trading.ui.background_task import run_with_timeout
from kalshi_trading.ui.prompts.prompter import Choice, choose_by_name, choose_task
from kalshi_trading.ui.screens.choose import ALL_DAYS, PERIODS, PageTask, parse_days, run_tasks
from kalshi_trading.ui.views import history as history_view
from kalshi_trading.ui.views.history import MIN_PAGE, PAGE, HistoryPage

SUMMARY_TIMEOUT_S = 3
CHOICES_LINES = 4
"""Lines that the choices and their question take on a narrow screen."""


def trade_history(app: AppContext) -> None:
    """Show the newest orders and offer tasks until the user goes back.

    First looks up orders of unknown outcome once more.
    """
    app.run_with_spinner("Checking orders of unknown status…", app.orders.look_for_pending_orders)
    page = _read(app, HistoryFilter(), app.settings.environment)
    run_tasks(app, "History", page, _tasks)


def _tasks(page: HistoryPage) -> list[Choice[PageTask[HistoryPage] | None]]:
    """Offer all tasks at once: none is more than three choices from the menu."""
    rows: list[tuple[str, str, PageTask[HistoryPage] | None]] = [("0", "Back", None)]
    rows += [("1", "Order details", _one_order)] if page.rows else []
    rows += [("2", "Older orders", _turn_page)] if page.has_older else []
    rows += [
        ("3", "By date", _by_date),
        ("4", "By market", _by_market),
        ("5", "By event or series", _by_event),
        ("6", "By side", _by_side),
        ("7", "By result", _by_result),
        ("8", "Environment", _by_environment),
        ("9", "All orders", _all_orders),
    ]
    if page.history.is_joined:  # these tasks ask the connected exchange, which belongs to this page only
        rows += [
            ("r", "Reconcile", _reconcile),
            ("s", "Daily totals", _day_summary),
        ]
    return [Choice(*row) for row in rows]


# --- The list -------------------------------------------------------------------------------------


def _read(app: AppContext, wanted: HistoryFilter, environment: Environment) -> HistoryPage:
    """Read the history of one environment and show its first page."""
    if environment is app.settings.environment:
        history = app.run_with_count(
            "Reading the history…",
            lambda progress: load_history(
                app.client, app.journal, account=app.account, period=wanted.period, progress=progress
            ),
        )
        app.orders.reconcile_late(row.order for row in history.rows if row.order is not None)
    else:
        elsewhere = TradeLogger(app.settings.log_dir, environment.value)
        history = app.run_with_spinner(
            "Reading the journal…", lambda: history_from_journal(elsewhere, period=wanted.period)
        )
    return _show_filtered(app, history, wanted, environment)


def _show_filtered(
    app: AppContext, history: TradeHistory, wanted: HistoryFilter, environment: Environment
) -> HistoryPage:
    """Show the orders that the filter accepts."""
    rows = tuple(row for row in history.rows if wanted.takes(row))
    return _show(app, HistoryPage(history, wanted, environment, rows))


def _show(app: AppContext, page: HistoryPage) -> HistoryPage:
    """Show a page, shortened to fit the screen above the choices."""
    shown = history_view.history(page, app.clock())
    height = app.console.height - CHOICES_LINES
    while app.console.is_terminal and page.size > MIN_PAGE and len(app.console.render_lines(shown)) > height:
        page = replace(page, size=page.size - 1)
        shown = history_view.history(page, app.clock())
    app.show(shown)
    return page


def _turn_page(app: AppContext, page: HistoryPage) -> HistoryPage:
    return _show(app, replace(page, start=page.start + page.size, size=PAGE))


def _all_orders(app: AppContext, page: HistoryPage) -> HistoryPage:
    return _read(app, HistoryFilter(), app.settings.environment)


# --- Filters --------------------------------------------------------------------------------------


def _by_date(app: AppContext, page: HistoryPage) -> HistoryPage:
    period = _ask_period(app, page.wanted.period)
    return _read(app, replace(page.wanted, period=period), page.environment)


def _ask_period(app: AppContext, before: Period | None) -> Period | None:
    """Ask for days. None: all of them."""
    question = f"Period ({ALL_DAYS}, {PERIODS})"
    proposed = ALL_DAYS if before is None else str(before)
    return app.prompter.ask(question, lambda text: parse_days(text, app.clock()), default=proposed)


def _today(app: AppContext) -> date:
    return local_date(app.clock())


def _by_market(app: AppContext, page: HistoryPage) -> HistoryPage:
    market = app.prompter.ask("Market ticker, or part of it (* for all)", _ticker_part)
    return _apply_filter(app, page, replace(page.wanted, market=market))


def _by_event(app: AppContext, page: HistoryPage) -> HistoryPage:
    event = app.prompter.ask("Event or series ticker, or its start (* for all)", _ticker_part)
    return _apply_filter(app, page, replace(page.wanted, event=event))


def _ticker_part(text: str) -> str:
    return not_empty(text).upper().replace("*", "")


def _by_side(app: AppContext, page: HistoryPage) -> HistoryPage:
    sides: dict[str, Side | None] = {**{side.upper(): side for side in Side}, "Both sides": None}
    side = choose_by_name(app.prompter, "Which side?", sides, before=page.wanted.side)
    return _apply_filter(app, page, replace(page.wanted, side=side))


def _by_result(app: AppContext, page: HistoryPage) -> HistoryPage:
    results: dict[str, OrderResult | None] = {
        **{each.capitalize(): each for each in OrderResult},
        "Any result": None,
    }
    result = choose_by_name(app.prompter, "Which result?", results, before=page.wanted.result)
    return _apply_filter(app, page, replace(page.wanted, result=result))


def _apply_filter(app: AppContext, page: HistoryPage, wanted: HistoryFilter) -> HistoryPage:
    return _show_filtered(app, page.history, wanted, page.environment)


def _by_environment(app: AppContext, page: HistoryPage) -> HistoryPage:
    """Show the journal of another environment; its exchange is not connected."""
    connected = app.settings.environment
    named = {f"{each.capitalize()}{' (connected)' * (each is connected)}": each for each in Environment}
    environment = choose_by_name(app.prompter, "Which environment?", named)
    return _read(app, page.wanted, environment)


# --- One order ------------------------------------------------------------------------------------


def _one_order(app: AppContext, page: HistoryPage) -> HistoryPage:
    """Show the timeline of an order of this page, or of a typed id."""

    def show(row: HistoryRow) -> None:
        client = app.client if page.history.is_joined else None
        timeline = app.run_with_spinner("Reading order details…", lambda: read_timeline(client, row))
        app.show(history_view.timeline(timeline, app.clock()))

    tasks: list[Choice[Callable[[], None]]] = [
        Choice(str(number), history_view.order_label(row), partial(show, row))
        for number, row in enumerate(page.shown, start=1)
    ]
    tasks.append(Choice("t", "Enter an order ID", lambda: show(_ask_order(app, page))))
    choose_task(app.prompter, "Which order?", tasks, back="Back")
    return page


def _ask_order(app: AppContext, page: HistoryPage) -> HistoryRow:
    def parse(text: str) -> HistoryRow:
        wanted = not_empty(text)
        found = [
            row
            for row in page.history.rows
            if row.order_id.startswith(wanted) or row.client_order_id.startswith(wanted)
        ]
        if len(found) != 1:
            if found:
                raise InvalidInputError(f"{len(found)} orders start with {wanted}. Enter more of the ID.")
            raise InvalidInputError(
                f"No order here starts with {wanted}. Enter an order ID or client order ID."
            )
        return found[0]

    return app.prompter.ask("Order ID, or its start", parse)


# --- Reconciliation and sums ----------------------------------------------------------------------


def _reconcile(app: AppContext, page: HistoryPage) -> HistoryPage:
    period = _ask_period(app, page.wanted.period)
    found = app.run_with_count(
        "Comparing the journal with the exchange…",
        lambda progress: reconcile(
            app.client,
            app.journal,
            account=app.account,
            period=period,
            behavior=app.orders.behavior,
            clock=app.clock,
            progress=progress,
        ),
    )
    app.show(history_view.reconciliation(found, period, app.clock()))
    return page


def _day_summary(app: AppContext, page: HistoryPage) -> HistoryPage:
    today = _today(app)
    period = app.prompter.ask(f"Period ({PERIODS})", lambda text: parse_period(text, today), default="today")
    summary = app.run_with_count(
        "Adding up daily totals…",
        lambda progress: read_summary(
            app.client, app.journal, period, account=app.account, progress=progress
        ),
    )
    app.show(history_view.day_summary(summary))
    return page


def show_day_summary(app: AppContext) -> None:
    """Show the day's summary when the user exits, unless it is empty.

    Waits at most SUMMARY_TIMEOUT_S seconds. Raises KalshiAPIError and JournalError.
    """
    today = _today(app)

    def read() -> DaySummary:
        return read_summary(app.client, app.journal, Period(today, today), account=app.account)

    try:
        summary = run_with_timeout(SUMMARY_TIMEOUT_S, read)
    except TimeoutError:
        raise KalshiAPIError("The exchange did not answer in time.") from None
    if not summary.is_empty:
        app.show(history_view.day_summary(summary))
