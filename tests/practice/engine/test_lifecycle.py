"""Lifecycle of markets in the practice engine.

Covers clock, settlement, restoring and the P&L example.
"""

from __future__ import annotations

import pytest
from engine_world import (
    ASK,
    BID,
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
    restored,
)

from kalshi_trading.practice.accounting.positions import exposure
from kalshi_trading.practice.engine.schedule import DueEvent, DueKind
from kalshi_trading.practice.records import ONE_SECOND, MarketStatus, OrderStatus

DAY = 24 * HOUR


@pytest.fixture
def world() -> World:
    return World()


# Profit and loss.


@pytest.fixture
def walk() -> World:
    """A world in which Ann bought 10 YES at 0.60, then 4 NO at 0.35.

    Ann is always the taker.
    """
    world = World()
    world.place("bob", ASK, "10", "0.60")
    world.place("ann", BID, "10", "0.60", IOC)
    assert world.exchange.balance("ann") - money("1000") == -money("6.1680")
    assert exposure(world.held("ann")) == money("6.00")
    assert world.held("ann").fees_paid == money("0.1680")
    world.place("bob", BID, "4", "0.65")
    before = world.exchange.balance("ann")
    world.place("ann", ASK, "4", "0.65", IOC)
    assert world.exchange.balance("ann") - before == money("2.5363")
    return world


def test_walk_after_both_trades(walk: World) -> None:
    position = walk.held("ann")
    assert position.count == count("6")
    assert exposure(position) == money("3.60")
    assert position.realized_pnl == money("0.20")
    assert position.fees_paid == money("0.2317")
    assert position.count * price("0.63") - exposure(position) == money("0.18")


@pytest.mark.parametrize(
    ("value", "revenue", "realized", "net"), [(10_000, "6", "2.60", "2.3683"), (0, "0", "-3.40", "-3.6317")]
)
def test_walk_to_its_settlement(walk: World, value: int, revenue: str, realized: str, net: str) -> None:
    walk.settle(value)
    position, row = walk.held("ann"), walk.exchange.settlements_of("ann")[0]
    assert (position.count, position.settled, position.lots) == (0, True, [])
    assert position.realized_pnl == money(realized)
    assert walk.exchange.balance("ann") == money("1000") + money(net)
    assert (row.yes_count, row.yes_cost) == (count("10"), money("6.00"))
    assert (row.no_count, row.no_cost) == (count("4"), money("1.40"))
    assert (row.value, row.revenue, row.fees) == (value, money(revenue), money("0.2317"))
    pairs = min(row.yes_count, row.no_count) * 10_000
    assert row.revenue + pairs - row.yes_cost - row.no_cost == money(realized)


def test_flipping_a_position_frees_the_closed_and_pays_for_the_opened(world: World) -> None:
    world.trade("ann", "bob", "10", "0.60")
    world.place("bob", BID, "15", "0.65")
    before = world.exchange.balance("ann")
    fill = world.place("ann", ASK, "15", "0.65", IOC).fills[0]
    assert world.exchange.balance("ann") - before == money("4.75") - fill.fee
    assert world.held("ann").count == -count("5")
    assert exposure(world.held("ann")) == money("1.75")
    assert world.held("ann").realized_pnl == money("0.50")


def test_a_scalar_result_pays_yes_its_value_and_no_the_rest() -> None:
    world = World(scalar=True)
    world.trade("ann", "bob", "10", "0.60")
    before = {account: world.exchange.balance(account) for account in ("ann", "bob")}
    world.settle(price("0.37"))
    assert world.exchange.balance("ann") - before["ann"] == money("3.70")
    assert world.exchange.balance("bob") - before["bob"] == money("6.30")


def test_an_account_without_a_net_position_still_gets_its_payout_row(world: World) -> None:
    world.trade("ann", "bob", "10", "0.60")
    world.trade("sim", "ann", "10", "0.65")
    world.settle(10_000)
    row = world.exchange.settlements_of("ann")[0]
    assert (row.yes_count, row.no_count, row.revenue) == (count("10"), count("10"), 0)


# The clock.


def test_a_market_opens_closes_is_determined_and_settles_by_the_clock(world: World) -> None:
    world.exchange.add_market(market("LATER", open_at=START + HOUR, close_at=START + 2 * HOUR))
    later = world.exchange.markets["LATER"]
    assert later.status is MarketStatus.INITIALIZED
    assert world.exchange.next_due() == START + HOUR
    world.now = START + HOUR - 1
    assert world.exchange.advance() == []
    world.now = START + HOUR
    assert world.exchange.advance() == [DueEvent(START + HOUR, DueKind.MARKET_OPENED, "LATER")]
    assert later.status is MarketStatus.ACTIVE
    world.now = START + 2 * HOUR
    assert world.exchange.advance() == [DueEvent(START + 2 * HOUR, DueKind.MARKET_CLOSED, "LATER")]
    world.exchange.determine("LATER", 10_000, "0.4 inches")
    assert (later.status, later.expiration_value) == (MarketStatus.DETERMINED, "0.4 inches")
    assert (later.determined_at, later.settled_at) == (START + 2 * HOUR, None)
    world.now += 60 * ONE_SECOND - 1
    assert world.exchange.advance() == []
    world.now += 1
    assert [event.kind for event in world.exchange.advance()] == [DueKind.MARKET_SETTLED]
    assert (later.status, later.settled_at) == (MarketStatus.FINALIZED, world.now)


