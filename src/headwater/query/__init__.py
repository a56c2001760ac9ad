"""The filter language: text to the tree of `headwater.model.filters`, and back."""

from headwater.query.parse import parse_filter, parse_order
from headwater.query.unparse import unparse

__all__ = ["parse_filter", "parse_order", "unparse"]
