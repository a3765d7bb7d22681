import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "flow_fuzz.py"


@pytest.mark.slow
def test_no_kernel_leaves_its_arrays() -> None:
    """In a process of its own: bounds are checked in code compiled for that alone, most of a minute of work."""
    command = [sys.executable, str(SCRIPT), "--pairs", "600", "--minutes", "30"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    found = re.match(r"(\d+) pairs, bounds checked, nothing found", run.stdout)
    assert found and int(found[1]) == 600, run.stdout
    engines = ("dis/balanced", "census/fast", "census/balanced", "census/accurate", "ric/balanced")
    for name in (*engines, "steps", "zoom", "corridor"):
        assert name in run.stdout
