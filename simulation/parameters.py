"""What a simulated drive is made of: one frozen dataclass, checked when it is made."""

import math
from collections.abc import Callable
from dataclasses import Field, dataclass, fields
from urllib.parse import parse_qsl

BONNETS = ("none", "matte", "glossy")
TRUTHS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
PARSERS: dict[type, tuple[Callable[[str], object], str]] = {
    bool: (lambda text: TRUTHS[text.lower()], "true or false"),
    int: (int, "a whole number"),
    float: (float, "a number"),
    str: (str, "a word"),
}
"""By type of parameter: what reads its text, and what that text must be."""
LARGEST_FRAME_PIXELS = 4096 * 2304
LONGEST_DRIVE_KM = 20
"""A street takes memory: some 25 MB a kilometre."""


@dataclass(frozen=True)
class DriveParameters:
    """A drive through the simulated street. Equal parameters give equal pixels.

    Raises ``ValueError`` naming the parameter for values that make no drive.
    """

    seed: int = 1
    """Which street, traffic and light."""
    frames: int = 300
    """Number of frames."""
    width: int = 640
    """Pixels; even."""
    height: int = 360
    """Pixels; even."""
    fps: float = 30.0
    """Frames per second."""
    focal: float = 0.8
    """Focal length as a fraction of the width."""
    speed: float = 10.0
    """Mean speed in m/s; it varies by a third."""
    stops: int = 0
    """How many times the car stops on the way."""
    curves: float = 1.0
    """Scale of the street's curvature: 0 = straight, 1 = radii of 90 m and more, at most 1.3."""
    bumps: float = 1.0
    """Scale of the pitch, roll and heave from the road."""
    traffic: float = 1.0
    """Density of moving cars, cyclists and pedestrians: 0 = none, at most 4."""
    bonnet: str = "none"
    """The car's own bonnet in view: none, matte or glossy (mirrors the scene)."""
    logo: bool = False
    """A half-transparent logo in a corner."""
    date_stamp: bool = False
    """Date and time burnt into the picture."""
    cuts: int = 0
    """How many times the video jumps to another street."""
    duplicates: int = 0
    """How many frames repeat the one before."""
    letterbox: float = 0.0
    """Height of each black bar, above and below, as a fraction of the height."""
    noise: float = 0.0
    """Standard deviation of the sensor noise in grey levels."""
    blur: float = 0.0
    """Standard deviation of the lens blur in pixels."""
    asphalt: float = 1.0
    """Contrast of the road's texture: 1 = full, 0.2 = faint, 0 = none."""
    crf: int | None = None
    """Quality of H.264, 0 is best; without it videos get 20 and the images beside ground truth are not compressed."""

    @property
    def encoding_crf(self) -> int:
        """The quality that videos are encoded with."""
        return 20 if self.crf is None else self.crf

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and low <= value <= high):
                raise ValueError(f"simulated drive: {name} must lie within {low} and {high}, got {value}")
        if self.width % 2 or self.height % 2:
            raise ValueError(f"simulated drive: width and height must be even, got {self.width}x{self.height}")
        if self.width * self.height > LARGEST_FRAME_PIXELS:
            raise ValueError(f"simulated drive: {self.width}x{self.height} is too large, at most 4096x2304 pixels")
        length_km = self.frames / self.fps * self.speed / 1000
        if length_km > LONGEST_DRIVE_KM:
            raise ValueError(f"simulated drive: {length_km:.0f} km is too long, at most {LONGEST_DRIVE_KM} km")
        if self.bonnet not in BONNETS:
            raise ValueError(f"simulated drive: bonnet must be one of {', '.join(BONNETS)}, got {self.bonnet!r}")
        if self.cuts + self.duplicates >= self.frames:
            raise ValueError(f"simulated drive: {self.frames} frames have no room for so many cuts and duplicates")


RANGES: dict[str, tuple[float, float]] = {
    "seed": (0, 2**31 - 1),
    "frames": (1, 20_000),
    "width": (64, 4096),
    "height": (64, 4096),
    "fps": (1, 240),
    "focal": (0.2, 5),
    "speed": (0, 40),
    "stops": (0, 100),
    "curves": (0, 1.3),
    "bumps": (0, 5),
    "traffic": (0, 4),
    "cuts": (0, 1000),
    "duplicates": (0, 19_999),
    "letterbox": (0, 0.4),
    "noise": (0, 50),
    "blur": (0, 10),
    "asphalt": (0, 2),
    "crf": (0, 51),
}


def from_source(source: str) -> DriveParameters:
    """The parameters behind ``street?seed=1&frames=240``, what follows ``simulated:`` in a manifest.

    Any field of ``DriveParameters`` may be named once. Raises ``ValueError`` saying which part is wrong.
    """
    scene, _, query = source.partition("?")
    if scene != "street":
        raise ValueError(f"simulated source {source!r}: unknown scene {scene!r}; known: street")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=50)
    except ValueError as error:
        raise ValueError(f"simulated source {source!r}: write street?name=value&name=value") from error
    values: dict[str, object] = {}
    for name, text in pairs:
        if name in values:
            raise ValueError(f"simulated source {source!r}: {name} is given twice")
        values[name] = parse_value(name, text)
    return DriveParameters(**values)  # type: ignore[arg-type]


def parse_value(name: str, text: str) -> object:
    """The value of the parameter ``name`` written as ``text``. Raises ``ValueError`` if either is unknown."""
    kinds = {field.name: kind_of(field) for field in fields(DriveParameters)}
    if name not in kinds:
        raise ValueError(f"simulated drive: unknown parameter {name!r}; known: {', '.join(kinds)}")
    parse, wanted = PARSERS[kinds[name]]
    try:
        return parse(text)
    except (KeyError, ValueError) as error:
        raise ValueError(f"simulated drive: {name} must be {wanted}, got {text!r}") from error


def kind_of(field: Field) -> type:
    """The type of a parameter's values; that of None by default is ``int``."""
    return int if field.default is None else type(field.default)


def as_options(parameters: DriveParameters) -> list[str]:
    """The words of a command line that give these parameters: frames, seed, and what differs from its default."""
    words = []
    for field in fields(DriveParameters):
        value = getattr(parameters, field.name)
        if field.name in ("seed", "frames") or value != field.default:
            option = "--" + field.name.replace("_", "-")
            words += [option] if value is True else [option, str(value)]
    return words
