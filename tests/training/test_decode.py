import struct
import zlib

import cv2
import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from labels.codec import downscale
from training.decode import decode_frame, decode_labels
from training.label_resize import resize_labels
from training.png import decode_png
from training.sample import SampleError

FILTERS = [getattr(cv2, f"IMWRITE_PNG_FILTER_{name}") for name in ("NONE", "SUB", "UP", "AVG", "PAETH")]


def scene(height: int = 36, width: int = 64, channels: int = 3, scale: float = 1) -> NDArray[np.uint8]:
    y, x = np.mgrid[:height, :width] / scale
    waves = [127 + 100 * np.sin(x / (9 + c) + y / 11) for c in range(channels)]
    return np.stack(waves, axis=2).astype(np.uint8).squeeze()


def labels(missing: float, height: int = 36, width: int = 64) -> NDArray[np.uint8]:
    rng = np.random.default_rng(4)
    codes = rng.integers(1, 256, (height, width), dtype=np.uint8)
    codes[rng.random(codes.shape) < missing] = 0
    return codes


def png(image: NDArray[np.uint8], *options: int) -> bytes:
    return cv2.imencode(".png", image, options)[1].tobytes()


# -- PNG ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FILTERS)
@pytest.mark.parametrize("image", [scene(channels=1), labels(0.3), np.full((1, 1), 7, np.uint8), scene(1, 50, 1)[None]])
def test_images_come_back_through_every_filter(kind: int, image: NDArray[np.uint8]) -> None:
    image = image.reshape(-1, image.shape[-1])
    np.testing.assert_array_equal(decode_png(png(image, cv2.IMWRITE_PNG_FILTER, kind)), image)


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=5 * 9, max_size=5 * 9), st.lists(st.integers(0, 4), min_size=5, max_size=5))
def test_filters_are_undone_as_by_libpng(content: bytes, kinds: list[int]) -> None:
    filtered = np.frombuffer(content, np.uint8).reshape(5, 9).copy()
    filtered[:, 0] = kinds
    made = assembled(8, 5, zlib.compress(filtered.tobytes()))
    wanted = cv2.imdecode(np.frombuffer(made, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(decode_png(made), wanted)


def assembled(width: int, height: int, packed: bytes, depth: int = 8, colour: int = 0, interlace: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    chunks = [(b"IHDR", header), (b"IDAT", packed), (b"IEND", b"")]
    written = [struct.pack(">I4s", len(b), k) + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


BOMB = zlib.compress(bytes(1 << 24))
REFUSED = {
    "not a PNG": b"GIF89a",
    "not an 8-bit grey PNG": png(scene()),
    "8-bit grey PNG without": assembled(8, 5, zlib.compress(bytes(90)), depth=16),
    "without interlacing": assembled(8, 5, zlib.compress(bytes(45)), interlace=1),
    "a PNG of 100000x100000 pixels": assembled(100_000, 100_000, b""),
    "a PNG of 0x5 pixels": assembled(0, 5, b""),
    "more than it says": assembled(8, 5, BOMB),
    "fewer pixels than it says": assembled(8, 5, zlib.compress(bytes(44))),
    "unknown filter": assembled(8, 5, zlib.compress(b"\x05" + bytes(44))),
    "damaged PNG": assembled(8, 5, b"no deflate stream"),
    "it ends too early": png(labels(0))[:-20],
}


@pytest.mark.parametrize(("sentence", "content"), REFUSED.items())
def test_what_is_no_sound_label_is_refused(sentence: str, content: bytes) -> None:
    with pytest.raises(SampleError, match=sentence):
        decode_png(content)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_changed_byte_passes(place: int, change: int) -> None:
    content = bytearray(png(scene(channels=1)))
    content[place % len(content)] ^= change
    with pytest.raises(SampleError):
        decode_png(bytes(content))


@pytest.mark.parametrize("height", [127, 128, 129, 300])
def test_rows_that_are_worked_on_together_follow_those_before(height: int) -> None:
    rng = np.random.default_rng(height)
    filtered = rng.integers(0, 256, (height, 31), dtype=np.uint8)
    filtered[:, 0] = rng.integers(0, 5, height)
    made = assembled(30, height, zlib.compress(filtered.tobytes()))
    wanted = cv2.imdecode(np.frombuffer(made, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(decode_png(made), wanted)


# -- labels ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [0, 0.3, 0.7, 1])
@pytest.mark.parametrize("factor", [1, 2, 3, 4])
@pytest.mark.parametrize("method", ["median", "nearest"])
def test_whole_factors_are_the_codecs(missing: float, factor: int, method: str) -> None:
    codes = labels(missing)
    found = np.empty((36 // factor, 64 // factor), np.uint8)
    resize_labels(codes[: 36 // factor * factor, : 64 // factor * factor], found, method)
    np.testing.assert_array_equal(found, downscale(codes, factor, method))


def blockwise(codes: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """The definition, pixel by pixel."""
    (H, W), found = codes.shape, np.zeros((height, width), np.uint8)
    for i in range(height):
        for j in range(width):
            rows = slice(i * H // height, max((i + 1) * H // height, i * H // height + 1))
            columns = slice(j * W // width, max((j + 1) * W // width, j * W // width + 1))
            block = np.sort(codes[rows, columns].ravel())
            known = block[block > 0]
            if len(known) and 2 * len(known) >= len(block):
                found[i, j] = known[(len(known) - 1) // 2]
    return found


@pytest.mark.parametrize("size", [(23, 41), (36, 50), (20, 64), (14, 25), (7, 64), (40, 80), (1, 1)])
@pytest.mark.parametrize("missing", [0.1, 0.5])
def test_any_size_is_the_median_of_what_is_known(size: tuple[int, int], missing: float) -> None:
    found = np.empty(size, np.uint8)
    resize_labels(labels(missing), found)
    np.testing.assert_array_equal(found, blockwise(labels(missing), *size))


def test_edges_between_labels_and_none_invent_no_value() -> None:
    codes = np.zeros((36, 64), np.uint8)
    codes[:, 31:] = 200
    for method in ("median", "nearest"):
        found = np.empty((23, 41), np.uint8)
        resize_labels(codes, found, method)
        assert set(np.unique(found)) == {0, 200}


def test_unknown_methods_are_named() -> None:
    with pytest.raises(ValueError, match="unknown method 'mean' of resizing labels; known: median, nearest"):
        resize_labels(labels(0), np.empty((9, 16), np.uint8), "mean")


def test_a_label_decodes_into_its_place() -> None:
    batch = np.full((3, 18, 32), 9, np.uint8)
    decode_labels(png(labels(0.3)), batch[1])
    np.testing.assert_array_equal(batch[1], downscale(labels(0.3), 2))
    assert (batch[[0, 2]] == 9).all()


# -- frames ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1, 1.6, 2, 3.3, 4, 9])
def test_frames_are_shrunk_whole_as_area_averages_would(factor: float) -> None:
    image = scene(360, 640, scale=factor)
    height, width = round(360 / factor), round(640 / factor)
    batch = np.zeros((2, height, width, 3), np.uint8)
    decode_frame(simplejpeg.encode_jpeg(image, quality=95), batch[1])
    wanted = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    assert np.abs(batch[1].astype(int) - wanted).mean() < 2
    assert not batch[0].any()


@pytest.mark.parametrize("factor", [2, 4, 9])
def test_what_is_finer_than_the_pixels_becomes_its_mean(factor: int) -> None:
    stripes = np.zeros((360, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    found = np.empty((360 // factor, 640 // factor, 3), np.uint8)
    decode_frame(simplejpeg.encode_jpeg(stripes, quality=95), found)
    assert np.abs(found.astype(int) - 127.5).max() < 4


def test_colours_are_rgb_and_grey_frames_have_three_channels() -> None:
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 255
    found = np.zeros((32, 32, 3), np.uint8)
    decode_frame(simplejpeg.encode_jpeg(red), found)
    assert (found[..., 0] > 245).all() and (found[..., 1:] < 10).all()
    decode_frame(simplejpeg.encode_jpeg(np.full((32, 32, 1), 90, np.uint8), colorspace="GRAY"), found)
    assert (abs(found.astype(int) - 90) < 3).all()


@pytest.mark.parametrize("content", [b"", b"no jpeg", simplejpeg.encode_jpeg(scene())[:-300], png(scene())])
def test_damaged_frames_are_refused(content: bytes) -> None:
    with pytest.raises(SampleError, match="damaged JPEG"):
        decode_frame(content, np.empty((18, 32, 3), np.uint8))


def test_frames_that_claim_to_be_huge_are_refused() -> None:
    content = bytearray(simplejpeg.encode_jpeg(scene()))
    start = content.index(b"\xff\xc0") + 5
    content[start : start + 4] = struct.pack(">HH", 60_000, 60_000)
    with pytest.raises(SampleError, match="a JPEG of 60000x60000 pixels"):
        decode_frame(bytes(content), np.empty((18, 32, 3), np.uint8))
