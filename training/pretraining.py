"""Which task a configuration of pre-training asks for."""

from training.configuration import Configuration
from training.picture_pretext import PicturePretext
from training.pretexts import PICTURES
from training.relative_depth import RelativeDepth


def pretraining_task(configuration: Configuration, data: str) -> RelativeDepth:
    """Relative depth, or a control, over a dataset of shards. Raises ``ValueError`` for what the user can mend."""
    kind = PicturePretext if configuration.pretext.name in PICTURES else RelativeDepth
    return kind(configuration, data)
