"""Writing a drive as H.264, always with the same bytes."""

import os
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from simulation.drive import images
from simulation.parameters import DriveParameters


def write_video(path: str | Path, parameters: DriveParameters, progress: Callable[[int], None] | None = None) -> None:
    """Render the drive into an H.264 (yuv420p) mp4 file at exactly ``path``; the name appears when the file is whole.

    ``progress`` is called with the number of frames done. Raises ``ValueError`` if the folder cannot be written.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"cannot write the video {path}: it is a folder; name a file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        encode(path, images(parameters), parameters, progress)
    except OSError as error:
        raise ValueError(f"cannot write the video {path}: {error.strerror or error}") from error


def encode(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    parameters: DriveParameters,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Encode (H, W, 3) RGB ``uint8`` frames; see ``write_video``. Raises ``OSError`` if the file cannot be written."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.touch()  # better to fail before rendering
        with av.open(str(temporary), "w", format="mp4") as container:
            stream = make_stream(container, parameters)
            for number, image in enumerate(frames):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
                frame.pts, frame.time_base = number, stream.codec_context.time_base
                container.mux(stream.encode(frame))
                if progress:
                    progress(number + 1)
            container.mux(stream.encode(None))
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def make_stream(container: av.container.OutputContainer, parameters: DriveParameters) -> av.VideoStream:
    """The same frames give the same bytes, on any processor.

    Besides one thread and a fixed preset this needs ``cpu-independent``: without it x264 picks kernels of its
    macroblock tree by the processor, some of which read memory that nobody wrote.
    """
    rate = Fraction(parameters.fps).limit_denominator(1001)
    options = {
        "preset": "veryfast",
        "crf": str(parameters.encoding_crf),
        "threads": "1",
        "g": "120",
        "x264-params": "cpu-independent=1",
    }
    stream = container.add_stream("libx264", rate=rate, options=options)
    stream.width, stream.height, stream.pix_fmt = parameters.width, parameters.height, "yuv420p"
    stream.codec_context.time_base = 1 / rate
    stream.codec_context.thread_count = 1
    return stream


def decode(path: str | Path) -> Iterator[NDArray[np.uint8]]:
    """The (H, W, 3) RGB ``uint8`` frames of a video file, in order."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")
