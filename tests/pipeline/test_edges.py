"""The rounds of training an edge detector, on made-up pairs: what is drawn, learned, named and refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from labels.edge_forest import Forest
from labels.edge_network import Network
from labels.edge_rounds import EdgeTrainingParameters
from labels.edge_training import ForestParameters
from labels.flow import FlowParameters
from labels.motion_edges import MotionEdgeParameters
from labels.pair import LabelParameters
from pipeline import edge_network, edges, storage
from pipeline.build import Build, open_root
from pipeline.edge_model import detector_of, read_model
from pipeline.edges import EdgeSamples, FitEdges, TrainEdges, model_name
from pipeline.errors import UserError
from pipeline.manifest import Video
from pipeline.outcome import Outcome
from pipeline.parameters import BuildParameters
from pipeline.storage import FsspecTarget

TRAINING = EdgeTrainingParameters(
    rounds=2, pairs=4, patches=400, last_factor=1, motion=MotionEdgeParameters(least_strength=0.1),
    forest=ForestParameters(trees=2, share=0.02),
)  # fmt: skip


def a_build(root: Path, training: EdgeTrainingParameters = TRAINING, **flow: str) -> Build:
    label = LabelParameters(flow=FlowParameters(**flow))  # type: ignore[arg-type]
    videos = (Video("a", "/a.mp4"), Video("b", "/b.mp4"))
    build = Build(str(root), "drives", "drives.csv", videos, BuildParameters(edges=training, label=label))
    open_root(build.root)
    build.save()
    return build


def moving_box(place: int) -> tuple[np.ndarray, np.ndarray]:
    """A frame of a box before a wall, 96x160, and its flow."""
    image, flow = np.full((96, 160, 3), 80, np.uint8), np.zeros((96, 160, 2), np.float32)
    image[24:72, place : place + 60], flow[24:72, place : place + 60, 0] = 190, 9
    return image, flow


class Pairs:
    """Stands for the frames of a video with ten pairs; the last one cannot be read."""

    asked: list[int] = []

    def __init__(self, build: Build, video: Video, camera: dict[str, Any]) -> None:
        assert camera == {"of": video.video_id}

    def of(self, rows: list[dict[str, Any]]) -> Any:
        self.asked.append([row["frame"] for row in rows])
        for row in rows:
            frame = moving_box(20 + 4 * row["frame"])[0] if row["frame"] < 9 else Outcome("failed", "frame_missing")
            yield row, frame, frame


@pytest.fixture
def flows(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """The edges, and whether a detector, that each flow was asked for; the flows are the true ones."""
    asked: list[tuple[str, bool]] = []

    def flow(first: np.ndarray, second: np.ndarray, parameters: FlowParameters, detector: Any) -> Any:
        asked.append((parameters.edges, detector is not None))
        column = int(np.flatnonzero(first[48, :, 0] > 100)[0])
        return moving_box(column)[1], None

    Pairs.asked = []
    monkeypatch.setattr(edges, "flow", flow)
    monkeypatch.setattr(edges, "PairFrames", Pairs)
    monkeypatch.setattr(edges.survey_video, "read_camera", lambda _, video: {"of": video.video_id})
    table = pa.table({"frame": list(range(10))})
    monkeypatch.setattr(edges.select_pairs, "read_selected", lambda *_: table)
    return asked


def run(build: Build, round_: int) -> None:
    for video in build.videos:
        EdgeSamples(root=build.root, build_id=build.build_id, video_id=video.video_id, round=round_).run()
        storage.forget_all()
    FitEdges(root=build.root, build_id=build.build_id, round=round_).run()
    storage.forget_all()


def test_each_round_learns_from_flow_with_the_edges_of_the_one_before(tmp_path: Path, flows: list) -> None:
    build = a_build(tmp_path)
    run(build, 1)
    assert set(flows) == {("gradient", False)}
    flows.clear()
    run(build, 2)
    assert set(flows) == {("learned", True)}
    assert all(len(rows) == 2 and rows == sorted(rows) for rows in Pairs.asked)  # of four, spread over two videos
    assert len({tuple(rows) for rows in Pairs.asked}) > 1
    last = read_model(FitEdges(root=build.root, build_id=build.build_id, round=2).output())
    assert isinstance(last, Forest) and len(last.roots) == 2 and len(last.child) > 2


def test_training_again_gives_the_same_bytes(tmp_path: Path, flows: list) -> None:
    files = []
    for name in ("one", "two"):
        build = a_build(tmp_path / name)
        run(build, 1)
        files.append({path.name: path.read_bytes() for path in (tmp_path / name / "edges").rglob("*.npz")})
    assert files[0] == files[1] and len(files[0]) == 3


def test_no_task_needs_what_is_made_later(tmp_path: Path) -> None:
    build = a_build(tmp_path)
    own = {"root": build.root, "build_id": build.build_id}
    needs = [type(task).__name__ for task in EdgeSamples(video_id="a", round=1, **own).requires()]
    assert needs == ["SelectPairs"]
    needs = [
        (type(task).__name__, getattr(task, "round", 0))
        for task in EdgeSamples(video_id="a", round=2, **own).requires()
    ]
    assert needs == [("SelectPairs", 0), ("FitEdges", 1)]
    assert {task.video_id for task in FitEdges(round=2, **own).requires()} == {"a", "b"}


def test_the_name_of_a_model_is_all_that_decides_it(tmp_path: Path) -> None:
    build = a_build(tmp_path)
    names = [
        model_name(other)
        for other in (
            build,
            a_build(tmp_path, replace(TRAINING, seed=1)),
            a_build(tmp_path, engine="dis"),
            replace(build, videos=build.videos[:1]),
            replace(build, videos=(build.videos[0], Video("b", "/b.mp4", crop_top=0.1))),
        )
    ]
    assert len(set(names)) == len(names)
    # a build that uses a model trains no other one
    assert model_name(a_build(tmp_path, edges="learned", edge_model="0" * 12)) == names[0]


def test_labels_carry_the_name_of_their_model(tmp_path: Path) -> None:
    own, one, other = (
        a_build(tmp_path, edges=kind, edge_model=model).labels_folder(Video("a", "/a.mp4"))
        for kind, model in (("own", ""), ("learned", "0" * 12), ("learned", "1" * 12))
    )
    assert len({own, one, other}) == 3
    untouched = Build(str(tmp_path), "drives", "drives.csv", (), BuildParameters())
    assert untouched.labels_folder(Video("a", "/a.mp4")) == own


def test_a_build_finds_its_model(tmp_path: Path, flows: list) -> None:
    build = a_build(tmp_path)
    assert detector_of(build) is None
    run(build, 1)
    name = model_name(build)
    with pytest.raises(UserError, match=f"no edge model {name}; train it with TrainEdges under this --root"):
        detector_of(a_build(tmp_path, edges="learned", edge_model=name))
    made = FitEdges(root=build.root, build_id=build.build_id, round=1).output()
    FsspecTarget(f"{tmp_path}/edges/{name}", "model.npz").write(made.read())
    storage.forget_all()
    assert isinstance(detector_of(a_build(tmp_path, edges="learned", edge_model=name)), Forest)


@pytest.mark.parametrize("name", ["../../x", "a" * 12 + "/..", "", "0123456789AB", "0" * 11])
def test_a_model_s_name_cannot_leave_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="Flow-edge-model"):
        detector_of(a_build(tmp_path, edges="learned", edge_model=name))


def test_a_model_without_learned_edges_is_refused() -> None:
    with pytest.raises(UserError, match=r"--Flow-edge-model .* allowed: nothing without --Flow-edges learned"):
        BuildParameters(label=LabelParameters(flow=FlowParameters(edge_model="0" * 12)))
    with pytest.raises(UserError, match="--Flow-edges canny cannot work; allowed: own, gradient, thinned, learned"):
        BuildParameters(label=LabelParameters(flow=FlowParameters(edges="canny")))


def test_a_file_that_is_no_model_is_refused_and_never_unpickled(tmp_path: Path) -> None:
    for number, content in enumerate((b"", b"PK\x03\x04 torn", b"\x80\x04K\x01.")):
        target = FsspecTarget(str(tmp_path), f"{number}.npz")
        target.write(content)
        with pytest.raises(UserError, match="holds no edge model"):
            read_model(target)


def test_videos_without_motion_are_told(tmp_path: Path, flows: list, monkeypatch: pytest.MonkeyPatch) -> None:
    still = np.zeros((96, 160, 2), np.float32)
    monkeypatch.setattr(edges, "flow", lambda *_, **__: (still, None))
    with pytest.raises(UserError, match=r"drives.csv: no pair of round 1 has motion edges to learn from \(0 pairs"):
        run(a_build(tmp_path), 1)


def test_train_edges_names_its_model(
    tmp_path: Path, flows: list, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    build = a_build(tmp_path)
    monkeypatch.setattr(edges.build_shards, "plan", lambda *_: build)
    run(build, 1)
    run(build, 2)
    task = TrainEdges(manifest="drives.csv", root=str(tmp_path))
    task.run()
    name = model_name(build)
    assert f"--Flow-edges learned --Flow-edge-model {name}" in capsys.readouterr().err
    assert (tmp_path / "edges" / name / "model.npz").read_bytes() == task.input().read()


def test_a_network_is_trained_by_the_other_half(tmp_path: Path, flows: list) -> None:
    build = a_build(tmp_path, replace(TRAINING, detector="network", steps=2, rounds=1))
    run(build, 1)
    made = read_model(FitEdges(root=build.root, build_id=build.build_id, round=1).output())
    assert isinstance(made, Network) and np.abs(made.first).max() > 0
    assert model_name(build) != model_name(a_build(tmp_path, replace(TRAINING, rounds=1)))


def test_a_network_without_torch_is_refused_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = a_build(tmp_path / "built", replace(TRAINING, detector="network"))
    monkeypatch.setattr(edges.build_shards, "plan", lambda *_: replace(build, root=str(tmp_path / "none")))
    monkeypatch.setattr(edge_network.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"network needs torch, which is not installed; install relative-depth\[tra"):
        TrainEdges(manifest="drives.csv", root=str(tmp_path / "none")).requires()
    assert not (tmp_path / "none").exists()
    with pytest.raises(UserError, match="--EdgeTraining-detector oracle cannot work; allowed: forest, network"):
        BuildParameters(edges=replace(TRAINING, detector="oracle"))


def test_a_training_that_fails_is_told_in_one_sentence(tmp_path: Path) -> None:
    bad = {"channels": np.zeros(3, np.uint8)}
    with pytest.raises(UserError, match=r"the training of the edge network ended with 2: .*has no samples"):
        edge_network.trained(bad, replace(TRAINING, detector="network"))
