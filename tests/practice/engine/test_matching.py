"""Placing and canceling orders in the practice engine.

Covers matching, refusals and collateral.
"""

from __future__ import annotations

from typing import Any

import pytest
from engine_world import (
    ASK,
    BID,
    FOK,
    GTC,
    HOUR,
    IOC,
    START,
    TICKER,
    Sink,
    World,
    count,
    market,
    money,
    price,
)

from kalshi_trading.practice.assumptions import Assumptions
from kalshi_trading.practice.engine.exchange import NewOrder, Refusal
from kalshi_trading.practice.engine.state import TRADES_KEPT
from kalshi_trading.practice.records import BookSide, FeeType, OrderStatus, SelfTradePrevention

MAKER = SelfTradePrevention.MAKER


@pytest.fixture
def world() -> World:
    return World()


def refused(world: World, *arguments: Any, **others: Any) -> Refusal:
    """Place an order that must be refused; return the refusal.

    Balances and books must not change.
    """
    balances = {account: world.exchange.balance(account) for account in ("ann", "bob")}
    levels = [world.exchange.levels(TICKER, side) for side in BookSide]
    with pytest.raises(Refusal) as caught:
        world.place(*arguments, **others)
    assert {account: world.exchange.balance(account) for account in ("ann", "bob")} == balances
    assert [world.exchange.levels(TICKER, side) for side in BookSide] == levels
    return caught.value


# Matching.


def test_buy_yes_limit_rests_and_buy_yes_crossing_fills_at_the_resting_price(world: World) -> None:
    assert world.place("ann", BID, "10", "0.40").order.status is OrderStatus.RESTING
    world.place("bob", ASK, "10", "0.52")
    placed = world.place("ann", BID, "10", "0.99", IOC)
    assert [(fill.price, fill.count) for fill in placed.fills] == [(price("0.52"), count("10"))]
    assert placed.order.status is OrderStatus.EXECUTED
    assert world.held("ann").count == count("10")
    assert world.held("bob").count == -count("10")


def test_sell_yes_limit_rests_and_sell_yes_crossing_closes_the_position(world: World) -> None:
    world.trade("ann", "bob", "10", "0.50")
    world.place("ann", ASK, "4", "0.60")
    assert world.exchange.levels(TICKER, ASK) == [(price("0.60"), count("4"))]
    world.place("sim", BID, "6", "0.55")
    before = world.exchange.balance("ann")
    placed = world.place("ann", ASK, "6", "0.01", IOC)
    assert world.held("ann").count == count("4")
    assert world.exchange.balance("ann") - before == money("3.30") - placed.fills[0].fee


def test_buy_no_is_an_ask_at_one_minus_its_price_limit_and_crossing(world: World) -> None:
    world.place("ann", ASK, "4", "0.65")
    assert world.exchange.balance("ann") == money("1000") - money("1.40")
    world.place("bob", BID, "4", "0.70", ticker=TICKER)
    assert world.held("ann").count == -count("4")
    assert world.held("ann").no_cost == money("1.40")
    world.place("sim", BID, "5", "0.64")
    placed = world.place("ann", ASK, "5", "0.60", IOC)
    assert placed.fills[0].price == price("0.64")
    assert placed.order.taker_fill_cost == money("1.80")
    assert world.held("ann").count == -count("9")


def test_sell_no_is_a_bid_at_one_minus_its_price_limit_and_crossing(world: World) -> None:
    world.trade("bob", "ann", "10", "0.65")
    world.place("ann", BID, "4", "0.50")
    assert world.exchange.levels(TICKER, BID) == [(price("0.50"), count("4"))]
    world.place("sim", ASK, "6", "0.60")
    before = world.exchange.balance("ann")
    placed = world.place("ann", BID, "6", "0.99", IOC)
    assert world.exchange.balance("ann") - before == money("2.40") - placed.fills[0].fee
    assert world.held("ann").count == -count("4")
    assert world.held("ann").realized_pnl == money("0.30")


def test_better_prices_trade_first_and_the_rest_of_a_limit_order_rests(world: World) -> None:
    world.place("bob", ASK, "3", "0.55")
    world.place("sim", ASK, "2", "0.53")
    world.place("bob", ASK, "1", "0.57")
    placed = world.place("ann", BID, "8", "0.55")
    assert [(fill.price, fill.count) for fill in placed.fills] == [
        (price("0.53"), count("2")),
        (price("0.55"), count("3")),
    ]
    assert placed.order.status is OrderStatus.RESTING
    assert placed.order.remaining_count == count("3")
    assert world.exchange.best(TICKER, BID) == (price("0.55"), count("3"))


