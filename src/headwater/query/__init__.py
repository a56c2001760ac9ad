"""The filter language: text to the tree of `headwater.model.filters`, and back.

Import from the modules: the tables in `attributes` must not bring the parser's library along.
"""
