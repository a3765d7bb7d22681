"""All parameters of a build as frozen dataclasses, their command-line form, and their fingerprints.

Every dataclass below ``BuildParameters`` is a section: ``EgomotionParameters.noise_floor`` is the option
``--Egomotion-noise-floor`` of the ``luigi`` command and ``noise_floor`` under ``[Egomotion]`` in ``luigi.cfg``.
"""

import dataclasses
import hashlib
import inspect
import json
import re
from dataclasses import dataclass, field
from typing import Any, get_type_hints

import luigi
from luigi.cmdline_parser import CmdlineParser

from labels.census_flow import PRESETS
from labels.edge_rounds import DETECTORS, EdgeTrainingParameters
from labels.fixed_regions import FixedRegionParameters
from labels.flow import EDGES, ENGINES
from labels.homography_selection import HomographyParameters
from labels.pair import LATER, POPULATIONS, RECIPES, LabelParameters
from labels.repeats import DuplicateParameters
from labels.selection import SelectionParameters
from labels.survey import SurveyParameters
from pipeline.errors import UserError
from pipeline.fetch import FetchParameters

FORMAT = 1
"""Version of the layout of a root folder; another one is refused."""

# Bump a stage's number when its algorithm changes its output: that stage and all after it are then made anew.
STAGE_VERSIONS = {"survey": 10, "pairs": 1, "labels": 8, "shards": 1}


@dataclass(frozen=True)
class DecodingParameters:
    """How frames are read."""

    width: int = 640  # working width in pixels; the height follows from the aspect, both even


@dataclass(frozen=True)
class ChunkParameters:
    """How the labelling of a video is cut up."""

    pairs: int = 128  # pairs in a chunk, the unit of work that a crash can cost


@dataclass(frozen=True)
class ShardParameters:
    """How samples are stored and dealt into shards."""

    samples: int = 1000  # samples in a shard, the last of a split may have fewer
    seed: int = 0  # of the shuffle over all videos and of the choice of validation videos
    val_fraction: float = 0.1  # share of the videos without a split in the manifest that go to val
    jpeg_quality: int = 92  # of the frame in a sample, 92 or better
    confidence: bool = True  # store <key>.confidence.png


@dataclass(frozen=True)
class BuildParameters:
    """Everything that decides what a build makes of its manifest."""

    fetch: FetchParameters = field(default_factory=FetchParameters)
    decoding: DecodingParameters = field(default_factory=DecodingParameters)
    survey: SurveyParameters = field(default_factory=SurveyParameters)
    fixed: FixedRegionParameters = field(default_factory=FixedRegionParameters)
    selection: SelectionParameters = field(default_factory=SelectionParameters)
    homography: HomographyParameters = field(default_factory=HomographyParameters)
    chunk: ChunkParameters = field(default_factory=ChunkParameters)
    label: LabelParameters = field(default_factory=LabelParameters)
    shard: ShardParameters = field(default_factory=ShardParameters)
    edges: EdgeTrainingParameters = field(default_factory=EdgeTrainingParameters, metadata=LATER)
    duplicate: DuplicateParameters = field(default_factory=DuplicateParameters, metadata=LATER)

    def __post_init__(self) -> None:
        """Refuse what cannot work, before any work. Raises ``UserError``."""
        _require(self.decoding.width >= 64, "Decoding-width", self.decoding.width, "64 or more")
        rules = ("motion", "homography")
        _require(self.selection.rule in rules, "Selection-rule", self.selection.rule, ", ".join(rules))
        engine = self.label.flow.engine
        _require(engine in ENGINES, "Flow-engine", engine, ", ".join(ENGINES))
        _require(self.label.flow.preset in PRESETS, "Flow-preset", self.label.flow.preset, ", ".join(PRESETS))
        _require(self.label.flow.edges in EDGES, "Flow-edges", self.label.flow.edges, ", ".join(EDGES))
        needed = "the name of a model" if self.label.flow.edges == "learned" else "nothing without --Flow-edges learned"
        fits = bool(self.label.flow.edge_model) == (self.label.flow.edges == "learned")
        _require(fits, "Flow-edge-model", repr(self.label.flow.edge_model), needed)
        detector = self.edges.detector
        _require(detector in DETECTORS, "EdgeTraining-detector", detector, ", ".join(DETECTORS))
        _require(self.edges.rounds >= 1, "EdgeTraining-rounds", self.edges.rounds, "1 or more")
        over = self.label.percentile_over
        _require(over in POPULATIONS, "Label-percentile-over", over, ", ".join(POPULATIONS))
        _require(self.label.recipe in RECIPES, "Label-recipe", self.label.recipe, ", ".join(RECIPES))
        _require(self.chunk.pairs >= 1, "Chunk-pairs", self.chunk.pairs, "1 or more")
        _require(self.shard.samples >= 1, "Shard-samples", self.shard.samples, "1 or more")
        _require(92 <= self.shard.jpeg_quality <= 100, "Shard-jpeg-quality", self.shard.jpeg_quality, "92 to 100")
        _require(0 < self.duplicate.whole <= 1, "Duplicate-whole", self.duplicate.whole, "above 0, at most 1")
        _require(0 <= self.shard.val_fraction < 1, "Shard-val-fraction", self.shard.val_fraction, "0 or more, below 1")


