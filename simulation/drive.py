"""A drive, frame by frame, with everything that is known about each frame."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.boxes import Box, boxes_of
from simulation.camera import Camera, look
from simulation.effects import Overlay, camera_effects, make_overlay
from simulation.image import cast_picture
from simulation.image_motion import Motion, image_motion
from simulation.motion import camera_at, place_bodies, place_solids
from simulation.parameters import DriveParameters
from simulation.raycast import AIR, ON_GRASS, ON_KERB, ON_PAVEMENT, ON_ROAD, View
from simulation.scene import Scene, make_scene
from simulation.solids import PAVEMENT, ROAD, SKY, TREE, VOID
from simulation.textures import rip_maps
from simulation.timeline import Moment, make_timeline


@dataclass(frozen=True)
class Frame:
    """A frame and the truth about it. Conventions as in the sample format: x right, y down, z forward."""

    image: NDArray[np.uint8]
    """(H, W, 3) RGB."""
    depth: NDArray[np.float32]
    """(H, W) metres along the optical axis; inf = sky, 0 = burnt into the picture (bonnet, logo, bars)."""
    flow: NDArray[np.float32]
    """(H, W, 2) pixels to the next frame, exact at pixel centres; NaN where there is none (burnt in, a cut follows,
    behind the next camera)."""
    visible: NDArray[np.bool_]
    """(H, W): the next frame shows the same point."""
    moving: NDArray[np.bool_]
    """(H, W): the point moves in the world until the next frame."""
    classes: NDArray[np.uint8]
    """(H, W): CamVid's 11 classes, 0 Sky 1 Building 2 Pole 3 Road 4 Pavement 5 Tree 6 SignSymbol 7 Fence 8 Car
    9 Pedestrian 10 Bicyclist, 11 = void (burnt in)."""
    R: NDArray[np.float64]
    """(3, 3): orientation of the next camera in this one's frame, X2 = R^T (X1 - T)."""
    T: NDArray[np.float64]
    """(3,) metres: position of the next camera in this one's frame."""
    K: NDArray[np.float64]
    """(3, 3) intrinsic matrix in pixels."""
    pose: NDArray[np.float64]
    """(4, 4) from this camera to the first frame's; at a cut it stays what it was."""
    boxes: tuple[Box, ...]
    """Cars, vans, lorries, pedestrians and cyclists in view."""
    time_s: float
    """Seconds since the first frame."""
    cut: bool
    """The next frame shows another place (or there is none): R, T and the flow do not lead to it."""


@dataclass(frozen=True)
class Shot:
    """One moment of a scene as the camera sees it."""

    scene: Scene
    camera: Camera
    view: View
    rotation: NDArray[np.float64]
    """(N, 3, 3) of all solids in the world."""
    position: NDArray[np.float64]
    """(N, 3) of all solids in the world, metres."""
    time: float


@dataclass(frozen=True)
class Cast:
    """What the rays of a shot met."""

    image: NDArray[np.uint8]
    keys: NDArray[np.int32]
    depths: NDArray[np.float64]


def render(parameters: DriveParameters) -> Iterator[Frame]:
    """Frames with their ground truth, in order. The same parameters give the same bytes."""
    timeline, overlay = make_timeline(parameters), make_overlay(parameters)
    pose = np.eye(4)
    for index, moment in enumerate(timeline):
        shot = shot_at(parameters, moment)
        cast = cast_shot(parameters, shot, moment, overlay)
        last = index + 1 == len(timeline)
        cut = last or timeline[index + 1].part != moment.part
        following = shot if cut else shot_at(parameters, timeline[index + 1])
        flow, visible, moving = motion_between(shot, following, cast)
        classes, depth = class_of(cast.keys, shot), cast.depths.astype(np.float32)
        boxes = boxes_of_shot(shot, cast.keys, overlay.covered)
        covered = overlay.covered
        classes[covered], depth[covered], moving[covered], flow[covered] = VOID, 0, False, np.nan
        visible &= ~covered & ~lands_on(flow, covered)
        if cut:
            flow[:], visible[:], moving[:] = np.nan, False, False
        R, T = camera_motion(shot.camera, following.camera)
        yield Frame(
            cast.image, depth, flow, visible, moving, classes, R, T, shot.camera.matrix, pose, boxes,
            index / parameters.fps, cut,
        )  # fmt: skip
        pose = pose @ np.block([[R, T[:, None]], [np.zeros((1, 3)), np.ones((1, 1))]])


