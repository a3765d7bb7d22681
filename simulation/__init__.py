"""Renders drives through a street with exact ground truth."""

from pathlib import Path

from simulation.drive import Frame, images, render
from simulation.kernel_cache import forget_stale_kernels
from simulation.parameters import DriveParameters, from_source
from simulation.video import write_video

# the cache is read at the first call of a kernel, not at its definition
forget_stale_kernels(Path(__file__).parent)

__all__ = ["DriveParameters", "Frame", "from_source", "images", "render", "write_video"]
