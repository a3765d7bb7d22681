"""All parameters of a run of MultiNet. The defaults are the paper's recipe: 200,000 joint steps on KITTI."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

from training.card import Card
from training.configuration import OptimisationParameters, RunConfiguration
from training.frame_loader import FrameLoaderParameters
from training.input import AugmentationParameters
from training.models.multinet import MultiNet, MultiNetParameters, build_multinet
from training.models.network import ModelParameters
from training.multinet import step
from training.multinet.data import MultiNetData
from training.multinet.detections import Joining
from training.objectives import Losses
from training.subset import SubsetParameters


def _model() -> ModelParameters:
    return ModelParameters("vgg16", "fcn8s", activation="none", outputs=2)


def _optimisation() -> OptimisationParameters:
    return OptimisationParameters(epochs=1000, steps=200_000, learning_rate=5e-5, epsilon=1e-5, clip=1.0)


@dataclass(frozen=True)
class MultiNetPrediction:
    """How predictions are written; it does not change what is learned."""

    joining: Joining = "nms"
    """how boxes of one car become one: torchvision's suppression, or the reference's stitching"""


@dataclass(frozen=True)
class MultiNetConfiguration(RunConfiguration):
    """A run of MultiNet, of both decoders or of one."""

    task: ClassVar[str] = "multinet"

    model: ModelParameters = field(default_factory=_model)
    optimisation: OptimisationParameters = field(default_factory=_optimisation)
    multinet: MultiNetParameters = field(default_factory=MultiNetParameters)
    dataset: MultiNetData = field(default_factory=MultiNetData)
    subset: SubsetParameters = field(default_factory=SubsetParameters)
    prediction: MultiNetPrediction = field(default_factory=MultiNetPrediction)
    # a sample is a row: a road frame and dataset.cars_per_row frames with cars
    loader: FrameLoaderParameters = field(default_factory=lambda: FrameLoaderParameters(batch_size=1))

    @property
    def batch_size(self) -> int:
        """See ``RunConfiguration.batch_size``."""
        return self.loader.batch_size

    @property
    def input_size(self) -> tuple[int, int]:
        """See ``RunConfiguration.input_size``."""
        return self.dataset.car_size

    def network(self) -> MultiNet:
        """See ``RunConfiguration.network``."""
        return build_multinet(self.multinet, self.model)

    def row_by_row(self) -> "MultiNetConfiguration":
        """The same with rows that go through the network one at a time, since they differ in size."""
        return replace(self, engine=replace(self.engine, micro_batch=1))

    def losses(self) -> Losses:
        """See ``RunConfiguration.losses``."""
        return step.losses()

    def card(self) -> Card:
        """See ``RunConfiguration.card``."""
        data, heads = self.dataset, self.multinet.heads
        scores = {"max_f": "road MaxF", "road_ap": "road AP"} if heads != "cars" else {}
        if heads != "road":
            scores |= {"easy": "cars easy", "moderate": "moderate", "hard": "hard"}
        size = f"{data.road_height}x{data.road_width}" if data.road_size else "their own size"
        return Card(
            title={"joint": "Road and cars", "road": "Road", "cars": "Cars"}[heads],
            what="A network that gives each pixel of a frame the probability that it is road, boxes around cars with "
            "confidences,\nor both.",
            facts={
                "input": f"RGB in [0, 1]; for road at {size}, for cars at {data.car_height}x{data.car_width}",
                "objective": "cross-entropy of road, plus confidence and box of cars, each at two looks",
            },
            scores=scores,
            explained="Percent, over all frames of the validation split. Road in the perspective image, frames pooled; "
            "cars by R40 under the\nrule of 2017.",
            predict="IMAGE_OR_FOLDER",
            terms="KITTI's terms (CC BY-NC-SA 3.0) bind what is learned from it; simulated drives have none.",
        )

    def check(self) -> None:
        """See ``RunConfiguration.check``."""
        super().check()
        self.subset.check()
        self.dataset.check()
        if self.augmentation != AugmentationParameters():
            raise ValueError("augmentation is for other tasks; multinet has its own, dataset.augmentation")
