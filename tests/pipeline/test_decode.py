"""Decoding: every frame is the one it says it is, wherever the reading starts, and bad input has a reason."""

import os
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.decode import Crop, DecodeError, open_source
from pipeline.image_folder import image_times

FRAMES, WIDTH, HEIGHT, BITS = 70, 320, 192, 8
REAL_DATA = os.environ.get("REAL_DATA_DIR")
real_data = pytest.mark.skipif(not REAL_DATA, reason="REAL_DATA_DIR is not set")


# -- videos that say in their pixels which frame it is ----------------------------------------------------------------


def picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """A texture that slides, with the frame's number in black and white blocks at the top left."""
    texture = np.random.default_rng(0).integers(0, 255, (60, 160, 3), dtype=np.uint8)
    texture = cv2.resize(texture, (960, 360), interpolation=cv2.INTER_CUBIC)
    image = texture[20 : 20 + height, 2 * number : 2 * number + width].copy()
    for bit in range(BITS):
        image[:24, 24 * bit : 24 * bit + 24] = 255 * (number >> bit & 1)
    return image


def number_in(image: NDArray[np.uint8]) -> int:
    return sum(int(image[8:16, 24 * bit + 8 : 24 * bit + 16].mean() > 127) << bit for bit in range(BITS))


def irregular_times(rate: int) -> list[int]:
    """Milliseconds of frames that come when they like."""
    steps = np.random.default_rng(1).choice([20, 33, 40, 100], FRAMES)
    return [int(time) for time in np.cumsum(steps)]


def encode(
    path: Path,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    pixels: str = "yuv420p",
    times_ms: list[int] | None = None,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    frames: int = FRAMES,
    b_frames: int | None = None,
    rotation: int = 0,
    pixel_aspect: Fraction | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = *size, pixels, 20
        stream.codec_context.thread_count = 1  # the same bytes on any number of processors
        time_base = Fraction(1, 1000) if times_ms else Fraction(1, 25)
        stream.codec_context.time_base = time_base
        if b_frames is not None:
            stream.max_b_frames = b_frames
        if pixel_aspect is not None:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        if rotation:
            stream.set_display_rotation(rotation)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(number, *size), format="rgb24").reformat(format=pixels)
            frame.pts, frame.time_base = (times_ms[number] if times_ms else number), time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


X264_OPEN = {"x264-params": "open-gop=1:bframes=3:scenecut=0"}
ENCODINGS = {
    "b_frames.mp4": {"b_frames": 3},
    "open_gop.mp4": {"options": X264_OPEN},
    "open_gop.mkv": {"options": X264_OPEN | {"preset": "ultrafast"}},
    "intra_refresh.mp4": {"options": {"x264-params": "intra-refresh=1:bframes=0:keyint=20"}},
    "variable_rate.mp4": {"times_ms": irregular_times(25)},
    "late_start.mkv": {"times_ms": [5000 + time for time in irregular_times(25)]},
    "bt709.mp4": {"options": {"x264-params": "colormatrix=bt709:colorprim=bt709:transfer=bt709"}},
    "ten_bits.mp4": {"pixels": "yuv420p10le"},
    "hevc.mp4": {"codec": "libx265", "options": {"x265-params": "open-gop=1:bframes=3:log-level=error"}},
    "mpeg4.avi": {"codec": "mpeg4", "b_frames": 2},
    "mpeg4.mp4": {"codec": "mpeg4", "b_frames": 2},
    "mpeg2.ts": {"codec": "mpeg2video", "b_frames": 2},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}},
    "motion_jpeg.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "animated.gif": {"codec": "gif", "pixels": "rgb8"},
    "grey.mkv": {"codec": "ffv1", "pixels": "gray"},
    "bare.h264": {},
}


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("encoded")
    yield folder


def encoded_file(folder: Path, name: str) -> Path:
    path = folder / name
    return path if path.exists() else encode(path, **ENCODINGS[name])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ENCODINGS)
