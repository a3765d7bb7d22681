"""Manifests: sound ones come back as they were, bad ones are refused whole with every problem named."""

import dataclasses
import glob
import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import manifest_rows
from pipeline.manifest import ManifestError, Video, read_manifest, source_kind, write_manifest
from pipeline.manifest_columns import COLUMNS, SCHEMA
from pipeline.source import redacted, without_secrets

Write = Callable[[str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(content: str | bytes) -> Path:
        path = tmp_path / "data.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


def problems(path: Path, **more: Any) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        read_manifest(path, **more)
    return [problem.removeprefix(f"{path} ").removeprefix(f"{path}: ") for problem in caught.value.problems]


# -- sound ones -------------------------------------------------------------------------------------------------------


def test_the_least_manifest(write: Write, tmp_path: Path) -> None:
    assert read_manifest(write("video_id,source\none,a.mp4\n")) == [Video("one", str(tmp_path / "a.mp4"))]


def test_all_columns_in_any_order(write: Write) -> None:
    path = write(
        "licence,sha256,end_s,start_s,focal_px,crop_bottom,crop_top,fps,split,dataset,source,video_id\n"
        f"CC0,{'AB' * 32},20,1.5,721.5,.2,0.1,1e1,val,kitti,/a.mp4,one\n"
    )
    assert read_manifest(path) == [
        Video("one", "/a.mp4", "kitti", "val", 10.0, 0.1, 0.2, 721.5, 1.5, 20.0, "ab" * 32, "CC0")
    ]


def test_what_spreadsheets_do(write: Write) -> None:
    path = write(
        b"\xef\xbb\xbfvideo_id,source,licence\r\n\r\n"
        b'one,"/a, b.mp4","say ""yes"""\r\n,,\r\n"two",/\xc3\xbc.mp4,\r\n\r\n'
    )
    assert read_manifest(path) == [Video("one", "/a, b.mp4", licence='say "yes"'), Video("two", "/ü.mp4")]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_numbers_are_those_of_the_file(write: Write, ending: str) -> None:
    path = write(ending.join(["video_id,source", "", "one,a.mp4", "", "", "a/b,c.mp4", ""]))
    assert problems(path) == [
        "line 6: video_id 'a/b' has '/'; allowed: letters, digits, '_' and '-', at most 100 characters"
    ]


def test_sources_are_resolved(write: Write, tmp_path: Path) -> None:
    given_and_resolved = {
        "a.mp4": f"{tmp_path}/a.mp4",
        "./c:d.mp4": f"{tmp_path}/c:d.mp4",
        "../a.mp4": f"{tmp_path}/../a.mp4",
        "~/a.mp4": f"{tmp_path}/~/a.mp4",
        "$HOME/a.mp4": f"{tmp_path}/$HOME/a.mp4",
        "/abs/a.mp4": "/abs/a.mp4",
        "file:///abs/a%20b.mp4": "/abs/a b.mp4",
        "https://example.org/a.mp4?b=1": "https://example.org/a.mp4?b=1",
        "s3://bucket/a.mp4": "s3://bucket/a.mp4",
        "simulated:street?seed=1&frames=240": "simulated:street?seed=1&frames=240",
    }
    lines = [f"v{place},{source}" for place, source in enumerate(given_and_resolved)]
    videos = read_manifest(write("\n".join(["video_id,source", *lines])))
    assert [video.source for video in videos] == list(given_and_resolved.values())


def test_a_root_folder(write: Write) -> None:
    path = write("video_id,source\none,2011/a.mp4\n")
    assert read_manifest(path, "/data/kitti")[0].source == "/data/kitti/2011/a.mp4"
    assert read_manifest(path, "s3://bucket/kitti/")[0].source == "s3://bucket/kitti/2011/a.mp4"
    assert read_manifest(str(path.as_uri()))[0].source == str(path.parent / "2011/a.mp4")


def test_a_manifest_in_object_storage() -> None:
    fsspec.filesystem("memory").pipe_file("/lists/m.csv", b"video_id,source\none,videos/a.mp4\ntwo,/b.mp4\n")
    videos = read_manifest("memory://lists/m.csv")
    assert [video.source for video in videos] == ["memory://lists/videos/a.mp4", "/b.mp4"]
    fsspec.filesystem("memory").pipe_file("/lists/m.csv", b"video_id,source\none,../../a.mp4\n")
    with pytest.raises(ManifestError, match=r"line 2: source '../../a.mp4' has '\.\.'"):
        read_manifest("memory://lists/m.csv")


def test_kinds_of_sources(tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "a[1].mp4").touch()
    kinds = {
        "/a.mp4": "video",
        f"{tmp_path}": "frames",
        f"{tmp_path}/folder.mp4": "frames",
        f"{tmp_path}/*.png": "frames",
        f"{tmp_path}/a[1].mp4": "video",
        "https://example.org/a": "http",
        "gs://bucket/a.mp4": "remote",
        "simulated:street": "simulated",
    }
    assert {source: source_kind(Video("one", source)) for source in kinds} == kinds


def test_a_glob_below_a_folder_with_brackets(tmp_path: Path) -> None:
    folder = tmp_path / "drives [1]"
    folder.mkdir()
    (folder / "1.png").touch()
    (folder / "m.csv").write_text("video_id,source,fps\none,*.png,10\n")
    source = read_manifest(folder / "m.csv")[0].source
    assert glob.glob(source) == [str(folder / "1.png")]  # noqa: PTH207


def test_images_need_fps(write: Write, tmp_path: Path) -> None:
    (tmp_path / "frames").mkdir()
    found = problems(write("video_id,source,fps\na,frames,\nb,*.png,\nc,frames,10\n"))
    assert [problem[:7] for problem in found] == ["line 2:", "line 3:"]
    assert all("needs fps" in problem for problem in found)


# -- bad ones ---------------------------------------------------------------------------------------------------------

BAD = [
    ("video_id", "a/b", "has '/'"),
    ("video_id", "..", "has '.'"),
    ("video_id", "a\\b", r"has '\\'"),
    ("video_id", "a b", "has ' '"),
    ("video_id", "a\0b", r"has '\x00'"),
    ("video_id", "ü", "has 'ü'"),
    ("video_id", "a\n", r"has '\n'"),
    ("video_id", "x" * 101, "has 101 characters"),
    ("video_id", "", "is empty"),
    ("source", "", "is empty"),
    ("source", "pipe:0", "unknown scheme 'pipe:'"),
    ("source", "PIPE:0", "unknown scheme 'pipe:'"),
    ("source", "ssh://host/a.mp4", "unknown scheme 'ssh:'"),
    ("source", "sftp://host/a.mp4", "unknown scheme 'sftp:'"),
    ("source", "concat:a|b", "unknown scheme 'concat:'"),
    ("source", "C:\\a.mp4", "unknown scheme 'c:'"),
    ("source", "data:video/mp4;base64,AA", "unknown scheme 'data:'"),
    ("source", "local:///a", "unknown scheme"),
    ("source", "simplecache::http://a/b.mp4", "chains URLs"),
    ("source", "zip://a.mp4::b.zip", "chains URLs"),
    ("source", "http:///a.mp4", "has no host"),
    ("source", "http:a.mp4", "lacks the '//'"),
    ("source", "http://a:b/c", "is not a URL"),
    ("source", "http://[", "is not a URL"),
    ("source", "http://a\\@b/c", "has no host"),
    ("source", "s3:///a", "has no bucket"),
    ("source", "file://host/a.mp4", "names a host"),
    ("source", "file:a.mp4", "lacks the '//'"),
    ("source", "a\x1b[2J.mp4", "control or unprintable"),
    ("source", "a\0.mp4", "control or unprintable"),
    ("source", "a\u202e4pm.exe", "control or unprintable"),
    ("source", " a.mp4", "begins or ends with a space"),
    ("source", "a" * 2001, "has 2001 characters"),
    ("source", "simulated:nowhere", "cannot be simulated"),
    ("source", "simulated:street?frames=1000000000", "cannot be simulated"),
    ("dataset", "a/b", "has '/'"),
    ("split", "training", "is no split"),
    ("fps", "0", "out of range"),
    ("fps", "-1", "out of range"),
    ("fps", "nan", "is no number"),
    ("fps", "inf", "is no number"),
    ("fps", "1e999", "is no number"),
    ("fps", "1_0", "is no number"),
    ("fps", "٣", "is no number"),
    ("fps", "ten", "is no number"),
    ("crop_top", "0.9", "out of range"),
    ("crop_top", "-0.1", "out of range"),
    ("crop_bottom", "20", "out of range"),
    ("focal_px", "0", "out of range"),
    ("start_s", "-1", "out of range"),
    ("end_s", "0", "out of range"),
    ("sha256", "abc", "is no SHA-256"),
    ("sha256", "g" * 64, "is no SHA-256"),
    ("licence", "CC\x07", "control or unprintable"),
]


@pytest.mark.parametrize(("column", "value", "complaint"), BAD)
def test_a_bad_cell_is_named(write: Write, column: str, value: str, complaint: str) -> None:
    row = {"video_id": "one", "source": "/a.mp4"} | {column: value}
    cells = ",".join('"' + cell.replace('"', '""') + '"' for cell in row.values())
    found = problems(write(f"{','.join(row)}\n{cells}\n"))
    assert len(found) == 1
    assert found[0].startswith(f"line 2: {column} ")
    assert complaint in found[0]
    assert "; allowed: " in found[0]
    assert found[0].isprintable(), "a message never carries control characters to a terminal"


def test_all_problems_are_named_at_once(write: Write) -> None:
    found = problems(write("video_id,source,fps,end_s,start_s\na/b,pipe:0,-1,1,1\none,/a.mp4,,,\none,,x,,\n"))
    assert [problem.split(" '")[0].split(" -")[0] for problem in found] == [
        "line 2: video_id",
        "line 2: source",
        "line 2: fps",
        "line 2: end_s 1.0 is not after start_s 1.0; allowed: start_s < end_s",
        "line 4: fps",
        "line 4: source",
        "line 4: video_id",
    ]


def test_a_long_list_of_problems_is_cut(write: Write) -> None:
    path = write("video_id,source\n" + "a/b,x.mp4\n" * 5000)
    with pytest.raises(ManifestError) as caught:
        read_manifest(path)
    assert len(caught.value.problems) >= 5000
    assert len(str(caught.value).splitlines()) == 21
    assert "more problems" in str(caught.value)


@pytest.mark.parametrize("second", ["one", "ONE"])
def test_an_id_is_there_once(write: Write, second: str) -> None:
    found = problems(write(f"video_id,source\none,/a.mp4\n{second},/b.mp4\n"))
    assert len(found) == 1
    assert found[0].startswith(f"line 3: video_id '{second}' ")
    assert "line 2" in found[0]


def test_crops_leave_something(write: Write) -> None:
    assert "leave too little" in problems(write("video_id,source,crop_top,crop_bottom\na,/a.mp4,0.5,0.4\n"))[0]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "names no video"),
        ("video_id,source\n", "names no video"),
        ("video_id,source\n\n,\n", "names no video"),
        ("one,a.mp4\n", "column video_id is missing"),
        ("video_id;source\none;a.mp4\n", "columns are separated by ','"),
        ("video_id,source,sorce\none,a.mp4,x\n", "column 'sorce' is unknown"),
        ("video_id,source,source\none,a.mp4,x\n", "column source is there twice"),
        ("video_id,source\none,a.mp4,x\n", "has 3 cells; needed: 2"),
        ("video_id,source\none\n", "has 1 cells; needed: 2"),
        ('video_id,source\n"one,a.mp4\n', "is not csv"),
        ('video_id,source\n"one"x,a.mp4\n', "is not csv"),
        (b"video_id,source\none,\xff.mp4\n", "line 2: a byte is not UTF-8"),
        ("video_id,source\none," + "x" * 200_000, "is not csv"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "is not UTF-8"),
        (b"PAR1 not really", "is not a readable parquet file"),
    ],
)
def test_a_file_that_is_no_manifest(write: Write, content: str | bytes, complaint: str) -> None:
    assert complaint in problems(write(content))[0]


