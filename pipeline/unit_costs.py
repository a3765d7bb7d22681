"""What a unit of each stage's work costs, from the records that finished work left."""

from dataclasses import dataclass

from pipeline.funnel import Funnel

LABELLING = ("decode_s", "label_s", "encode_s")


@dataclass(frozen=True)
class UnitCosts:
    """Means over finished work; None where nothing of the kind is finished."""

    fetch_s: float | None = None  # of the clock, a video
    survey_s: float | None = None  # of a core, a video
    pairs: float | None = None  # selected, a video
    label_s: float | None = None  # of a core, a pair: decoded, labelled, encoded
    label_bytes: float | None = None  # a pair, in the tars of the labels and again in the shards


def unit_costs(funnels: list[Funnel]) -> UnitCosts:
    """The costs told by the first of the funnels that has finished work of the kind."""
    return UnitCosts(
        fetch_s=_first([(funnel.cost["fetch_s"], funnel.done["fetch"]) for funnel in funnels]),
        survey_s=_first([(funnel.cost["survey_s"], funnel.done["survey"]) for funnel in funnels]),
        pairs=_first([(funnel.selected, funnel.done["select"]) for funnel in funnels]),
        label_s=_first([(sum(funnel.cost[name] for name in LABELLING), funnel.attempted) for funnel in funnels]),
        label_bytes=_first([(funnel.label_bytes, funnel.attempted) for funnel in funnels]),
    )


@dataclass(frozen=True)
class Left:
    """What remains of a build, in seconds by stage and in bytes; None where no cost is recorded."""

    fetch_s: float | None  # of the clock, one download after the other
    survey_s: float | None  # of a core
    pairs: float | None  # to be labelled
    label_s: float | None  # of a core
    bytes: float | None  # of labels and shards

    @property
    def core_s(self) -> float | None:
        """Seconds of a core that survey and labelling still take."""
        return None if self.survey_s is None or self.label_s is None else self.survey_s + self.label_s


def left(funnel: Funnel, costs: UnitCosts) -> Left:
    """What remains of the build that a funnel counts; its unselected videos are taken to be like the selected."""
    videos = len(funnel.videos)
    unselected = videos - funnel.done["select"]
    pairs = _times(unselected, costs.pairs)
    pairs = None if pairs is None else pairs + max(0, funnel.selected - funnel.attempted)
    unsharded = None if pairs is None else pairs + max(0, funnel.labelled - funnel.sharded)
    stored = None if pairs is None or unsharded is None else pairs + unsharded
    return Left(
        fetch_s=_times(videos - funnel.done["fetch"], costs.fetch_s),
        survey_s=_times(videos - funnel.done["survey"], costs.survey_s),
        pairs=pairs,
        label_s=_times(pairs, costs.label_s),
        bytes=_times(stored, costs.label_bytes),
    )


def _first(told: list[tuple[float, int]]) -> float | None:
    return next((amount / units for amount, units in told if units), None)


def _times(units: float | None, cost: float | None) -> float | None:
    """Nothing left costs nothing, whatever a unit costs."""
    if units == 0:
        return 0.0
    return None if units is None or cost is None else units * cost
