"""The version of this package, in the one place that needs no imports."""

from typing import Final

VERSION: Final = "0.1.0"
