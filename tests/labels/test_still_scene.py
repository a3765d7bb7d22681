from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from labels import seeds, still_scene
from labels.census_flow import PRESETS
from labels.seeds import Pair
from labels.still_scene import Camera, StillParameters
from simulation import DriveParameters, Frame, render
from simulation.video import decode, encode

Angle = Callable[[np.ndarray, np.ndarray], float]
PARAMETERS = PRESETS["balanced"]
LIKENESS = (np.exp(-np.arange(256) / PARAMETERS.guide_grey) + 1e-4).astype(np.float32)


@pytest.fixture(scope="module")
def coded(tmp_path_factory: pytest.TempPathFactory) -> list[Frame]:
    """A drive on asphalt without texture to speak of, as coded video shows it."""
    path: Path = tmp_path_factory.mktemp("faint") / "video.mp4"
    drive = DriveParameters(frames=12, seed=2, asphalt=0.2, crf=28)
    frames = list(render(drive))
    encode(path, (frame.image for frame in frames), drive)
    return [replace(frame, image=image) for frame, image in zip(frames, decode(path), strict=True)]


def cameras(frames: list[Frame], parameters: StillParameters) -> list[tuple[Camera, Camera, np.ndarray]]:
    """Of each pair: by the matches, measured anew, and the true heading."""
    found = []
    for first, second in zip(frames[::2], frames[1::2], strict=True):
        pair = Pair.of(*(cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY) for frame in (first, second)))
        matched = seeds.match(pair, PARAMETERS.seeds, PARAMETERS.edges)
        before = matched.displacements.copy(), matched.weights.copy()
        rough = still_scene.camera(pair, matched, parameters)
        assert rough is not None
        anew = still_scene.measured_anew(pair, matched, rough, LIKENESS, parameters)
        for given, left in zip(before, (matched.displacements, matched.weights), strict=True):
            np.testing.assert_array_equal(given, left)
        found.append((rough, anew, first.T / np.linalg.norm(first.T)))
    return found


def test_on_faint_asphalt_the_frames_tell_the_heading_better_than_coded_matches(
    coded: list[Frame], angle_deg: Angle
) -> None:
    errors = [[angle_deg(camera.motion.T, true) for camera in both] for *both, true in cameras(coded, PARAMETERS.still)]
    rough, anew = np.median(errors, axis=0)
    assert anew < 0.5 * rough


@pytest.mark.parametrize("change", [{"road": None}, {"faint_share": 1.1}, {"measured": 150}])
def test_without_a_faint_road_or_enough_measurements_the_camera_stays(
    coded: list[Frame], change: dict[str, object]
) -> None:
    for rough, anew, _ in cameras(coded[:4], replace(PARAMETERS.still, **change)):
        assert anew is rough