def test_all_frames_come_in_order_with_their_times(encoded: Path, name: str) -> None:
    with open_source(encoded_file(encoded, name)) as source:
        frames = list(source.frames())
        assert source.problem == ""
    assert [number_in(frame.image) for frame in frames] == list(range(FRAMES))
    times = ENCODINGS[name].get("times_ms") or [40 * number for number in range(FRAMES)]
    expected = (np.array(times) - times[0]) / 1000
    measured = np.array([frame.time_s for frame in frames])
    np.testing.assert_allclose(measured - measured[0], expected, atol=1e-3)
    assert all(frame.image.shape == (HEIGHT, WIDTH, 3) and frame.image.dtype == np.uint8 for frame in frames)


@pytest.mark.parametrize("name", ENCODINGS)
def test_frames_have_the_same_pixels_wherever_the_reading_starts(encoded: Path, name: str) -> None:
    with open_source(encoded_file(encoded, name)) as source:
        whole = list(source.frames())
        for first in (0, 1, 17, 18, 19, 20, 21, 22, 38, 41, 63, FRAMES - 1):
            last = min(first + 3, FRAMES - 1)
            part = list(source.frames(whole[first].pts, whole[last].pts))
            assert [frame.pts for frame in part] == [frame.pts for frame in whole[first : last + 1]]
            for one, other in zip(part, whole[first : last + 1]):
                np.testing.assert_array_equal(one.image, other.image)
                assert one.time_s == other.time_s


def test_only_the_frames_asked_for_come_out(encoded: Path, tmp_path: Path) -> None:
    for number in range(4):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture(number))
    for source in (open_source(encoded_file(encoded, "b_frames.mp4")), open_source(tmp_path, fps=25.0)):
        whole = list(source.frames())
        some = list(source.frames(only={whole[1].pts, whole[3].pts}))
        assert [frame.pts for frame in some] == [whole[1].pts, whole[3].pts]
        np.testing.assert_array_equal(some[1].image, whole[3].image)


def test_timestamps_between_frames_are_understood(encoded: Path) -> None:
    with open_source(encoded_file(encoded, "b_frames.mp4")) as source:
        pts = [frame.pts for frame in source.frames()]
        part = list(source.frames(pts[30] - 1, pts[33] + 1))
        assert [number_in(frame.image) for frame in part] == [30, 31, 32, 33]
        assert list(source.frames(pts[-1] + 1)) == []


def test_only_the_span_comes_out(encoded: Path) -> None:
    with open_source(encoded_file(encoded, "b_frames.mp4"), start_s=0.4, end_s=0.8) as source:
        assert [number_in(frame.image) for frame in source.frames()] == list(range(10, 20))


def test_frames_look_like_what_was_encoded(encoded: Path) -> None:
    with open_source(encoded_file(encoded, "grey.mkv")) as source:  # lossless
        frame = next(source.frames())
    expected = cv2.cvtColor(picture(0), cv2.COLOR_RGB2GRAY)
    assert np.abs(frame.image.astype(int) - expected[..., None]).max() <= 4


@pytest.mark.parametrize("name", [name for name in ENCODINGS if name != "bt709.mp4"])  # that weighs colours otherwise
def test_grey_frames_are_the_same_without_colour(encoded: Path, name: str) -> None:
    with open_source(encoded_file(encoded, name)) as source:
        coloured, grey = (list(islice(source.frames(grey=asked), 3)) for asked in (False, True))
    assert [(frame.pts, frame.time_s) for frame in grey] == [(frame.pts, frame.time_s) for frame in coloured]
    for one, other in zip(grey, coloured):
        assert one.image.shape == (HEIGHT, WIDTH) and one.image.dtype == np.uint8
        assert np.abs(one.image - cv2.cvtColor(other.image, cv2.COLOR_RGB2GRAY).astype(int)).mean() < 4


@pytest.mark.parametrize(
    ("name", "black", "white"), [("b_frames.mp4", 16, 235), ("bt709.mp4", 16, 235), ("motion_jpeg.avi", 0, 255)]
)
def test_grey_is_the_luma_that_the_video_has(encoded: Path, name: str, black: int, white: int) -> None:
    path = encoded_file(encoded, name)
    with open_source(path) as source, av.open(str(path)) as container:
        found = next(source.frames(grey=True)).image
        luma = next(container.decode(video=0)).to_ndarray()[:HEIGHT].astype(float)
    np.testing.assert_allclose(found, np.clip((luma - black) * 255 / (white - black), 0, 255), atol=0.5)


