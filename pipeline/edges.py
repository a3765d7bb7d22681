"""TrainEdges: a detector of edges, learned from the motion in a manifest's videos and from no label (LABELS section 5).

Each round draws pairs of every video, takes the motion edges of their flow (``EdgeSamples``, a task a video) and trains
a detector on the frames (``FitEdges``); its edges go into the flow of the next round. A model is a file of plain
arrays, ``edges/<fp>/round-<n>.npz``; the last one is ``edges/<fp>/model.npz``, and ``--Flow-edge-model <fp>`` gives it
to a build, whose labels then carry its name in theirs.
"""

import functools
import io
import sys
from collections.abc import Iterator
from dataclasses import replace

import cv2
import luigi
import numpy as np
from numpy.typing import NDArray

from labels import edge_rounds
from labels.edge_channels import Detector
from labels.edge_forest import Forest
from labels.edge_network import Network
from labels.flow import FlowParameters, flow
from labels.motion_edges import half_size, motion_edges
from pipeline import build_shards, edge_network, fetch_video, select_pairs, survey_video, tables
from pipeline.build import Build, open_root
from pipeline.edge_model import model_target, npz, read_model
from pipeline.errors import UserError
from pipeline.outcome import Outcome
from pipeline.pair_frames import PairFrames
from pipeline.parameters import fingerprint, plain
from pipeline.select_pairs import SelectPairs
from pipeline.storage import FsspecTarget, join
from pipeline.task import BuildTask, VideoTask

VERSION = 1
"""Bump it when the training changes its output: models are then trained anew."""


