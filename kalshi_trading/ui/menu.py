"""Run the menu loop and the session's single error boundary.

Every screen returns to the menu. A known error becomes one sentence. An unexpected error goes to
errors.log with its traceback, and the user gets its reference.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from kalshi_trading.core.errors import AuthenticationError, JournalError, KalshiAPIError, TradingError
from kalshi_trading.core.results import fetch
from kalshi_trading.core.text import clock_skew
from kalshi_trading.journal.events import CLOCK_EVENT
from kalshi_trading.settings.environments import Environment
from kalshi_trading.ui import packages
from kalshi_trading.ui.app import AppContext
from kalshi_trading.ui.exit_codes import EXIT_DONE, EXIT_INTERRUPTED
from kalshi_trading.ui.prompts.prompter import Choice, InputClosed, LeaveTask, typed_word
from kalshi_trading.ui.screens import account as account_screens
from kalshi_trading.ui.screens import exit as exit_screen
from kalshi_trading.ui.screens import history as history_screens
from kalshi_trading.ui.screens import orders as order_screens
from kalshi_trading.ui.screens import portfolio as portfolio_screens
from kalshi_trading.ui.screens import records as record_screens
from kalshi_trading.ui.screens import trade as trade_screens
from kalshi_trading.ui.views import account

Screen = Callable[[AppContext], bool | None]
"""The function behind a menu entry. True: the user exits."""


def _exit(app: AppContext) -> bool:
    return exit_screen.confirm_exit(app, was_chosen=True)


def _ask_after_ctrl_c(app: AppContext) -> bool:
    """Ask before exiting: Ctrl-C in the menu may be one press too many."""
    return exit_screen.confirm_exit(app, was_chosen=False)


ENTRIES: tuple[Choice[Screen], ...] = (
    Choice("1", "Portfolio", portfolio_screens.portfolio, "positions, P&L, exposure"),
    Choice("2", "Trade", trade_screens.place_trade, "search and place an order"),
    Choice("3", "Open orders", order_screens.open_orders, "price, filled, remaining"),
    Choice("4", "Cancel", order_screens.cancel_order, "one, all, or panic"),
    Choice("5", "History", history_screens.trade_history, "orders, daily totals, reconcile"),
    Choice("6", "Markets", trade_screens.find_market, "search, terms, order book"),
    Choice("8", "Records", record_screens.records, "logs, errors, export"),
    Choice("9", "Account & settings", account_screens.account, "limits, exchange status, files"),
    Choice("0", "Exit", _exit),
)


def run(app: AppContext) -> int:
    """Show the menu until the user exits; return the exit status.

    Raises AuthenticationError when the exchange rejects the key at the start.
    """
    try:
        _prepare(app)
        app.orders.start_recovery_loop()
        _run_until_exit(app)
        return EXIT_DONE
    except InputClosed:
        return EXIT_DONE
    except (LeaveTask, KeyboardInterrupt):
        app.show_text("Interrupted. Open orders stay on the exchange.")
        return EXIT_INTERRUPTED
    finally:
        app.orders.stop_recovery_loop()
        exit_screen.retry_journal_writes(app)
        app.orders.stop()
        app.finish()


def _run_until_exit(app: AppContext) -> None:
    """Show the menu until the user exits, then the day's summary."""
    try:
        while not _run_screen(app, _choose_screen(app)):
            pass
    except InputClosed:
        exit_screen.list_remaining_orders(app)
        _show_day_summary(app)
        raise
    _show_day_summary(app)


def _choose_screen(app: AppContext) -> Screen:
    try:
        _show_header(app)
        return app.prompter.choose("Menu", ENTRIES)
    except (LeaveTask, KeyboardInterrupt):
        return _ask_after_ctrl_c


def _prepare(app: AppContext) -> None:
    """Check the key, read the request limits and recover unresolved orders."""
    app.run_with_spinner("Signing in…", lambda: _sign_in(app))
    if app.settings.environment is Environment.PRODUCTION and not app.orders.read_only:
        word = "PRODUCTION"
        question = f"Type {word} to trade real money, or Enter for read-only:"
        app.orders.read_only = not app.prompter.ask(question, typed_word(word), is_consequential=True)
    _compare_clocks(app)
    _recover(app)


