"""How surely copies are told from other videos: ``python -m benchmarks.duplicates MANIFEST``, or ``--hours H``.

Of each video of the manifest the first seconds are encoded anew with H.264 at half the size: ``coded`` at crf 35,
``small`` at a quarter, ``cropped`` by 6 % on each side, without the ``bottom`` tenth, ``later`` from a third on, and
``slow`` with half the frames. The originals are cut in two, too, ``begin`` and ``end``, which have nothing in common.
All of them are hashed and compared as ``HashFrames`` and ``FindDuplicates`` do. Columns:

pairs: of two kinds of copies of one video, or of what has nothing in common.
found: those that are told to have something in common; right: those of them whose shift in time is right within 0.2 s.
decode ms: processor time of decoding a frame of the video; hash ms: of hashing one of five frames a second.
kB an hour: of the file with the hashes. match s: processor time of the comparison.

With ``--hours``, made-up hashes of so many hours of video in clips of ten minutes are compared, one in ten a copy.
"""

import itertools
import resource
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks import figures
from labels.frame_hash import VIEWS, frame_hashes
from labels.repeats import DuplicateParameters, Footage, repeats
from pipeline import tables
from pipeline.decode import Crop, open_source
from pipeline.errors import UserError
from pipeline.hash_frames import HASHES, STEP_S, spaced
from pipeline.manifest import Video, read_manifest

Frames = list[NDArray[np.uint8]]
RIGHT_S = 0.2
NOTHING = "nothing in common"
COLUMNS = ("pairs", "found", "right")
_CROPPED, _BOTTOM, _LEAST_SIDE, _CLIP_S = 0.06, 0.1, 160, 600.0


@dataclass
class Shown:
    """A video, original or copy: its hashes, the source it shows, from which second and to which."""

    name: str
    kind: str
    footage: Footage
    start_s: float = 0.0
    end_s: float = np.inf


@dataclass
class Spent:
    """Processor time and counts."""

    decode_s: float = 0.0
    hash_s: float = 0.0
    frames: int = 0
    hashed: int = 0


def hashed(path: Path, video: Video, seconds: float, spent: Spent) -> tuple[Footage, Frames, float]:
    """The hashes of a local video, its frames and their rate."""
    crop = Crop(video.crop_top, video.crop_bottom)
    with open_source(path, video.fps, video.start_s, (video.start_s or 0.0) + seconds, crop) as source:
        began = time.process_time()
        frames = list(source.frames())
        spent.decode_s += time.process_time() - began
        rate = source.rate
    times = np.array([frame.time_s for frame in frames])
    chosen = spaced(times, np.array([frame.pts for frame in frames]))
    began = time.process_time()
    rows = [(frame.time_s, frame_hashes(frame.image)) for frame in frames if frame.pts in chosen]
    spent.hash_s += time.process_time() - began
    spent.frames, spent.hashed = spent.frames + len(frames), spent.hashed + len(rows)
    time_s = np.array([moment for moment, _ in rows]) - times[0]
    return Footage(time_s, np.array([each for _, each in rows])), [frame.image for frame in frames], rate


