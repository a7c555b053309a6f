"""What tests of several files share."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Reference data beside the repository. It is no part of it: a fresh clone skips the tests that read it."""
    path = ROOT.parent / "shared"
    if not (path / "contract" / "golden" / "index.json").is_file():
        pytest.skip("reference data at ../shared is absent")
    return path
