"""Memory of batches that is used again when nobody holds the batch any more.

Touching new memory costs more than writing it: each page of 4 kB is found and cleared, and again where workers share it
with the trainer. The memory here is mapped once an epoch, before workers are forked, so that a batch goes from a worker
to the trainer as the number of its slot.
"""

import itertools
import mmap
import os
import weakref
from collections.abc import Callable

import numpy as np
import torch

LARGEST = 255
"""Slots that there may be: their numbers are bytes."""
_numbers = itertools.count()
_memories: "weakref.WeakValueDictionary[int, BatchMemory]" = weakref.WeakValueDictionary()


class BatchMemory:
    """Slots of equal size. Who fills a batch takes one; it is free again when the tensors lent of it are gone."""

    def __init__(self, slots: int, size: int) -> None:
        """``size`` in bytes, at least 1."""
        slots = min(slots, LARGEST)
        self.number = next(_numbers)
        self._owner = os.getpid()
        self._slots = [mmap.mmap(-1, size) for _ in range(slots)]  # shared with processes that are forked later
        # A pipe of slot numbers: taking and giving back a byte is atomic among processes.
        self._free, self._freed = os.pipe()
        os.set_blocking(self._free, False)
        os.write(self._freed, bytes(range(slots)))
        weakref.finalize(self, _close, self._free, self._freed)
        _memories[self.number] = self

    @staticmethod
    def find(number: int) -> "BatchMemory":
        """The memory of a number, in the process that made it or in one that was forked from it since."""
        return _memories[number]

    def take(self) -> int | None:
        """A free slot; None where all are in use."""
        try:
            return os.read(self._free, 1)[0]
        except BlockingIOError:
            return None

    def to_fill(self, slot: int) -> torch.Tensor:
        """A slot that was taken, ``uint8`` (size,)."""
        return torch.frombuffer(self._slots[slot], dtype=torch.uint8)

    def lend(self, slot: int) -> torch.Tensor:
        """A slot that was filled, ``uint8`` (size,); free when this tensor and all that share its memory are gone."""
        array = np.frombuffer(self._slots[slot], np.uint8)
        _at_end(array, self._give_back, slot)
        return torch.from_numpy(array)

    def _give_back(self, slot: int) -> None:
        if os.getpid() == self._owner:  # a forked process has copies of what was lent before
            os.write(self._freed, bytes([slot]))


def _at_end(of: object, call: Callable[[int], None], slot: int) -> None:
    weakref.finalize(of, call, slot).atexit = False


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