def _compare_clocks(app: AppContext) -> None:
    """Sign requests by the exchange's clock if this computer's clock differs.

    The exchange rejects a request signed at the wrong time.
    """
    ahead_s = app.client.use_exchange_clock()
    if ahead_s is None:
        return
    how = clock_skew(ahead_s)
    app.show_error(f"This computer's clock is {how}. Using exchange time; please correct it.")
    try:
        app.journal.log_event(CLOCK_EVENT, {"reason": f"this computer's clock is {how}"})
    except JournalError as error:
        app.orders.lock(str(error))


def _recover(app: AppContext) -> None:
    """Recover orders without a recorded end before anything new is sent."""

    try:
        recovery = app.run_with_count("Reading the journal…", app.orders.recover)
        for sentence in recovery.notes:
            app.show_error(sentence)
        for order in app.orders.pending_orders():
            app.show_error(f"Order from an earlier session, status unknown: {order.sentence}")
        if app.orders.pending_orders():
            app.run_with_spinner("Checking the exchange…", app.orders.look_for_pending_orders)
    except JournalError as error:
        app.orders.lock(str(error), until=app.orders.recover_and_announce)


def _sign_in(app: AppContext) -> None:
    try:
        app.client.load_limits()
    except AuthenticationError:
        raise
    except KalshiAPIError as error:
        app.show_error(f"Request limits unavailable. {error}")


def _show_header(app: AppContext) -> None:
    """Show the header, and drop the news only after it is on the screen."""
    with ThreadPoolExecutor(max_workers=3) as pool:
        balance = pool.submit(fetch, lambda: app.client.get_balance().cash)
        status = pool.submit(fetch, app.client.get_exchange_status)
        pool.submit(_watch_resting_orders, app)
    news = app.news()
    app.show(
        account.header(
            app.settings.environment,
            balance.result(),
            status.result(),
            news=news,
            unresolved=[order.sentence for order in app.orders.pending_orders()],
            read_only=app.orders.read_only,
            locked=app.orders.lock_reason or app.orders.block_reason(),
        )
    )
    app.news_shown(news)


def _watch_resting_orders(app: AppContext) -> None:
    """Announce resting orders that filled or ended.

    No error here blocks the menu.
    """
    try:
        for sentence in app.watch.look():
            app.orders.announce(sentence)
    except Exception as error:  # noqa: BLE001  (the menu must stay reachable to fix anything else)
        reference = app.journal.log_error("Unexpected error while checking open orders", error)
        app.orders.announce(f"Could not check open orders for changes (reference {reference}).")


def _run_screen(app: AppContext, screen: Screen) -> bool:
    """Run one screen and return True if the user exits.

    Shows every error of the screen except the end of input. The menu then returns.
    """
    try:
        return bool(screen(app))
    except (LeaveTask, KeyboardInterrupt):
        app.show_text("Back to the menu.")
    except InputClosed:
        raise
    except TradingError as error:
        app.show_error(str(error))
        app.journal.log_error(str(error), error)
    except Exception as error:  # noqa: BLE001  (the one handler for unexpected errors)
        reference = app.journal.log_error("Unexpected error", error)
        app.show_error(
            f"Unexpected error (reference {reference} in {app.journal.errors_path}). "
            "Check open orders before you trade again."
        )
        if remedy := packages.advice(error):
            app.show_error(remedy)
    return False


def _show_day_summary(app: AppContext) -> None:
    """Show the day's summary; an error in it is one line and delays no exit."""
    try:
        history_screens.show_day_summary(app)
    except (LeaveTask, KeyboardInterrupt):
        app.show_text("Daily summary skipped.")
    except TradingError as error:
        app.show_error(f"Daily summary unavailable. {error}")
    except Exception as error:  # noqa: BLE001  (nothing may keep the user from exiting)
        reference = app.journal.log_error("Unexpected error in the daily summary", error)
        app.show_error(f"Daily summary unavailable (reference {reference}).")