def images(parameters: DriveParameters) -> Iterator[NDArray[np.uint8]]:
    """The images of ``render`` alone, (H, W, 3) RGB ``uint8``, in less time."""
    overlay = make_overlay(parameters)
    before, image = None, None
    for moment in make_timeline(parameters):
        if image is None or moment != before:
            image = cast_shot(parameters, shot_at(parameters, moment), moment, overlay).image
        before = moment
        yield image


@functools.lru_cache(maxsize=2)
def scene_of(parameters: DriveParameters, part: int, duration: float) -> Scene:
    """The scene of a part of the video; the last two are kept."""
    return make_scene(parameters, part, duration)


def shot_at(parameters: DriveParameters, moment: Moment) -> Shot:
    """The camera and the solids at a moment."""
    scene, time = scene_of(parameters, moment.part, moment.duration), moment.time
    camera = camera_at(parameters, scene.street, scene.motion, time)
    rotation, position = place_solids(scene.solids, scene.bodies, scene.street, scene.motion, time)
    return Shot(scene, camera, look(camera, scene.solids, rotation, position), rotation, position, time)


def cast_shot(parameters: DriveParameters, shot: Shot, moment: Moment, overlay: Overlay) -> Cast:
    """The image of a shot, and what its rays met."""
    scene = shot.scene
    picture, keys, depths = cast_picture(
        shot.view, scene.solids, scene.ground, scene.light, rip_maps(), parameters.height, parameters.width
    )
    return Cast(camera_effects(picture, parameters, overlay, moment), keys, depths)


def motion_between(
    shot: Shot, following: Shot, cast: Cast
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """(flow, visible, moving); see ``image_motion.image_motion``."""
    near, camera = shot.view.solid, following.camera
    rotation = np.ascontiguousarray(camera.rotation.T @ following.rotation[near])
    translation = np.ascontiguousarray((following.position[near] - camera.position) @ camera.rotation)
    motion = Motion(rotation, translation, *camera_motion(shot.camera, camera))
    return image_motion(shot.view, following.view, motion, shot.scene.ground, rip_maps(), cast.keys, cast.depths)


def camera_motion(one: Camera, two: Camera) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(R, T): orientation and position of camera two in the frame of camera one."""
    R = np.ascontiguousarray(one.rotation.T @ two.rotation)
    return R, one.rotation.T @ (two.position - one.position)


def class_of(keys: NDArray[np.int32], shot: Shot) -> NDArray[np.uint8]:
    """(H, W) CamVid classes of what the rays met."""
    # keys from -5 up: the ground, the sky, then eight faces of each solid
    ground = {ON_GRASS: TREE, ON_KERB: PAVEMENT, ON_PAVEMENT: PAVEMENT, ON_ROAD: ROAD, AIR: SKY}
    labels = [ground[key] for key in range(min(ground), 0)]
    solids = np.repeat(shot.scene.solids.label[shot.view.solid], 8)
    return np.concatenate([labels, solids]).astype(np.uint8)[keys - min(ground)]


def boxes_of_shot(shot: Shot, keys: NDArray[np.int32], covered: NDArray[np.bool_]) -> tuple[Box, ...]:
    """The boxes in a shot; see ``boxes.boxes_of``."""
    scene = shot.scene
    rotation, position, _ = place_bodies(scene.bodies, scene.street, scene.motion, shot.time)
    owner = scene.solids.body[shot.view.solid]
    return boxes_of(shot.camera, shot.view, scene.bodies, (rotation, position), owner, keys, covered)


def lands_on(flow: NDArray[np.float32], covered: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(H, W): the pixel's end point lies on a covered pixel."""
    height, width = covered.shape
    rows, columns = np.mgrid[0:height, 0:width]
    ends = np.nan_to_num(flow, nan=0.0)
    x = np.clip(np.rint(columns + ends[..., 0]), 0, width - 1).astype(int)
    y = np.clip(np.rint(rows + ends[..., 1]), 0, height - 1).astype(int)
    return covered[y, x]