def test_grey_frames_are_turned_cropped_and_scaled_as_others(tmp_path: Path) -> None:
    crop, folder = Crop(top=0.25), image_folder(tmp_path, ["0.png"])
    turned = encode(tmp_path / "turned.mp4", frames=1, rotation=90)
    for source in (open_source(turned, crop=crop, width=150), open_source(folder, fps=1.0, crop=crop, width=150)):
        coloured, grey = (next(source.frames(grey=asked)).image for asked in (False, True))
        assert grey.shape == coloured.shape[:2] and grey.shape[1] == 150
        assert np.abs(grey - cv2.cvtColor(coloured, cv2.COLOR_RGB2GRAY).astype(int)).mean() < 4


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_display_rotation_is_applied(tmp_path: Path, rotation: int) -> None:
    path = encode(tmp_path / "turned.mp4", frames=3, rotation=rotation)
    with open_source(path) as source:
        frame = next(source.frames())
        upright = np.rot90(frame.image, -rotation // 90)
        expected_size = (WIDTH, HEIGHT) if rotation == 180 else (HEIGHT, WIDTH)
        assert source.size == source.working_size == expected_size
    assert np.abs(upright.astype(int) - picture(0)).mean() < 12


# -- framing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "width", "expected"),
    [((320, 192), 640, (320, 192)), ((320, 192), 160, (160, 96)), ((322, 190), 201, (200, 118))],
)
def test_working_sizes_are_even_and_never_enlarged(
    tmp_path: Path, size: tuple[int, int], width: int, expected: tuple[int, int]
) -> None:
    with open_source(encode(tmp_path / "sized.mp4", size=size, frames=2), width=width) as source:
        assert source.working_size == expected
        assert next(source.frames()).image.shape == (expected[1], expected[0], 3)


def test_odd_sizes_lose_a_line_at_most(tmp_path: Path) -> None:
    path = encode(tmp_path / "odd.mkv", codec="ffv1", pixels="bgr0", size=(321, 193), frames=2)
    with open_source(path) as source:
        assert (source.size, source.working_size) == ((321, 193), (320, 192))


def test_crop_takes_the_rows_it_names(tmp_path: Path) -> None:
    folder = image_folder(tmp_path, ["0.png"])
    rows = np.repeat(np.arange(200, dtype=np.uint8)[:, None], 400, axis=1)
    cv2.imwrite(str(folder / "0.png"), rows)
    with open_source(folder, fps=10, crop=Crop(top=0.1, bottom=0.2), width=400) as source:
        image = next(source.frames()).image
        assert (image[0, 0, 0], image[-1, 0, 0], image.shape) == (20, 159, (140, 400, 3))
        assert source.framing.principal_point == (199.5, 99.5 - 20)
        left, top, right, bottom = source.framing.to_source(10, 20, 100, 120)
        assert (left, top, right, bottom) == (10, 40, 100, 140)
    bars = Crop(rectangle=(50, 20, 350, 150))
    with open_source(folder, fps=10, crop=bars, width=150) as source:
        image = next(source.frames()).image
        assert image.shape == (64, 150, 3)
        assert abs(int(image[0, 0, 0]) - 20) <= 2
        assert abs(int(image[-1, 0, 0]) - 149) <= 2
        # the middle of the picture between the bars
        np.testing.assert_allclose(source.framing.principal_point, (74.5, 31.5), atol=0.7)


def test_a_crop_that_leaves_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="leaves nothing"):
        open_source(image_folder(tmp_path, ["0.png"]), fps=10, crop=Crop(top=0.6, bottom=0.5))


def test_pixels_that_are_not_square_become_square(tmp_path: Path) -> None:
    path = encode(tmp_path / "anamorphic.mp4", frames=2, pixel_aspect=Fraction(4, 3))
    with open_source(path) as source:
        assert source.working_size == (320, 144)
        assert source.framing.scale == (1.0, 0.75)


# -- bad files --------------------------------------------------------------------------------------------------------


