import io
import json
import tarfile

import cv2
import numpy as np
import pytest

from pipeline import sample


def blocks(**record: object) -> bytes:
    generator = np.random.default_rng(1)
    image = generator.integers(0, 255, (48, 64, 3), dtype=np.uint8)
    codes = generator.integers(0, 255, (48, 64), dtype=np.uint8)
    return sample.encode("drive-00000007", image, codes, codes, record, 92)


def test_a_sample_is_adjacent_members_of_a_plain_tar() -> None:
    content = blocks(frame=7)
    assert len(content) % 512 == 0
    with tarfile.open(fileobj=io.BytesIO(content + sample.END), mode="r:") as tar:
        infos = tar.getmembers()
    names = ["drive-00000007.jpg", "drive-00000007.depth.png", "drive-00000007.confidence.png", "drive-00000007.json"]
    assert [info.name for info in infos] == names
    assert all((info.mtime, info.uid, info.gid, info.uname) == (0, 0, 0, "") for info in infos)


def test_codes_come_back_exactly_and_bytes_repeat() -> None:
    found = dict(sample.members(blocks(frame=7)))
    codes = cv2.imdecode(np.frombuffer(found["drive-00000007.depth.png"], np.uint8), cv2.IMREAD_UNCHANGED)
    generator = np.random.default_rng(1)
    generator.integers(0, 255, (48, 64, 3), dtype=np.uint8)
    np.testing.assert_array_equal(codes, generator.integers(0, 255, (48, 64), dtype=np.uint8))
    assert blocks(frame=7) == blocks(frame=7)


def test_colours_are_rgb() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    image[..., 0] = 200
    codes = np.ones((32, 32), np.uint8)
    found = dict(sample.members(sample.encode("a-00000000", image, codes, None, {}, 95)))
    decoded = cv2.imdecode(np.frombuffer(found["a-00000000.jpg"], np.uint8), cv2.IMREAD_COLOR)
    assert decoded[..., 2].mean() > 190 and decoded[..., 0].mean() < 10  # OpenCV reads BGR


def test_records_are_plain_json() -> None:
    content = blocks(R=np.array([1 / 3, np.float32(2)]), far=float("inf"), n=np.int64(3), nested={"x": (1.0, None)})
    record = json.loads(dict(sample.members(content))["drive-00000007.json"])
    assert record == {"R": [0.3333333, 2.0], "far": None, "n": 3, "nested": {"x": [1.0, None]}}


def test_a_member_that_is_no_file_is_refused() -> None:
    info = tarfile.TarInfo("link")
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with pytest.raises((ValueError, KeyError)):
        list(sample.members(info.tobuf(tarfile.USTAR_FORMAT)))


def test_keys_sort_by_frame() -> None:
    assert sorted(sample.key("v", frame) for frame in (100, 20, 3)) == ["v-00000003", "v-00000020", "v-00000100"]
