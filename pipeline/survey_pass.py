"""One pass over the frames of a video, stretch by stretch: what is measured is kept, so that a killed pass goes on."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import count

import pyarrow as pa

from labels.letterbox import Letterbox
from labels.survey import COLUMNS, FrameTable, Survey
from pipeline import storage, tables
from pipeline.decode import Source
from pipeline.frame_source import DecodedFrame

STRETCH = 256
"""Frames that are measured between two writings, some seconds of work."""
_NAME = f"{storage.TEMPORARY}stretch-"


@dataclass(frozen=True)
class Kept:
    """The finished stretches of an unfinished pass, in the folder of the video's survey.

    Named as unfinished, so that ``PruneVersions`` takes away what nobody came back for. ``content`` says of which bytes
    the video is, ``view`` which pass it is; a stretch of another content or view is not seen. Two workers at one survey
    write the same stretches.
    """

    folder: str
    content: str
    view: str

    def read(self) -> Iterator[pa.Table]:
        """The stretches, from the first."""
        for number in count():
            try:
                yield tables.from_bytes(storage.read_bytes(self._url(number)))
            except FileNotFoundError:
                return

    def write(self, number: int, stretch: pa.Table) -> None:
        """Keep a stretch."""
        storage.write_bytes(self._url(number), tables.to_bytes(stretch))

    def _url(self, number: int) -> str:
        return storage.join(self.folder, f"{_NAME}{self.content}-{self.view}-{number:05d}.parquet")


def forget(folder: str) -> None:
    """Remove all stretches from the folder of a survey that has ended."""
    for name in storage.stored(folder):
        if name.startswith(_NAME):
            storage.remove_file(storage.join(folder, name))


@dataclass(frozen=True)
class Pass:
    """What one pass over the frames finds: their timestamps and statistics, and the picture within black bars."""

    pts: list[int]
    table: FrameTable
    bars: tuple[int, int, int, int] | None


def look_through(source: Source, letterbox_frames: int, kept: Kept | None = None) -> Pass:
    """Look at all frames, and for bars at ``letterbox_frames`` of them.

    Stretches that are ``kept`` are not measured again, with the same result to the bit: a row depends on its frame and
    the one before, whose pixels are the same wherever a reading starts. The source is read from its start all the same,
    since only that tells what is wrong with it, but most of those frames are not even scaled.
    """
    done = list(kept.read()) if kept else []
    known = _pts(done)
    every = max(1, source.promised // letterbox_frames) if letterbox_frames else 1
    looked_at = range(0, every * letterbox_frames, every)
    numbers = {pts: number for number, pts in enumerate(known)}
    spared = _AllBut({pts for pts in known[:-1] if numbers[pts] not in looked_at})
    letterbox, under_way = Letterbox(), _Stretch()
    for frame in source.frames(only=spared, grey=True):
        number = numbers.get(frame.pts, STRETCH * len(done) + len(under_way.pts))
        if number in looked_at:
            letterbox.add(frame.image)
        if frame.pts in numbers:
            under_way = _Stretch(frame)
            continue
        under_way.add(frame)
        if len(under_way.pts) == STRETCH:
            done.append(under_way.table())
            if kept:
                kept.write(len(done) - 1, done[-1])
            under_way = _Stretch(frame)
    done.append(under_way.table())
    columns = pa.concat_tables(done)
    return Pass(_pts(done), {name: columns.column(name).to_numpy() for name in COLUMNS}, letterbox.active_area())


class _Stretch:
    """Frames one after the other that are measured, the first of them against the one ``before``."""

    def __init__(self, before: DecodedFrame | None = None) -> None:
        self.pts: list[int] = []
        self._measured = Survey()
        if before is not None:
            self._measured.follow(before.image)

    def add(self, frame: DecodedFrame) -> None:
        self.pts.append(frame.pts)
        self._measured.add(frame.image, frame.time_s)

    def table(self) -> pa.Table:
        columns = {name: pa.array(column, pa.float64()) for name, column in self._measured.table().items()}
        return pa.table({"pts": pa.array(self.pts, pa.int64()), **columns})


class _AllBut(Container[int]):
    """All timestamps but some."""

    def __init__(self, some: set[int]) -> None:
        self._some = some

    def __contains__(self, pts: object) -> bool:
        return pts not in self._some


def _pts(stretches: Iterable[pa.Table]) -> list[int]:
    return [pts for stretch in stretches for pts in stretch.column("pts").to_pylist()]
