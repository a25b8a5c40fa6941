"""The tax file: every closed lot once, first in, first out.

The layout is Kalshi's; a tax tool confirms the totals.
"""

from __future__ import annotations

import csv
import importlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D
from pathlib import Path
from typing import Any

import model_factory
import pytest
from exchange_process import ExchangeProcess, running_exchange
from hypothesis import given
from hypothesis import strategies as st
from model_factory import MARKET
from screen_session import session

from kalshi_trading.core.dates import Period
from kalshi_trading.core.errors import KalshiAPIError
from kalshi_trading.core.market_models import Market
from kalshi_trading.core.models import Fill, MarketResult, Position, Settlement
from kalshi_trading.core.pnl import fifo_position
from kalshi_trading.history import Exporter
from kalshi_trading.history.export_tables import Exported
from kalshi_trading.history.tax_export import TAX, TaxInputs, closed_lots, fills_by_market, lot_row
from kalshi_trading.journal.files.table_files import write_table
from kalshi_trading.ui.app import AppContext

LAYOUT = (
    "type,quantity_fp,market_ticker,side,entry_price_dollars,exit_price_dollars,open_fees_dollars,"
    "close_fees_dollars,realized_pnl_without_fees_dollars,realized_pnl_with_fees_dollars,close_timestamp,"
    "open_timestamp"
)
AT = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
TICKER = MARKET.ticker


def fill(minute: int, side: str, count: str, yes_price: str, fee: str = "0", ticker: str = TICKER) -> Fill:
    at, names = AT + timedelta(minutes=minute), {"fill_id": f"f{minute}", "order_id": f"o{minute}"}
    return model_factory.fill(side, count, yes_price, fee=fee, at=at, ticker=ticker, **names)


def settled(result: MarketResult, yes: tuple[str, str], no: tuple[str, str], revenue: str) -> Settlement:
    """Return a settlement row with (count, cost) of each side."""
    at = AT + timedelta(days=1)
    counts = D(yes[0]), D(yes[1]), D(no[0]), D(no[1])
    return Settlement(TICKER, MARKET.event_ticker, result, *counts, D(revenue), D("0.2317"), at, None)


