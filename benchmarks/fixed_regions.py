"""What surveys took for fixed to the car: ``python -m benchmarks.fixed_regions --root ROOT --sheet F.png``.

ROOT is that of builds. Each surveyed video is a row: share of the frame that is masked, or why nothing is, pairs looked
at, noise of the flow, focal length over the width and its state, processor seconds of the whole survey. The sheet shows
a frame from the middle of each video, what is masked in red.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import figures
from pipeline import build as builds
from pipeline import fetch_video, survey_video
from pipeline.build import Build
from pipeline.errors import UserError
from pipeline.manifest import Video

TILE, ACROSS = (480, 270), 4
COLUMNS = ("fixed_fraction", "fixed_reason", "pairs_looked_at", "noise_floor_px", "noise_relative", "focal_state")
_HEAD = f"{'video':24s}   fixed  pairs  noise px  relative  focal  state       survey s  why no mask"


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
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fixed_regions", description=__doc__.partition("\n")[0])
    parser.add_argument("--root", required=True, metavar="ROOT", help="the root of the builds")
    parser.add_argument("--sheet", type=Path, metavar="F", help="write a contact sheet here, .png")
    parser.add_argument("--json", type=Path, metavar="F", help="write the figures here: an object, a list for several")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    try:
        figures.require_folder(options.json, "--json")
        figures.require_folder(options.sheet, "--sheet")
        found = list(surveyed(options.root))
        if not found:
            raise UserError(f"{options.root} has no finished survey; run SurveyVideo or BuildShards first")
    except (ValueError, UserError) as error:
        print(f"benchmarks.fixed_regions: {error}", file=sys.stderr)
        return 2
    rows = [measure(video, camera) for _, video, camera in found]
    print("\n".join([_HEAD, *map(_line, rows)]))
    if options.sheet:
        pages = sheet([tile(*each) for each in found])
        options.sheet.write_bytes(cv2.imencode(".png", pages[..., ::-1])[1].tobytes())
    figures.write(options.json, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