def reason_of(path: Path, fps: float | None = None) -> str:
    with pytest.raises(DecodeError) as caught, open_source(path, fps) as source:
        list(source.frames())
    assert isinstance(caught.value, ValueError)
    return caught.value.reason


def test_a_missing_and_an_empty_file_are_told(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    assert reason_of(tmp_path / "none.mp4") == "missing"
    assert reason_of(tmp_path / "empty.mp4") == "empty"


@pytest.mark.parametrize("name", ["text.txt", "text.mp4", "noise.mp4", "list.m3u8", "list.ffconcat", "still.png"])
def test_what_is_no_video_is_told(tmp_path: Path, encoded: Path, name: str) -> None:
    video = encoded_file(encoded, "b_frames.mp4")
    (tmp_path / "text.txt").write_text("Not a video, but long enough to be taken for one by a lenient reader.\n" * 50)
    (tmp_path / "text.mp4").write_bytes((tmp_path / "text.txt").read_bytes())
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(50_000))
    (tmp_path / "list.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{video}\n#EXT-X-ENDLIST\n")
    (tmp_path / "list.ffconcat").write_text(f"ffconcat version 1.0\nfile '{video}'\n")  # must not read other files
    cv2.imwrite(str(tmp_path / "still.png"), picture(0))
    assert reason_of(tmp_path / name) == "not_video"


