"""The store behind a server's HTTP address."""
