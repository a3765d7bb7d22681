"""All parameters of a run as frozen dataclasses: the command line and YAML map onto them, a run saves them.

``RunConfiguration`` has what every task has, ``Configuration`` is that of pre-training. Its defaults are the recipe of
Jiang et al., ECCV 2018: AlexNet as FCN32s, frames of 224x416, Adam, a constant learning rate, 30 epochs, L1. What the
paper leaves open (the batch) is a choice.
"""

import dataclasses
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, TypeVar, get_args, get_origin, get_type_hints

from training import objectives, pretexts
from training.card import Card
from training.initialisation import InitialisationParameters
from training.input import AugmentationParameters
from training.loader import LoaderParameters
from training.models.network import ModelParameters, Network, build_network
from training.objectives import Losses, ObjectiveParameters
from training.pretexts import PICTURES, PretextParameters
from training.shard_cache import CacheParameters
from training.subset import SubsetParameters
from training.windows import Windows


@dataclass(frozen=True)
class InputParameters:
    """What the network sees: the whole frame, resized."""

    height: int = 224
    """pixels; 224x416 city driving, 352x1216 KITTI, 384x992 Cityscapes"""
    width: int = 416
    """pixels"""


@dataclass(frozen=True)
class StageParameters:
    """A stage of training that comes before the run's own, with another head or rate; the rest is the run's."""

    head: str
    """of the same backbone"""
    epochs: int
    """passes over the training split"""
    learning_rate: float
    """of its first epoch"""
    drops: list[int] = field(default_factory=list)
    """epochs, from 0, from which on the rate is a drop_factor lower"""