def test_closing_cancels_resting_orders_and_frees_their_collateral(world: World) -> None:
    order = world.place("ann", BID, "10", "0.40").order
    world.now = START + 10 * HOUR
    events = [event.kind for event in world.exchange.advance()]
    assert events == [DueKind.ORDER_CANCELED, DueKind.MARKET_CLOSED]
    assert (order.status, order.updated_at) == (OrderStatus.CANCELED, START + 10 * HOUR)
    assert world.exchange.balance("ann") == money("1000")
    world.exchange.check()


def test_an_order_expires_at_its_instant_and_cannot_be_hit_after_it(world: World) -> None:
    order = world.place("ann", BID, "10", "0.40", expires_at=START + HOUR).order
    world.now = START + HOUR
    assert world.place("bob", ASK, "10", "0.40", IOC).fills == ()
    assert (order.status, order.updated_at) == (OrderStatus.CANCELED, START + HOUR)
    assert world.exchange.advance() == [DueEvent(START + HOUR, DueKind.ORDER_EXPIRED, order.order_id)]


def test_an_order_that_expires_with_the_close_of_its_market_has_expired(world: World) -> None:
    order = world.place("ann", BID, "10", "0.40", expires_at=START + 10 * HOUR).order
    world.now = START + 10 * HOUR
    assert world.exchange.advance() == [
        DueEvent(world.now, DueKind.ORDER_EXPIRED, order.order_id),
        DueEvent(world.now, DueKind.MARKET_CLOSED, TICKER),
    ]


def test_an_order_canceled_before_its_expiry_does_not_expire(world: World) -> None:
    order = world.place("ann", BID, "10", "0.40", expires_at=START + HOUR).order
    world.exchange.cancel("ann", order.order_id)
    world.now = START + 2 * HOUR
    assert world.exchange.advance() == []


def test_after_a_gap_everything_is_made_up_in_the_sequence_in_which_it_was_due(world: World) -> None:
    world.exchange.add_market(market("LATER", open_at=START + HOUR, close_at=START + 20 * HOUR))
    order = world.place("ann", BID, "10", "0.40", expires_at=START + 2 * HOUR).order
    world.now = START + DAY
    assert world.exchange.advance() == [
        DueEvent(START + HOUR, DueKind.MARKET_OPENED, "LATER"),
        DueEvent(START + 2 * HOUR, DueKind.ORDER_EXPIRED, order.order_id),
        DueEvent(START + 10 * HOUR, DueKind.MARKET_CLOSED, TICKER),
        DueEvent(START + 20 * HOUR, DueKind.MARKET_CLOSED, "LATER"),
    ]
    world.exchange.determine(TICKER, 0, "", at=START + 11 * HOUR)
    assert world.exchange.advance()[0].at == START + 11 * HOUR + 60 * ONE_SECOND
    assert world.exchange.markets[TICKER].settled_at == START + 11 * HOUR + 60 * ONE_SECOND


def test_reactivating_a_market_cancels_everything_that_rested(world: World) -> None:
    order = world.place("ann", BID, "10", "0.40").order
    world.exchange.deactivate(TICKER)
    assert order.status is OrderStatus.RESTING
    world.exchange.activate(TICKER)
    assert order.status is OrderStatus.CANCELED
    assert world.exchange.markets[TICKER].status is MarketStatus.ACTIVE
    world.exchange.check()


def test_an_inactive_market_closes(world: World) -> None:
    world.exchange.deactivate(TICKER)
    world.now = START + 10 * HOUR
    world.exchange.advance()
    assert world.exchange.markets[TICKER].status is MarketStatus.CLOSED


@pytest.mark.parametrize("value", [-100, 1, 5_000, 10_100])
def test_a_binary_market_pays_all_or_nothing(world: World, value: int) -> None:
    with pytest.raises(ValueError, match="cannot pay"):
        world.close_and_determine(value)


def test_a_scalar_market_pays_whole_cents() -> None:
    world = World(scalar=True)
    with pytest.raises(ValueError, match="cannot pay"):
        world.close_and_determine(5_050)


def test_a_market_gets_one_result_after_its_close_and_not_from_the_future(world: World) -> None:
    with pytest.raises(ValueError, match="not closed"):
        world.exchange.determine(TICKER, 10_000, "")
    world.close_and_determine(10_000)
    with pytest.raises(ValueError, match="not closed"):
        world.exchange.determine(TICKER, 0, "")
    other = World()
    other.now = START + 10 * HOUR
    with pytest.raises(ValueError, match="not closed"):
        other.exchange.determine(TICKER, 0, "", at=other.now - 1)
    with pytest.raises(ValueError, match="future"):
        other.exchange.determine(TICKER, 0, "", at=other.now + 1)


