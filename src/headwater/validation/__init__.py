"""Checks of data and models, whose verdicts are artifacts in the graph."""