def test_at_one_price_the_earlier_order_trades_first(world: World) -> None:
    first = world.place("bob", ASK, "5", "0.50").order
    second = world.place("sim", ASK, "5", "0.50").order
    assert world.exchange.queue_position("sim", second.order_id) == count("5")
    world.place("ann", BID, "5", "0.50")
    assert first.status is OrderStatus.EXECUTED
    assert second.status is OrderStatus.RESTING
    assert world.exchange.queue_position("sim", second.order_id) == 0


def test_an_ioc_rest_is_canceled_with_nothing_remaining(world: World) -> None:
    world.place("bob", ASK, "3", "0.50")
    placed = world.place("ann", BID, "10", "0.50", IOC)
    assert placed.order.status is OrderStatus.CANCELED
    assert (placed.order.fill_count, placed.order.remaining_count) == (count("3"), 0)
    assert placed.order.initial_count == count("10")
    assert world.exchange.levels(TICKER, BID) == []


def test_a_fok_fills_whole_or_is_killed_with_its_id_spent(world: World) -> None:
    world.place("bob", ASK, "3", "0.50")
    refusal = refused(world, "ann", BID, "4", "0.50", FOK, client_order_id="once")
    assert (refusal.status, refusal.code) == (409, "fill_or_kill_insufficient_resting_volume")
    killed = world.exchange.orders_of("ann")[0]
    assert (killed.client_order_id, killed.status) == ("once", OrderStatus.CANCELED)
    again = refused(world, "ann", BID, "3", "0.50", FOK, client_order_id="once")
    assert (again.status, again.code) == (409, "order_already_exists")
    assert world.place("ann", BID, "3", "0.50", FOK).order.status is OrderStatus.EXECUTED


def test_both_parties_of_a_trade_see_one_print_and_fills_of_their_own(world: World) -> None:
    world.place("bob", ASK, "3", "0.52")
    placed = world.place("ann", BID, "3", "0.60")
    print_ = world.exchange.trades[TICKER][-1]
    taken, made = world.exchange.fills_of("ann")[0], world.exchange.fills_of("bob")[0]
    assert print_.trade_id == taken.trade_id == made.trade_id
    assert (print_.price, print_.taker_side) == (price("0.52"), BID)
    assert (taken.side, taken.is_taker, made.side, made.is_taker) == (BID, True, ASK, False)
    assert placed.order.taker_fill_cost == money("1.56")
    assert world.exchange.orders_of("bob")[0].maker_fill_cost == money("1.44")
    listed = world.exchange.markets[TICKER]
    assert (listed.last_price, listed.volume, listed.open_interest) == (price("0.52"), 300, 300)


def test_an_account_trading_in_fractions_of_a_contract(world: World) -> None:
    world.place("bob", ASK, "0.37", "0.52")
    placed = world.place("ann", BID, "0.50", "0.52")
    assert placed.fills[0].count == 37
    assert placed.order.remaining_count == 13


# Self-trade prevention, post-only, reduce-only.


def test_taker_at_cross_stops_at_the_own_order_and_keeps_earlier_fills(world: World) -> None:
    world.place("bob", ASK, "2", "0.50")
    own = world.place("ann", ASK, "2", "0.51").order
    world.place("bob", ASK, "2", "0.52")
    placed = world.place("ann", BID, "6", "0.52")
    assert placed.order.fill_count == count("2")
    assert (placed.order.status, placed.order.remaining_count) == (OrderStatus.CANCELED, 0)
    assert own.status is OrderStatus.RESTING


def test_maker_cancels_the_own_order_and_the_taker_goes_on(world: World) -> None:
    world.place("bob", ASK, "2", "0.50")
    own = world.place("ann", ASK, "2", "0.51").order
    world.place("bob", ASK, "2", "0.52")
    placed = world.place("ann", BID, "6", "0.52", self_trade_prevention=MAKER)
    assert placed.order.fill_count == count("4")
    assert placed.order.status is OrderStatus.RESTING
    assert own.status is OrderStatus.CANCELED


@pytest.mark.parametrize("prevention", list(SelfTradePrevention))
def test_a_fok_that_meets_itself_behaves_like_an_ioc(world: World, prevention: SelfTradePrevention) -> None:
    world.place("bob", ASK, "2", "0.50")
    world.place("ann", ASK, "2", "0.51")
    placed = world.place("ann", BID, "6", "0.52", FOK, self_trade_prevention=prevention)
    assert placed.order.fill_count == count("2")
    assert placed.order.status is OrderStatus.CANCELED


