"""Render everything on the screen as rich renderables. Never prints."""
