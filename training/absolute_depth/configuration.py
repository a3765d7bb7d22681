"""All parameters of a run on metric depth. The defaults are the paper's recipe for KITTI's Eigen split.

Jiang et al., ECCV 2018, section 5.3: 300 epochs, Adam at 1e-4 with weight decay 5e-4, a tenth of the rate from epoch
200 on. What the paper leaves open is a choice: the batch, the objective (see ``objectives``), the range, the levels of
the decoder (see ``models.encoder_decoder``).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from training.absolute_depth.batches import DepthExample
from training.absolute_depth.frames import DepthFrame, depth_frames
from training.absolute_depth.objectives import DepthObjective, objective
from training.card import Card
from training.configuration import InputParameters, OptimisationParameters, RunConfiguration
from training.frame_files import validation_folder
from training.frame_loader import FrameLoaderParameters
from training.models.absolute_depth import AbsoluteDepth, DepthRange, build_absolute_depth
from training.models.network import ModelParameters
from training.objectives import Losses
from training.subset import SubsetParameters, chosen


@dataclass(frozen=True)
class DepthData:
    """Which frames; folders are below ``--data``."""

    folder: str = "."
    """root of KITTI raw, a simulated drive, or a folder of such drives"""
    depth: str | None = None
    """folder that PrepareKittiDepth wrote, TO/AXIS; KITTI alone"""
    frames: str | None = None
    """CSV list of the frames, as data_manifests/kitti_eigen_train.csv; KITTI alone"""
    validation_folder: str | None = None
    """root of the frames for validation; default: ``folder``"""
    validation_frames: str | None = None
    """CSV list of those"""

    def open(self, root: Path, validation: bool) -> list[DepthFrame]:
        """The frames for training, or those for validation.

        Raises ``ValueError`` where a file is missing or wrong, or nothing keeps the two purposes apart.
        """
        folder, names = self.folder, self.frames
        if validation:
            names = self.validation_frames
            folder = validation_folder("dataset", self.validation_folder, names, self.folder)
        prepared = root / self.depth if self.depth and names else None
        return depth_frames(root / folder, Path(names) if names else None, prepared)


@dataclass(frozen=True)
class DepthPrediction:
    """How predictions are written; it does not change what is learned."""

    flip_average: bool = False
    """blend with what the mirrored image gives: monodepth's pp, twice the work"""


@dataclass(frozen=True)
class AbsoluteDepthConfiguration(RunConfiguration):
    """A run on metric depth."""

    task: ClassVar[str] = "absolute_depth"

    model: ModelParameters = field(default_factory=lambda: ModelParameters("resnet50", "encoder_decoder"))
    optimisation: OptimisationParameters = field(
        default_factory=lambda: OptimisationParameters(epochs=300, drops=[200])
    )
    range: DepthRange = field(default_factory=DepthRange)
    input: InputParameters = field(default_factory=lambda: InputParameters(352, 1216))
    dataset: DepthData = field(default_factory=DepthData)
    subset: SubsetParameters = field(default_factory=SubsetParameters)
    loader: FrameLoaderParameters = field(default_factory=FrameLoaderParameters)
    objective: DepthObjective = field(default_factory=DepthObjective)
    prediction: DepthPrediction = field(default_factory=DepthPrediction)

    @property
    def batch_size(self) -> int:
        """See ``RunConfiguration.batch_size``."""
        return self.loader.batch_size

    @property
    def input_size(self) -> tuple[int, int]:
        """See ``RunConfiguration.input_size``."""
        return self.input.height, self.input.width

    def network(self) -> AbsoluteDepth:
        """See ``RunConfiguration.network``."""
        return build_absolute_depth(self.model, self.range)

    def losses(self) -> Losses:
        """See ``RunConfiguration.losses``."""
        measure = objective(self.objective)

        def rows(forward: Callable[..., Tensor], example: DepthExample, noise: Tensor) -> Tensor:
            return measure(forward(example.images, noise), example.metres)

        return rows

    def frames(self, root: Path, validation: bool) -> list[DepthFrame]:
        """The frames for training, of which ``subset`` says how many, or all for validation."""
        frames = self.dataset.open(root, validation)
        return frames if validation else [frames[number] for number in chosen(len(frames), self.subset)]

    def card(self) -> Card:
        """See ``RunConfiguration.card``."""
        return Card(
            title="Metric depth",
            what=f"A network that gives each pixel of a frame its depth in metres, {self.range.minimum:g} to "
            f"{self.range.maximum:g}, for the cameras\nthat it was trained on.",
            facts={
                "input": f"RGB in [0, 1], the whole frame resized to {self.input.height}x{self.input.width}; colours "
                "normalised within",
                "objective": f"{self.objective.name} over the pixels with a point",
            },
            scores={
                "abs_rel": "abs rel",
                "sq_rel": "sq rel",
                "rmse": "RMSE",
                "rmse_log": "RMSE log",
                "delta1": "< 1.25",
                "delta2": "< 1.25^2",
                "delta3": "< 1.25^3",
            },
            explained="Means over the frames of the validation split, Garg crop, 0.001 to 80 m, no scaling.",
            predict="IMAGE_OR_FOLDER",
            terms="KITTI's terms (CC BY-NC-SA 3.0) bind what is learned from it; simulated drives have none.",
        )

    def check(self) -> None:
        """See ``RunConfiguration.check``."""
        super().check()
        self.subset.check()

    def _positive(self) -> dict[str, float | None]:
        return {"input.height": self.input.height, "input.width": self.input.width, **super()._positive()}
