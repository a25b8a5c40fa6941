"""Read, price and check an order before it is sent."""
