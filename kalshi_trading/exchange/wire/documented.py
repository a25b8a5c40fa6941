"""Table of the documented fields of every answer the program reads.

Performs no I/O and decodes nothing; `drift` compares answers with it.
Source: Kalshi API, field tables of October 2026.
"""

from __future__ import annotations

DOCUMENTED = "October 2026"

RECORDS = {
    "exchange-status": "exchange_active:flag trading_active:flag intra_exchange_transfers_active:flag? "
    "exchange_estimated_resume_time:time? exchange_index_statuses:[shard-status]?",
    "shard-status": "exchange_index:whole description:text exchange_active:flag trading_active:flag "
    "intra_exchange_transfers_active:flag",
    "schedule": "standard_hours:[week] maintenance_windows:[maintenance-window]",
    "week": "start_time:time end_time:time monday:[session] tuesday:[session] wednesday:[session] "
    "thursday:[session] friday:[session] saturday:[session] sunday:[session]",
    "session": "open_time:text close_time:text",
    "maintenance-window": "start_datetime:time end_datetime:time",
    "historical-cutoff": "market_settled_ts:time trades_created_ts:time orders_updated_ts:time "
    "market_positions_last_updated_ts:time?",
    "series": "ticker:text frequency:text title:text category:text categories:[text] tags:[text]? "
    "settlement_sources:[source]? contract_url:text contract_terms_url:text product_metadata:any? "
    "fee_type:text fee_multiplier:number additional_prohibitions:[text]? volume_fp:decimal? "
    "last_updated_ts:time? exchange_index:whole?",
    "source": "name:text? url:text?",
    "series-fee-change": "id:text series_ticker:text fee_type:text fee_multiplier:number scheduled_ts:time",
    "event-fee-change": "id:text event_ticker:text series_ticker:text fee_type_override:text? "
    "fee_multiplier_override:number? scheduled_ts:time",
    "event": "event_ticker:text series_ticker:text sub_title:text title:text collateral_return_type:text "
    "mutually_exclusive:flag category:text? strike_date:time? strike_period:text? markets:[market]? "
    "product_metadata:any? settlement_sources:[source]? last_updated_ts:time? fee_type_override:text? "
    "fee_multiplier_override:number? exchange_index:whole?",
    "event-metadata": "image_url:text featured_image_url:text? market_details:[market-metadata] "
    "settlement_sources:[source] competition:text? competition_scope:text?",
    "market-metadata": "market_ticker:text image_url:text color_code:text",
    "forecast": "event_ticker:text end_period_ts:whole period_interval:whole percentile_points:[percentile]",
    "percentile": "percentile:whole raw_numerical_forecast:number numerical_forecast:number "
    "formatted_forecast:text",
    "market": "ticker:text event_ticker:text market_type:text title:text? subtitle:text? yes_sub_title:text "
    "no_sub_title:text created_time:time updated_time:time open_time:time close_time:time "
    "expected_expiration_time:time? expiration_time:time? latest_expiration_time:time "
    "settlement_timer_seconds:whole status:text yes_bid_dollars:decimal yes_bid_size_fp:decimal "
    "yes_ask_dollars:decimal yes_ask_size_fp:decimal no_bid_dollars:decimal no_ask_dollars:decimal "
    "last_price_dollars:decimal volume_fp:decimal volume_24h_fp:decimal result:text can_close_early:flag "
    "open_interest_fp:decimal notional_value_dollars:decimal previous_yes_bid_dollars:decimal "
    "previous_yes_ask_dollars:decimal previous_price_dollars:decimal settlement_value_dollars:decimal? "
    "settlement_ts:time? settlement_bounds_type:text settlement_floor_dollars:decimal? "
    "expiration_value:text occurrence_datetime:time? fee_waiver_expiration_time:time? "
    "early_close_condition:text? strike_type:text? floor_strike:number? cap_strike:number? "
    "functional_strike:text? custom_strike:any? rules_primary:text rules_secondary:text "
    "mve_collection_ticker:text? mve_selected_legs:[combo-leg]? primary_participant_key:text? "
    "price_level_structure:text price_ranges:[price-range] is_provisional:flag? exchange_index:whole?",
    "price-range": "start:decimal end:decimal step:decimal",
    "combo-leg": "event_ticker:text? market_ticker:text? side:text? yes_settlement_value_dollars:decimal?",
    "order-book": "yes_dollars:[level] no_dollars:[level]",
    "book-of-a-market": "ticker:text orderbook_fp:order-book",
    "candlestick": "end_period_ts:whole yes_bid:quote-range yes_ask:quote-range price:trade-range "
    "volume_fp:decimal open_interest_fp:decimal",
    "quote-range": "open_dollars:decimal low_dollars:decimal high_dollars:decimal close_dollars:decimal",
    "trade-range": "open_dollars:decimal? low_dollars:decimal? high_dollars:decimal? close_dollars:decimal? "
    "mean_dollars:decimal? previous_dollars:decimal? min_dollars:decimal? max_dollars:decimal?",
    "historical-candlestick": "end_period_ts:whole yes_bid:historical-quote-range "
    "yes_ask:historical-quote-range price:historical-trade-range volume:decimal open_interest:decimal",
    "historical-quote-range": "open:decimal low:decimal high:decimal close:decimal",
    "historical-trade-range": "open:decimal? low:decimal? high:decimal? close:decimal? mean:decimal? "
    "previous:decimal?",
    "candlesticks-of-a-market": "market_ticker:text candlesticks:[candlestick]",
    "trade": "trade_id:text ticker:text count_fp:decimal yes_price_dollars:decimal no_price_dollars:decimal "
    "taker_side:text? taker_outcome_side:text taker_book_side:text created_time:time is_block_trade:flag",
    "balance": "balance:whole balance_dollars:decimal portfolio_value:whole updated_ts:whole "
    "balance_breakdown:[shard-balance]?",
    "shard-balance": "exchange_index:whole balance:decimal",
    "position": "ticker:text exchange_index:whole total_traded_dollars:decimal position_fp:decimal "
    "market_exposure_dollars:decimal realized_pnl_dollars:decimal fees_paid_dollars:decimal "
    "last_updated_ts:time",
    "event-position": "event_ticker:text total_cost_dollars:decimal total_cost_shares_fp:decimal "
    "event_exposure_dollars:decimal realized_pnl_dollars:decimal fees_paid_dollars:decimal",
    "fill": "fill_id:text exchange_index:whole trade_id:text order_id:text ticker:text market_ticker:text "
    "side:text? action:text? outcome_side:text book_side:text count_fp:decimal yes_price_dollars:decimal "
    "no_price_dollars:decimal is_taker:flag created_time:time? fee_cost:decimal subaccount_number:whole? "
    "ts:whole?",
    "settlement": "ticker:text exchange_index:whole event_ticker:text market_result:text "
    "yes_count_fp:decimal yes_total_cost_dollars:decimal no_count_fp:decimal no_total_cost_dollars:decimal "
    "revenue:whole settled_time:time fee_cost:decimal value:whole?",
    "order": "order_id:text user_id:text client_order_id:text ticker:text side:text? action:text? "
    "outcome_side:text book_side:text type:text status:text yes_price_dollars:decimal "
    "no_price_dollars:decimal fill_count_fp:decimal remaining_count_fp:decimal initial_count_fp:decimal "
    "taker_fill_cost_dollars:decimal maker_fill_cost_dollars:decimal taker_fees_dollars:decimal "
    "maker_fees_dollars:decimal expiration_time:time? created_time:time? last_update_time:time? "
    "self_trade_prevention_type:text? order_group_id:text? cancel_order_on_pause:flag? "
    "subaccount_number:whole? exchange_index:whole?",
    "queue-position": "order_id:text market_ticker:text queue_position_fp:decimal",
    "transfer": "id:text status:text type:text amount_cents:whole fee_cents:whole created_ts:whole "
    "finalized_ts:whole?",
    "account-limits": "usage_tier:text read:rate-limit write:rate-limit grants:[grant]",
    "rate-limit": "refill_rate:whole bucket_capacity:whole",
    "grant": "exchange_instance:text level:text expires_ts:whole? source:text",
    "endpoint-cost": "method:text path:text cost:whole",
    "created-order": "order_id:text client_order_id:text? fill_count:decimal remaining_count:decimal "
    "average_fill_price:decimal? average_fee_paid:decimal? ts_ms:whole",
    "canceled-order": "order_id:text client_order_id:text? reduced_by:decimal ts_ms:whole",
    "amended-order": "order_id:text client_order_id:text? remaining_count:decimal? fill_count:decimal? "
    "average_fill_price:decimal? average_fee_paid:decimal? ts_ms:whole",
}
"""The fields of each record: `name:kind`, and `name:kind?` if the field may be missing or null.

A kind is text, decimal (as text), whole, number, flag, time, level ([price, count]), any, or another record.
`[kind]` is a list of that kind.
"""