def test_a_manifest_that_cannot_be_read(tmp_path: Path) -> None:
    assert "No such file" in problems(tmp_path / "none.csv")[0]
    assert "cannot read" in problems(tmp_path)[0]
    for url in ("pipe:0", "simplecache::file:///a.csv", "simulated:street", "ssh://host/a.csv"):
        with pytest.raises(ManifestError, match="allowed: a path or URL"):
            read_manifest(url)


def test_a_manifest_without_end(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_rows, "MAX_BYTES", 100)
    assert "more than 100 bytes" in problems(write("video_id,source\n" + "x" * 200))[0]


# -- parquet ----------------------------------------------------------------------------------------------------------


def parquet(path: Path, table: pa.Table) -> Path:
    pq.write_table(table, path)
    return path


def test_parquet_rows_are_named(tmp_path: Path) -> None:
    table = pa.table({"video_id": ["one", "a/b", None], "source": ["/a.mp4", "/b.mp4", "/c.mp4"], "fps": [10, None, 0]})
    found = problems(parquet(tmp_path / "m.parquet", table))
    assert [problem.split(" ")[:3] for problem in found] == [
        ["row", "2:", "video_id"],
        ["row", "3:", "video_id"],
        ["row", "3:", "fps"],
    ]


def test_parquet_types_are_taken_where_they_can_be(tmp_path: Path) -> None:
    table = pa.table(
        {
            "video_id": pa.array(["one"]).dictionary_encode(),
            "source": pa.array(["/a.mp4"], pa.large_string()),
            "fps": pa.array([10], pa.int32()),
            "split": pa.array([None], pa.null()),
        }
    )
    assert read_manifest(parquet(tmp_path / "m.parquet", table)) == [Video("one", "/a.mp4", fps=10.0)]


