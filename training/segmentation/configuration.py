"""All parameters of a fine-tuning run. The defaults are the paper's recipe for AlexNet on KITTI, 100 images.

Jiang et al., ECCV 2018, section 5.1: random crops, flips and colour jitter, batches of 16, Adam at 1e-4 with weight
decay 5e-4, a tenth of the rate from epoch 400 of 600 on.
"""

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from training.card import Card
from training.configuration import OptimisationParameters, RunConfiguration
from training.frame_loader import FrameLoaderParameters
from training.models.network import ModelParameters
from training.objectives import Losses
from training.segmentation import objective
from training.segmentation.layouts import Layout, layout_of
from training.segmentation.loader import CropParameters
from training.segmentation.objective import CrossEntropyParameters
from training.subset import SubsetParameters


@dataclass(frozen=True)
class SegmentationDataParameters:
    """Which dataset, and which of its splits."""

    layout: Literal["cityscapes", "cityscapes_256", "camvid", "camvid_segnet", "kitti"] = "kitti"
    """how images and labels lie below ``--data``, and which classes they have"""
    train: str = "train"
    """split to train on"""
    validation: str = "val"
    """split to validate on"""
    held_out: float = 0.0
    """share of the training split to validate on instead, to choose parameters by; 0: none"""


@dataclass(frozen=True)
class SegmentationConfiguration(RunConfiguration):
    """A run of fine-tuning for semantic segmentation."""

    task: ClassVar[str] = "segmentation"

    model: ModelParameters = field(default_factory=lambda: ModelParameters(activation="none"))
    optimisation: OptimisationParameters = field(
        default_factory=lambda: OptimisationParameters(epochs=600, drops=[400])
    )
    dataset: SegmentationDataParameters = field(default_factory=SegmentationDataParameters)
    subset: SubsetParameters = field(default_factory=SubsetParameters)
    crop: CropParameters = field(default_factory=lambda: CropParameters(352, 352))
    loader: FrameLoaderParameters = field(default_factory=lambda: FrameLoaderParameters(batch_size=16))
    objective: CrossEntropyParameters = field(default_factory=CrossEntropyParameters)

    @property
    def layout(self) -> Layout:
        """The dataset's files and classes."""
        return layout_of(self.dataset.layout)

    @property
    def batch_size(self) -> int:
        """See ``RunConfiguration.batch_size``."""
        return self.loader.batch_size

    @property
    def input_size(self) -> tuple[int, int]:
        """See ``RunConfiguration.input_size``."""
        return self.crop.height, self.crop.width

    def with_classes(self) -> "SegmentationConfiguration":
        """The same with as many outputs as the dataset has classes, and none bent by an activation."""
        outputs = len(self.layout.benchmark.classes)
        return replace(self, model=replace(self.model, outputs=outputs, activation="none"))

    def losses(self) -> Losses:
        """See ``RunConfiguration.losses``."""
        return objective.losses(self.objective)

    def card(self) -> Card:
        """See ``RunConfiguration.card``."""
        layout, crop = self.layout, self.crop
        weighted = ", weighted by class" if self.objective.class_weights else ""
        return Card(
            title=f"Segmentation, {layout.name}",
            what=f"A network that gives each pixel of a frame one of {len(layout.benchmark.classes)} classes: "
            f"{', '.join(layout.benchmark.names)}.",
            facts={
                "input": f"RGB in [0, 1] at {crop.scale:g} of the size of the images, crops of {crop.height}x"
                f"{crop.width}; colours normalised within",
                "objective": f"cross-entropy of pixels that are not void{weighted}",
                "part of the training split": f"{self.subset.fraction:g}, at most "
                f"{self.subset.max_samples or 'all'} images, drawn by seed {self.subset.seed}",
            },
            scores={"mean_iou": "mean IoU", "category_mean_iou": "categories", "mean_iou_at_scale": "at scale"},
            explained="Intersection over union, one matrix of all images of the validation split; void truth does not "
            "count. Scores of\nclasses are resized to the full size of the labels before the best is taken; 'at "
            "scale' compares at the scale of training.",
            predict="IMAGE_OR_FOLDER",
            terms=f"The terms of {layout.name} bind what is learned from it.",
        )

    def check(self) -> None:
        """See ``RunConfiguration.check``."""
        super().check()
        self.subset.check()
        if not 0 <= self.dataset.held_out < 1:
            raise ValueError(f"dataset.held_out must be in [0, 1), not {self.dataset.held_out}")
        classes, weights = self.layout.benchmark.names, self.objective.class_weights
        if weights and len(weights) != len(classes):
            raise ValueError(
                f"objective.class_weights has {len(weights)} weights; {self.dataset.layout} has {len(classes)} "
                f"classes: {', '.join(classes)}"
            )

    def _positive(self) -> dict[str, float | None]:
        crop = {f"crop.{name}": getattr(self.crop, name) for name in ("height", "width", "scale")}
        return {**crop, **super()._positive()}
