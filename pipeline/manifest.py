"""The manifest: which videos a dataset is made of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Video:
    """One row of a manifest."""

    video_id: str
    source: str
    dataset: str = ""
    split: str = ""
    fps: float | None = None
    crop_top: float = 0.0
    crop_bottom: float = 0.0
    focal_px: float | None = None
    start_s: float | None = None
    end_s: float | None = None
    sha256: str = ""
    licence: str = ""
