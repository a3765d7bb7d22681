"""The tasks by the name that a run folder notes."""

from training.configuration import Configuration, RunConfiguration
from training.segmentation.configuration import SegmentationConfiguration

KINDS: dict[str, type[RunConfiguration]] = {kind.task: kind for kind in (Configuration, SegmentationConfiguration)}
