"""What camera and recorder add: bonnet, blur, noise, logo, date stamp, black bars."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from simulation.parameters import DriveParameters
from simulation.timeline import Moment

TONES = 4096


@dataclass(frozen=True)
class Overlay:
    """What is fixed to the picture."""

    covered: NDArray[np.bool_]
    """(H, W): pixels that do not show the scene."""
    bonnet: NDArray[np.float32]
    """(H, W): coverage by the bonnet."""
    mirror: NDArray[np.float32]
    """(H, W, 2): for glossy bonnets, the pixel (x, y) of the scene that each pixel mirrors."""
    logo: NDArray[np.float32]
    """(H, W): opacity of the logo."""
    bar: int
    """Rows of black above and below."""


def make_overlay(parameters: DriveParameters) -> Overlay:
    """The overlay of a drive."""
    height, width = parameters.height, parameters.width
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    bar = round(parameters.letterbox * height)
    covered = (y < bar) | (y >= height - bar)
    bonnet, mirror, logo = np.zeros_like(x), np.zeros((height, width, 2), np.float32), np.zeros_like(x)
    if parameters.bonnet != "none":
        across = (x - 0.5 * width) / (0.62 * width)
        edge = height - bar - height * (0.14 - 0.11 * across**2 - 0.12 * across**6)
        bonnet = np.clip(y - edge + 0.5, 0, 1)
        covered |= bonnet > 0
        # the flat sheet mirrors what is as far above its edge, squeezed
        mirror[..., 0] = 0.5 * width + (x - 0.5 * width) * 0.92
        mirror[..., 1] = np.clip(edge - 2.6 * (y - edge) - 0.30 * height, bar, height - 1)
    if parameters.logo:
        logo = draw_logo(height, width, bar)
        covered |= logo > 0
    if parameters.date_stamp:
        covered |= stamp_box(height, width, bar)
    return Overlay(covered, bonnet, mirror, logo, bar)


def draw_logo(height: int, width: int, bar: int) -> NDArray[np.float32]:
    """(H, W) opacity of a ring with a road in it, in the upper right corner."""
    canvas = np.zeros((height * 4, width * 4), np.uint8)
    radius = round(0.045 * height * 4)
    centre = (width * 4 - round(2.0 * radius), bar * 4 + round(2.0 * radius))
    cv2.circle(canvas, centre, radius, 255, max(1, radius // 5), cv2.LINE_AA)
    for side in (-1, 1):
        foot, top = (
            (centre[0] + side * radius // 2, centre[1] + radius // 2),
            (centre[0] + side * radius // 6, centre[1] - radius // 2),
        )
        cv2.line(canvas, foot, top, 255, max(1, radius // 6), cv2.LINE_AA)
    return 0.7 * cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def stamp_place(height: int, bar: int) -> tuple[tuple[int, int], float]:
    """Lower left corner of the date stamp's letters, and their scale."""
    scale = height / 360 * 0.5
    return (round(16 * scale), height - bar - round(14 * scale)), scale


def stamp_box(height: int, width: int, bar: int) -> NDArray[np.bool_]:
    """(H, W): the rectangle behind the date stamp."""
    (x, y), scale = stamp_place(height, bar)
    (wide, high), below = cv2.getTextSize("2021-05-14 10:31:59", cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    box = np.zeros((height, width), bool)
    box[max(y - high - 3, 0) : y + below + 2, max(x - 4, 0) : x + wide + 4] = True
    return box


def camera_effects(
    picture: NDArray[np.float32], parameters: DriveParameters, overlay: Overlay, moment: Moment
) -> NDArray[np.uint8]:
    """The (H, W, 3) RGB ``uint8`` image of a linear picture, with the recorder's additions."""
    picture = add_bonnet(picture, parameters.bonnet, overlay)
    if parameters.blur > 0:
        picture = cv2.GaussianBlur(picture, (0, 0), parameters.blur)
    image = display(picture)
    if parameters.noise > 0:
        image = add_noise(image, parameters, moment.source)
    if overlay.logo.any():
        share = overlay.logo[..., None]
        image = (image * (1 - share) + 245 * share + 0.5).astype(np.uint8)
    if parameters.date_stamp:
        add_stamp(image, parameters, overlay, moment.source)
    if overlay.bar:
        image[: overlay.bar], image[-overlay.bar :] = 0, 0
    return image


def display(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Linear light to display values: a shoulder for the highlights, then the sRGB curve."""
    index = np.clip(picture * (TONES / 2), 0, TONES - 1).astype(np.uint16)
    return tone_curve()[index]


def tone_curve() -> NDArray[np.uint8]:
    """(TONES,) display values of linear light from 0 to 2."""
    light = (np.arange(TONES) + 0.5) * 2 / TONES
    bent = np.where(light < 0.7, light, 0.7 + 0.3 * np.tanh((light - 0.7) / 0.42))
    value = np.where(bent < 0.0031308, 12.92 * bent, 1.055 * bent ** (1 / 2.4) - 0.055)
    return np.clip(255 * value + 0.5, 0, 255).astype(np.uint8)


def add_bonnet(picture: NDArray[np.float32], kind: str, overlay: Overlay) -> NDArray[np.float32]:
    """Paint the bonnet over the lower end: dark and matte, or glossy with the scene mirrored in it."""
    if kind == "none":
        return picture
    share = overlay.bonnet[..., None]
    rows = np.linspace(0, 1, picture.shape[0], dtype=np.float32)[:, None, None]
    sheet = np.array([0.030, 0.032, 0.036], np.float32) * (1.6 - 0.8 * rows)
    if kind == "glossy":
        mirrored = cv2.remap(picture, overlay.mirror, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        sheet = sheet + 0.45 * cv2.GaussianBlur(mirrored, (0, 0), picture.shape[1] / 640)
    return np.asarray(picture * (1 - share) + sheet * share, np.float32)


def add_noise(image: NDArray[np.uint8], parameters: DriveParameters, source: int) -> NDArray[np.uint8]:
    """Gaussian sensor noise, drawn from the seed and the frame's number; duplicates repeat it."""
    random = np.random.default_rng([parameters.seed, 5, source])
    noise = random.standard_normal(image.shape, np.float32) * parameters.noise
    return np.clip(image + noise + 0.5, 0, 255).astype(np.uint8)


def add_stamp(image: NDArray[np.uint8], parameters: DriveParameters, overlay: Overlay, source: int) -> None:
    """Write date and time into the image, white on a dark box."""
    place, scale = stamp_place(image.shape[0], overlay.bar)
    box = stamp_box(image.shape[0], image.shape[1], overlay.bar)
    image[box] = image[box] // 4
    seconds = 37_919 + int(source / parameters.fps)
    text = f"2021-05-14 {seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, (240, 240, 240), 1, cv2.LINE_AA)
