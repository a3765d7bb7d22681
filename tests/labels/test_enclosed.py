import numpy as np

from labels.enclosed import enclosed

NOTHING = np.zeros((360, 640), bool)
STEP = 2


def ring(top: int, left: int, bottom: int, right: int, width: int = 6) -> np.ndarray:
    """The outline of a box."""
    mask = NOTHING.copy()
    mask[top:bottom, left:right] = True
    mask[top + width : bottom - width, left + width : right - width] = False
    return mask


def test_the_inside_of_an_outline_is_filled_and_nothing_else() -> None:
    moving = ring(100, 200, 200, 300)
    found = enclosed(moving, NOTHING, 4, 100, STEP)
    assert found[106:194, 206:294].all()
    assert not found[moving].any() and not found[:99].any() and not found[:, 301:].any()


def test_what_stands_still_stays_and_hides_what_moves_beyond() -> None:
    moving, still = ring(100, 200, 200, 300), NOTHING.copy()
    still[140:160, 240:260] = True
    assert not enclosed(moving, still, 4, 100, STEP)[still].any()
    still[106:194, 206:294] = ring(106, 206, 194, 294)[106:194, 206:294]  # within the outline, all round
    assert not enclosed(moving, still, 4, 100, STEP).any()


def test_beside_a_straight_edge_nothing_is_filled() -> None:
    moving = NOTHING.copy()
    moving[100:140, 200:400] = True
    assert not enclosed(moving, NOTHING, 4, 100, STEP).any()
    assert enclosed(moving, NOTHING, 3, 100, STEP)[142:160, 280:320].all()


def test_rays_end_at_their_reach() -> None:
    moving = ring(60, 100, 300, 340)  # its middle is 114 px from every side, and half as far again from its corners
    assert not enclosed(moving, NOTHING, 4, 110, STEP)[178:182, 218:222].any()
    assert enclosed(moving, NOTHING, 4, 118, STEP)[178:182, 218:222].all()


def test_every_ray_counts_alike() -> None:
    """A pixel between two parts, on any of the four lines through it, is met by two rays."""
    for across, down in ((1, 0), (0, 1), (1, 1), (1, -1)):
        moving = NOTHING.copy()
        for side in (-1, 1):
            x, y = 320 + 20 * side * across, 180 + 20 * side * down
            moving[y - 2 : y + 3, x - 2 : x + 3] = True
        assert enclosed(moving, NOTHING, 2, 40, 1)[180, 320]
        assert enclosed(moving, NOTHING, 2, 22, 1)[180, 320] == (0 in (across, down))  # 18 px, and 25 px aslant
        assert not enclosed(moving, NOTHING, 3, 40, 1)[180, 320]


def test_any_size_and_step_will_do() -> None:
    for step in (1, 2, 3, 5):
        moving = ring(20, 20, 78, 90)[:97, :131]
        found = enclosed(moving, NOTHING[:97, :131], 4, 60, step)
        assert found.shape == moving.shape
        assert found[30:68, 30:80].all() and not found[:19].any() and not found[80:].any()