def _require(holds: bool, option: str, value: Any, allowed: str) -> None:
    if not holds:
        raise UserError(f"--{option} {value} cannot work; allowed: {allowed}")


def fingerprint(*parts: Any) -> str:
    """A short hash of parameters: 12 hexadecimal digits of the SHA-256 of their canonical JSON."""
    canonical = json.dumps([_plain(part) for part in parts], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _plain(part: Any) -> Any:
    return plain(part) if dataclasses.is_dataclass(part) and not isinstance(part, type) else part


def plain(part: Any) -> dict[str, Any]:
    """The fields of a dataclass as nested dictionaries, without those that came later and are at their defaults.

    So that what was made before a parameter existed keeps its name. Such fields are marked ``labels.pair.LATER``.
    """
    values = {item.name: getattr(part, item.name) for item in dataclasses.fields(part) if not _unsaid(item, part)}
    return {name: plain(value) if dataclasses.is_dataclass(value) else value for name, value in values.items()}


def _unsaid(item: dataclasses.Field[Any], part: Any) -> bool:
    if not item.metadata.get("later"):
        return False
    factory = item.default_factory
    return bool(getattr(part, item.name) == (item.default if factory is dataclasses.MISSING else factory()))


# -- dataclass <-> Luigi ----------------------------------------------------------------------------------------------

_KINDS: dict[type, type[luigi.Parameter]] = {
    int: luigi.IntParameter,
    float: luigi.FloatParameter,
    str: luigi.Parameter,
}


def section_name(kind: type) -> str:
    """The section of a parameter class: ``Egomotion`` for ``EgomotionParameters``."""
    return kind.__name__.removesuffix("Parameters")


def _luigi_parameter(kind: type, default: Any, description: str) -> luigi.Parameter:
    if kind is bool:
        explicit = luigi.BoolParameter.EXPLICIT_PARSING
        return luigi.BoolParameter(default=default, parsing=explicit, description=description)
    if kind not in _KINDS:
        raise TypeError(f"no Luigi parameter for {kind}")
    return _KINDS[kind](default=default, description=description)


def _section(kind: type) -> type[luigi.Config]:
    hints = get_type_hints(kind)
    # What a comment in the class says of a field, the option says in its help, where a single % would be a format.
    source = inspect.getsource(kind).replace("%", "%%")
    said = dict(re.findall(r"^    (\w+): .*?  # (.*)$", source, re.MULTILINE))
    scalars = {
        item.name: _luigi_parameter(
            hints[item.name], item.default, f"{said.get(item.name, '')} (default: {item.default!r})".strip()
        )
        for item in dataclasses.fields(kind)
        if not dataclasses.is_dataclass(hints[item.name])
    }
    return type(section_name(kind), (luigi.Config,), {"__doc__": kind.__doc__, "__module__": __name__, **scalars})


def _declare(kind: type) -> dict[type, type[luigi.Config]]:
    sections = {kind: _section(kind)} if kind is not BuildParameters else {}
    for hint in get_type_hints(kind).values():
        if dataclasses.is_dataclass(hint):
            sections |= _declare(hint)  # type: ignore[arg-type]
    return sections


SECTIONS = _declare(BuildParameters)
"""The Luigi configuration section of each parameter class."""


def from_command_line(usual: BuildParameters | None = None) -> BuildParameters:
    """The parameters as given by options and ``luigi.cfg``, ``usual`` ones elsewhere. Raises ``UserError``."""
    return _gather(usual or BuildParameters())


def _gather(usual: Any) -> Any:
    kind = type(usual)
    try:
        section = SECTIONS[kind]() if kind in SECTIONS else None
    except ValueError as error:  # "Decoding[...]: Error when parsing the default value of 'width'"
        option = f"--{section_name(kind)}-{str(error).rpartition(' ')[2]}".replace("'", "").replace("_", "-")
        raise UserError(f"{option} cannot be read: {error.__cause__}") from None
    values = {}
    for name, hint in get_type_hints(kind).items():
        said = getattr(usual, name)
        if dataclasses.is_dataclass(hint):
            values[name] = _gather(said)
        else:
            values[name] = getattr(section, name) if _given(section_name(kind), name) else said
    return kind(**values)


def _given(section: str, name: str) -> bool:
    """Whether an option or ``luigi.cfg`` says a parameter, be it the default."""
    parser = CmdlineParser.get_instance()
    if parser is not None and getattr(parser.known_args, f"{section}_{name}", None) is not None:
        return True
    config = luigi.configuration.get_config()
    return any(config.has_option(section, spelt) for spelt in (name, name.replace("_", "-")))


def by_name(nested: dict[str, Any], before: str = "") -> dict[str, Any]:
    """The leaves of nested dictionaries by their dotted names, such as ``label.flow.engine``."""
    found: dict[str, Any] = {}
    for name, value in nested.items():
        found |= by_name(value, f"{before}{name}.") if isinstance(value, dict) else {f"{before}{name}": value}
    return found


def from_json(content: dict[str, Any], kind: Any = BuildParameters) -> Any:
    """The parameters from their JSON form (``dataclasses.asdict``)."""
    hints = get_type_hints(kind)
    values = {
        name: from_json(value, hints[name]) if dataclasses.is_dataclass(hints[name]) else value
        for name, value in content.items()
    }
    return kind(**values)
