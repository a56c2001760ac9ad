"""Other systems, each in an environment of its own."""
