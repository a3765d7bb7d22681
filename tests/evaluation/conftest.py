"""Outputs of the benchmarks' own tools, and recordings to score against."""

import json
import os
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data, without which a test is skipped."""
    if "REAL_DATA_DIR" not in os.environ:
        pytest.skip("REAL_DATA_DIR is not set")
    return Path(os.environ["REAL_DATA_DIR"])


@pytest.fixture(scope="session")
def golden(real_data: Path) -> Path:
    """The folder of golden vectors, beside the real data."""
    folder = real_data.parent / "golden"
    if not folder.is_dir():
        pytest.skip("there are no golden vectors beside REAL_DATA_DIR")
    return folder


@pytest.fixture(scope="session")
def expected(golden: Path) -> dict[str, Any]:
    """What the official tools make of the golden inputs, by the name of the input."""
    values: dict[str, Any] = json.loads((golden / "expected.json").read_text())
    return values
