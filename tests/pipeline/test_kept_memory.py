import ctypes
import subprocess
import sys

import pytest

ROUNDS = """
import resource
import numpy as np
from pipeline import kept_memory
{begin}
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    held = [np.ones(1 << 20, np.float32) for _ in range(8)]
    del held
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(max([faults() for _ in range(6)][3:]))
"""


def faults(begin: str) -> int:
    """Pages that were taken anew for 32 MB in eight arrays, the fourth time and later."""
    ran = subprocess.run([sys.executable, "-c", ROUNDS.format(begin=begin)], check=True, capture_output=True, text=True)
    return int(ran.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library has no such setting")
def test_arrays_take_the_memory_of_those_before() -> None:
    assert faults("kept_memory.keep()") < 100
    assert faults("") > 1000  # else there would be nothing to keep
