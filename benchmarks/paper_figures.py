"""Figures 1 to 4 of Jiang et al., ECCV 2018, from our data.

``python -m benchmarks.paper_figures NUMBER --data D --out F``, and for networks --run R:

1  samples: frame, relative depth, and what trained networks predict. D is a dataset of shards, --run each network
2  pairs: both frames, the flow that is left without the camera's rotation, relative depth. D is a drive, as the
   benchmarks read them (python -m simulation render D --ground-truth; a sequence of KITTI)
3  what pre-training gains by its frames and by labelled images. D is the --out of benchmarks.pretraining_gain
4  segmentation: frame, truth, and a column each --run, such as from scratch and from pre-training. D is the folder of
   the labelled images

Depth is bright near and dark far, in the magma map, as everywhere here; the paper has it the other way round. Flow has
the hue of its direction, the more saturated the longer it is. Classes have the colours of their benchmark.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks import figures, gain_report
from benchmarks.flow_picture import flow_picture
from benchmarks.raw_drive import open_sequence
from benchmarks.sequences import Sequence
from labels.codec import decode
from labels.object_depth import translational
from labels.pair import PairLabel, label_pair
from training import overlay
from training.configuration import Configuration
from training.depth_predictor import DepthPredictor
from training.labelled_frames import evenly, labelled_frames
from training.predict import load_predictor
from training.recorded_run import RecordedRun, read_runs
from training.segmentation.class_predictor import ClassPredictor

Picture = NDArray[np.uint8]
Rows = list[list[Picture]]
"""RGB pictures, a list a sample."""
INCHES, DPI = 3.2, 120
"""Width of a picture, and the figure's resolution."""