@pytest.mark.parametrize("values", [[b"one"], [1], [True], [["one"]], [{"a": 1}]])
def test_parquet_of_other_types_is_refused(tmp_path: Path, values: list[Any]) -> None:
    table = pa.table({"video_id": values, "source": ["/a.mp4"]})
    assert "video_id" in problems(parquet(tmp_path / "m.parquet", table))[0]


@pytest.mark.parametrize("keep_types", [True, False])
def test_a_parquet_bomb_is_refused(tmp_path: Path, keep_types: bool) -> None:
    many = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), ["x" * 1_000_000])
    path = tmp_path / "m.parquet"
    pq.write_table(pa.table({"video_id": many, "source": many}), path, store_schema=keep_types)
    assert path.stat().st_size < 1_000_000, "of what would be 200 GB"
    assert "has a cell of more than" in problems(path)[0]


def test_a_parquet_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_rows, "MAX_UNPACKED", 1000)
    table = pa.table({"video_id": ["x" * 100_000], "source": ["/a.mp4"]})
    assert "unpacks to more than" in problems(parquet(tmp_path / "m.parquet", table))[0]


def test_a_parquet_with_too_many_rows_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_rows, "MAX_ROWS", 2)
    table = pa.table({"video_id": ["a", "b", "c"], "source": ["/a.mp4"] * 3})
    assert "more than 2 rows" in problems(parquet(tmp_path / "m.parquet", table))[0]


