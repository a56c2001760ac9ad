"""Servers: transports for what other packages answer."""
