"""Changes as they happen: one stream of server-sent events for all that a browser shows."""
