import io
import tarfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import sample as written
from training.sample import SampleError, members

KEY = "drive-00000003"


def blocks() -> bytes:
    image = np.random.default_rng(1).integers(0, 255, (16, 16), dtype=np.uint8)
    return written.encode(KEY, image, image, image, {"frame": 3}, 95)


def tar(*files: tuple[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    found = io.BytesIO()
    for name, content in files:
        info = tarfile.TarInfo(name)
        info.size, info.type = len(content), kind
        found.write(info.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512))
    return found.getvalue()


def test_members_are_those_that_the_pipeline_wrote() -> None:
    wanted = {name.partition(".")[2]: content for name, content in written.members(blocks())}
    assert members(KEY, blocks()) == wanted
    assert list(wanted) == ["jpg", "depth.png", "confidence.png", "json"]


def test_unknown_kinds_are_left_alone() -> None:
    assert set(members("a", tar(("a.jpg", b"1"), ("a.depth.png", b"2"), ("a.pyd", b"3"), ("a.pkl", b"4")))) == {
        "jpg",
        "depth.png",
    }


REFUSED = {
    "no jpg and no depth.png": tar(("a.json", b"{}")),
    "no depth.png": tar(("a.jpg", b"1")),
    "'b.jpg' where samples.parquet says a": tar(("b.jpg", b"1")),
    "jpg twice": tar(("a.jpg", b"1"), ("a.jpg", b"1")),
    "no plain file": tar(("a.jpg", b""), kind=tarfile.SYMTYPE),
    "not a tar header": b"x" * 512,
    "damaged tar header": tar(("a.jpg", b"1"))[:100] + b"7" + tar(("a.jpg", b"1"))[101:],
    "a member of 600 bytes in 512 bytes": tar(("a.jpg", bytes(600)))[:512],
}


@pytest.mark.parametrize(("sentence", "content"), REFUSED.items())
def test_what_is_no_sample_is_refused(sentence: str, content: bytes) -> None:
    with pytest.raises(SampleError, match=sentence):
        members("a", content)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=2048), st.integers(0, 4000))
def test_no_damage_escapes_as_another_error(damage: bytes, place: int) -> None:
    content = bytearray(blocks())
    content[place : place + len(damage)] = damage
    try:
        found = members(KEY, bytes(content))
    except SampleError:
        return
    assert {"jpg", "depth.png"} <= set(found)
