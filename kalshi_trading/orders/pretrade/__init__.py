"""What is known, worked out and checked before an order is sent."""