@dataclass(frozen=True)
class OptimisationParameters:
    """Adam (Kingma and Ba, ICLR 2015), its weight decay added to the gradient."""

    epochs: int = 30
    """passes over the training split"""
    steps: int | None = None
    """stop after so many steps, if that is sooner"""
    learning_rate: float = 1e-4
    """of the first epoch"""
    drops: list[int] = field(default_factory=list)
    """epochs, from 0, from which on the rate is a drop_factor lower"""
    drop_factor: float = 0.1
    """the rate is multiplied by it at each drop"""
    stages: list[StageParameters] = field(default_factory=list)
    """trained before, each from the last, as FCNs are"""
    beta1: float = 0.9
    """decay of the mean gradient"""
    beta2: float = 0.999
    """decay of the squared gradient"""
    epsilon: float = 1e-8
    """added to the root of that square"""
    clip: float | None = None
    """largest norm of the gradient of all parameters, L2 included; default: any"""
    weight_decay: float = 5e-4
    """L2, on all parameters that the network does not exempt"""
    ema: float = 0.0
    """decay of a moving average of the weights, kept beside them; 0: none"""

    def rate(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 0."""
        return self.learning_rate * self.drop_factor ** sum(epoch >= drop for drop in self.drops)


@dataclass(frozen=True)
class EngineParameters:
    """How the steps are computed; a change here changes speed and rounding only."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """what computes; auto: a GPU where there is one"""
    micro_batch: int | None = None
    """samples of a rank at a time; a step adds up their gradients; default: all"""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """of the layers' arithmetic; auto: bfloat16 on GPUs that have it"""
    channels_last: bool = True
    """memory layout of images and weights"""
    compile: bool = False
    """translate the network by torch.compile first"""
    deterministic: bool = False
    """same weights to the bit, also after a resume; slower on GPUs"""
    sync_batch_norm: bool = True
    """batch norm's statistics over all ranks, on GPUs; networks with batch norm only"""


@dataclass(frozen=True)
class RecordParameters:
    """What a run writes, and when."""

    checkpoint_steps: int = 1000
    """steps between checkpoints"""
    checkpoint_epochs: int = 1
    """epochs between checkpoints at their ends; one at the end of the run, too"""
    keep: int = 2
    """newest checkpoints kept, beside the best"""
    validate_epochs: int = 1
    """epochs between validations"""
    validation_samples: int = 2000
    """of the validation split at most"""
    baseline_samples: int = 2000
    """of the training split that the baselines are made from"""
    overlays: int = 6
    """validation frames shown with their predictions"""
    log_steps: int = 20
    """steps between two points of the loss curve"""
    wandb_project: str | None = None
    """also log there, where wandb is installed"""


@dataclass(frozen=True)
class RunConfiguration:
    """What the configuration of every task has; see ``training.task``."""

    task: ClassVar[str]

    model: ModelParameters = field(default_factory=ModelParameters)
    initialisation: InitialisationParameters = field(default_factory=InitialisationParameters)
    augmentation: AugmentationParameters = field(default_factory=AugmentationParameters)
    optimisation: OptimisationParameters = field(default_factory=OptimisationParameters)
    engine: EngineParameters = field(default_factory=EngineParameters)
    record: RecordParameters = field(default_factory=RecordParameters)
    seed: int = 0
    """of the weights, the order of samples, augmentation and dropout"""

    @property
    def batch_size(self) -> int:
        """Samples in a step, over all ranks."""
        raise NotImplementedError

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of images that the network is used with, where one size must be named."""
        raise NotImplementedError

    def network(self) -> Network:
        """The network, with first weights from torch's default generator."""
        return build_network(self.model)

    def losses(self) -> Losses:
        """What training minimises."""
        raise NotImplementedError

    def card(self) -> Card:
        """What the run's README says of the task."""
        raise NotImplementedError

    def check(self) -> None:
        """Raise ``ValueError`` for values that cannot work, naming the option."""
        for name, value in self._positive().items():
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be positive, not {value}")
        if not 0 <= self.optimisation.ema < 1:
            raise ValueError(f"optimisation.ema must be in [0, 1), not {self.optimisation.ema}")

    def _positive(self) -> dict[str, float | None]:
        return {
            "optimisation.epochs": self.optimisation.epochs,
            "optimisation.steps": self.optimisation.steps,
            "optimisation.learning_rate": self.optimisation.learning_rate,
            "optimisation.drop_factor": self.optimisation.drop_factor,
            "optimisation.epsilon": self.optimisation.epsilon,
            "optimisation.clip": self.optimisation.clip,
            "engine.micro_batch": self.engine.micro_batch,
            "record.checkpoint_steps": self.record.checkpoint_steps,
            "record.checkpoint_epochs": self.record.checkpoint_epochs,
            "record.keep": self.record.keep,
            "record.validate_epochs": self.record.validate_epochs,
            "record.validation_samples": self.record.validation_samples,
            "record.baseline_samples": self.record.baseline_samples,
            "record.log_steps": self.record.log_steps,
        }


@dataclass(frozen=True)
class Configuration(RunConfiguration):
    """A run of relative-depth pre-training."""

    task: ClassVar[str] = "relative_depth"

    input: InputParameters = field(default_factory=InputParameters)
    window: float = 1.0
    """least share of a frame's sides that is seen in training, its percentiles taken anew; 1: whole frames"""
    loader: LoaderParameters = field(default_factory=LoaderParameters)
    cache: CacheParameters = field(default_factory=CacheParameters)
    subset: SubsetParameters = field(default_factory=SubsetParameters)
    pretext: PretextParameters = field(default_factory=PretextParameters)
    objective: ObjectiveParameters = field(default_factory=ObjectiveParameters)

    @property
    def batch_size(self) -> int:
        """See ``RunConfiguration.batch_size``."""
        return self.loader.batch_size

    @property
    def input_size(self) -> tuple[int, int]:
        """See ``RunConfiguration.input_size``."""
        return self.input.height, self.input.width

    @property
    def windows(self) -> Windows | None:
        """What training cuts from frames; None: nothing."""
        return Windows(self.window, self.input_size) if self.window < 1 else None

    def losses(self) -> Losses:
        """See ``RunConfiguration.losses``."""
        return pretexts.losses() if self.pretext.name in PICTURES else objectives.losses(self.objective)

    def with_outputs(self) -> "Configuration":
        """The same with as many outputs as the pretext has channels."""
        return replace(self, model=replace(self.model, outputs=PICTURES.get(self.pretext.name, 1)))

    def card(self) -> Card:
        """See ``RunConfiguration.card``."""
        weighted = ", weighted by confidence" if self.objective.confidence else ""
        if self.pretext.name in PICTURES:
            return self._picture_card()
        shuffled = "; **a control: each frame had the label of another**" if self.pretext.name != "depth" else ""
        return Card(
            title="Relative depth",
            what=(
                "A network that gives each pixel of a frame from a driving car the percentile of its depth within the "
                "frame, 0 near to 1\nfar. It does not know metres, and percentiles of different frames do not compare."
            ),
            facts={
                "input": f"RGB in [0, 1], {self._frame()}; colours normalised within",
                "objective": f"{self.objective.name}{weighted}{shuffled}",
            },
            scores={"l1": "L1", "spearman": "Spearman", "ordinal_error": "ordinal error"},
            explained=(
                "Means over the images of the validation split, of pixels with a label. Ordinal error: the share of "
                "pixel pairs in the\nwrong order. The best constant per row and the mean label map are made from "
                "training labels and do not look at the\nframe."
            ),
            predict="IMAGE_OR_FOLDER_OR_VIDEO",
            terms="The licences of the videos are counted in the dataset's `dataset.json`; they may bind what is "
            "learned from them.",
        )

    def _picture_card(self) -> Card:
        gives = "the frame itself" if self.pretext.name == "image" else "its chroma, blue and red, from a grey frame"
        return Card(
            title=f"Control, {self.pretext.name}",
            what=f"A network that was trained to give {gives}: what pre-training on depth is compared with.",
            facts={"input": self._frame(), "objective": "L1"},
            scores={"l1": "L1"},
            explained="Mean absolute difference of values in [0, 1]; the untrained network gives .5 everywhere.",
            predict="",
            terms="The licences of the videos are counted in the dataset's `dataset.json`; they may bind what is "
            "learned from them.",
        )

    def _frame(self) -> str:
        cut = "" if self.windows is None else f", in training windows of {self.window:g} to 1 of its sides"
        return f"the whole frame resized to {self.input.height}x{self.input.width}{cut}"

    def check(self) -> None:
        """See ``RunConfiguration.check``."""
        super().check()
        self.subset.check()
        if not 0.1 <= self.window <= 1:
            raise ValueError(f"window must be in [0.1, 1], not {self.window}")
        if self.objective.confidence and not self.loader.confidence:
            raise ValueError("objective.confidence needs loader.confidence: the loader must read what it weighs by")

    def _positive(self) -> dict[str, float | None]:
        return {"input.height": self.input.height, "input.width": self.input.width, **super()._positive()}


T = TypeVar("T")


def to_dict(parameters: Any) -> dict[str, Any]:
    """The parameters as nested plain values, for JSON or YAML."""
    return dataclasses.asdict(parameters)


def from_dict(kind: type[T], values: dict[str, Any]) -> T:
    """The dataclass from what ``to_dict`` gave. Raises ``ValueError`` for names it does not have."""
    hints = {name: hint for name, hint in get_type_hints(kind).items() if get_origin(hint) is not ClassVar}
    if unknown := sorted(set(values) - set(hints)):
        raise ValueError(f"{kind.__name__} has no {', '.join(unknown)}; the run was made by other code")
    return kind(**{name: _made(hints[name], value) for name, value in values.items()})


def _made(hint: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(hint):
        return from_dict(hint, value)  # type: ignore[arg-type]
    if get_origin(hint) is list and dataclasses.is_dataclass(get_args(hint)[0]):
        return [from_dict(get_args(hint)[0], entry) for entry in value]
    return value