def test_a_post_only_order_that_would_cross_is_refused_and_else_rests(world: World) -> None:
    world.place("bob", ASK, "2", "0.50")
    refusal = refused(world, "ann", BID, "2", "0.50", post_only=True)
    assert (refusal.status, refusal.code, refusal.details) == (400, "invalid_order", "post only cross")
    assert world.place("ann", BID, "2", "0.49", post_only=True).order.status is OrderStatus.RESTING


def test_reduce_only_stops_at_the_position(world: World) -> None:
    world.trade("ann", "bob", "6", "0.50")
    world.place("sim", BID, "20", "0.50")
    placed = world.place("ann", ASK, "10", "0.50", IOC, reduce_only=True)
    assert placed.order.fill_count == count("6")
    assert placed.order.status is OrderStatus.CANCELED
    assert world.held("ann").count == 0


@pytest.mark.parametrize("side", list(BookSide))
def test_reduce_only_with_nothing_to_reduce_is_canceled_or_refused(world: World, side: BookSide) -> None:
    if side is BID:
        world.trade("ann", "bob", "6", "0.50")  # a bid cannot reduce YES
    placed = world.place("ann", side, "1", "0.50", IOC, reduce_only=True)
    assert (placed.order.status, placed.order.fill_count, placed.fills) == (OrderStatus.CANCELED, 0, ())
    world.exchange.assume(Assumptions(reduce_only_canceled=False))
    assert refused(world, "ann", side, "1", "0.50", IOC, reduce_only=True).code == "invalid_order"


# Refusals.


@pytest.mark.parametrize(
    ("changes", "code", "details"),
    [
        ({"dollars": "0.505"}, "invalid_price", None),
        ({"dollars": "0"}, "invalid_price", None),
        ({"dollars": "1"}, "invalid_price", None),
        ({"contracts": "0"}, "invalid_order_size", None),
        ({"contracts": "-1"}, "invalid_order_size", None),
        ({"expires_at": START}, "invalid_order", "Expiration timestamp must be in the future"),
        (
            {"expires_at": START + HOUR, "time_in_force": IOC},
            "invalid_order",
            "Cannot specify both immediate_or_cancel and expiration_ts",
        ),
        (
            {"expires_at": START + HOUR, "time_in_force": FOK},
            "invalid_order",
            "Cannot specify both fill_or_kill and expiration_ts",
        ),
        ({"reduce_only": True}, "invalid_order", "reduce_only requires immediate_or_cancel"),
        ({"contracts": "2001"}, "insufficient_balance", None),
    ],
)
def test_a_broken_rule_is_refused_with_its_code(
    world: World, changes: dict[str, Any], code: str, details: str | None
) -> None:
    order: dict[str, Any] = {"side": BID, "contracts": "1", "dollars": "0.50", "time_in_force": GTC}
    refusal = refused(world, "ann", **(order | changes))
    assert (refusal.status, refusal.code, refusal.details) == (400, code, details)
    assert world.exchange.orders_of("ann") == []


def test_an_unknown_market_and_an_unknown_account_are_not_found(world: World) -> None:
    refusal = refused(world, "ann", BID, "1", "0.50", ticker="KXNOPE")
    assert (refusal.status, refusal.code, refusal.message) == (404, "not_found", "not found")
    assert refused(world, "unknown", BID, "1", "0.50").status == 404


def conflict(world: World) -> str:
    """Return the code of a 409 for an order."""
    refusal = refused(world, "ann", BID, "1", "0.50", client_order_id="mine")
    assert refusal.status == 409
    return refusal.code


def test_a_market_that_does_not_trade_says_why(world: World) -> None:
    world.exchange.add_market(market("LATER", open_at=START + HOUR))
    assert refused(world, "ann", BID, "1", "0.50", ticker="LATER").code == "market_inactive"
    world.exchange.deactivate(TICKER)
    assert conflict(world) == "trading_is_paused"
    world.now += 10 * HOUR
    assert conflict(world) == "market_closed"


@pytest.mark.parametrize("kind", ["exchange", "trading", "market"])
def test_an_order_refused_for_a_pause_does_not_spend_its_id(world: World, kind: str) -> None:
    pauses = {
        "exchange": (world.exchange.pause_exchange, world.exchange.resume),
        "trading": (world.exchange.pause_trading, world.exchange.resume),
        "market": (lambda: world.exchange.deactivate(TICKER), lambda: world.exchange.activate(TICKER)),
    }
    pause, resume = pauses[kind]
    pause()
    assert conflict(world) in ("exchange_is_paused", "trading_is_paused")
    resume()
    assert world.place("ann", BID, "1", "0.50", client_order_id="mine").order.status is OrderStatus.RESTING


