"""The way out of the menu: what still rests is named, and the user decides what becomes of it.

Asks, calls and shows. Nothing is canceled but at the user's word, and nothing here keeps anybody for long.
"""

from __future__ import annotations

from collections.abc import Sequence

from kalshi_trading import order_screens
from kalshi_trading.app import App
from kalshi_trading.errors import TradingError
from kalshi_trading.formats import how_many
from kalshi_trading.models import Order, OrderStatus
from kalshi_trading.prompts import Back, Choice
from kalshi_trading.undertaking import within

ORDERS_NAMED = 10
LOOK_S = 3


def is_decided(app: App, *, was_chosen: bool) -> bool:
    """Ask what becomes of resting orders; False leads back to the menu.

    Where nothing rests, only a Ctrl-C is asked about, as it may be one too many. Reads lag writes, so that an
    order of the last minute counts that the journal knows to rest.
    """
    try:
        orders = _resting(app)
        unlisted = app.watch.unlisted(orders)
        for sentence in unlisted:
            app.say(f"Placed a moment ago and not in the exchange's list yet, where it may rest: {sentence}")
        if unlisted:
            app.say("What is not listed stays if you leave; panic, under Cancel an order, cancels it too.")
        nothing_rests = not orders and not unlisted
        return (was_chosen and nothing_rests) or _is_confirmed(app, orders, was_chosen=was_chosen)
    except (Back, KeyboardInterrupt):
        app.say("Back to the menu.")
        return False


def say_what_stays(app: App) -> None:
    """Name what rests where nobody can be asked any more."""
    try:
        orders = within(LOOK_S, lambda: app.client.get_orders(status=OrderStatus.RESTING).whole())
    except (TradingError, TimeoutError, Back, KeyboardInterrupt):
        app.say("Orders that rest stay at the exchange; whether any do could not be read.")
        return
    if orders:
        app.say(f"{_counted(orders)} at the exchange and may still fill:")
        _name(app, orders)


def _resting(app: App) -> tuple[Order, ...]:
    try:
        return app.working("Looking for resting orders …", app.executor.list_open_orders)
    except TradingError as error:
        app.complain(f"The open orders could not be read; any that rest stay. {error}")
        return ()


def _is_confirmed(app: App, orders: Sequence[Order], *, was_chosen: bool) -> bool:
    """Ask; the cursor stands on the way back after a Ctrl-C."""
    stay, leave, cancel = "stay", "leave", "cancel"
    back = Choice("0", "Back to the menu", stay)
    if not orders:
        return app.prompter.choose("Leave the program?", [back, Choice("1", "Exit", leave)]) == leave
    _name(app, orders)
    one = len(orders) == 1
    ways = [
        Choice("1", f"Keep {'it' if one else 'them'} and exit", leave),
        Choice("2", f"Cancel {'it' if one else 'all of them'} and exit", cancel),
    ]
    answer = app.prompter.choose(
        f"{how_many(len(orders), 'resting order')}. Leave {'it' if one else 'them'} at the exchange?",
        [*ways, back] if was_chosen else [back, *ways],
    )
    if answer == cancel:
        order_screens.cancel_these(app, orders)
    return answer != stay


def _name(app: App, orders: Sequence[Order]) -> None:
    for line in order_screens.lines_of(app, orders[:ORDERS_NAMED]):
        app.say(f"  {line}")
    if len(orders) > ORDERS_NAMED:
        app.say(f"  and {len(orders) - ORDERS_NAMED:,} more")


def _counted(orders: Sequence[Order]) -> str:
    return f"{how_many(len(orders), 'resting order')} {'stays' if len(orders) == 1 else 'stay'}"