def test_sound_alone_is_told(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert reason_of(path) == "no_video_stream"


def test_an_encrypted_file_is_told(tmp_path: Path) -> None:
    secret = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb"}
    path = encode(
        tmp_path / "secret.mp4", container_options=secret | {"encryption_kid": "a7e61c373e219033c21091fa607bf3b8"}
    )
    assert reason_of(path) == "encrypted"


def test_a_file_without_its_index_is_told(tmp_path: Path, encoded: Path) -> None:
    content = encoded_file(encoded, "b_frames.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(content[: len(content) // 2])  # the index stands at the end
    assert reason_of(tmp_path / "cut.mp4") == "unreadable"


@pytest.mark.parametrize("name", ["cut.mp4", "cut.mkv"])
def test_a_truncated_file_gives_what_decodes_and_says_so(tmp_path: Path, name: str) -> None:
    front = {"movflags": "faststart"} if name.endswith("mp4") else {}
    whole = encode(tmp_path / f"whole_{name}", container_options=front).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) * 6 // 10])
    with open_source(tmp_path / name) as source:
        numbers = [number_in(frame.image) for frame in source.frames()]
        assert 20 <= len(numbers) < FRAMES
        assert numbers == list(range(len(numbers)))
        assert "promised" in source.problem


@pytest.mark.parametrize(("name", "codec"), [("hurt.mp4", "libx264"), ("hurt.mkv", "ffv1"), ("hurt.ts", "libx264")])
def test_what_corrupt_packets_spoil_is_skipped_and_counted(tmp_path: Path, name: str, codec: str) -> None:
    content = bytearray(encode(tmp_path / f"whole_{name}", codec=codec).read_bytes())
    middle, length = len(content) // 2, len(content) // 10
    content[middle : middle + length] = np.random.default_rng(0).bytes(length)
    (tmp_path / name).write_bytes(content)
    with open_source(tmp_path / name) as source:
        frames = list(source.frames())
        assert "skipped" in source.problem
    numbers = [number_in(frame.image) for frame in frames]
    assert FRAMES // 2 < len(numbers) < FRAMES
    # every frame is the one that its time says, none is made up
    assert numbers == [round(25 * (frame.time_s - frames[0].time_s)) for frame in frames]
    assert numbers[:20] == list(range(20))
    assert numbers[-5:] == list(range(FRAMES - 5, FRAMES))


TRANSPORT_STREAMS = {
    "h264": {"b_frames": 3},
    "open_gop": {"options": X264_OPEN},
    "hevc": {"codec": "libx265", "options": {"x265-params": "open-gop=1:bframes=3:log-level=error"}},
    "mpeg2": {"codec": "mpeg2video", "b_frames": 2},
}


def begins_key_frame(packets: bytes) -> bool:
    """Whether the first packet of the video in a transport stream is said to begin a key frame."""
    video = next(
        packet
        for packet in (packets[at : at + 188] for at in range(0, len(packets), 188))
        if packet[1] & 0x1F == 1 and packet[2] == 0
    )
    return bool(video[3] & 0x20 and video[4] and video[5] & 0x40)


@pytest.mark.parametrize("name", TRANSPORT_STREAMS)
@pytest.mark.parametrize("lost", [1, 5, 15])  # sixteen leave a counter of four bits as it was
def test_nothing_is_made_up_where_a_transport_stream_lost_packets(tmp_path: Path, name: str, lost: int) -> None:
    whole = encode(tmp_path / "whole.ts", **TRANSPORT_STREAMS[name])  # type: ignore[arg-type]
    content = whole.read_bytes()
    with open_source(whole) as source:
        truth = {frame.pts: frame.image for frame in source.frames()}
    packets = len(content) // 188  # the first key frame takes a fifth of them, and FFmpeg says nothing of holes in it
    for first in range(packets // 4, packets - lost - 10, packets // 11):
        if begins_key_frame(content[188 * (first + lost) :]):
            continue  # as where segments are joined
        hurt = tmp_path / "hurt.ts"
        hurt.write_bytes(content[: 188 * first] + content[188 * (first + lost) :])
        with open_source(hurt) as source:
            frames = list(source.frames())
            assert "skipped" in source.problem or len(frames) == FRAMES  # what was lost may be stuffing
        assert len(frames) > FRAMES // 3
        for frame in frames:
            np.testing.assert_array_equal(frame.image, truth[frame.pts], f"without packets {first} to {first + lost}")


@pytest.mark.parametrize("name", ["h264", "open_gop"])
def test_joined_segments_of_a_stream_are_whole(tmp_path: Path, name: str) -> None:
    """As downloaders make one file of a playlist: the counters of a transport stream begin anew in each."""
    segments: list[Path] = []
    with av.open(str(encode(tmp_path / "whole.ts", **TRANSPORT_STREAMS[name]))) as whole:  # type: ignore[arg-type]
        packets = [packet for packet in whole.demux(whole.streams.video[0]) if packet.dts is not None]
        starts = [number for number, packet in enumerate(packets) if packet.is_keyframe]
        for first, end in pairwise([*starts, len(packets)]):
            segments.append(tmp_path / f"{first}.ts")
            with av.open(str(segments[-1]), "w", options={"mpegts_copyts": "1"}) as segment:
                stream = segment.add_stream_from_template(whole.streams.video[0])
                for packet in packets[first:end]:
                    packet.stream = stream
                    segment.mux(packet)
    assert len(segments) > 2
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join(segment.read_bytes() for segment in segments))
    with open_source(joined) as source:
        assert [number_in(frame.image) for frame in source.frames()] == list(range(FRAMES))
        assert source.problem == ""


def test_a_single_frame_is_a_video(tmp_path: Path) -> None:
    with open_source(encode(tmp_path / "one.mp4", frames=1)) as source:
        assert [number_in(frame.image) for frame in source.frames()] == [0]


def test_frames_too_small_for_flow_are_refused(tmp_path: Path) -> None:
    assert reason_of(encode(tmp_path / "tiny.mp4", size=(48, 48), frames=2)) == "too_small"


def test_samples_are_spread_over_the_video(encoded: Path) -> None:
    with open_source(encoded_file(encoded, "b_frames.mp4")) as source:
        numbers = [number_in(image) for image in source.samples(10)]
    assert 8 <= len(numbers) <= 11
    assert numbers == sorted(numbers)
    assert numbers[-1] > 0.8 * FRAMES


# -- folders of images ------------------------------------------------------------------------------------------------


def image_folder(tmp_path: Path, names: list[str]) -> Path:
    folder = tmp_path / "images"
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        assert cv2.imwrite(str(folder / name), picture(number)[..., ::-1])
    return folder


def test_images_come_in_natural_order_at_their_rate(tmp_path: Path) -> None:
    folder = image_folder(tmp_path, [f"frame{number}.png" for number in range(12)])
    (folder / "timestamps.txt").write_text("not an image")
    with open_source(folder, fps=10) as source:
        frames = list(source.frames())
        assert [number_in(frame.image) for frame in frames] == list(range(12))
        np.testing.assert_allclose([frame.time_s for frame in frames], np.arange(12) / 10)
        np.testing.assert_array_equal(frames[3].image, picture(3))
        assert [frame.name for frame in source.frames(4, 6)] == ["frame4.png", "frame5.png", "frame6.png"]
    with open_source(str(folder / "frame1*.png"), fps=10) as source:
        assert [frame.name for frame in source.frames()] == ["frame1.png", "frame10.png", "frame11.png"]


def test_images_need_a_rate(tmp_path: Path) -> None:
    assert reason_of(image_folder(tmp_path, ["0.png"])) == "no_rate"


def test_a_folder_without_images_is_told(tmp_path: Path) -> None:
    assert reason_of(tmp_path, fps=10) == "missing"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["0000000000", "0000000001", "0000000003"], [0, 0.1, 0.3]),  # a KITTI raw frame is missing
        (["0016E5_07959", "0016E5_07961", "0016E5_07963", "0016E5_07967"], [0, 0.1, 0.2, 0.4]),  # every second frame
        (["b_000000_000028_leftImg8bit", "b_000000_000029_leftImg8bit", "b_000001_000000_leftImg8bit"], [0, 0.1, 10.1]),
        (["1403636579763555584", "1403636579813555456", "1403636579863555584"], [0, 0.1, 0.2]),  # nanoseconds
        (["a", "b", "c"], [0, 0.1, 0.2]),
        (["only"], [0]),
    ],
)
def test_times_follow_the_numbers_in_the_names(names: list[str], expected: list[float]) -> None:
    assert image_times([Path(f"{name}.png") for name in names], 10) == pytest.approx(expected, abs=1e-5)


