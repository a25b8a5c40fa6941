"""Past orders: their rows, their comparison with the exchange, their export."""
