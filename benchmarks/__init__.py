"""Measurements behind docs/performance.md, one file per claim; `python -m benchmarks --list` names them."""
