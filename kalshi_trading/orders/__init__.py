"""Orders before and after they are sent.

`trade_executor` is the door for scripts, `service` the menu's.
"""
