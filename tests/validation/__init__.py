"""Validation of data and models."""