def test_images_that_cannot_be_used_are_skipped_and_counted(tmp_path: Path) -> None:
    folder = image_folder(tmp_path, [f"{number}.jpg" for number in range(6)])
    (folder / "1.jpg").write_bytes((folder / "1.jpg").read_bytes()[:-2000])  # the decoder would fill up with grey
    (folder / "2.jpg").write_bytes(b"")
    (folder / "3.jpg").write_bytes(b"no image at all")
    cv2.imwrite(str(folder / "4.jpg"), picture(4, 160, 96))
    with open_source(folder, fps=10) as source:
        frames = list(source.frames())
        assert [(frame.pts, frame.name) for frame in frames] == [(0, "0.jpg"), (5, "5.jpg")]
        assert source.problem == "4 images skipped: 1 another size, 1 empty, 1 truncated, 1 unreadable"


def test_an_image_that_claims_to_be_huge_is_not_decoded(tmp_path: Path) -> None:
    folder = image_folder(tmp_path, ["0.png"])
    content = bytearray((folder / "0.png").read_bytes())
    content[16:24] = (100_000).to_bytes(4, "big") * 2
    (folder / "0.png").write_bytes(content)
    with pytest.raises(DecodeError, match="1 too_large"):
        open_source(folder, fps=10)


# -- real clips -------------------------------------------------------------------------------------------------------


@real_data
@pytest.mark.real_data
def test_a_clip_that_promises_more_frames_than_it_has() -> None:
    with open_source(Path(str(REAL_DATA)) / "clips" / "rural_wet.mp4") as source:
        times = [frame.time_s for frame in source.frames()]
        assert (len(times), source.promised) == (1290, 1392)
        assert "1290 of 1392" in source.problem
    np.testing.assert_allclose(np.diff(times), 1 / 30, atol=1e-4)


@real_data
@pytest.mark.real_data
def test_sequences_of_a_folder_are_kept_apart() -> None:
    folder = Path(str(REAL_DATA)) / "cityscapes" / "leftImg8bit_sequence" / "train" / "aachen"
    with open_source(folder, fps=17, crop=Crop(bottom=0.2)) as source:
        assert source.working_size == (640, 256)
        times = [frame.time_s for frame in source.frames()]
    assert np.flatnonzero(np.diff(times) > 1).tolist() == [29, 59]
