"""Opening any local source of frames: a video file, a folder of images, or a pattern of image names."""

import glob
from pathlib import Path

from pipeline.frame_source import Crop, DecodedFrame, DecodeError, Framing, Source, Span
from pipeline.image_folder import SUFFIXES, ImageFolder
from pipeline.video_file import VideoFile

__all__ = ["Crop", "DecodeError", "DecodedFrame", "Framing", "Source", "open_source"]


def open_source(
    path: str | Path,
    fps: float | None = None,
    start_s: float | None = None,
    end_s: float | None = None,
    crop: Crop | None = None,
    width: int = 640,
) -> Source:
    """Open a video file, a folder of images or a pattern such as ``frames/*.png``.

    ``fps`` is needed for images and ignored for video. Only frames with ``start_s <= time < end_s`` come out, of them
    the part that ``crop`` leaves, scaled to ``width`` pixels (less where the source has less), aspect kept, both sides
    even. Use as a context manager. Raises ``DecodeError``, whose ``reason`` is a short code.
    """
    crop, span, path = crop or Crop(), Span(start_s, end_s), Path(path)
    if path.is_dir():
        return _images([each for each in path.iterdir() if each.is_file()], path, fps, crop, width, span)
    if path.exists():
        if path.stat().st_size == 0:
            raise DecodeError("empty", f"{path.name} is empty")
        return VideoFile(path, crop, width, span)
    if glob.has_magic(str(path)):
        return _images([Path(each) for each in glob.glob(str(path))], path, fps, crop, width, span)  # noqa: PTH207
    raise DecodeError("missing", f"{path.name} does not exist")


def _images(paths: list[Path], origin: Path, fps: float | None, crop: Crop, width: int, span: Span) -> Source:
    if not any(path.suffix.lower() in SUFFIXES for path in paths):
        raise DecodeError("missing", f"{origin}: no images there; known are {' '.join(sorted(SUFFIXES))}")
    if fps is None or not 0 < fps < 1e4:
        raise DecodeError("no_rate", f"{origin}: images need their frame rate; give fps in the manifest")
    return ImageFolder(paths, fps, crop, width, span)
