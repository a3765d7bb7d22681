"""The tasks by the name that a run folder notes."""

from training.configuration import Configuration, RunConfiguration

KINDS: dict[str, type[RunConfiguration]] = {kind.task: kind for kind in (Configuration,)}
