"""Past orders: rows, timelines, reconciliation, summaries and exports."""

from kalshi_trading.history.day_summary import read_summary
from kalshi_trading.history.export_tables import Exporter
from kalshi_trading.history.fills import read_fills
from kalshi_trading.history.reconciliation import reconcile
from kalshi_trading.history.timeline import read_timeline
from kalshi_trading.history.trade_history import load_history

__all__ = ["Exporter", "load_history", "read_fills", "read_summary", "read_timeline", "reconcile"]