def main(arguments: list[str] | None = None) -> int:
    """Make one figure; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.paper_figures",
        description=(__doc__ or "").replace("``", ""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("number", type=int, choices=sorted(MAKERS), help="of the figure")
    parser.add_argument("--data", type=Path, required=True, metavar="D", help="what the figure is made from")
    parser.add_argument("--run", type=Path, action="append", default=[], metavar="R", help="a run, for figures 1 and 4")
    parser.add_argument("--count", type=int, default=4, metavar="N", help="samples of figures 1, 2, 4 (%(default)s)")
    parser.add_argument("--out", type=Path, required=True, metavar="F", help="the picture, such as figure.png")
    options = parser.parse_args(arguments)
    try:
        figures.require_folder(options.out, "--out")
        if options.count < 1:
            raise ValueError(f"--count must be positive, not {options.count}")
        MAKERS[options.number](options.data, read_runs(options.run), options.count).savefig(options.out, dpi=DPI)
    except (ValueError, OSError) as error:
        print(f"benchmarks.paper_figures: {error}", file=sys.stderr)
        return 2
    print(options.out)
    return 0


def samples(data: Path, runs: list[RecordedRun], count: int) -> Any:
    """Figure 1."""
    predictors = [_predictor(run, DepthPredictor) for run in runs]
    configuration = runs[0].configuration if runs else Configuration()
    rows = [
        [each.frame, each.label, *(overlay.colour(p.percentiles([each.frame])[0]) for p in predictors)]
        for each in labelled_frames(configuration, str(data), count)
    ]
    return grid(["frame", "relative depth", *(run.name for run in runs)], rows)


def pairs(data: Path, runs: list[RecordedRun], count: int) -> Any:
    """Figure 2; pairs without a label are passed over. Raises ``ValueError`` where no pair has one."""
    sequence = open_sequence(data)
    last = len(sequence) - 1
    # from where each is to be on, the first that has a label
    rows = [found for begin in evenly(last, count) if (found := _pair_from(sequence, begin, last)) is not None]
    if not rows:
        raise ValueError(f"{data}: no pair of its {len(sequence)} frames gives a label; give another drive")
    return grid(["first frame", "second frame", "translational flow", "relative depth"], rows)


def gains(data: Path, runs: list[RecordedRun], count: int) -> Any:
    """Figure 3, a row an architecture and dataset. Raises ``ValueError`` where the study has no results yet."""
    from matplotlib.figure import Figure

    path = data / "results.parquet"
    if not path.is_file():
        raise ValueError(f"{path} is not there; give the --out of benchmarks.pretraining_gain")
    results = pq.read_table(path).to_pylist()
    arms = list(dict.fromkeys(row["arm"] for row in results))
    panels = list(dict.fromkeys((row["architecture"], row["dataset"]) for row in results))
    figure = Figure(figsize=(10.4, 3.8 * len(panels)), layout="constrained")
    for line, panel in zip(figure.subplots(len(panels), 2, squeeze=False, sharey="row"), panels):
        shown = [row for row in results if (row["architecture"], row["dataset"]) == panel]
        for axes, column in zip(line, gain_report.AXES):
            gain_report.draw(axes, shown, arms, column)
            axes.set_title(", ".join(panel))
    return figure


def segmentations(data: Path, runs: list[RecordedRun], count: int) -> Any:
    """Figure 4. Raises ``ValueError`` without a run: its configuration says how the images lie."""
    if not runs:
        raise ValueError("figure 4 needs --run, once for each network to be shown")
    predictors = [_predictor(run, ClassPredictor) for run in runs]
    rows = [
        [each.frame, each.label, *(p.layout.benchmark.palette[p.classes(each.frame)] for p in predictors)]
        for each in labelled_frames(runs[0].configuration, str(data), count)
    ]
    return grid(["frame", "truth", *(run.name for run in runs)], rows)


MAKERS: dict[int, Callable[[Path, list[RecordedRun], int], Any]] = {1: samples, 2: pairs, 3: gains, 4: segmentations}
"""From data, runs and the number of samples to a matplotlib figure."""


def grid(titles: list[str], rows: Rows) -> Any:
    """Pictures of equal width under titles, as a matplotlib figure (``pip install -e '.[dev]'``)."""
    from matplotlib.figure import Figure

    heights = [row[0].shape[0] / row[0].shape[1] for row in rows]
    figure = Figure(figsize=(INCHES * len(titles), INCHES * sum(heights) + 0.35), layout="constrained")
    all_axes = figure.subplots(len(rows), len(titles), squeeze=False, gridspec_kw={"height_ratios": heights})
    for axes, picture in zip(all_axes.flat, [picture for row in rows for picture in row]):
        axes.imshow(picture, aspect="auto", interpolation="antialiased")
        axes.set_axis_off()
    for axes, title in zip(all_axes[0], titles):
        axes.set_title(title, parse_math=False)  # a folder's name is no formula
    return figure


def _predictor(run: RecordedRun, kind: type[Any]) -> Any:
    predictor, _ = load_predictor(run.place)
    if not isinstance(predictor, kind):
        raise ValueError(f"{run.place} is a run of {run.configuration.task}, which this figure does not show")
    return predictor


def _pair_from(sequence: Sequence, begin: int, last: int) -> list[Picture] | None:
    for index in range(begin, last):
        frames = sequence.image(index), sequence.image(index + 1)
        camera = sequence.camera()
        label = label_pair(*frames, camera.focal, principal_point=(camera.cx, camera.cy))
        if not label.reason:
            first, second = (np.dstack([frame] * 3) if frame.ndim == 2 else frame for frame in frames)
            return [first, second, _translational(label, camera.focal, (camera.cx, camera.cy)), _depth(label)]
    return None


def _translational(label: PairLabel, focal: float, centre: tuple[float, float]) -> Picture:
    whole = np.ones(label.codes.shape, bool)
    _, flow = translational(label.flow, whole, label.egomotion.R, focal, centre)
    return flow_picture(flow.reshape(label.flow.shape))


def _depth(label: PairLabel) -> Picture:
    return overlay.colour(*decode(label.codes))


if __name__ == "__main__":
    sys.exit(main())
