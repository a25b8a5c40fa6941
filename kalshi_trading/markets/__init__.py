"""Market search."""

from kalshi_trading.markets.search import FoundMarket, MarketIndex

__all__ = ["FoundMarket", "MarketIndex"]
