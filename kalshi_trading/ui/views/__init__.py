"""What is shown, as rich renderables."""
