"""How far training is: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from typing import TextIO

EVERY_S = 10.0
"""Seconds between two lines where there is no terminal."""
BAR = 24
REFRESH_S = 0.2


class Progress:
    """Counts images and seconds; ``of`` steps, of which ``done`` are behind us."""

    def __init__(self, done: int, of: int, stream: TextIO | None = None, shown: bool = True) -> None:
        self.done, self.of, self.shown = done, of, shown
        self.stream = stream or sys.stderr
        self.images, self.waited, self.paused, self.began = 0, 0.0, 0.0, time.monotonic()
        self._first, self._spoken = done, self.began

    def step(self, images: int, waited: float, loss: float, epoch: int) -> None:
        """Note a step with its images, the seconds it waited for them, and the last loss that is known."""
        self.done, self.images, self.waited = self.done + 1, self.images + images, self.waited + waited
        now, terminal = time.monotonic(), self.stream.isatty()
        if self.shown and (now - self._spoken >= (REFRESH_S if terminal else EVERY_S) or self.done == self.of):
            self._spoken = now
            line, last = self.line(loss, epoch), self.done == self.of
            text = f"\r\033[K{line}" if terminal else line
            print(text, end="" if terminal and not last else "\n", file=self.stream, flush=True)

    def pause(self, seconds: float) -> None:
        """Leave seconds spent on something else, such as validation, out of the rate."""
        self.paused += seconds

    @property
    def rate(self) -> float:
        """Images a second."""
        return self.images / self._seconds()

    @property
    def wait_percent(self) -> float:
        """Share of the time that the trainer waited for data: an upper bound of what loading costs a busy GPU."""
        return 100 * self.waited / self._seconds()

    def line(self, loss: float, epoch: int) -> str:
        """What is shown."""
        filled = BAR * self.done // max(1, self.of)
        seconds = self._seconds() / max(1, self.done - self._first) * (self.of - self.done)
        left = f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02d}:{int(seconds) % 60:02d}"
        return (
            f"epoch {epoch} [{'#' * filled}{'.' * (BAR - filled)}] {self.done}/{self.of}  loss {loss:.4f}  "
            f"{self.rate:.1f} img/s  data wait {self.wait_percent:.0f} %  {left} left"
        )

    def _seconds(self) -> float:
        return max(1e-9, time.monotonic() - self.began - self.paused)
