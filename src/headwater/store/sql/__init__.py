"""The store over SQL databases: the only place that knows SQLAlchemy and the drivers."""
