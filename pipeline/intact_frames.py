"""The frames of a video that no damage reaches: what a decoder would make up is left out."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import av

_MOST_ERRORS_IN_A_ROW = 20
_LONGEST_DOUBT = 300
_MOST_REORDERED = 64


@dataclass
class Damage:
    """What was left out."""

    corrupt_packets: int = 0
    damaged_frames: int = 0


def intact_frames(
    container: av.container.InputContainer, stream: av.VideoStream, damage: Damage
) -> Iterator[av.VideoFrame]:
    """Frames in order, none from damage on up to the next key frame; ``damage`` is counted on.

    Damage is a packet that cannot be read or decoded, a frame that the decoder says is corrupt, or packets of a
    transport stream that are missing. Decoders tell of the last only sometimes, and show what they have instead.
    """
    doubt = 0  # frames to go until what was lost is taken to be forgotten; a key frame settles it at once
    places: dict[int | None, int] = {}  # in the order of decoding, by pts: frames come in another one
    holes: deque[int] = deque()
    settled_after = -1
    for place, (packet, hole) in enumerate(_with_holes(_packets(container, stream, damage))):
        places[packet.pts] = place
        if len(places) > _MOST_REORDERED:
            del places[next(iter(places))]
        if hole:
            damage.corrupt_packets += 1
            holes.append(place)
        try:
            frames = packet.decode()
        except av.FFmpegError:
            damage.corrupt_packets += 1
            doubt = _LONGEST_DOUBT
            continue
        for frame in frames:
            decoded = places.get(frame.pts, place)
            while holes and holes[0] <= decoded:
                doubt, settled_after = _LONGEST_DOUBT, holes.popleft() + 1
            if frame.is_corrupt:
                doubt = _LONGEST_DOUBT
            elif frame.key_frame and decoded > settled_after:
                doubt = 0
            if doubt:
                doubt -= 1
                damage.damaged_frames += 1
            else:
                yield frame


def _with_holes(packets: Iterable[av.Packet]) -> Iterator[tuple[av.Packet, bool]]:
    """Each packet, and whether data of it or of the next one is missing.

    FFmpeg marks a packet where the stream's counter jumps; since its parsers end a packet when the next one begins, it
    is that or the one after. A jump just before a key frame is none: there segments were joined, each counted anew.
    """
    window: deque[av.Packet] = deque()
    for packet in packets:
        window.append(packet)
        if len(window) == 3:
            yield window[0], window[0].is_corrupt and not window[2].is_keyframe
            window.popleft()
    for packet in window:
        yield packet, packet.is_corrupt


def _packets(container: av.container.InputContainer, stream: av.VideoStream, damage: Damage) -> Iterator[av.Packet]:
    errors = 0
    while errors < _MOST_ERRORS_IN_A_ROW:
        try:
            for packet in container.demux(stream):
                errors = 0
                yield packet
            return
        except av.FFmpegError:
            errors += 1
            damage.corrupt_packets += 1