# -- there and back ---------------------------------------------------------------------------------------------------

printable = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=30)
seconds = st.floats(0, 1e6).filter(lambda value: value < 1e6)


@st.composite
def videos(draw: st.DrawFn) -> Video:
    start = draw(st.none() | seconds)
    top = draw(st.floats(0, 0.44))
    return Video(
        video_id=draw(st.from_regex(r"[A-Za-z0-9_-]{1,100}", fullmatch=True)),
        source="/" + draw(printable).replace("::", "").replace("*", "").replace("?", "").replace("[", "") + "a.mp4",
        dataset=draw(st.from_regex(r"[A-Za-z0-9_-]{0,20}", fullmatch=True)),
        split=draw(st.sampled_from(["", "train", "val", "test"])),
        fps=draw(st.none() | st.floats(0.001, 1000)),
        crop_top=top,
        crop_bottom=draw(st.floats(0, 0.44)),
        focal_px=draw(st.none() | st.floats(1e-3, 1e5)),
        start_s=start,
        end_s=draw(st.none() | seconds.filter(lambda end: end > (start or 0))),
        sha256=draw(st.from_regex(r"([0-9a-f]{64})?", fullmatch=True)),
        licence=draw(printable),
    )


@given(st.lists(videos(), min_size=1, max_size=5, unique_by=lambda video: video.video_id.lower()))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("name", ["m.csv", "m.parquet"])
def test_what_is_written_is_read_again(tmp_path: Path, name: str, rows: list[Video]) -> None:
    write_manifest(tmp_path / name, rows)
    assert read_manifest(tmp_path / name) == rows
    assert [path.name for path in tmp_path.iterdir()] == [name]
    (tmp_path / name).unlink()


