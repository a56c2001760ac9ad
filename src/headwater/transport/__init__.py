"""Requests to a Headwater server."""
