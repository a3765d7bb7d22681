"""A study of what pre-training gains: its arms, and the runs that these mean.

Every run is named by a digest of all that decides its weights, so that a study that was interrupted, or extended, takes
up what is there.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from training.configuration import Configuration, RunConfiguration, from_dict, to_dict
from training.segmentation.configuration import SegmentationConfiguration

Values = dict[str, Any]
"""Part of a configuration, as in YAML."""


@dataclass(frozen=True)
class Arm:
    """Where fine-tuning starts from."""

    name: str
    shards: str | None = None  # pre-trained on these shards of the study; none: no pre-training
    start: str | None = None  # arm whose pre-training this one goes on from, as in domain adaptation
    weights: str | None = None  # first weights as --init takes them, instead of pre-training: imagenet:FILE and so on
    pretraining: Values = field(default_factory=dict)  # such as {pretext: {name: colour}}
    finetuning: Values = field(default_factory=dict)  # such as the learning rate that was chosen for this arm
    swept: bool = False  # also with every size of pre-training and of labelled data
    targets: list[str] = field(default_factory=list)  # labelled datasets to fine-tune on; all, if none is named
    paper: str = ""  # scratch, depth, adapted or imagenet: which of the paper's figures stands beside


@dataclass(frozen=True)
class Labelled:
    """A dataset to fine-tune on."""

    data: str  # folder; environment variables are replaced, as in shards
    finetuning: Values = field(default_factory=dict)  # its layout and crops, at least
    swept: bool = True  # whether swept arms run here with parts of the frames and of the labels, too
    paper: str = ""  # cityscapes, camvid or kitti: which of the paper's figures stands beside


@dataclass(frozen=True)
class Study:
    """All parameters. Later values win: the study's, then the architecture's, the dataset's, the size's, the arm's."""

    arms: list[Arm]
    shards: dict[str, str]  # datasets of shards by name
    labelled: dict[str, Labelled]  # by name
    architectures: dict[str, Values]  # model parameters by name, such as alexnet-fcn32s
    pretraining: Values = field(default_factory=dict)
    finetuning: Values = field(default_factory=dict)
    pretraining_seeds: list[int] = field(default_factory=lambda: [0])
    finetuning_seeds: list[int] = field(default_factory=lambda: [0])
    pretraining_sizes: list[int] = field(default_factory=list)  # frames, beside all; swept arms only
    labelled_sizes: dict[int, Values] = field(default_factory=dict)
    """Images, beside all, and what fine-tuning on so few takes, such as more epochs; swept arms only."""
    keep_checkpoints: bool = False  # of fine-tuning, after it was scored

    def check(self) -> None:
        """Raise ``ValueError`` for names that lead nowhere, and for empty lists."""
        names = [arm.name for arm in self.arms]
        if len(set(names)) < len(names):
            raise ValueError(f"arms have a name twice: {', '.join(names)}")
        for number, arm in enumerate(self.arms):
            if arm.shards is not None and arm.shards not in self.shards:
                raise ValueError(f"arm {arm.name}: shards {arm.shards!r} are not among {', '.join(self.shards)}")
            if arm.start is not None and arm.start not in names[:number]:
                raise ValueError(f"arm {arm.name}: start {arm.start!r} is no arm before it")
            if strange := [name for name in arm.targets if name not in self.labelled]:
                raise ValueError(f"arm {arm.name}: target {strange[0]!r} is not among {', '.join(self.labelled)}")
            if (arm.shards is None or arm.weights is not None) and (arm.start or arm.pretraining):
                raise ValueError(f"arm {arm.name}: start and pretraining need shards, and no weights")
        for kind in ("arms", "labelled", "architectures", "pretraining_seeds", "finetuning_seeds"):
            if not getattr(self, kind):
                raise ValueError(f"{kind} must not be empty")

    def arm(self, name: str) -> Arm:
        """The arm of a name."""
        return next(arm for arm in self.arms if arm.name == name)


@dataclass(frozen=True)
class Cell:
    """One fine-tuning, and the pre-training before it."""

    arm: str
    architecture: str
    dataset: str
    pretraining_size: int | None = None  # frames at most
    labelled_size: int | None = None  # images at most
    pretraining_seed: int = 0
    finetuning_seed: int = 0


def cells(study: Study) -> list[Cell]:
    """Every run of fine-tuning: all arms on all data, swept ones on parts of the frames and of the labels, too.

    All of them with the first seeds come first, then with the next: cut short, a study has as many runs of every arm.
    """
    found = []
    for architecture in study.architectures:
        for dataset, labelled in study.labelled.items():
            for arm in (arm for arm in study.arms if dataset in (arm.targets or [dataset])):
                sizes: list[tuple[int | None, int | None]] = [(None, None)]
                if arm.swept and labelled.swept:
                    sizes += [(size, None) for size in study.pretraining_sizes if arm.shards]
                    sizes += [(None, size) for size in study.labelled_sizes]
                seeds = study.pretraining_seeds if arm.shards else study.pretraining_seeds[:1]
                found += [
                    Cell(arm.name, architecture, dataset, *size, first, second)
                    for size in sizes
                    for first in seeds
                    for second in study.finetuning_seeds
                ]
    first, second = study.pretraining_seeds.index, study.finetuning_seeds.index
    return sorted(found, key=lambda cell: (first(cell.pretraining_seed), second(cell.finetuning_seed)))


def pretraining(study: Study, cell: Cell) -> Configuration:
    """The configuration of the cell's pre-training; where it starts from is left to the driver."""
    own: Values = {"seed": cell.pretraining_seed, "subset": {"max_samples": cell.pretraining_size}}
    model: Values = {"model": study.architectures[cell.architecture]}
    return _configuration(Configuration, study.pretraining, model, study.arm(cell.arm).pretraining, own)


def finetuning(study: Study, cell: Cell) -> SegmentationConfiguration:
    """The configuration of the cell's fine-tuning; its part of the labels is drawn by its seed."""
    subset = {"max_samples": cell.labelled_size, "seed": cell.finetuning_seed}
    own: Values = {"seed": cell.finetuning_seed, "subset": subset}
    model: Values = {"model": study.architectures[cell.architecture]}
    size = study.labelled_sizes.get(cell.labelled_size or 0, {})
    of_data, of_arm = study.labelled[cell.dataset].finetuning, study.arm(cell.arm).finetuning
    return _configuration(SegmentationConfiguration, study.finetuning, model, of_data, size, of_arm, own)


def folder(out: Path, kind: str, label: str, configuration: RunConfiguration, *more: str) -> Path:
    """Where a run lies: named by what it is, and by a digest of what decides its weights."""
    decisive = {name: v for name, v in to_dict(configuration).items() if name not in ("engine", "record")}
    text = json.dumps([decisive, *more], sort_keys=True)
    return out / kind / f"{label}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


T = TypeVar("T", bound=RunConfiguration)


def _configuration(kind: type[T], *values: Values) -> T:
    merged = to_dict(kind())
    for each in values:
        _merge(merged, each)
    return from_dict(kind, merged)


def _merge(into: Values, values: Values) -> None:
    for name, value in values.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value