@given(st.dictionaries(st.sampled_from([column.name for column in COLUMNS]), st.text(max_size=40), min_size=1))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_cells_give_a_video_or_a_printable_complaint(tmp_path: Path, cells: dict[str, str]) -> None:
    row = {"video_id": "one", "source": "/a.mp4"} | cells
    path = tmp_path / "m.csv"
    quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in row.values())
    path.write_bytes(f"{','.join(row)}\n{quoted}\n".encode("utf-8", "surrogatepass"))
    try:
        (video,) = read_manifest(path)
    except ManifestError as error:
        assert all(problem.isprintable() for problem in error.problems)
    else:
        assert "/" not in video.video_id
        assert (video.source + video.licence).isprintable()


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("head", [b"", b"video_id,source\n", b"PAR1"])
def test_any_bytes_are_a_manifest_or_an_error_of_ours(tmp_path: Path, head: bytes, content: bytes) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(head + content)
    try:
        read_manifest(path)
    except ManifestError as error:
        assert str(path) in str(error)


def test_a_damaged_parquet_is_an_error_of_ours(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"video_id": ["one"], "source": ["/a.mp4"]}), buffer)
    good = buffer.getvalue()
    path = tmp_path / "m.parquet"
    for place in range(4, len(good), 7):
        path.write_bytes(good[:place] + bytes([good[place] ^ 0xFF]) + good[place + 1 :])
        try:
            read_manifest(path)
        except ManifestError as error:
            assert str(path) in str(error)


def test_the_schema_names_the_fields_of_a_video() -> None:
    assert SCHEMA.names == [field.name for field in dataclasses.fields(Video)]


def test_secrets_stay_out_of_messages() -> None:
    assert without_secrets("https://me:pass@example.org:8080/a.csv?token=x#y") == "https://example.org:8080/a.csv"
    assert without_secrets("/a?b#c") == "/a?b#c"
    assert redacted("no 'http://a:b@c.org/d?e=f', https://g.org/h#i!") == "no 'http://c.org/d', https://g.org/h"


def test_an_error_survives_the_way_between_processes() -> None:
    error = pickle.loads(pickle.dumps(ManifestError(["a", "b"])))
    assert (str(error), error.problems) == ("a\nb", ["a", "b"])