def test_a_name_is_known_once_and_an_event_needs_its_series(world: World) -> None:
    with pytest.raises(ValueError, match="known already"):
        world.exchange.add_market(market(TICKER))
    with pytest.raises(ValueError, match="known already"):
        world.exchange.open_account("ann", simulated=False)
    orphan = market("ORPHAN")
    orphan.event_ticker = "KXNOPE"
    with pytest.raises(ValueError, match="not known"):
        world.exchange.add_market(orphan)


# Restoring.


def test_reported_changes_restore_the_exchange_exactly() -> None:
    sink = Sink()
    world = World(sink=sink)
    world.trade("ann", "bob", "10", "0.60")
    world.place("bob", BID, "5", "0.40")
    behind = world.place("ann", BID, "7", "0.40", expires_at=START + HOUR).order
    canceled = world.place("ann", BID, "1", "0.30", client_order_id="spent").order
    world.exchange.cancel("ann", canceled.order_id)
    back = restored(world, sink)
    back.check()
    for account in ("ann", "bob", "sim"):
        assert back.balance(account) == world.exchange.balance(account)
        assert back.positions_of(account) == world.exchange.positions_of(account)
        assert back.fills_of(account) == world.exchange.fills_of(account)
    assert back.orders_of("ann") == world.exchange.orders_of("ann")
    assert back.queue_position("ann", behind.order_id) == count("5")
    assert list(back.trades[TICKER]) == list(world.exchange.trades[TICKER])
    world.now = START + HOUR
    assert [event.kind for event in back.advance()] == [DueKind.ORDER_EXPIRED]


def test_orders_placed_after_a_restore_queue_behind_the_old_ones() -> None:
    sink = Sink()
    world = World(sink=sink)
    old = world.place("bob", BID, "5", "0.40").order
    world.exchange = restored(world, sink)
    new = world.place("ann", BID, "7", "0.40").order
    assert world.exchange.queue_position("ann", new.order_id) == count("5")
    assert new.sequence > old.sequence


def test_fills_after_a_restore_follow_the_old_ones_even_without_old_prints() -> None:
    sink = Sink()
    world = World(sink=sink)
    for _ in range(5):
        world.place("bob", ASK, "1", "0.60")
    world.place("ann", BID, "5", "0.60", IOC)
    sink.records["trade"].clear()
    world.exchange = restored(world, sink)
    world.trade("ann", "bob", "1", "0.61")
    newest, *older = world.exchange.fills_of("ann")
    assert newest.sequence > max(fill.sequence for fill in older)


def test_payouts_after_a_restore_follow_the_old_ones() -> None:
    sink = Sink()
    world = World(tickers=(TICKER, "OTHER"), sink=sink)
    for ticker in (TICKER, "OTHER"):
        world.place("bob", ASK, "1", "0.60", ticker=ticker)
        world.place("ann", BID, "1", "0.60", IOC, ticker=ticker)
    world.settle(0)
    world.exchange = restored(world, sink)
    world.settle(0, "OTHER")
    newest, older = world.exchange.settlements_of("ann")
    assert newest.sequence > older.sequence


def test_the_position_changed_last_comes_first() -> None:
    world = World(tickers=(TICKER, "OTHER"))
    for ticker in (TICKER, "OTHER", TICKER):
        world.now += ONE_SECOND
        world.place("bob", ASK, "1", "0.60", ticker=ticker)
        world.place("ann", BID, "1", "0.60", IOC, ticker=ticker)
    assert [row.ticker for row in world.exchange.positions_of("ann")] == [TICKER, "OTHER"]


def test_settlement_reports_rows_positions_and_balances() -> None:
    sink = Sink()
    world = World(sink=sink)
    world.trade("ann", "bob", "10", "0.60")
    world.settle(10_000)
    back = restored(world, sink)
    back.check()
    for account_id in ("ann", "bob"):
        assert back.settlements_of(account_id) == world.exchange.settlements_of(account_id)
        assert back.positions_of(account_id) == world.exchange.positions_of(account_id)
        assert back.balance(account_id) == world.exchange.balance(account_id)


def test_a_client_order_id_stays_used_after_a_restore() -> None:
    sink = Sink()
    world = World(sink=sink)
    world.place("ann", BID, "1", "0.30", client_order_id="spent")
    world.exchange = restored(world, sink)
    with pytest.raises(Exception, match="order already exists"):
        world.place("ann", BID, "1", "0.30", client_order_id="spent")


def test_a_determined_market_settles_after_a_restore() -> None:
    sink = Sink()
    world = World(sink=sink)
    world.trade("ann", "bob", "10", "0.60")
    world.close_and_determine(10_000)
    back = restored(world, sink)
    world.now += DAY
    back.advance()
    back.check()
    assert back.settlements_of("ann")[0].revenue == money("10")
