"""Sessions killed at any step or time: the next one resolves each order."""

from __future__ import annotations

import multiprocessing
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from multiprocessing.context import ForkServerContext
from pathlib import Path

import child_order
import fault_mix
import proof
import pytest
import verifier
from faulty_exchange import FaultyExchange
from journaled import order_states
from trading_session import Access, OrderSpec, TradingSession, open_session

from kalshi_trading.core.models import TimeInForce
from kalshi_trading.journal.order_state import OrderStage
from kalshi_trading.orders.execution.submission import SubmissionStep
from kalshi_trading.trade_logger import account_fingerprint

pytestmark = pytest.mark.faults

KILLED = -9
FATES: dict[str, tuple[fault_mix.Rule, ...]] = {
    "accepted": (),
    "answer lost": ({**fault_mix.LOST_ANSWER, "times": 3},),
    "request lost": ({**fault_mix.LOST_REQUEST, "times": 3},),
    "refused": ({**fault_mix.before("forbidden"), "times": 3},),
}


@pytest.fixture
def exchange(faulty_exchange: Callable[..., FaultyExchange]) -> FaultyExchange:
    return faulty_exchange("--markets", "40")


def access_to(exchange: FaultyExchange) -> Access:
    running = exchange.exchange
    return Access(running.url, running.key_id, running.private_key_path)


def three_wishes(exchange: FaultyExchange) -> list[OrderSpec]:
    """Return an order that fills, one that rests and one that is canceled.

    The canceled one does not fill at once.
    """
    ticker = exchange.exchange.open_tickers(1)[0]
    at_once = TimeInForce.IMMEDIATE_OR_CANCEL
    return [
        OrderSpec(ticker, "0.99"),
        OrderSpec(ticker, "0.01"),
        OrderSpec(ticker, "0.01", time_in_force=at_once),
    ]


def recovering(folder: Path, exchange: FaultyExchange) -> TradingSession:
    """Start a session that takes over the orders in the journal."""
    desk = TradingSession(
        folder, access_to(exchange), margin_s=child_order.MARGIN_S, apart_s=child_order.APART_S
    )
    desk.read_limits()
    assert desk.recover().foreign == ()
    return desk


def recover(folder: Path, exchange: FaultyExchange) -> None:
    desk = recovering(folder, exchange)
    desk.resolve_pending()
    desk.close()


def journal_of(folder: Path) -> bytes:
    path = folder / "practice" / "trades.log"
    return path.read_bytes() if path.exists() else b""


def judged(folder: Path, exchange: FaultyExchange) -> verifier.Verdict:
    """Compare the lines of this exchange's account with its orders."""
    lines, damaged = verifier.journal_lines(folder / "practice") if journal_of(folder) else ([], [])
    assert damaged == []
    access = access_to(exchange)
    own = [line for line in lines if line.fields["account"] == account_fingerprint(access.key_id)]
    orders = verifier.exchange_orders(*asdict(access).values())
    return verifier.verify(own, orders, margin_s=child_order.MARGIN_S)


def kill_all(
    sessions: ForkServerContext, moment: str, folder: Path, exchange: FaultyExchange, wishes: list[OrderSpec]
) -> None:
    """Start one session per wish and kill all of them at this moment.

    They run in parallel.
    """
    dying = [
        sessions.Process(target=child_order.die_at, args=(moment, folder, access_to(exchange), wish))
        for wish in wishes
    ]
    for process in dying:
        process.start()
    for process in dying:
        process.join(120)
        assert process.exitcode == KILLED


def expected_ends(moment: str) -> Counter[str]:
    """Return how three orders of each fate end after a kill at this moment."""
    if moment == SubmissionStep.CONFIRMED.value:
        return Counter()
    if moment in ("writing result", SubmissionStep.RESULT_RECORDED.value):
        return Counter(acknowledged=6, absent=3, rejected=3)
    if moment == SubmissionStep.ANSWERED.value:
        return Counter(acknowledged=6, absent=6)
    return Counter(absent=12)


@pytest.mark.parametrize("moment", child_order.MOMENTS)
def test_a_session_killed_at_any_step_is_recovered_whatever_became_of_its_order(
    sessions: ForkServerContext, exchange: FaultyExchange, tmp_path: Path, moment: str
) -> None:
    logs = tmp_path / "logs"
    for rules in FATES.values():
        exchange.fail(*rules)
        kill_all(sessions, moment, logs, exchange, three_wishes(exchange))
    exchange.fail()
    recover(logs, exchange)
    verdict = judged(logs, exchange)
    assert verdict.faults == []
    assert verdict.ends == expected_ends(moment)
    assert verdict.orders == verdict.ends["acknowledged"]
    once = journal_of(logs)
    recover(logs, exchange)
    assert journal_of(logs) == once


def test_two_sessions_that_recover_at_once_come_to_the_same_end(
    sessions: ForkServerContext, exchange: FaultyExchange, tmp_path: Path
) -> None:
    for moment in (SubmissionStep.SENDING_RECORDED.value, SubmissionStep.ANSWERED.value):
        kill_all(sessions, moment, tmp_path, exchange, three_wishes(exchange))
    both = [recovering(tmp_path, exchange) for _ in range(2)]
    assert [len(desk.pending.orders()) for desk in both] == [6, 6]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(TradingSession.resolve_pending, both))
    verdict = judged(tmp_path, exchange)
    assert (verdict.faults, verdict.ends) == ([], Counter(acknowledged=3, absent=3))
    once = journal_of(tmp_path)
    recover(tmp_path, exchange)
    assert journal_of(tmp_path) == once
    for desk in both:
        desk.close()


