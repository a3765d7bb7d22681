"""Renders drives through a street with exact ground truth."""

from simulation.drive import Frame, images, render
from simulation.parameters import DriveParameters, from_source
from simulation.video import write_video

__all__ = ["DriveParameters", "Frame", "from_source", "images", "render", "write_video"]
