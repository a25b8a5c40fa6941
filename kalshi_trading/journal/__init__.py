"""The record on disk; `trade_logger` is its door."""