def test_a_client_order_id_is_never_free_again_but_is_the_accounts_own(world: World) -> None:
    order = world.place("ann", BID, "1", "0.50", client_order_id="mine").order
    world.exchange.cancel("ann", order.order_id)
    refusal = refused(world, "ann", BID, "1", "0.50", client_order_id="mine")
    assert (refusal.status, refusal.code) == (409, "order_already_exists")
    assert world.place("bob", BID, "1", "0.50", client_order_id="mine").order.account_id == "bob"


def test_a_duplicate_id_is_refused_before_an_insufficient_balance(world: World) -> None:
    world.place("ann", BID, "1", "0.50", client_order_id="mine")
    assert refused(world, "ann", BID, "5000", "0.50", client_order_id="mine").status == 409


def test_a_refused_order_does_not_spend_its_id(world: World) -> None:
    refused(world, "ann", BID, "5000", "0.50", client_order_id="mine")
    assert world.place("ann", BID, "1", "0.50", client_order_id="mine").order.status is OrderStatus.RESTING


# Canceling and pauses.


def test_a_cancel_returns_what_was_left_and_frees_its_collateral(world: World) -> None:
    order = world.place("ann", BID, "10", "0.50").order
    world.place("bob", ASK, "4", "0.50")
    canceled, reduced_by = world.exchange.cancel("ann", order.order_id)
    assert reduced_by == count("6")
    assert (canceled.status, canceled.remaining_count) == (OrderStatus.CANCELED, 0)
    assert world.exchange.balance("ann") == money("998")
    world.exchange.check()


def test_only_an_own_resting_order_can_be_canceled_or_has_a_place_in_line(world: World) -> None:
    order = world.place("ann", BID, "1", "0.50").order
    for act in (world.exchange.cancel, world.exchange.queue_position):
        with pytest.raises(Refusal) as caught:
            act("bob", order.order_id)
        assert (caught.value.status, caught.value.code) == (404, "not_found")
    world.exchange.cancel("ann", order.order_id)
    with pytest.raises(Refusal, match="order not found"):
        world.exchange.cancel("ann", order.order_id)


def test_a_trading_pause_stops_orders_but_not_cancels(world: World) -> None:
    stays = world.place("ann", BID, "1", "0.50").order
    leaves = world.place("ann", BID, "1", "0.49", cancel_order_on_pause=True).order
    world.exchange.pause_trading()
    assert leaves.status is OrderStatus.CANCELED
    assert conflict(world) == "trading_is_paused"
    assert world.exchange.cancel("ann", stays.order_id)[1] == count("1")
    world.exchange.resume()
    assert world.place("ann", BID, "1", "0.50").order.status is OrderStatus.RESTING


def test_an_exchange_pause_also_stops_cancels(world: World) -> None:
    order = world.place("ann", BID, "1", "0.50").order
    world.exchange.pause_exchange()
    assert conflict(world) == "exchange_is_paused"
    with pytest.raises(Refusal, match="exchange is paused"):
        world.exchange.cancel("ann", order.order_id)
    assert order.status is OrderStatus.RESTING


# Collateral and fees.


def test_collateral_is_the_price_of_what_an_order_opens(world: World) -> None:
    world.place("ann", BID, "10", "0.40")
    assert world.exchange.balance("ann") == money("996")
    world.place("ann", ASK, "10", "0.70")
    assert world.exchange.balance("ann") == money("993")


def test_closing_contracts_need_no_collateral_and_the_dearest_count_as_opening(world: World) -> None:
    world.trade("ann", "bob", "10", "0.50")
    before = world.exchange.balance("ann")
    world.place("ann", ASK, "10", "0.80")
    assert world.exchange.balance("ann") == before
    world.place("ann", ASK, "5", "0.60")
    assert before - world.exchange.balance("ann") == money("2.00")


def test_a_market_order_that_sells_everything_needs_no_cash(world: World) -> None:
    world.open_account("carl", "5.18")
    world.place("bob", ASK, "10", "0.50")
    world.place("carl", BID, "10", "0.50", IOC)
    assert world.exchange.balance("carl") == money("0.0050")
    world.place("sim", BID, "10", "0.40")
    assert world.place("carl", ASK, "10", "0.01", IOC).order.fill_count == count("10")