@pytest.mark.parametrize(
    "step", [SubmissionStep.INTENT_RECORDED, SubmissionStep.CHECKED, SubmissionStep.ANSWERED]
)
def test_an_order_of_a_session_that_is_still_alive_is_left_to_it(
    sessions: ForkServerContext, exchange: FaultyExchange, tmp_path: Path, step: SubmissionStep
) -> None:
    listening, telling = multiprocessing.Pipe(duplex=False)
    wish = three_wishes(exchange)[1]
    arguments = (step, tmp_path, access_to(exchange), wish, telling)
    alive = sessions.Process(target=child_order.wait_at, args=arguments)
    alive.start()
    try:
        assert listening.recv() == step.value
        before = journal_of(tmp_path)
        desk = recovering(tmp_path, exchange)
        assert desk.pending.orders() == ()
        desk.resolve_pending()
        assert journal_of(tmp_path) == before
    finally:
        alive.kill()
        alive.join()
    desk.recover()
    assert len(desk.pending.orders()) == 1
    desk.resolve_pending()
    verdict = judged(tmp_path, exchange)
    end = "acknowledged" if step is SubmissionStep.ANSWERED else "absent"
    assert (verdict.faults, verdict.ends) == ([], Counter({end: 1}))
    desk.close()


def test_a_session_killed_while_it_recovers_leaves_everything_to_the_next_one(
    sessions: ForkServerContext, exchange: FaultyExchange, tmp_path: Path
) -> None:
    """Looking records nothing but an end, so half a recovery does no harm."""
    for moment in (SubmissionStep.SENDING_RECORDED.value, SubmissionStep.ANSWERED.value):
        kill_all(sessions, moment, tmp_path, exchange, three_wishes(exchange))
    with open_session(tmp_path, access_to(exchange), margin_s=60, apart_s=5) as half_way:
        half_way.read_limits()
        half_way.recover()
        half_way.recovery.examine_all()
        assert len(half_way.pending.orders()) == 3
    recover(tmp_path, exchange)
    verdict = judged(tmp_path, exchange)
    assert (verdict.faults, verdict.ends) == ([], Counter(acknowledged=3, absent=3))


SOMETIMES_LOST = (
    {**fault_mix.CREATE, "times": None, "kind": "after_accept", "hold_s": 0.4, "chance": 0.1},
    {**fault_mix.CREATE, "times": None, "kind": "before_accept", "hold_s": 0.4, "chance": 0.1},
)


ONE_AT_A_TIME = threading.Lock()  # a start also checks all other processes and may reap them


def kill_at_random(
    sessions: ForkServerContext, folder: Path, exchange: FaultyExchange, draw: random.Random, times: int
) -> None:
    wishes = three_wishes(exchange)
    exchange.fail(*SOMETIMES_LOST, seed=draw.getrandbits(30))
    for _ in range(times):
        draw.shuffle(wishes)
        hears, begun = sessions.Pipe(duplex=False)
        wanted = (folder, access_to(exchange), wishes, begun)
        trading = sessions.Process(target=child_order.trade_on, args=wanted)
        with hears, begun:
            with ONE_AT_A_TIME:
                trading.start()
            assert hears.poll(120), "how long a start takes is the machine's affair"
        time.sleep(draw.uniform(0, 0.12))
        with ONE_AT_A_TIME:
            trading.kill()
            trading.join()
        assert trading.exitcode == KILLED
    exchange.fail()


def test_orders_of_sessions_killed_at_random_times_all_have_an_intent_and_all_are_recovered(
    sessions: ForkServerContext, faulty_exchange: Callable[..., FaultyExchange], tmp_path: Path
) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")  # shown when the test fails
    names = ("first", "second", "third", "fourth")
    kills = proof.CURRENT.kills
    each_time = kills // len(names)
    logs = tmp_path / "logs"
    exchanges = [faulty_exchange("--markets", "40", name=name) for name in names]
    with ThreadPoolExecutor(len(exchanges)) as pool:
        ending = [
            pool.submit(kill_at_random, sessions, logs, each, random.Random(f"{seed}/{number}"), each_time)
            for number, each in enumerate(exchanges)
        ]
        for each in ending:
            each.result()
    lives = order_lives_in(logs)
    torn = [state for state in lives if state in (OrderStage.INTENT, OrderStage.SENDING)]
    verdicts = [recovered(logs, each, within_s=60 + kills) for each in exchanges]
    assert [fault for verdict in verdicts for fault in verdict.faults] == []
    assert sum(verdict.intents for verdict in verdicts) == len(lives) > kills
    assert sum(verdict.orders for verdict in verdicts) > kills / 2
    assert len(torn) > kills / 10  # the kills hit orders in flight


def recovered(folder: Path, exchange: FaultyExchange, *, within_s: float) -> verifier.Verdict:
    """Recover the orders of one account; others are named and left alone."""
    with open_session(
        folder, access_to(exchange), margin_s=child_order.MARGIN_S, apart_s=child_order.APART_S
    ) as desk:
        desk.read_limits()
        desk.recover()
        desk.resolve_pending(within_s)
    return judged(folder, exchange)


def order_lives_in(folder: Path) -> list[OrderStage]:
    from kalshi_trading.trade_logger import TradeLogger

    lives = order_states(TradeLogger(folder, "practice").read_journal().records)
    return [life.stage for life in lives.values()]
