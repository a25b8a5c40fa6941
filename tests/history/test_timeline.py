"""The timeline of one order."""

from __future__ import annotations

from cases import naming
from model_factory import NOW, floored, order

from kalshi_trading.core.models import OrderStatus
from kalshi_trading.core.results import Listing
from kalshi_trading.history.rows import HistoryRow
from kalshi_trading.history.timeline import read_timeline
from kalshi_trading.journal.order_log import logged_orders
from kalshi_trading.journal.records import JournalRecord

RESTED = {"order_id": "E", "fill_count": "0", "remaining_count": "10"}
REASON = "canceled as the settlement floor rose to 30¢; 10 not filled"


class Exchange:
    def __init__(self, market):
        self.market = market

    def get_market(self, ticker):
        assert ticker == self.market.ticker
        return self.market

    def get_settlements(self, *, ticker):
        return Listing(())


def canceled_row(*steps, is_ours=True):
    """Return BUY 10 YES at 25¢, canceled at the exchange, with these records."""
    gone = order("bid", "0.25", "10", status=OrderStatus.CANCELED)
    words = {"action": "buy", "side": "yes", "count": "10", "price": "0.25", "ticker": gone.ticker}
    said = [("order.intent", words), *steps]
    records = [
        JournalRecord(NOW, event, {"client_order_id": "x", "env": "practice", **more}) for event, more in said
    ]
    own = logged_orders(records, "practice", None).orders["x"]
    return HistoryRow(gone, own if is_ours else None, own.records if is_ours else (), ())


def test_only_an_open_order_that_the_floor_overtook_says_so():
    rested = ("order.acknowledged", RESTED)
    at_once = ("order.acknowledged", {**RESTED, "remaining_count": "0"})
    ours = ("cancel.acknowledged", {"reduced_by": "10"})
    rows = [
        ("rested", canceled_row(rested), "0.30", True),
        ("floor below its price", canceled_row(rested), "0.20", False),
        ("never rested", canceled_row(at_once), "0.30", False),
        ("canceled by us", canceled_row(rested, ours), "0.30", False),
        ("not ours", canceled_row(rested, is_ours=False), "0.30", False),
    ]
    for name, row, floor, is_named in rows:
        with naming(name):
            timeline = read_timeline(Exchange(floored(floor)), row)
            texts = [event.sentence for event in timeline.events]
            assert (REASON in texts) is is_named
            assert ("canceled; 10 not filled" in texts) is not is_named