def test_the_check_keeps_enough_for_the_fee(world: World) -> None:
    world.open_account("carl", "5.17")
    world.place("sim", ASK, "10", "0.50")
    assert refused(world, "carl", BID, "10", "0.50", IOC).code == "insufficient_balance"
    world.place("carl", BID, "10", "0.49", IOC)
    assert world.exchange.orders_of("carl")[0].fill_count == 0


def test_a_resting_order_has_its_maker_fee_put_by(world: World) -> None:
    world = World(fee_type=FeeType.QUADRATIC_WITH_MAKER_FEES)
    world.open_account("carl", "5.00")
    assert refused(world, "carl", BID, "10", "0.50").code == "insufficient_balance"
    world.open_account("dora", "5.05")
    world.place("dora", BID, "10", "0.50")
    assert world.exchange.balance("dora") == money("0.05")
    for _ in range(10):
        world.place("sim", ASK, "0.99", "0.50", IOC)
    assert 0 <= world.exchange.balance("dora") < money("0.01") + money("0.05")


def test_fees_put_by_for_one_resting_order_cannot_pay_for_another() -> None:
    world = World(fee_type=FeeType.QUADRATIC_WITH_MAKER_FEES)
    world.open_account("carl", "10.05")
    world.place("carl", BID, "10", "0.50")
    assert refused(world, "carl", BID, "10", "0.50").code == "insufficient_balance"


def test_a_balance_that_is_a_ten_thousandth_short_is_refused(world: World) -> None:
    world.place("sim", ASK, "10", "0.50")
    world.open_account("carl", "5.1750")
    world.open_account("dora", "5.1751")
    assert refused(world, "carl", BID, "10", "0.50", IOC).code == "insufficient_balance"
    assert world.place("dora", BID, "10", "0.50", IOC).order.status is OrderStatus.EXECUTED


def test_simulated_accounts_have_endless_credit_and_leave_no_history(world: World) -> None:
    world.place("sim", BID, "1000000", "0.50")
    world.place("bob", ASK, "1", "0.50")
    assert world.exchange.balance("sim") == -money("0.50")
    assert world.exchange.fills_of("sim") == []
    order = world.exchange.orders_of("sim")[0]
    world.exchange.cancel("sim", order.order_id)
    assert world.exchange.orders_of("sim") == []
    assert order.order_id not in world.exchange.orders


def test_maker_fees_follow_the_series(world: World) -> None:
    for fee_type, maker_fee in (
        (FeeType.QUADRATIC, "0"),
        (FeeType.QUADRATIC_WITH_MAKER_FEES, "0.4375"),
        (FeeType.QUADRATIC_WITH_COMBO_MAKER_FEES, "0.875"),
    ):
        world = World(fee_type=fee_type)
        world.trade("ann", "bob", "100", "0.50")
        assert world.exchange.orders_of("bob")[0].maker_fees == money(maker_fee)
        assert world.exchange.orders_of("ann")[0].taker_fees == money("1.75")
        assert world.held("bob").fees_paid == money(maker_fee)


def test_an_orders_fills_share_one_rounding_accumulator() -> None:
    world = World(grid="deci_cent")
    for _ in range(3):
        world.place("sim", ASK, "1", "0.055")
    fills = world.place("ann", BID, "3", "0.055").fills
    assert [fill.fee for fill in fills] == [3_700, 3_600, 3_700]
    assert world.exchange.balance("ann") == money("1000") - money("0.1760")


def test_only_the_newest_prints_of_a_market_are_kept(world: World) -> None:
    world.place("sim", ASK, "11", "0.50")
    for number in range(TRADES_KEPT + 1):
        prevention = SelfTradePrevention.TAKER_AT_CROSS
        world.exchange.place("ann", NewOrder(TICKER, f"{number}", BID, 5_000, 1, IOC, prevention))
    assert len(world.exchange.trades[TICKER]) == TRADES_KEPT
    assert world.exchange.trades[TICKER][-1].trade_id == world.exchange.fills_of("ann")[0].trade_id


# Reported changes.


def test_every_record_an_order_changes_is_reported_in_its_final_state() -> None:
    sink = Sink()
    world = World(sink=sink)
    world.trade("ann", "bob", "10", "0.50")
    taken = world.exchange.fills_of("ann")[0]
    assert sink.records["fill"][f"{taken.trade_id}/ann"] == taken
    assert sink.records["position"][f"ann/{TICKER}"].count == count("10")
    assert sink.records["trade"].keys() == {taken.trade_id}
    assert sink.records["market"][TICKER].volume == count("10")
    assert sink.records["balance"][f"pot:{TICKER}"] == money("10")
    assert {order.status for order in sink.records["order"].values()} == {OrderStatus.EXECUTED}
