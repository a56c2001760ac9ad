"""The version of ML Metadata whose place this takes."""

__version__ = "1.21.0"
