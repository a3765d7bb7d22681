"""Sets of parameters by name: ours, a quick one, and the paper's, for who compares with it (LABELS 2)."""

from labels.egomotion import EgomotionParameters
from labels.flow import FlowParameters
from labels.fusion import FusionParameters
from labels.pair import LabelParameters
from labels.selection import SelectionParameters
from pipeline.errors import UserError
from pipeline.parameters import BuildParameters

PROFILES = {
    "default": BuildParameters(),
    "fast": BuildParameters(label=LabelParameters(flow=FlowParameters(engine="dis"))),
    "paper": BuildParameters(
        selection=SelectionParameters(rule="homography"),
        label=LabelParameters(
            flow=FlowParameters(engine="ric"),
            egomotion=EgomotionParameters(method="reference"),
            fusion=FusionParameters(carry=False),
            recipe="paper",
        ),
    ),
}
"""What options and ``luigi.cfg`` change, and what they leave as it is."""


def profile(name: str) -> BuildParameters:
    """The parameters of a profile. Raises ``UserError`` for an unknown name."""
    if name not in PROFILES:
        raise UserError(f"--profile {name} cannot work; allowed: {', '.join(PROFILES)}")
    return PROFILES[name]
