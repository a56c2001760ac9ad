"""Ways to save and load models, and what is kept of their inputs."""

from headwater.formats.builtin import JoblibFormat, PickleFormat, SkopsFormat
from headwater.formats.choosing import choose_format, load_model_folder, model_formats
from headwater.formats.protocol import ModelFormat
from headwater.formats.signatures import example_of, signature_of
from headwater.formats.stored import load_stored

__all__ = [
    "JoblibFormat",
    "ModelFormat",
    "PickleFormat",
    "SkopsFormat",
    "choose_format",
    "example_of",
    "load_model_folder",
    "load_stored",
    "model_formats",
    "signature_of",
]
