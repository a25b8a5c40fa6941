"""The journal on disk. Other rooms reach it through `trade_logger`."""
