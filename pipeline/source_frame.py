"""One frame of a video of a build, read from its source again: to see what got no label."""

import cv2

from pipeline import fetch_video, storage, survey_video
from pipeline.build import Build
from pipeline.sample_images import jpeg

WIDTH = 640
"""Of the picture, in pixels at most."""


def source_frame(build: Build, video_id: str, pts: int) -> bytes | None:
    """The frame with a time stamp, as the stages see it, as a JPEG file; None where the video is not at hand.

    Not at hand is what was removed, or lies on storage that would have to send the whole video.
    """
    video = build.video(video_id)
    if storage.local_folder(build.root) is None or not survey_video.camera_target(build, video).exists():
        return None
    camera = survey_video.read_camera(build, video)
    try:
        with (
            fetch_video.local_source(build, video, fetch_video.read_record(build, video)) as path,
            survey_video.open_video(build, video, path, camera) as source,
        ):
            frame = next(source.frames(pts, pts), None)
    except Exception:  # what has no label may well be what no library can read
        return None
    if frame is None:
        return None
    image = frame.image
    return jpeg(image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2BGR), WIDTH)
