"""The pipeline under clocks that jump: what a test gives ``luigi --module``.

Each task's clock goes a week forth and a day back again and again; that of the command, which holds the scheduler, goes
a week forth once.
"""

import itertools
import os
import time

from pipeline import *  # noqa: F403

WEEK_S, DAY_S = 7 * 86400.0, 86400.0
_real, _calls, _main = time.time, itertools.count(), os.getpid()


def _jumping() -> float:
    call = next(_calls)
    if os.getpid() == _main:
        return _real() + (WEEK_S if call > 400 else 0.0)
    return _real() + (0.0, WEEK_S, -DAY_S)[call // 40 % 3]


time.time = _jumping
