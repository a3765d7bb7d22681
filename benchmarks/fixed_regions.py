"""What is taken for fixed to the car: ``python -m benchmarks.fixed_regions DRIVE``, or ``--root ROOT --sheet F.png``.

A simulated DRIVE with ground truth says by its ``fixed.png`` what is fixed; the overlap of what is found with it is the
area in both over the area in either. ROOT is that of builds: each surveyed video is a row with the share of the frame
that is masked, or why nothing is, pairs looked at, noise of the flow, focal length over the width and its state,
processor seconds of the whole survey. The sheet shows a frame from the middle of each video, what is masked in red.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import figures
from benchmarks.sequences import Sequence, SequenceError
from labels.fixed_regions import FixedRegionParameters
from labels.flow import grey
from labels.second_look import Camera, SecondLook, glances
from labels.survey import Survey
from pipeline import build as builds
from pipeline import fetch_video, survey_video
from pipeline.build import Build
from pipeline.errors import UserError
from pipeline.manifest import Video

TILE, ACROSS = (480, 270), 4
COLUMNS = ("fixed_fraction", "fixed_reason", "pairs_looked_at", "noise_floor_px", "noise_relative", "focal_state")
_HEAD = f"{'video':24s}   fixed  pairs  noise px  relative  focal  state       survey s  why no mask"


def looked_at(drive: Sequence, width: int = 640, pairs: int = FixedRegionParameters().pairs) -> Camera:
    """A drive as a survey sees it, its focal length known."""
    width = min(width, drive.image(0).shape[1])
    images = [drive.image(index, width) for index in range(len(drive))]
    times = np.loadtxt(drive.folder / "times.txt", ndmin=1)
    first_look = Survey()
    for image, time_s in zip(images, times):
        first_look.add(image, float(time_s))
    chosen, camera = glances(first_look.table(), width, pairs), drive.camera(width)
    size = images[0].shape[1], images[0].shape[0]
    look = SecondLook(size, camera.focal, True, (camera.cx, camera.cy), len(chosen))
    for glance in chosen:
        look.add(grey(images[glance.first]), grey(images[glance.second]), [], glance.fresh)
    return look.camera()


def compare(folder: Path) -> dict[str, Any]:
    """What is found fixed in a drive beside what is."""
    drive = Sequence(folder)
    truth = drive.fixed()
    if truth is None or not (folder / "times.txt").exists():
        raise SequenceError(f"{folder} has no fixed.png or times.txt; render it with simulation render --ground-truth")
    found = looked_at(drive)
    mask = found.fixed.mask
    fixed = cv2.resize(truth.astype(np.uint8), mask.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    either = np.count_nonzero(mask | fixed)
    return {
        "drive": folder.name,
        "pairs": found.pairs,
        "truth": round(float(fixed.mean()), 4),
        "found": round(float(mask.mean()), 4),
        "overlap": round(float(np.count_nonzero(mask & fixed) / either), 4) if either else None,
        "reason": found.fixed.reason,
    }


def _compared(row: dict[str, Any]) -> str:
    overlap = "    -" if row["overlap"] is None else f"{row['overlap']:.3f}"
    return (
        f"{row['drive']:24s}  {row['pairs']:5d}  {row['truth']:.4f}  {row['found']:.4f}    {overlap}  {row['reason']}"
    )


def surveyed(root: str) -> Iterator[tuple[Build, Video, dict[str, Any]]]:
    """Every video under a root with a finished survey, and its camera; once, though several builds have it."""
    builds.require_root(root)
    seen = set()
    for record in sorted(Path(root, "builds").glob("*.json")):
        build = builds.load(root, record.stem)
        for video in build.videos:
            target = survey_video.camera_target(build, video)
            if target.url in seen or not target.exists():
                continue
            seen.add(target.url)
            camera = survey_video.read_camera(build, video)
            if survey_video.ended(camera).done:
                yield build, video, camera


def measure(video: Video, camera: dict[str, Any]) -> dict[str, Any]:
    """The figures of a video."""
    told = {"video": video.video_id, **{name: camera[name] for name in COLUMNS}}
    return told | {"focal": round(camera["focal_px"] / camera["width"], 3), "seconds": camera["seconds"]}


def tile(build: Build, video: Video, camera: dict[str, Any]) -> NDArray[np.uint8]:
    """A frame from the middle, RGB, with the mask in red and the name of the video."""
    pts = survey_video.read_frames(build, video)["pts"].to_pylist()
    fetched = fetch_video.read_record(build, video)
    with (
        fetch_video.local_source(build, video, fetched) as path,
        survey_video.open_video(build, video, path, camera) as source,
    ):
        image = next(iter(source.frames(pts[len(pts) // 2]))).image.copy()
    mask = survey_video.read_fixed(build, video)
    image[mask] = image[mask] // 2 + np.array([127, 0, 0], np.uint8)
    small = cv2.resize(image, TILE, interpolation=cv2.INTER_AREA)
    cv2.putText(small, video.video_id, (4, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 0))
    return small


def sheet(tiles: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """The tiles (H, W, 3) in rows of four."""
    filled = tiles + [np.zeros_like(tiles[0])] * (-len(tiles) % ACROSS)
    return np.vstack([np.hstack(filled[k : k + ACROSS]) for k in range(0, len(filled), ACROSS)])


def _line(row: dict[str, Any]) -> str:
    return (
        f"{row['video']:24s}  {row['fixed_fraction']:.4f}  {row['pairs_looked_at']:5d}  {row['noise_floor_px']:8.3f}"
        f"  {row['noise_relative']:8.4f}  {row['focal']:.3f}  {row['focal_state']:10s}  {row['seconds']:8.1f}"
        f"  {row['fixed_reason']}"
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    parser = figures.parser("fixed_regions", __doc__)
    parser.add_argument("drives", nargs="*", type=Path, metavar="DRIVE", help="simulated drives with ground truth")
    parser.add_argument("--root", metavar="ROOT", help="the root of builds")
    parser.add_argument("--sheet", type=Path, metavar="F", help="write a contact sheet of the root's videos here, .png")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    try:
        figures.require_folder(options.json, "--json")
        figures.require_folder(options.sheet, "--sheet")
        if not options.drives and not options.root:
            raise UserError("nothing to measure; give simulated drives, or --root")
        if options.sheet and not options.root:
            raise UserError("--sheet shows the videos of a root; give --root")
        rows = [compare(folder) for folder in options.drives]
        found = list(surveyed(options.root)) if options.root else []
        if options.root and not found:
            raise UserError(f"{options.root} has no finished survey; run SurveyVideo or BuildShards first")
    except (ValueError, UserError) as error:
        print(f"benchmarks.fixed_regions: {error}", file=sys.stderr)
        return 2
    if rows:
        print("\n".join([f"{'drive':24s}  pairs  truth   found   overlap  why no mask", *map(_compared, rows)]))
    if found:
        of_videos = [measure(video, camera) for _, video, camera in found]
        print("\n".join([_HEAD, *map(_line, of_videos)]))
        rows += of_videos
    if options.sheet:
        pages = sheet([tile(*each) for each in found])
        options.sheet.write_bytes(cv2.imencode(".png", pages[..., ::-1])[1].tobytes())
    figures.write(options.json, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