ANSWERS = {
    "GET /exchange/status": "exchange-status",
    "GET /exchange/schedule": "schedule:schedule",
    "GET /exchange/user_data_timestamp": "as_of_time:time",
    "GET /series": "series:[series]",
    "GET /series/{ticker}": "series:series",
    "GET /series/fee_changes": "series_fee_change_arr:[series-fee-change]",
    "GET /series/{ticker}/markets/{ticker}/candlesticks": "ticker:text candlesticks:[candlestick]",
    "GET /series/{ticker}/events/{ticker}/candlesticks": "market_tickers:[text] "
    "market_candlesticks:[[candlestick]] adjusted_end_ts:whole",
    "GET /series/{ticker}/events/{ticker}/forecast_percentile_history": "forecast_history:[forecast]",
    "GET /events": "events:[event] cursor:text milestones:any?",
    "GET /events/multivariate": "events:[event] cursor:text",
    "GET /events/fee_changes": "event_fee_changes:[event-fee-change] cursor:text",
    "GET /events/{ticker}": "event:event markets:[market]?",
    "GET /events/{ticker}/metadata": "event-metadata",
    "GET /markets": "markets:[market] cursor:text",
    "GET /markets/trades": "trades:[trade] cursor:text",
    "GET /markets/orderbooks": "orderbooks:[book-of-a-market]",
    "GET /markets/candlesticks": "markets:[candlesticks-of-a-market]",
    "GET /markets/{ticker}": "market:market",
    "GET /markets/{ticker}/orderbook": "orderbook_fp:order-book",
    "GET /portfolio/balance": "balance",
    "GET /portfolio/positions": "market_positions:[position] event_positions:[event-position] cursor:text?",
    "GET /portfolio/fills": "fills:[fill] cursor:text",
    "GET /portfolio/settlements": "settlements:[settlement] cursor:text?",
    "GET /portfolio/orders": "orders:[order] cursor:text",
    "GET /portfolio/orders/queue_positions": "queue_positions:[queue-position]",
    "GET /portfolio/orders/{id}": "order:order",
    "GET /portfolio/orders/{id}/queue_position": "queue_position_fp:decimal",
    "GET /portfolio/deposits": "deposits:[transfer] cursor:text?",
    "GET /portfolio/withdrawals": "withdrawals:[transfer] cursor:text?",
    "GET /historical/cutoff": "historical-cutoff",
    "GET /historical/markets": "markets:[market] cursor:text",
    "GET /historical/markets/{ticker}": "market:market",
    "GET /historical/markets/{ticker}/candlesticks": "ticker:text candlesticks:[historical-candlestick]",
    "GET /historical/trades": "trades:[trade] cursor:text",
    "GET /historical/fills": "fills:[fill] cursor:text",
    "GET /historical/orders": "orders:[order] cursor:text",
    "GET /historical/positions": "market_positions:[position] event_positions:[event-position] cursor:text?",
    "GET /account/limits": "account-limits",
    "GET /account/endpoint_costs": "default_cost:whole endpoint_costs:[endpoint-cost]",
    "POST /portfolio/events/orders": "created-order",
    "DELETE /portfolio/events/orders/{id}": "canceled-order",
    "POST /portfolio/events/orders/{id}/amend": "amended-order",
}
"""The record or the fields of each endpoint's answer, by method and route."""
