"""How long a fetch may take, how much it may bring, and when it is tried again."""

import errno
import shutil
import time
from pathlib import Path

import tenacity

from pipeline.fetched import FetchError, FetchParameters, failed, filtered


def patient(limits: FetchParameters, deadline: float) -> tenacity.Retrying:
    """Retries of what is retryable: exponential backoff with jitter, or as long as the host asks for."""
    backoff = tenacity.wait_exponential(limits.backoff_s, limits.max_backoff_s)
    jittered = backoff + tenacity.wait_random(0, limits.backoff_s)
    fruitless = 0

    def error(state: tenacity.RetryCallState) -> BaseException | None:
        return state.outcome.exception() if state.outcome else None

    def stop(state: tenacity.RetryCallState) -> bool:
        nonlocal fruitless
        fruitless = 0 if getattr(error(state), "gained", 0) > 0 else fruitless + 1
        return fruitless > limits.retries or time.monotonic() > deadline

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, FetchError) and error.retryable),
        wait=lambda state: max(getattr(error(state), "wait_s", 0.0), jittered(state)),
        stop=stop,
        reraise=True,
    )


class Gauge:
    """Watches the size and the rate of what comes in. Raises ``FetchError`` where a limit is passed."""

    def __init__(self, limits: FetchParameters, deadline: float, size: int = 0, total: int | None = None) -> None:
        self.limits, self.deadline, self.size, self.total = limits, deadline, size, total
        self._window_start, self._window_size = time.monotonic(), size

    def check_room(self, folder: Path) -> None:
        """Before anything comes: refuse a declared size above the limit; ``OSError`` if the disk has no room for it."""
        if self.total is None:
            return
        if self.total > self.limits.max_bytes:
            raise filtered("too_large", f"{self.total} bytes, the limit is {self.limits.max_bytes}")
        if self.total - self.size > shutil.disk_usage(folder).free:
            raise OSError(errno.ENOSPC, f"no room for {self.total} bytes", str(folder))

    def add(self, count: int) -> None:
        """Take note of ``count`` more bytes."""
        self.reach(self.size + count)

    def reach(self, size: int) -> None:
        """Take note that there are ``size`` bytes now."""
        limits, now = self.limits, time.monotonic()
        self.size = size
        if size > limits.max_bytes:
            raise filtered("too_large", f"more than {limits.max_bytes} bytes, the limit")
        if now > self.deadline:
            raise failed("too_slow", f"not there after {limits.max_seconds:.0f} s")
        if now - self._window_start > limits.stall_s:
            if size - self._window_size < limits.min_rate * limits.stall_s:
                raise failed("stall", f"slower than {limits.min_rate:.0f} bytes a second", retryable=True)
            self._window_start, self._window_size = now, size

    def check_whole(self) -> None:
        """At the end of the bytes: whether they are as many as were declared."""
        if self.total is not None and self.size != self.total:
            raise failed("cut", f"cut at byte {self.size} of {self.total}", retryable=True)