def lots(
    fills: Sequence[Fill],
    *,
    settlements: Sequence[Settlement] = (),
    positions: Sequence[Position] = (),
    markets: Mapping[str, Market] | None = None,
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return rows by column name and the markets left out; fills oldest first."""
    parts = TaxInputs(
        fills_by_market(reversed(fills), lambda rows: None),
        {row.ticker: row for row in positions},
        {row.ticker: row for row in settlements},
    )
    left_out: list[str] = []
    found = closed_lots(parts, lambda tickers: markets or {}, left_out.append)
    return [dict(zip(TAX.columns, lot_row(lot), strict=True)) for lot in found], left_out


# The worked example of the P&L recipe: bid 10 at 60¢, then buy 4 NO at 35¢.
BOUGHT = fill(0, "bid", "10.00", "0.6000", "0.1680")
NETTED = fill(1, "ask", "4.00", "0.6500", "0.0637")


def test_lots_close_first_in_first_out_and_the_settlement_closes_the_rest() -> None:
    row = settled(MarketResult.YES, ("10.00", "6.00"), ("4.00", "1.40"), "6.00")
    (netted, paid), left_out = lots([BOUGHT, NETTED], settlements=[row])
    assert left_out == []
    assert (netted["type"], netted["side"], netted["quantity_fp"]) == ("trade", "yes", D(4))
    assert (netted["entry_price_dollars"], netted["exit_price_dollars"]) == (D("0.60"), D("0.65"))
    assert (netted["open_fees_dollars"], netted["close_fees_dollars"]) == (D("0.0672"), D("0.0637"))
    assert netted["realized_pnl_without_fees_dollars"] == D("0.20")
    assert netted["realized_pnl_with_fees_dollars"] == D("0.0691")
    assert (paid["quantity_fp"], paid["exit_price_dollars"]) == (D(6), D(1))
    assert paid["type"] == "trade"  # as in Kalshi's file
    assert paid["realized_pnl_without_fees_dollars"] == D("2.40")
    assert sum(lot["realized_pnl_with_fees_dollars"] for lot in (netted, paid)) == D("2.3683")
    assert datetime.fromisoformat(paid["close_timestamp"]) == AT + timedelta(days=1)
    assert datetime.fromisoformat(netted["open_timestamp"]) == AT


def test_a_lot_that_lost_all_is_a_negative_number_and_no_lots_are_in_their_own_price() -> None:
    row = settled(MarketResult.YES, ("0.00", "0.00"), ("5.00", "1.75"), "0.00")
    (lost,), _ = lots([fill(0, "ask", "5.00", "0.6500", "0.10")], settlements=[row])
    assert (lost["side"], lost["entry_price_dollars"], lost["exit_price_dollars"]) == ("no", D("0.35"), D(0))
    assert lost["realized_pnl_without_fees_dollars"] == D("-1.75")
    assert lost["realized_pnl_with_fees_dollars"] == D("-1.85")


def test_what_is_still_held_is_not_in_the_file() -> None:
    held = Position(TICKER, D(6), D("3.60"), D("0.20"), D("0.2317"), D(6), AT, None)
    rows, left_out = lots([BOUGHT, NETTED], positions=[held])
    assert [row["quantity_fp"] for row in rows] == [D(4)]
    assert left_out == []


def test_a_market_whose_fills_do_not_explain_it_is_left_out_and_named() -> None:
    held = Position(TICKER, D(7), D("3.60"), D("0.20"), D("0.2317"), D(6), AT, None)
    rows, (left_out,) = lots([BOUGHT, NETTED], positions=[held])
    assert rows == []
    assert left_out == f"{TICKER} (fills add up to 6 contracts, the exchange shows 7)"
    only_settled = settled(MarketResult.YES, ("10.00", "6.00"), ("4.00", "1.40"), "6.00")
    rows, (left_out,) = lots([], settlements=[only_settled])
    assert rows == []
    assert left_out.startswith(TICKER)
    flat = Position(TICKER, D(0), D(0), D("250.00"), D(0), D(0), AT, None)
    assert lots([], positions=[flat]) == (
        [],
        [f"{TICKER} (realized P&L, but no fills listed)"],
    )
    assert lots([], positions=[replace(flat, realized_pnl=D(0))]) == ([], [])


def test_a_market_with_a_fill_of_no_known_time_is_left_out_as_closing_times_are_unknown() -> None:
    held = Position(TICKER, D(6), D("3.60"), D("0.20"), D("0.2317"), D(6), AT, None)
    rows, left_out = lots([BOUGHT, replace(NETTED, created_at=None)], positions=[held])
    assert (rows, left_out) == ([], [f"{TICKER} (1 fill without a time)"])


def test_fills_of_several_subaccounts_make_no_lots_together() -> None:
    other = [replace(row, fill_id=f"{row.fill_id}-1", subaccount=1) for row in (BOUGHT, NETTED)]
    held = Position(TICKER, D(12), D("7.20"), D("0.40"), D("0.4634"), D(12), AT, None)
    rows, (left_out,) = lots([BOUGHT, NETTED, *other], positions=[held])
    assert rows == []
    assert left_out.startswith(f"{TICKER} (fills belong to several subaccounts")
    assert len(lots([replace(BOUGHT, subaccount=0), NETTED], positions=[replace(held, net=D(6))])[0]) == 1


def test_a_settlement_whose_row_is_gone_is_worked_out_from_its_market() -> None:
    market = replace(MARKET, result=MarketResult.NO, settlement_value=D(0), settled_at=AT + timedelta(days=2))
    (netted, lost), left_out = lots([BOUGHT, NETTED], markets={TICKER: market})
    assert left_out == []
    assert netted["exit_price_dollars"] == D("0.65")
    assert (lost["exit_price_dollars"], lost["realized_pnl_without_fees_dollars"]) == (D(0), D("-3.60"))
    assert lots([BOUGHT, NETTED])[1] != []  # its end is not known, so it must not look closed


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["bid", "ask"]),
            st.decimals("0.01", "30", places=2),
            st.decimals("0.01", "0.99", places=2),
            st.decimals("0", "0.5", places=4),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_the_lots_add_up_to_the_profit_of_the_account(steps: list[tuple[str, D, D, D]]) -> None:
    fills = [
        fill(n, side, str(count), str(price), str(fee)) for n, (side, count, price, fee) in enumerate(steps)
    ]
    holding = fifo_position(fills)
    held = Position(TICKER, holding.net, holding.cost_basis, D(0), D(0), D(0), AT, None)
    rows, left_out = lots(fills, positions=[held])
    assert left_out == []
    assert total(rows, "realized_pnl_without_fees_dollars") == holding.realized_pnl
    open_fees = sum((lot.fees for lot in holding.lots), D(0))
    assert (
        total(rows, "open_fees_dollars") + total(rows, "close_fees_dollars") + open_fees == holding.fees_paid
    )


def total(rows: Sequence[Mapping[str, Any]], column: str) -> D:
    return sum((D(row[column]) for row in rows), D(0))


# --- A whole account ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeProcess]:
    scenario = "positions=8,fills=600,settled=8,resting=4,days=4"
    with running_exchange(
        tmp_path_factory.mktemp("tax"), "--seed", "3", "--scenario", scenario, "--control", "--still"
    ) as it:
        it.control("cutoff", {"trades_s_ago": 86_400, "overlap_s": 7200})
        yield it


@pytest.fixture
def app(exchange: ExchangeProcess, tmp_path: Path) -> AppContext:
    return session(exchange, tmp_path)


def exported(
    app: AppContext, path: Path, period: Period | None = None
) -> tuple[Exported, list[dict[str, str]]]:
    done = Exporter(app.client, app.tracker, app.journal, app.clock).export(TAX, path, period=period)
    with path.open(encoding="ascii", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == done.rows
    return done, rows


def test_the_file_is_laid_out_like_kalshis_own(app: AppContext, tmp_path: Path) -> None:
    _, rows = exported(app, tmp_path / "tax.csv")
    assert (tmp_path / "tax.csv").read_bytes().startswith(LAYOUT.encode() + b"\r\n")
    assert {row["type"] for row in rows} == {"trade"}
    assert {row["side"] for row in rows} == {"yes", "no"}
    for row in rows:
        opened, closed = (datetime.fromisoformat(row[f"{name}_timestamp"]) for name in ("open", "close"))
        assert opened.utcoffset() is not None
        assert opened <= closed


def test_the_totals_are_those_of_the_exchanges_books(
    exchange: ExchangeProcess, app: AppContext, tmp_path: Path
) -> None:
    done, rows = exported(app, tmp_path / "tax.csv")
    books = exchange.control("books")
    assert done.notes == ()
    assert total(rows, "realized_pnl_without_fees_dollars") == D(books["realized"])
    settled_markets = {ticker for ticker, market in books["markets"].items() if market["settled"]}
    assert len(settled_markets) > 3
    for ticker in settled_markets:
        own = [row for row in rows if row["market_ticker"] == ticker]
        fees = total(own, "open_fees_dollars") + total(own, "close_fees_dollars")
        assert fees == D(books["markets"][ticker]["fees"])
        assert total(own, "realized_pnl_without_fees_dollars") == D(books["markets"][ticker]["realized"])


def test_each_lot_is_in_the_period_it_was_closed_in(app: AppContext, tmp_path: Path) -> None:
    _, everything = exported(app, tmp_path / "all.csv")
    days = sorted({datetime.fromisoformat(row["close_timestamp"]).date() for row in everything})
    assert len(days) > 2
    parts = [exported(app, tmp_path / f"{day}.csv", Period(day, day))[1] for day in days]
    assert sum(map(len, parts)) == len(everything)
    for day, part in zip(days, parts, strict=True):
        assert {datetime.fromisoformat(row["close_timestamp"]).date() for row in part} == {day}


def test_a_market_left_out_is_reported(
    app: AppContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, everything = exported(app, tmp_path / "all.csv")
    ticker = everything[0]["market_ticker"]
    whole = app.client.each_fill

    def one_missing(**how: Any) -> Iterator[Fill]:
        missing = False
        for row in whole(**how):
            if row.ticker != ticker or missing:
                yield row
            else:
                missing = True

    monkeypatch.setattr(app.client, "each_fill", one_missing)
    done, rows = exported(app, tmp_path / "part.csv")
    assert rows == [row for row in everything if row["market_ticker"] != ticker]
    (note,) = done.notes
    assert note.startswith(f"NOT in the file, because their fills do not add up: {ticker} (")


def test_a_reading_that_breaks_off_writes_no_file(
    app: AppContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(**how: Any) -> Iterator[Fill]:
        raise KalshiAPIError("the line is dead")
        yield

    monkeypatch.setattr(app.client, "each_fill", breaks)
    with pytest.raises(KalshiAPIError):
        exported(app, tmp_path / "tax.csv")
    assert not (tmp_path / "tax.csv").exists()


# --- A tax tool -----------------------------------------------------------------------------------


def kalshi_csv() -> Any:
    """The tax tool if it is installed; warnings from its imports are ignored."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module("kalshi_csv")
        except ImportError:
            pytest.skip("kalshi-csv is not installed (requirements-dev.txt)")


def to_every_digit(number: float) -> D:
    """Round the tool's float to nine decimals.

    Our numbers have at most eight, so no tie can round either way.
    """
    return round(D(number), 9)


def confirm_totals(path: Path, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Compare the tool's summary with the rows, and return it."""
    summary = kalshi_csv().KalshiCSV(str(path)).parse().summary
    fees = total(rows, "open_fees_dollars") + total(rows, "close_fees_dollars")
    with_fees = [D(row["realized_pnl_with_fees_dollars"]) for row in rows]
    assert summary["trade_count"] == len(rows)
    assert to_every_digit(summary["total_fees"]) == round(fees, 9)
    for name in ("without", "with"):
        ours = total(rows, f"realized_pnl_{name}_fees_dollars")
        assert to_every_digit(summary[f"total_pnl_{name}_fees"]) == round(ours, 9)
    gain = summary["total_tax_proceeds"] - summary["total_tax_basis"]
    assert to_every_digit(gain) == round(sum(with_fees, D(0)), 9)
    assert summary["wins"] == sum(pnl > 0 for pnl in with_fees)
    assert summary["losses"] == sum(pnl < 0 for pnl in with_fees)
    times = [datetime.fromisoformat(row["close_timestamp"]) for row in rows if row["close_timestamp"]]
    assert summary["latest_close_date"] == max(times, default=None)
    return summary


def test_kalshi_csv_reads_the_file_and_finds_the_same_totals(app: AppContext, tmp_path: Path) -> None:
    _, rows = exported(app, tmp_path / "Kalshi-Transactions-2026.csv")
    assert len(rows) > 100
    confirm_totals(tmp_path / "Kalshi-Transactions-2026.csv", rows)


def test_kalshi_csv_reads_an_empty_year(tmp_path: Path) -> None:
    write_table(tmp_path / "none.csv", TAX, [])
    assert confirm_totals(tmp_path / "none.csv", [])["total_tax_proceeds"] == 0


def test_kalshi_csv_reads_losses_and_fractions(tmp_path: Path) -> None:
    fills = [
        fill(0, "bid", "0.17", "0.8600", "0.0021"),
        fill(1, "ask", "0.17", "0.6900", "0.0026"),
        fill(2, "ask", "333.00", "0.9700", "0.6400"),
        fill(3, "bid", "333.00", "0.9999", "0.0100"),
    ]
    rows, _ = lots(fills)
    write_table(tmp_path / "t.csv", TAX, [tuple(row.values()) for row in rows])
    assert [row["realized_pnl_with_fees_dollars"] < 0 for row in rows] == [True, True]
    confirm_totals(tmp_path / "t.csv", rows)
