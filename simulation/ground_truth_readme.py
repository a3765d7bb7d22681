"""The README that a ground truth folder explains itself with."""

from simulation.parameters import DriveParameters, as_options

HEAD = """\
# A simulated drive with exact ground truth

Made by `python -m simulation render OUT {options} --ground-truth`:
{frames} frames of {width}x{height} pixels, {fps:g} a second. The same command gives the same bytes.

Frames are numbered from 0 and named alike in all folders. Camera coordinates: x right, y down, z forward, in metres;
integer pixel coordinates lie at pixel centres.

| File | What it is |
| --- | --- |"""
FILES = {
    "image_2/": "the frames, 8-bit RGB PNG{decoded}",
    "video.mp4": "the frames as H.264, crf {crf}",
    "times.txt": "seconds since the first frame, a line a frame",
    "calib.txt": "`P0` and `P2`: the camera's 3x4 projection matrix by rows (the one camera under both names)",
    "poses.txt": "a line a frame: 3x4 matrix by rows from that camera to the first one",
    "pairs.csv": "a row for each frame but the last: motion to the next frame, `X2 = R X1 + t`",
    "depth/": "uint16 PNG, metres along the optical axis x 256; 0 = sky, beyond 255 m, burnt in (bonnet, logo, bars)",
    "mask/": "uint8 PNG, sum of: 1 depth known and the next frame shows the point, 2 depth known, 4 the point moves in "
    "the world until the next frame",
    "flow/": "flow to the next frame, KITTI's encoding (uint16 RGB PNG: u x 64 + 2^15, v x 64 + 2^15, 1; all 0 = "
    "unknown), of moving things too, and of points that the next frame hides",
    "classes/": "uint8 PNG: 0 sky, 1 building, 2 pole, 3 road, 4 pavement, 5 tree, 6 sign, 7 fence, 8 car, "
    "9 pedestrian, 10 bicyclist (CamVid's 11 classes), 11 void (burnt in)",
    "fixed.png": "uint8 PNG, for all frames: 255 = bonnet, date stamp, bars, logo with what it encircles; else 0",
    "label_2/": "KITTI's object labels, a line an object of which a pixel shows: type, truncated (share of its 2D "
    "box outside the image), occluded (0: at least 80 % of its pixels in the image visible, 1: 40 %, 2: less), "
    "alpha, 2D box, height width length, location (centre of the bottom), rotation_y; nothing beyond 90 m or under 8 "
    "pixels of height",
}
CUTS = """\
The video cuts to another street after {which}. There `pairs.csv` and `poses.txt` say that the camera stands still, the
flow is unknown and no point is visible in the next frame: leave these pairs out."""


def readme(parameters: DriveParameters, cuts: list[int]) -> list[str]:
    """The lines; ``cuts``: the frames that are followed by another place."""
    decoded = "" if parameters.crf is None else ", as `video.mp4` decodes"
    head = HEAD.format(
        options=" ".join(as_options(parameters)),
        frames=parameters.frames,
        width=parameters.width,
        height=parameters.height,
        fps=parameters.fps,
    )
    rows = [
        f"| `{name}` | {text.format(decoded=decoded, crf=parameters.encoding_crf)} |" for name, text in FILES.items()
    ]
    which = f"frame{'s' * (len(cuts) > 1)} " + ", ".join(map(str, cuts))
    tail = CUTS.format(which=which) if cuts else "The video has no cuts."
    return [*head.splitlines(), *rows, "", *tail.splitlines()]
