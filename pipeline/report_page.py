"""The page of a dataset report: ``report.html``, beside the shards."""

from pipeline import html_page, report_facts, report_pictures
from pipeline.build import Build
from pipeline.funnel import Funnel
from pipeline.labelled_pairs import labelled_pairs
from pipeline.source import without_secrets
from pipeline.storage import FsspecTarget

MOST_ROWS = 500
"""Videos in the table of the report."""


def report_target(build: Build) -> FsspecTarget:
    """Where the report of a build is."""
    return FsspecTarget(build.shards_folder(), "report.html")


def write_report(build: Build, funnel: Funnel) -> None:
    """Write the report. It tells seconds spent and is no part of what ``dataset.json`` has the sha256 of."""
    report_target(build).write(report(build, funnel).encode())


def report(build: Build, funnel: Funnel) -> str:
    """The page: the same for the same outputs but for the seconds spent, and whole in one file."""
    labelled = labelled_pairs(build)
    videos = report_facts.videos(build, funnel)
    return html_page.render(
        "report.html",
        dataset=build.dataset,
        fingerprint=build.shards_fingerprint(),
        manifest=without_secrets(build.manifest).rpartition("/")[2],
        build_id=build.build_id,
        finished=funnel.sharded > 0 and funnel.sharded == funnel.labelled and funnel.attempted == funnel.selected,
        stages=report_facts.funnel_stages(funnel),
        reasons=report_facts.reasons(funnel),
        videos=_lowest_yield(videos),
        videos_left_out=max(0, len(videos) - MOST_ROWS),
        histograms=report_facts.histograms(labelled),
        origins=report_facts.origins(labelled),
        focus=report_facts.focus_of_expansion(labelled, videos),
        focal_states=report_facts.focal_states(videos),
        fixed=report_pictures.fixed_masks(build, labelled, videos),
        surveyed=sum(row["fixed_fraction"] is not None for row in videos),
        examples=report_pictures.examples(build, labelled),
        cost=report_facts.cost(funnel),
        parameters=report_facts.parameters(build),
        versions=report_facts.versions(),
        licences=report_facts.licences(videos),
    )


def _lowest_yield(videos: list[dict[str, object]]) -> list[dict[str, object]]:
    """All videos in order, or, of too many, those that gave least."""
    if len(videos) <= MOST_ROWS:
        return videos
    return sorted(videos, key=lambda row: (row["yield"], row["video_id"]))[:MOST_ROWS]
