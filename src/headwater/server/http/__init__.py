"""Headwater over HTTP: the native API, and MLflow's."""
