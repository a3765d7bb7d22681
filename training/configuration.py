"""All parameters of a run as frozen dataclasses: the command line and YAML map onto them, a run saves them.

The defaults are the recipe of Jiang et al., ECCV 2018: AlexNet as FCN32s, frames of 224x416, Adam, a constant learning
rate, 30 epochs, L1. What the paper leaves open (the batch) is a choice.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_type_hints

from training.initialisation import InitialisationParameters
from training.input import AugmentationParameters
from training.loader import LoaderParameters
from training.models.network import ModelParameters
from training.objectives import ObjectiveParameters
from training.shard_cache import CacheParameters


@dataclass(frozen=True)
class InputParameters:
    """What the network sees: the whole frame, resized, never cropped."""

    height: int = 224  # pixels; 224x416 city driving, 352x1216 KITTI, 384x992 Cityscapes
    width: int = 416  # pixels


@dataclass(frozen=True)
class OptimisationParameters:
    """Adam (Kingma and Ba, ICLR 2015), its weight decay added to the gradient."""

    epochs: int = 30  # passes over the training split
    steps: int | None = None  # stop after so many steps, if that is sooner
    learning_rate: float = 1e-4  # constant
    beta1: float = 0.9  # of the mean gradient
    beta2: float = 0.999  # of the squared gradient
    weight_decay: float = 5e-4  # L2, on all parameters
    ema: float = 0.0  # decay of a moving average of the weights, kept beside them; 0: none


@dataclass(frozen=True)
class EngineParameters:
    """How the steps are computed; a change here changes speed and rounding only."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    micro_batch: int | None = None  # samples of a rank at a time; a step adds up their gradients; default: all
    precision: Literal["auto", "float32", "bfloat16"] = "auto"  # of layers; auto: bfloat16 on GPUs that have it
    channels_last: bool = True  # memory layout of images and weights
    compile: bool = False  # torch.compile
    deterministic: bool = False  # same weights to the bit, also after a resume; slower on GPUs
    sync_batch_norm: bool = True  # statistics over all ranks, on GPUs; networks with batch norm only


@dataclass(frozen=True)
class RecordParameters:
    """What a run writes, and when."""

    checkpoint_steps: int = 1000  # steps between checkpoints; one at the end of each epoch, too
    keep: int = 2  # newest checkpoints kept, beside the best
    validate_epochs: int = 1  # epochs between validations
    validation_samples: int = 2000  # of the validation split at most
    baseline_samples: int = 2000  # of the training split that the baselines are made from
    overlays: int = 6  # validation frames shown with their predictions
    log_steps: int = 20  # steps between two points of the loss curve
    wandb_project: str | None = None  # also log there, where wandb is installed


@dataclass(frozen=True)
class Configuration:
    """A whole run."""

    model: ModelParameters = field(default_factory=ModelParameters)
    initialisation: InitialisationParameters = field(default_factory=InitialisationParameters)
    input: InputParameters = field(default_factory=InputParameters)
    augmentation: AugmentationParameters = field(default_factory=AugmentationParameters)
    loader: LoaderParameters = field(default_factory=LoaderParameters)
    cache: CacheParameters = field(default_factory=CacheParameters)
    objective: ObjectiveParameters = field(default_factory=ObjectiveParameters)
    optimisation: OptimisationParameters = field(default_factory=OptimisationParameters)
    engine: EngineParameters = field(default_factory=EngineParameters)
    record: RecordParameters = field(default_factory=RecordParameters)
    seed: int = 0  # of the weights, the order of samples, augmentation and dropout

    def check(self) -> None:
        """Raise ``ValueError`` for values that cannot work, naming the option."""
        positive = {
            "input.height": self.input.height,
            "input.width": self.input.width,
            "optimisation.epochs": self.optimisation.epochs,
            "optimisation.steps": self.optimisation.steps,
            "optimisation.learning_rate": self.optimisation.learning_rate,
            "engine.micro_batch": self.engine.micro_batch,
            "record.checkpoint_steps": self.record.checkpoint_steps,
            "record.keep": self.record.keep,
            "record.validate_epochs": self.record.validate_epochs,
            "record.validation_samples": self.record.validation_samples,
            "record.baseline_samples": self.record.baseline_samples,
            "record.log_steps": self.record.log_steps,
        }
        for name, value in positive.items():
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be positive, not {value}")
        if not 0 <= self.optimisation.ema < 1:
            raise ValueError(f"optimisation.ema must be in [0, 1), not {self.optimisation.ema}")
        if self.objective.confidence and not self.loader.confidence:
            raise ValueError("objective.confidence needs loader.confidence: the loader must read what it weighs by")


T = TypeVar("T")


def to_dict(parameters: Any) -> dict[str, Any]:
    """The parameters as nested plain values, for JSON or YAML."""
    return dataclasses.asdict(parameters)


def from_dict(kind: type[T], values: dict[str, Any]) -> T:
    """The dataclass from what ``to_dict`` gave. Raises ``ValueError`` for names it does not have."""
    hints = get_type_hints(kind)
    if unknown := sorted(set(values) - set(hints)):
        raise ValueError(f"{kind.__name__} has no {', '.join(unknown)}; the run was made by other code")
    made = {
        name: from_dict(hints[name], v) if dataclasses.is_dataclass(hints[name]) else v for name, v in values.items()
    }
    return kind(**made)
