import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from labels.codec import decode, downscale, encode, encode_confidence

ALL = np.ones(1, bool)


@pytest.mark.parametrize(("bits", "levels"), [(8, 255), (16, 65535)])
def test_known_codes(bits: int, levels: int) -> None:
    z = np.array([0.0, 0.5, 1.0])
    codes = encode(z, np.ones(3, bool), bits)
    assert codes.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert codes.tolist() == [1, levels // 2 + 1, levels]


@pytest.mark.parametrize("bits", [8, 16])
def test_every_code_survives_the_way_back(bits: int) -> None:
    codes = np.arange(256 if bits == 8 else 65536).astype(np.uint8 if bits == 8 else np.uint16)
    z, valid = decode(codes)
    np.testing.assert_array_equal(valid, codes > 0)
    np.testing.assert_array_equal(encode(z, valid, bits), codes)


@settings(deadline=None, max_examples=50)
@given(st.floats(0, 1))
def test_the_error_is_half_a_level(z: float) -> None:
    for bits, levels in ((8, 255), (16, 65535)):
        back, _ = decode(encode(np.array([z]), ALL, bits))
        assert abs(back[0] - z) <= 0.5 / levels + 1e-7


def test_nothing_is_stored_where_there_is_nothing() -> None:
    codes = encode(np.array([0.3, np.nan, np.inf, 7.0]), np.array([True, True, True, False]))
    assert codes.tolist() == [77, 0, 0, 0]


@pytest.mark.parametrize("z", [-0.01, 1.01, 55.0])
def test_what_is_no_percentile_is_refused(z: float) -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        encode(np.array([z]), ALL)


def test_other_kinds_of_codes_are_refused() -> None:
    with pytest.raises(ValueError, match="bits"):
        encode(np.array([0.5]), ALL, 12)
    with pytest.raises(ValueError, match="uint8 or uint16"):
        decode(np.array([1.0]))


def test_confidence_falls_with_the_deviation_and_is_never_zero_where_valid() -> None:
    deviation = np.array([0.0, 0.5, 1.0, 100.0, 0.0])
    confidence = encode_confidence(deviation, 0.5, np.array([True, True, True, True, False]))
    assert confidence.tolist() == [255, round(255 / np.e), round(255 / np.e**2), 1, 0]


def test_what_is_not_valid_may_hold_anything() -> None:
    anything = np.array([np.nan, np.inf, -np.inf, 3e38, -7.0, 0.5], np.float32)
    valid = np.arange(6) == 5
    with np.errstate(all="raise"):
        assert encode(anything, valid).tolist() == [0, 0, 0, 0, 0, 128]
        assert encode_confidence(anything, 0.5, valid).tolist() == [0, 0, 0, 0, 0, round(255 / np.e)]


def test_downscaling_never_mixes_labels_with_their_absence() -> None:
    codes = np.array([[0, 0, 9, 200], [0, 40, 0, 0], [7, 7, 0, 0], [7, 255, 0, 0]], np.uint8)
    # one label of four, then two of four, then all, then none
    assert downscale(codes, 2).tolist() == [[0, 9], [7, 0]]
    assert downscale(codes, 2, "nearest").tolist() == [[40, 0], [255, 0]]


@settings(deadline=None, max_examples=40)
@given(arrays(np.uint8, st.tuples(st.integers(3, 14), st.integers(3, 14))), st.integers(1, 3))
def test_the_median_is_that_of_the_labels_of_the_block(codes: np.ndarray, factor: int) -> None:
    small = downscale(codes, factor)
    for row in range(small.shape[0]):
        for column in range(small.shape[1]):
            block = codes[row * factor :, column * factor :][:factor, :factor].ravel()
            labels = np.sort(block[block > 0])
            wanted = labels[(len(labels) - 1) // 2] if 2 * len(labels) >= factor * factor else 0
            assert small[row, column] == wanted


def test_bad_downscaling_is_refused() -> None:
    codes = np.ones((4, 6), np.uint8)
    with pytest.raises(ValueError, match="leaves nothing"):
        downscale(codes, 5)
    with pytest.raises(ValueError, match="known: nearest, median"):
        downscale(codes, 2, "mean")


def test_it_is_light_to_import() -> None:
    check = "import sys, labels.codec; print({'cv2', 'numba', 'scipy', 'torch'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
