"""Frames of a video file, by timestamp, through PyAV."""

import mmap
from collections.abc import Container, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Interpolation, VideoReformatter
from numpy.typing import NDArray

from pipeline.frame_source import (
    LARGEST_AREA,
    MOST_FRAMES,
    Crop,
    DecodedFrame,
    DecodeError,
    Source,
    Span,
    check_size,
    framing,
)
from pipeline.intact_frames import Damage, intact_frames

# Nothing that reads other files or the network (playlists, concatenations, devices) and nothing that takes text or a
# still image for video. Names as FFmpeg has them.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,obu,ivf,flv,gif,apng,mjpeg,mpjpeg,"
    "asf,ogg,rm,dv,nut,mxf,wtv,mp3,wav,flac,aac"
)
# Formats whose index leads to key frames and whose frames carry their own timestamps; the others are read through.
_SEEKABLE = ("mov", "matroska")
_SCALER = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.BITEXACT  # the same bytes on every processor
_FULL = np.arange(256, dtype=np.uint8)
_LIMITED = np.clip(np.rint((np.arange(256) - 16) * 255 / 219), 0, 255).astype(np.uint8)
"""Grey levels of luma from 0 to 255, and from 16 to 235."""
_LONG_S = 120.0


class VideoFile(Source):
    """A video file of any format that FFmpeg knows.

    Timestamps are the container's; where they are missing or run backwards they continue at the frame rate. Frames
    are turned as the container's display matrix says (by quarter turns), and left interlaced where they are. Corrupt
    packets are skipped, and so are the frames after them up to the next key frame, which the decoder would make up;
    ``problem`` counts both.
    """

    kind = "video"

    def __init__(self, path: Path, crop: Crop, width: int, span: Span) -> None:
        self._path = path.absolute()
        self._span = span
        self._damage = Damage()
        self._odd_frames = 0
        self.problem = ""
        # Plain values only: a stream must not be touched once its container is closed.
        with _open(self._path) as container:
            stream = _video_stream(container, path.name)
            self._index: int = stream.index
            self._time_base: Fraction = stream.time_base
            self._zero: int | None = stream.start_time
            self._seekable = container.format.name.startswith(_SEEKABLE)
            self._duration_s = _duration_s(container, stream)
            self.rate = float(stream.average_rate or stream.guessed_rate or 25)
            self.promised = stream.frames
            aspect = float(stream.sample_aspect_ratio or 1)
        self._begin(crop, width, aspect if 0.25 <= aspect <= 4 else 1.0)

    def _begin(self, crop: Crop, width: int, pixel_aspect: float) -> None:
        first = next(self._decode(None), None)
        if first is None:
            raise self._why_no_frame()
        pts, frame = first
        self._zero = pts if self._zero is None else self._zero
        self._turns = round(frame.rotation / 90) % 4
        self._coded = (frame.width, frame.height)
        turned = self._turns % 2 == 1
        size = self._coded[::-1] if turned else self._coded
        self.framing = framing(size, crop, width, 1 / pixel_aspect if turned else pixel_aspect)
        self._reformatter = VideoReformatter()

    def frames(
        self,
        first_pts: int | None = None,
        last_pts: int | None = None,
        only: Container[int] | None = None,
        grey: bool = False,
    ) -> Iterator[DecodedFrame]:
        """See ``Source.frames``; starts at a key frame before ``first_pts``."""
        self._damage = Damage()
        self._odd_frames = 0
        count, time_s, whole = 0, 0.0, first_pts is None
        for pts, frame in self._from(first_pts):
            time_s = float((pts - (self._zero or 0)) * self._time_base)
            if (last_pts is not None and pts > last_pts) or self._span.after(time_s):
                whole = False
                break
            if (frame.width, frame.height) != self._coded:
                self._odd_frames += 1
                continue
            count += 1
            if count > MOST_FRAMES:
                raise DecodeError(
                    "too_long", f"{self._path.name} has more than {MOST_FRAMES} frames; cut it into parts"
                )
            if not self._span.before(time_s) and (only is None or pts in only):
                yield DecodedFrame(pts, time_s, self._image(frame, grey))
        self.problem = self._describe(count, time_s, whole)

    def samples(self, count: int) -> Iterator[NDArray[np.uint8]]:
        """See ``Source.samples``; of a long video only key frames are decoded."""
        due = self._span.start_s or 0.0
        for pts, frame in self._decode(None, key_frames=self._duration_s > _LONG_S):
            time_s = float((pts - (self._zero or 0)) * self._time_base)
            if self._span.after(time_s):
                break
            if time_s >= due and (frame.width, frame.height) == self._coded:
                due = time_s + self._duration_s / count
                yield self._image(frame)

    def close(self) -> None:
        """Nothing is held open between readings."""

    def _image(self, frame: av.VideoFrame, grey: bool = False) -> NDArray[np.uint8]:
        luma = _luma(frame) if grey else None
        if luma is None:
            scaled = self._scaled(frame, "gray" if grey else "rgb24")
        else:
            full = frame.format.name.startswith("yuvj") or frame.color_range == ColorRange.JPEG
            scaled = cv2.LUT(self._scaled(luma, "gray"), _FULL if full else _LIMITED)
        return self.framing.cut(np.rot90(scaled, self._turns) if self._turns else scaled)

    def _scaled(self, frame: av.VideoFrame | NDArray[np.uint8], pixels: str) -> NDArray[np.uint8]:
        """A frame, or the grey levels of one, as coded in the size of its working image."""
        width, height = self.framing.scaled if self._turns % 2 == 0 else self.framing.scaled[::-1]
        if isinstance(frame, np.ndarray):
            if frame.shape == (height, width):
                return frame
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "gray")
        return self._reformatter.reformat(
            frame, width=width, height=height, format=pixels, interpolation=_SCALER, threads=1
        ).to_ndarray()

    # -- reading -------------------------------------------------------------------------------------------------------

    def _from(self, first_pts: int | None) -> Iterator[tuple[int, av.VideoFrame]]:
        """Frames from ``first_pts`` on, read from the nearest key frame that gives them whole."""
        last = None
        if first_pts is not None and self._seekable:
            try:
                for pts, frame in self._after_seek(first_pts):
                    if pts >= first_pts:
                        last = pts
                        yield pts, frame
                return
            except _UnsureTimestampError:
                pass  # only a reading from the start tells which frame this is
        for pts, frame in self._decode(None):
            if (first_pts is None or pts >= first_pts) and (last is None or pts > last):
                yield pts, frame

    def _after_seek(self, first_pts: int) -> Iterator[tuple[int, av.VideoFrame]]:
        # Some indices speak of decoding times, and after an open group of pictures or an intra refresh the first
        # whole frame comes late: then go further back.
        second = round(1 / self._time_base)
        for back in (0, 1, 4, 16, 64):
            reading = self._decode(first_pts - back * second)
            first = next(reading, None)
            if first is not None and first[0] <= first_pts:
                yield first
                yield from reading
                return
        raise _UnsureTimestampError

    def _decode(self, target: int | None, key_frames: bool = False) -> Iterator[tuple[int, av.VideoFrame]]:
        """(pts, frame) in order, read from the start or from the key frame at or before ``target``."""
        step = max(round(1 / (self.rate * self._time_base)), 1)
        last: int | None = None
        with _open(self._path) as container:
            stream = container.streams[self._index]
            stream.codec_context.options = {"max_pixels": str(LARGEST_AREA)}  # a frame may claim more than the first
            stream.codec_context.thread_count = 1  # one process a core: threads would only fight
            if key_frames:
                stream.codec_context.skip_frame = "NONKEY"
            if target is not None:
                _seek(container, stream, target)
            for frame in intact_frames(container, stream, self._damage):
                pts = frame.pts
                if pts is None or (last is not None and pts <= last):
                    if target is not None:
                        raise _UnsureTimestampError
                    pts = (self._zero or 0) if last is None else last + step
                last = pts
                yield pts, frame

    # -- what is wrong -------------------------------------------------------------------------------------------------

    def _why_no_frame(self) -> DecodeError:
        name = self._path.name
        if _holds(self._path, b"encv") or _holds(self._path, b"pssh"):
            return DecodeError("encrypted", f"{name} is encrypted; only files without copy protection can be read")
        damage = f"; {self._damage.corrupt_packets} packets are corrupt" if self._damage.corrupt_packets else ""
        return DecodeError("no_frames", f"{name} has a video stream but not one frame decodes{damage}")

    def _describe(self, count: int, time_s: float, whole: bool) -> str:
        found = []
        if self._damage.corrupt_packets:
            found.append(f"{self._damage.corrupt_packets} corrupt packets skipped")
        if self._damage.damaged_frames:
            found.append(f"{self._damage.damaged_frames} damaged frames skipped")
        if self._odd_frames:
            found.append(f"{self._odd_frames} frames of another size skipped")
        if whole and self.promised > count:
            found.append(f"{count} of {self.promised} promised frames decode")
        # Some containers give the time of the end as their duration, others the time from the start to it.
        end_s = time_s + float((self._zero or 0) * self._time_base)
        if whole and not self.promised and end_s < 0.95 * self._duration_s - 1:
            found.append(f"ends at {time_s:.1f} of {self._duration_s:.1f} promised seconds")
        return "; ".join(found)