class EdgeSamples(VideoTask):
    """Frames of a video at half size and their motion edges, for one round of training.

    Writes ``edges/<fp>/round-<n>/<id>.npz``: ``images`` (N, h, w, 3) and ``edges`` (N, h, w), both ``uint8``.
    """

    round = luigi.IntParameter(description="the round, from 1")
    priority = 10

    def requires(self) -> list[luigi.Task]:
        """The selected pairs, and from the second round on the detector of the one before."""
        own = {"root": self.root, "build_id": self.build_id}
        before = [FitEdges(round=self.round - 1, **own)] if self.round > 1 else []
        return [SelectPairs(video_id=self.video_id, **own), *before]

    def output(self) -> FsspecTarget:
        """The samples."""
        return FsspecTarget(edges_folder(self.build), f"round-{self.round}/{self.video_id}.npz")

    def run(self) -> None:
        """Draw pairs and take their motion edges; a video without pairs has none."""
        cv2.setNumThreads(1)
        detector = read_model(_round_target(self.build, self.round - 1)) if self.round > 1 else None
        parameters = _flow_parameters(self.build, detector)
        motion = self.build.parameters.edges.motion
        images, edges = [], []
        for first, second in self._frames():
            found = motion_edges(flow(first, second, parameters, detector=detector)[0], first, motion)
            if found is not None:
                images.append(half_size(first))
                edges.append(np.rint(found * 255).astype(np.uint8))
        shape = images[0].shape if images else (0, 0, 3)
        self.output().write(npz(images=_stacked(images, shape), edges=_stacked(edges, shape[:2])))

    def _frames(self) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
        camera = survey_video.read_camera(self.build, self.video)
        rows = tables.rows(select_pairs.read_selected(self.build, self.video))
        parameters = self.build.parameters.edges
        number = -(-parameters.pairs // len(self.build.videos))
        generator = np.random.default_rng((parameters.seed, self.round, *self.video_id.encode()))
        drawn = np.sort(generator.permutation(len(rows))[:number])
        if not len(drawn):
            return
        for _, first, second in PairFrames(self.build, self.video, camera).of([rows[k] for k in drawn]):
            if not isinstance(first, Outcome):
                yield first, second


class FitEdges(BuildTask):
    """Trains the detector of a round on the samples of all videos; writes ``edges/<fp>/round-<n>.npz``."""

    round = luigi.IntParameter(description="the round, from 1")
    priority = 20

    def requires(self) -> list[EdgeSamples]:
        """The samples of every video."""
        own = {"root": self.root, "build_id": self.build_id, "round": self.round}
        return [EdgeSamples(video_id=video.video_id, **own) for video in self.build.videos]

    def output(self) -> FsspecTarget:
        """The detector."""
        return _round_target(self.build, self.round)

    def run(self) -> None:
        """Train."""
        cv2.setNumThreads(1)
        samples = [np.load(io.BytesIO(target.read()), allow_pickle=False) for target in self.input()]
        number = sum(len(each["edges"]) for each in samples)
        pairs = (pair for each in samples for pair in zip(each["images"], each["edges"] / np.float32(255)))
        parameters = self.build.parameters.edges
        found: Forest | Network | None = None
        if parameters.detector == "forest":
            found = edge_rounds.trained(pairs, number, parameters, self.round)
        elif number:
            found = edge_network.trained(edge_rounds.network_samples(pairs, parameters), parameters)
        if found is None:
            raise UserError(
                f"{self.build.manifest}: no pair of round {self.round} has motion edges to learn from "
                f"({number} pairs had any at all); give videos in which things pass at different distances"
            )
        self.output().write(npz(**edge_rounds.to_arrays(found)))


class TrainEdges(luigi.Task):
    """Learns to tell edges from the videos of a manifest, by their motion alone, for flow that stops at edges.

    Writes ``ROOT/edges/NAME/model.npz`` and prints the NAME, which ``BuildShards --Flow-edges learned
    --Flow-edge-model NAME`` takes. The training's parameters are options of their own, ``--EdgeTraining-rounds`` and
    the like: see --help-all.
    """

    manifest = luigi.Parameter(default=build_shards.DEMO, description="as for BuildShards: the videos to learn from")
    root = luigi.Parameter(default="dataset", description="as for BuildShards")
    source_root = luigi.Parameter(default="", description="as for BuildShards")

    retry_count = 1

    def requires(self) -> FitEdges:
        """The last round."""
        build = self._build
        edge_network.require_torch(build.parameters.edges)
        open_root(build.root)
        fetch_video.refuse_changed_sources(build)
        build.save()
        return FitEdges(root=build.root, build_id=build.build_id, round=build.parameters.edges.rounds)

    def output(self) -> FsspecTarget:
        """The model."""
        return model_target(self._build.root, model_name(self._build))

    def run(self) -> None:
        """Give the last round's detector the name that builds look for."""
        self.output().write(self.input().read())
        print(
            f"edge model {model_name(self._build)}: {self.output()}; to use it: luigi --module pipeline BuildShards "
            f"--root {self.root} --Flow-edges learned --Flow-edge-model {model_name(self._build)}",
            file=sys.stderr,
        )

    @functools.cached_property
    def _build(self) -> Build:
        return build_shards.plan(self.manifest, self.root, "", self.source_root)


def model_name(build: Build) -> str:
    """The name of the model that a build's videos and parameters make: a fingerprint of all that decides it."""
    videos = [(video.video_id, build.pairs_folder(video).rpartition("/")[2]) for video in build.videos]
    return fingerprint(VERSION, videos, plain(build.parameters.edges), plain(_flow_parameters(build, None)))


def edges_folder(build: Build) -> str:
    """Where the rounds of a training are."""
    return join(build.root, "edges", model_name(build))


def _round_target(build: Build, number: int) -> FsspecTarget:
    return FsspecTarget(edges_folder(build), f"round-{number}.npz")


def _flow_parameters(build: Build, detector: Detector | None) -> FlowParameters:
    """The flow of a round: by the gradient's edges without a detector."""
    return replace(build.parameters.label.flow, edges="learned" if detector else "gradient", edge_model="")


def _stacked(arrays: list[NDArray[np.uint8]], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.stack(arrays) if arrays else np.empty((0, *shape), np.uint8)
