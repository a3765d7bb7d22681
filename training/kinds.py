"""The tasks by the name that a run folder notes."""

from training.absolute_depth.configuration import AbsoluteDepthConfiguration
from training.configuration import Configuration, RunConfiguration
from training.multinet.configuration import MultiNetConfiguration
from training.segmentation.configuration import SegmentationConfiguration

KINDS: dict[str, type[RunConfiguration]] = {
    kind.task: kind
    for kind in (Configuration, SegmentationConfiguration, MultiNetConfiguration, AbsoluteDepthConfiguration)
}
