"""FastBox, the car decoder of MultiNet: a box and a confidence a cell, then a second look at the box (MODELS 4.1).

Cells are 32 x 32 pixels. A box is (x, y, w, h) in pixels, x and y from the centre of its cell to that of the box.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.models.dropout import SampleDropout

CELL = 32
EARLY_STRIDE = 8
"""Pixels of a cell of the early features."""
SHIFTS = (-0.25, 0.0, 0.25)
"""Where the second look is taken, in widths and heights of the box from its centre."""
BOX_SCALE, BOX_CHANGE_SCALE, SCORE_CHANGE_SCALE = 50, 5, 50
INITIAL = 0.1
"""Weights begin uniform in plus and minus this."""


@dataclass(frozen=True)
class FastBoxParameters:
    """Widths of the layers and scales of the features."""

    hidden: int = 500
    """features of a cell, first look"""
    early_channels: int = 256
    """channels of conv4_3 that the second look uses, the first ones"""
    second_hidden: int = 128
    """features of a cell, second look"""
    dropout: float = 0.5
    """share dropped of cells' features and of the second look"""
    deep_scale: float = 0.1
    """factor on pool5; suits activations of hundreds, of weights for colours of 0 to 255; 1 for colours near 1"""
    early_scale: float = 0.001
    """factor on conv4_3; likewise"""


@dataclass
class Cars:
    """What FastBox says of N images with a grid of R x C cells, ``float32``."""

    box: Tensor  # (N, R, C, 4), first look
    scores: Tensor  # (N, R, C, 2): no car, car
    box_change: Tensor  # (N, R, C, 4): to be added to ``box``
    final_scores: Tensor  # (N, R, C, 2)

    @property
    def final_box(self) -> Tensor:
        """(N, R, C, 4) after the second look."""
        return self.box + self.box_change


class FastBox(nn.Module):
    """Boxes from ``pool5`` of VGG16, corrected by what ``conv4`` shows at nine points of each box ("rezoom")."""

    def __init__(self, parameters: FastBoxParameters, deep_channels: int = 512) -> None:
        super().__init__()
        self.parameters_of_model = parameters
        hidden, points = parameters.hidden, len(SHIFTS) ** 2
        self.ip = nn.Linear(deep_channels, hidden, bias=False)
        self.box_out = nn.Linear(hidden, 4, bias=False)
        self.confs_out = nn.Linear(hidden, 2, bias=False)
        width = hidden + points * parameters.early_channels
        self.delta1 = nn.Linear(width, parameters.second_hidden, bias=False)
        self.delta_boxes = nn.Linear(parameters.second_hidden, 4, bias=False)
        self.delta2 = nn.Linear(parameters.second_hidden, 2, bias=False)
        self.dropouts = nn.ModuleList(SampleDropout(parameters.dropout, stream) for stream in (20, 21, 22))

    def initialise(self) -> None:
        """All weights uniform in [-0.1, 0.1]."""
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -INITIAL, INITIAL)

    def forward(self, maps: dict[str, Tensor], noise: Tensor | None) -> Cars:
        """Boxes and scores from the maps of images (N, 3, 32 R, 32 C)."""
        with torch.autocast(maps["pool5"].device.type, enabled=False):  # boxes are hundreds of pixels, to a tenth
            return self._look(maps["pool5"].float(), maps["conv4"].float(), noise)

    def _look(self, deep: Tensor, early: Tensor, noise: Tensor | None) -> Cars:
        p, (first, again, last) = self.parameters_of_model, self.dropouts
        cells = deep.permute(0, 2, 3, 1)
        hidden = first(self.ip(cells * p.deep_scale), noise)
        box, scores = self.box_out(hidden) * BOX_SCALE, self.confs_out(hidden)
        seen = again(rezoom(early[:, : p.early_channels], box), noise)
        joined = torch.cat([hidden, seen * p.early_scale], dim=-1)
        second = last(functional.relu(self.delta1(joined)), noise)
        change = self.delta_boxes(second) * BOX_CHANGE_SCALE
        return Cars(box, scores, change, self.delta2(second) * SCORE_CHANGE_SCALE)


def centres(rows: int, columns: int, device: torch.device | None = None) -> Tensor:
    """(R, C, 2) pixel coordinates x, y of the cells' centres."""
    y, x = torch.meshgrid(torch.arange(rows, device=device), torch.arange(columns, device=device), indexing="ij")
    return torch.stack([x, y], dim=-1) * CELL + CELL / 2


def rezoom(early: Tensor, box: Tensor) -> Tensor:
    """The early features (N, C, h, w) at nine points of each box (N, R, C', 4): (N, R, C', 9 C), points in rows.

    A point's place is pixels / 8, held within the map.
    """
    shifts = torch.tensor([(x, y) for y in SHIFTS for x in SHIFTS], device=box.device)
    centre = box[..., :2] + centres(box.shape[1], box.shape[2], box.device)
    points = (centre[..., None, :] + shifts * box[..., None, 2:]) / EARLY_STRIDE
    return bilinear(early, points).flatten(-2)


def bilinear(features: Tensor, points: Tensor) -> Tensor:
    """Features (N, C, h, w) at points (N, ..., 2), x and y in cells of the map, held within it: (N, ..., C).

    Written out, since torch's ``grid_sample`` has no deterministic gradient on GPUs.
    """
    images, channels, height, width = features.shape
    x, y = points[..., 0].clamp(0, width - 1), points[..., 1].clamp(0, height - 1)
    left, top = x.detach().floor().long(), y.detach().floor().long()
    right, bottom = (left + 1).clamp(max=width - 1), (top + 1).clamp(max=height - 1)
    dx, dy = (x - left)[..., None], (y - top)[..., None]
    flat = features.permute(0, 2, 3, 1).reshape(-1, channels)
    start = torch.arange(images, device=features.device).view(-1, *[1] * (points.ndim - 2)) * height * width

    def at(row: Tensor, column: Tensor) -> Tensor:
        return flat[start + row * width + column]

    upper = at(top, left) * (1 - dx) + at(top, right) * dx
    lower = at(bottom, left) * (1 - dx) + at(bottom, right) * dx
    return upper * (1 - dy) + lower * dy
