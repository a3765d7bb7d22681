"""What decides the fit of the camera's motion."""

from dataclasses import dataclass

METHODS = ("robust", "reference")


@dataclass(frozen=True)
class EgomotionParameters:
    """Noise, sampling and acceptance of the fit; lengths in pixels at a working width of 640."""

    method: str = "robust"  # or reference: the objective of the paper's camera motion, for comparison, unchecked
    noise_floor_px: float = 0.4  # s0: sigma^2 = s0^2 + (s1 |flow|)^2
    noise_relative: float = 0.03  # s1
    robust_scale: float = 2.5  # c of the Geman-McClure cost, in sigma
    heading_prior_deg: float = 10.0  # expected spread of the heading about the usual one or its opposite; 0 = no prior
    effective_samples: float = 100.0  # flow errors are correlated: what so many independent samples would tell
    sample_step_px: float = 4.0
    max_samples: int = 2500
    min_samples: int = 120
    search_samples: int = 500  # of them, for the grid of headings
    refined_candidates: int = 4
    max_tracked_cost: float = 0.12
    max_tracked_pairs: int = 50  # in a row, before the headings are searched again
    photometric_samples: int = 3000  # measured anew in the frames, where they are given; 0 = none
    photometric_floor_px: float = 0.04  # their noise, beside that of the grey levels
    photometric_grey: float = 6.0  # noise of the grey levels
    photometric_reach_px: float = 2.0  # flow that is farther off is not measured anew
    min_inlier_ratio: float = 0.5
    max_cost: float = 0.25
    max_vibrating_cost: float = 0.15  # where a band of rows is shifted by more than
    max_row_shift_px: float = 0.7  # against the motion: a rolling shutter that vibrates
    max_violations: float = 0.10
    min_parallax_snr: float = 4.0
    max_focus_sd: float = 0.05  # of the width
    max_condition: float = 1e6  # of the normal matrix of the fit
    min_relief: float = 1.0  # of the scene's inverse depths, over their noise; a wall has 2/3
    max_rotation_deg: float = 6.0
    max_off_deg: float = 15.0  # from the usual heading of the video, where it has one
    min_margin: float = 0.2  # over the best rival, where there is no prior
    min_parallax_sigma: float = 3.0  # what a rotation alone must leave, in s0