class _UnsureTimestampError(Exception):
    """After a seek, a frame that only a reading from the start can name."""


def _open(path: Path) -> av.container.InputContainer:
    options = {"protocol_whitelist": "file", "format_whitelist": _FORMATS}
    try:
        return av.open(str(path), options=options, metadata_errors="replace")
    except av.FFmpegError as error:
        if isinstance(error, OSError) and not isinstance(error, av.InvalidDataError) and error.errno in (13, 21):
            raise DecodeError("unreadable", f"{path.name} cannot be opened: {error.strerror}") from None
        raise _why_unopened(path) from None


def _video_stream(container: av.container.InputContainer, name: str) -> av.VideoStream:
    pictures = av.stream.Disposition.attached_pic
    found = [stream for stream in container.streams.video if not stream.disposition & pictures]
    if not found:
        raise DecodeError("no_video_stream", f"{name} has no video stream, only sound, covers or subtitles")
    stream = max(found, key=lambda each: each.width * each.height)
    if stream.codec_context is None:
        raise DecodeError("unreadable", f"{name}: there is no decoder for its video stream")
    check_size(stream.width, stream.height)
    return stream


def _duration_s(container: av.container.InputContainer, stream: av.VideoStream) -> float:
    if stream.duration:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else 0.0


def _luma(frame: av.VideoFrame) -> NDArray[np.uint8] | None:
    """A frame's luma as it was coded, (H, W), where that is a plane of bytes.

    Scalers take the luma of BT.709 for that of BT.601, by way of colours: three times the work, and not what was shot.
    """
    first, plane = frame.format.components[0], frame.planes[0]
    if frame.format.is_rgb or not frame.format.is_planar or first.bits != 8 or plane.line_size < frame.width:
        return None
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]


def _seek(container: av.container.InputContainer, stream: av.VideoStream, target: int) -> None:
    try:
        container.seek(target, stream=stream, backward=True)
    except av.FFmpegError as error:
        raise _UnsureTimestampError from error


def _why_unopened(path: Path) -> DecodeError:
    with path.open("rb") as file:
        head = file.read(16)
    if head[4:8] == b"ftyp" or head[:4] == b"\x1a\x45\xdf\xa3":
        return DecodeError("unreadable", f"{path.name} begins as a video but cannot be read; is it cut short?")
    return DecodeError("not_video", f"{path.name} is not a video file that can be read")


def _holds(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(mark) >= 0
