"""How well edges of frames are the borders of things: ``python -m benchmarks.edges DRIVE --model M --json F``.

A drive is a folder of ``python -m simulation render D --ground-truth``, whose depth and motion tell the true borders
(``benchmarks.boundaries``). For each kind of edges ``f`` is the largest F over all thresholds, of precision and recall
summed over the frames of all drives; pixels are matched one to one within ``tolerance_px``. ``milliseconds`` is the
median processor time of a frame. A model is what ``TrainEdges`` made, the file ``model.npz``; without one, learned
edges are left out.

With ``--flow`` the engines whose flow may break at given edges are measured instead, as by ``benchmarks.flow``: ``epe``
is the mean error in pixels, ``epe_near_edges`` that within 5 px of steps of depth; ``own`` are an engine's own edges,
the frame's grey levels for census and thinned ones for ric.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks import figures
from benchmarks.boundaries import best, boundaries, counts
from benchmarks.flow import pair, score
from benchmarks.sequences import MOVING, Sequence, SequenceError
from labels.edge_channels import Detector
from labels.edges import edge_map
from labels.flow import EDGES, FlowParameters, flow
from pipeline.edge_model import read_model
from pipeline.errors import UserError
from pipeline.storage import FsspecTarget
from simulation.solids import VOID

MASK = NDArray[np.bool_]
Edges = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    parser = figures.parser("edges", __doc__)
    parser.add_argument("drives", nargs="+", metavar="DRIVE", help="folder of a simulated drive with ground truth")
    parser.add_argument("--model", type=Path, metavar="M", help="edge detector that TrainEdges made")
    parser.add_argument("--flow", action="store_true", help="measure what the edges do to flow")
    parser.add_argument("--tolerance", type=float, default=3.0, metavar="PX", help="of a match (%(default)s)")
    parser.add_argument("--every", type=int, default=4, metavar="N", help="take every N-th frame (%(default)s)")
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    try:
        figures.require_folder(options.json, "--json")
        if options.every < 1:
            raise ValueError(f"--every {options.every} takes no frame; give 1 or more")
        detector = None if options.model is None else load(options.model)
        drives = [Sequence(drive) for drive in options.drives]
        if options.flow:
            results, columns = measure_flow(drives, detector, options.every), _FLOW_COLUMNS
        else:
            results, columns = measure(drives, detector, options.tolerance, options.every), _COLUMNS
    except (ValueError, UserError) as error:
        print(f"benchmarks.edges: {error}", file=sys.stderr)
        return 2
    print("".join(f"{title:>10s}" for title in columns.values()))
    for result in results:
        print("".join(f"{_shown(result[name]):>10s}" for name in columns))
    figures.write(options.json, results)
    return 0


def load(path: Path) -> Detector:
    """The detector in a file. Raises ``ValueError`` where there is none, ``UserError`` where it holds another thing."""
    if not path.is_file():
        raise ValueError(f"--model {path} is no file; give the model.npz that TrainEdges made")
    return read_model(FsspecTarget(str(path.absolute().parent), path.name))


def methods(detector: Detector | None) -> dict[str, Edges]:
    """The kinds of edges by name."""
    plain: dict[str, Edges] = {
        name: lambda image, name=name: edge_map(image, name)  # type: ignore[misc]
        for name in ("gradient", "thinned")
    }
    return plain if detector is None else plain | {"learned": lambda image: edge_map(image, "learned", detector)}


def measure(
    drives: list[Sequence], detector: Detector | None, tolerance: float = 3.0, every: int = 4
) -> list[dict[str, Any]]:
    """Compare the edges of every N-th frame of all drives with the true borders; a row a kind of edges."""
    kinds = methods(detector)
    totals, seconds = dict.fromkeys(kinds, np.zeros((1, 3), np.int64)), {name: list[float]() for name in kinds}
    frames = 0
    for drive in drives:
        for index in range(0, len(drive), every):
            true, unknown = truth(drive, index)
            image, frames = drive.image(index), frames + 1
            for name, edges in kinds.items():
                if not seconds[name]:
                    edges(image)  # compiles
                began = time.process_time()
                told = edges(image)
                seconds[name].append(time.process_time() - began)
                totals[name] = totals[name] + counts(told, true, unknown, tolerance)
    return [
        {
            "edges": name,
            "drives": len(drives),
            "frames": frames,
            "tolerance_px": tolerance,
            **best(totals[name]),
            "milliseconds": round(1000 * float(np.median(seconds[name])), 2),
        }
        for name in kinds
    ]


def truth(drive: Sequence, index: int) -> tuple[MASK, MASK]:
    """The true borders in a frame, and what is burnt into it. Raises ``SequenceError`` for a drive without truth."""
    depth, mask, classes = drive.depth(index), drive.mask(index), drive.classes(index)
    if depth is None or mask is None or classes is None:
        raise SequenceError(f"{drive.folder} lacks depth/, mask/ or classes/; render it with --ground-truth")
    unknown = classes == VOID
    beyond = np.where(depth > 0, depth, np.float32(np.inf))
    return boundaries(beyond, mask & MOVING != 0, unknown), unknown


def measure_flow(drives: list[Sequence], detector: Detector | None, every: int = 4) -> list[dict[str, Any]]:
    """Errors of the flow of every N-th pair of all drives; a row an engine and kind of edges."""
    ways = [
        FlowParameters(engine=engine, edges=edges)
        for engine in ("census", "ric")
        for edges in EDGES
        if edges != "learned" or detector is not None
    ]
    scores: list[list[dict[str, float]]] = [[] for _ in ways]
    for drive in drives:
        for index in range(0, len(drive) - 1, every):
            true, _, _ = pair(drive, index, None)
            if true is None:
                raise SequenceError(f"{drive.folder} lacks depth/ or mask/; render it with --ground-truth")
            for parameters, own in zip(ways, scores):
                found, _ = flow(drive.image(index), drive.image(index + 1), parameters, detector=detector)
                own.append(score(found, true))
    return [
        {
            "engine": parameters.engine,
            "edges": parameters.edges,
            "pairs": len(own),
            **{name: round(float(np.nanmean([each[name] for each in own])), 4) for name in _FLOW_FIGURES},
        }
        for parameters, own in zip(ways, scores)
    ]


_COLUMNS = {"edges": "edges", "frames": "frames", "f": "F", "threshold": "at", "precision": "precision",
            "recall": "recall", "milliseconds": "ms"}  # fmt: skip
_FLOW_FIGURES = {"epe": "epe", "epe_median": "median", "fl_percent": "Fl %", "epe_near_edges": "near edges"}
_FLOW_COLUMNS = {"engine": "engine", "edges": "edges", "pairs": "pairs", **_FLOW_FIGURES}


def _shown(value: float | str) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
