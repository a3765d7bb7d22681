"""The images of a video's pairs, each frame decoded once."""

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import outcome, survey_video
from pipeline.build import Build
from pipeline.manifest import Video
from pipeline.outcome import FAILED, Outcome


class PairFrames:
    """The frames of pairs of a surveyed video, and the processor time that decoding them took."""

    def __init__(self, build: Build, video: Video, camera: dict[str, Any]) -> None:
        self.build, self.video, self.camera = build, video, camera
        self.seconds = 0.0

    def of(self, pairs: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], Any, Any]]:
        """Each pair, in order, with its two images, or the outcome in place of the first where they are not read."""
        needed = {pair["pts"] for pair in pairs} | {pair["second_pts"] for pair in pairs}
        held: dict[int, NDArray[np.uint8]] = {}
        waiting = list(pairs)
        problem = Outcome(FAILED, "frame_missing", "the frame was there in the survey and is not there now")
        try:
            for frame in self._decoded(needed):
                held[frame.pts] = frame.image
                while waiting and waiting[0]["second_pts"] in held and waiting[0]["pts"] in held:
                    pair = waiting.pop(0)
                    yield pair, held[pair["pts"]], held[pair["second_pts"]]
                    held = {pts: image for pts, image in held.items() if waiting and pts >= waiting[0]["pts"]}
        except Exception as error:  # damaged video: what could be read is used, the rest says why not
            problem = outcome.of_error(error)
        yield from ((pair, problem, None) for pair in waiting)

    def _decoded(self, needed: set[int]) -> Iterator[Any]:
        frames = survey_video.frames_of(self.build, self.video, self.camera, needed)
        while True:
            began = time.process_time()
            frame = next(frames, None)
            self.seconds += time.process_time() - began
            if frame is None:
                return
            yield frame
