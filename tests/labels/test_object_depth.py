from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from labels.ground_contact import RoadPlane
from labels.object_depth import object_inverse_depth, own_heading

NOISE = (0.3, 0.02)


@pytest.mark.parametrize("T", [(0.3, 0.1, 1.0), (-1.0, 0.2, 0.1), (0.0, 0.0, -1.0)])
def test_a_region_has_the_heading_that_explains_its_flow(corridor: Callable[..., Any], T: Any) -> None:
    scene = corridor((0.2, 0.5, -0.1), T)
    region = np.zeros((scene.height, scene.width), bool)
    region[200:300, 100:300] = True
    heading = own_heading(scene.flow(), region, scene.R, scene.focal, scene.centre)
    assert heading is not None
    assert heading @ scene.heading > np.cos(np.deg2rad(0.05))


def test_most_pixels_tell_the_sense_of_a_heading(corridor: Callable[..., Any]) -> None:
    """One pixel in ten goes back, far: their flow is the more, they are not."""
    scene = corridor((0, 0, 0), (0.3, 0.1, 1.0))
    region = np.zeros((scene.height, scene.width), bool)
    region[200:300, 100:300] = True
    flow = scene.flow()
    flow[200:300, 100:300:10] *= -20
    heading = own_heading(flow, region, scene.R, scene.focal, scene.centre)
    assert heading is not None
    assert heading @ scene.heading > np.cos(np.deg2rad(1))


def test_depth_is_right_up_to_the_scale_of_its_foot(corridor: Callable[..., Any]) -> None:
    scene = corridor((0.2, 0.5, -0.1), (0.3, 0.1, 1.0))
    region = np.zeros((scene.height, scene.width), bool)
    region[200:300, 100:300] = True
    road = RoadPlane(0.07, 0.0, 0.0)
    found = object_inverse_depth(scene.flow(), region, scene.R, scene.focal, scene.centre, NOISE, road)
    assert found is not None and not found[~region].any()
    truth = 1 / (scene.depth - scene.T[2])[region]
    ratio = found[region] / truth
    np.testing.assert_allclose(ratio, np.median(ratio), rtol=0.02)
    assert np.median(found[290:300, 100:300]) == pytest.approx(0.07, rel=1e-6)


def test_what_is_too_small_or_hardly_moves_has_none(corridor: Callable[..., Any]) -> None:
    scene = corridor((0, 0, 0), (0, 0, 1.0))
    region = np.zeros((scene.height, scene.width), bool)
    region[200:210, 100:110] = True
    arguments = (scene.R, scene.focal, scene.centre, NOISE, RoadPlane(0.07, 0, 0))
    assert object_inverse_depth(scene.flow(), region, *arguments) is None
    region[200:300, 100:300] = True
    assert object_inverse_depth(scene.flow(), region, *arguments) is not None
    assert object_inverse_depth(0.01 * scene.flow(), region, *arguments) is None
