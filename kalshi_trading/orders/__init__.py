"""Orders before and after they are sent; `trade_executor` is their door for scripts, `service` the menu's."""
