"""What the account holds and is worth; `portfolio_tracker` is its door."""
