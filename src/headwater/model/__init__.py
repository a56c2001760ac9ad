"""Entities, references and protocols: standard library only."""