def copies(frames: Frames, rate: float, folder: Path) -> dict[str, tuple[Path, float]]:
    """The files of the copies by kind, each with the second of the original that it begins with."""
    height, width = (max(_LEAST_SIDE, side // 2) for side in frames[0].shape[:2])
    frames = [_resized(each, width, height) for each in frames]
    rows, columns = round(_CROPPED * height), round(_CROPPED * width)
    third, low = len(frames) // 3, round(_BOTTOM * height)
    made: dict[str, tuple[Frames, float, int, int]] = {
        "coded": (frames, rate, 35, 0),
        "small": ([_resized(each, width // 2, height // 2) for each in frames], rate, 30, 0),
        "cropped": ([each[rows : height - rows, columns : width - columns] for each in frames], rate, 28, 0),
        "bottom": ([each[: height - low] for each in frames], rate, 28, 0),
        "later": (frames[third:], rate, 28, third),
        "slow": (frames[::2], rate / 2, 28, 0),
    }
    return {
        kind: (encoded(images, fps, crf, folder / f"{kind}.mp4"), begin / rate)
        for kind, (images, fps, crf, begin) in made.items()
    }


def _resized(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)


def encoded(frames: Frames, fps: float, crf: int, path: Path) -> Path:
    """A video of the frames, their sides made even."""
    height, width = (side // 2 * 2 for side in frames[0].shape[:2])
    options = {"crf": str(crf), "preset": "ultrafast"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000), options=options)
        stream.width, stream.height, stream.pix_fmt, stream.thread_count = width, height, "yuv420p", 1
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame[:height, :width]), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def shown(videos: list[Video], seconds: float, spent: Spent) -> list[Shown]:
    """The originals, their halves and their copies, hashed."""
    found = []
    for video in videos:
        footage, frames, rate = hashed(Path(video.source), video, seconds, spent)
        length = float(footage.time_s[-1])
        found.append(Shown(video.video_id, "original", footage))
        for kind, start, end in (("begin", 0.0, 0.45 * length), ("end", 0.55 * length, np.inf)):
            part = (footage.time_s >= start) & (footage.time_s <= end)
            half = Footage(footage.time_s[part] - footage.time_s[part][0], footage.hashes[part])
            found.append(Shown(video.video_id, kind, half, float(footage.time_s[part][0]), min(end, length)))
        with tempfile.TemporaryDirectory() as folder:
            for kind, (path, start) in copies(frames, rate, Path(folder)).items():
                copy, *_ = hashed(path, Video("copy", str(path)), seconds, spent)
                found.append(Shown(video.video_id, kind, copy, start, length))
    return found


def compared(every: list[Shown], parameters: DuplicateParameters) -> list[dict[str, Any]]:
    """A row for each two kinds of copies of one video, and one for what has nothing in common."""
    told = {(each.first, each.second): each for each in repeats([each.footage for each in every], parameters)}
    counts: dict[str, Counter[str]] = {}
    for pair in itertools.combinations(range(len(every)), 2):
        one, other = (every[number] for number in pair)
        common = _in_common(one, other)
        if 0 < common < parameters.shortest_s + 1:
            continue  # too little to be asked for
        row = counts.setdefault(" and ".join(sorted((one.kind, other.kind))) if common > 0 else NOTHING, Counter())
        right = pair in told and common > 0 and abs(one.start_s - other.start_s - told[pair].shift_s) < RIGHT_S
        row.update(pairs=1, found=pair in told, right=right)
    return [{"kinds": kind, **{name: row[name] for name in COLUMNS}} for kind, row in sorted(counts.items())]


def _in_common(one: Shown, other: Shown) -> float:
    """Seconds that two videos both show."""
    return min(one.end_s, other.end_s) - max(one.start_s, other.start_s) if one.name == other.name else 0.0


def made_up(hours: float) -> list[Footage]:
    """Clips whose hashes change by four bits a fifth of a second; every tenth is the one before from a minute on."""
    generator, count = np.random.default_rng(0), round(5 * _CLIP_S)
    clips: list[Footage] = []
    for number in range(round(3600 * hours / _CLIP_S)):
        if number % 10 == 9:
            hashes = _flipped(clips[-1].hashes[300:, 0], generator)
        else:
            steps = _flips(count, generator)
            steps[0] ^= generator.integers(2**64, dtype=np.uint64)
            hashes = np.bitwise_xor.accumulate(steps)
        columns = [hashes, *(_flipped(hashes, generator) for _ in VIEWS[1:])]
        clips.append(Footage(np.arange(len(hashes)) / 5, np.stack(columns, axis=1)))
    return clips


def _flipped(hashes: NDArray[np.uint64], generator: np.random.Generator) -> NDArray[np.uint64]:
    return hashes ^ _flips(len(hashes), generator)


def _flips(count: int, generator: np.random.Generator) -> NDArray[np.uint64]:
    """Words with up to four bits set."""
    places = generator.integers(64, size=(4, count), dtype=np.uint64)
    return np.bitwise_or.reduce(np.uint64(1) << places)


def of_hours(hours: float, parameters: DuplicateParameters) -> dict[str, float]:
    """What the comparison of so many made-up hours takes and finds."""
    clips = made_up(hours)
    began = time.process_time()
    found = {(each.first, each.second) for each in repeats(clips, parameters)}
    spent = time.process_time() - began
    copies = {(number - 1, number) for number in range(9, len(clips), 10)}
    return {
        "hours": hours,
        "clips": len(clips),
        "copies": len(copies),
        "found": len(found & copies),
        "false": len(found - copies),
        "match_s": round(spent, 2),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    parser = figures.parser("duplicates", __doc__)
    parser.add_argument("manifest", metavar="MANIFEST", nargs="?", help="local videos, as BuildShards takes them")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each video (%(default)s)")
    parser.add_argument("--hours", type=float, nargs="*", default=[], help="of made-up hashes to compare")
    options, parameters = parser.parse_args(arguments), DuplicateParameters()
    results: list[dict[str, Any]] = []
    try:
        figures.require_folder(options.json, "--json")
        if not options.manifest and not options.hours:
            raise ValueError("nothing to compare; give a MANIFEST, or --hours")
        if options.manifest:
            results += of_manifest(read_manifest(options.manifest), options.seconds, parameters)
        for hours in options.hours:
            results.append(of_hours(hours, parameters))
            print("  ".join(f"{name} {value:g}" for name, value in results[-1].items()), flush=True)
    except (ValueError, UserError) as error:
        print(f"benchmarks.duplicates: {error}", file=sys.stderr)
        return 2
    figures.write(options.json, results)
    return 0


def of_manifest(videos: list[Video], seconds: float, parameters: DuplicateParameters) -> list[dict[str, Any]]:
    """Make, hash and compare the copies; the rows that are printed."""
    spent = Spent()
    every = shown(videos, seconds, spent)
    began = time.process_time()
    rows = compared(every, parameters)
    match_s = time.process_time() - began
    print(f"{'kinds':24s}" + "".join(f"{name:>8s}" for name in COLUMNS))
    for row in rows:
        print(f"{row['kinds']:24s}" + "".join(f"{row[name]:8d}" for name in COLUMNS))
    cost = {
        "videos": len(every),
        "decode_ms": round(1e3 * spent.decode_s / spent.frames, 3),
        "hash_ms": round(1e3 * spent.hash_s / spent.hashed, 3),
        "kb_an_hour": round(_bytes_a_second(every) * 3.6, 1),
        "match_s": round(match_s, 2),
    }
    print("  ".join(f"{name} {value:g}" for name, value in cost.items()))
    return [*rows, cost]


def _bytes_a_second(every: list[Shown]) -> float:
    """Of the file of all hashes."""
    times = np.concatenate([each.footage.time_s for each in every])
    hashes = np.concatenate([each.footage.hashes for each in every])
    table = pa.table([pa.array(times, pa.float32()), *map(pa.array, hashes.T)], schema=HASHES)
    return len(tables.to_bytes(table)) / (len(times) * STEP_S)


if __name__ == "__main__":
    sys.exit(main())
