"""Videos, images and pages of an attacker that would unpack to more than this machine has."""

import gzip
import struct
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from pipeline import image_folder, video_file, yt_dlp_session
from pipeline.decode import DecodeError, open_source
from pipeline.fetch import FetchParameters, fetch
from pipeline.manifest import Video
from tests.pipeline.attacks import bmp, huge_images

LIMITS = FetchParameters(connect_s=5, stall_s=5, retries=0, backoff_s=0.01, allowed_networks="127.0.0.1")


def encode(path: Path, width: int, height: int, frames: int = 6) -> bytes:
    """A video of grey frames, each brighter than the one before."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            grey = np.full((height, width, 3), 20 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode())
    return path.read_bytes()


@pytest.mark.parametrize("kind", huge_images())
def test_images_that_claim_to_be_huge_are_skipped_before_they_are_decoded(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode(*_: object) -> None:
        pytest.fail("the image reached the decoder")

    monkeypatch.setattr(image_folder.cv2, "imdecode", decode)
    (tmp_path / "huge.png").write_bytes(huge_images()[kind])
    with pytest.raises(DecodeError, match=r"not one of 1 images can be read: 1 images skipped"):
        open_source(tmp_path, fps=10)


def test_an_honest_bmp_is_read(tmp_path: Path) -> None:
    (tmp_path / "0.bmp").write_bytes(bmp(96, 64))
    with open_source(tmp_path, fps=10) as source:
        assert source.size == (96, 64)


def test_an_honest_jpeg_with_padding_between_its_segments_is_read(tmp_path: Path) -> None:
    content = cv2.imencode(".jpg", np.full((64, 96, 3), 90, np.uint8))[1].tobytes()
    place = content.index(b"\xff\xc0")
    (tmp_path / "0.jpg").write_bytes(content[:place] + b"\xff" * 5 + content[place:])
    with open_source(tmp_path, fps=10) as source:
        assert source.size == (96, 64)


def test_a_container_that_claims_to_be_huge_gives_the_frames_that_it_has(tmp_path: Path) -> None:
    content = encode(tmp_path / "drive.mp4", 128, 96)
    entry = content.index(b"avc1", content.index(b"stsd"))
    claim = struct.pack(">HH", 65535, 65535)
    (tmp_path / "drive.mp4").write_bytes(content[: entry + 28] + claim + content[entry + 32 :])
    with open_source(tmp_path / "drive.mp4") as source:
        assert source.size == (128, 96) and len(list(source.frames())) == 6


def test_a_container_that_claims_a_billion_frames(tmp_path: Path) -> None:
    content = bytearray(encode(tmp_path / "drive.mp4", 128, 96))
    struct.pack_into(">II", content, content.index(b"stsz") + 8, 1, 2**30)
    struct.pack_into(">I", content, content.index(b"stsc") + 16, 2**30)
    struct.pack_into(">III", content, content.index(b"stts") + 8, 1, 2**30, 512)
    (tmp_path / "drive.mp4").write_bytes(content)
    with pytest.raises(DecodeError, match="not one frame decodes"):
        open_source(tmp_path / "drive.mp4")


def test_frames_that_grow_within_a_video_are_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_file, "LARGEST_AREA", 200 * 200)
    small, large = encode(tmp_path / "a.h264", 128, 96), encode(tmp_path / "b.h264", 256, 192)
    (tmp_path / "drive.h264").write_bytes(small + large)
    with open_source(tmp_path / "drive.h264") as source:
        assert {frame.image.shape for frame in source.frames()} == {(96, 128, 3)}
        assert "corrupt packets" in source.problem and "another size" not in source.problem


def test_a_video_of_too_many_frames_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_file, "MOST_FRAMES", 5)
    encode(tmp_path / "drive.mp4", 128, 96)
    with open_source(tmp_path / "drive.mp4") as source, pytest.raises(DecodeError, match="more than 5 frames") as told:
        list(source.frames())
    assert told.value.reason == "too_long"


def packed(content: bytes, content_type: str) -> Any:
    def answer(request: Any) -> None:
        small = gzip.compress(content)
        request.start(200, content_length=len(small), content_type=content_type, content_encoding="gzip")
        request.body(small)

    return answer


def test_a_page_that_unpacks_without_end(web: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yt_dlp_session, "_MAX_PAGE", 2**20)
    fetched = fetch(
        Video("one", web.serve("/watch", packed(b"<!doctype html><html>" + b" " * 2**26, "text/html"))),
        tmp_path,
        LIMITS,
    )
    assert (fetched.status, fetched.reason) == ("failed", "page_too_large"), fetched.detail


def test_a_file_that_is_packed_is_not_unpacked(web: Any, tmp_path: Path) -> None:
    fetched = fetch(Video("one", web.serve("/drive.mp4", packed(bytes(2**26), "video/mp4"))), tmp_path, LIMITS)
    assert (fetched.status, fetched.reason) == ("failed", "encoded")


def test_a_video_of_a_page_that_unpacks_without_end(web: Any, tmp_path: Path) -> None:
    html = b"<html><body><video src='/drive.mp4'></video></body></html>"
    web.serve("/drive.mp4", packed(bytes(2**26), "video/mp4"))
    limits = FetchParameters(retries=0, max_bytes=2**20, allowed_networks="127.0.0.1")
    fetched = fetch(Video("one", web.serve("/watch", packed(html, "text/html"))), tmp_path, limits)
    assert (fetched.status, fetched.reason) == ("filtered", "too_large"), fetched.detail
    assert sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) <= 2**20
