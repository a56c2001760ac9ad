"""The main job: a year of New York flights, from raw data to a model in production and back."""
