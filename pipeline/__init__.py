"""The offline half: Luigi tasks that turn the videos of a manifest into shards of (frame, relative depth).

``luigi --module pipeline BuildShards`` builds; ``ExpandPlaylist`` makes a manifest of a playlist, ``RetryFailed`` takes
up what failed, ``DatasetReport`` shows a build under way, ``PruneVersions`` removes old versions, ``PrepareKittiDepth``
makes depth images of KITTI's LiDAR, ``TrainEdges`` learns to tell edges from motion;
``python -m pipeline`` looks at the result. The way of the data, one file a stage: ``fetch_video``, ``survey_video``,
``select_pairs``, where asked for
``hash_frames`` and ``find_duplicates``, ``label_pairs``, ``plan_shards``, ``write_shard``, ``build_shards``.
"""

from pipeline import told_once
from pipeline.build_shards import BuildShards
from pipeline.dataset_report import DatasetReport
from pipeline.edges import EdgeSamples, FitEdges, TrainEdges
from pipeline.errors import install_filter
from pipeline.expand_playlist import ExpandPlaylist
from pipeline.fetch_video import FetchVideo
from pipeline.find_duplicates import FindDuplicates
from pipeline.hash_frames import HashFrames
from pipeline.label_pairs import LabelPairs
from pipeline.plan_shards import PlanShards
from pipeline.prepare_kitti_depth import PrepareKittiDepth
from pipeline.prune_versions import PruneVersions
from pipeline.retry_failed import RetryFailed
from pipeline.select_pairs import SelectPairs
from pipeline.survey_video import SurveyVideo
from pipeline.write_shard import WriteShard

install_filter()
told_once.install()

__all__ = [
    "BuildShards",
    "DatasetReport",
    "EdgeSamples",
    "ExpandPlaylist",
    "FetchVideo",
    "FindDuplicates",
    "FitEdges",
    "HashFrames",
    "LabelPairs",
    "PlanShards",
    "PrepareKittiDepth",
    "PruneVersions",
    "RetryFailed",
    "SelectPairs",
    "SurveyVideo",
    "TrainEdges",
    "WriteShard",
]
