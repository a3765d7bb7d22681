"""A dataset of an attacker before the commands that look at it: names, tars, tables, JSON and images that harm."""

import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import sample, tables
from pipeline.__main__ import main, say
from pipeline.dataset import open_dataset
from pipeline.errors import UserError
from pipeline.lint import lint
from pipeline.sample_images import contents, decoded, sample_images
from tests.pipeline.attacks import bmp, huge_images
from tests.pipeline.laid_build import finish, lay_out

RED = "\x1b[31mred\x07"


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finish(lay_out(tmp_path_factory.mktemp("laid") / "root", videos=1, labels=2))


@pytest.fixture
def folder(laid: Path, tmp_path: Path) -> Path:
    """The folder of a small dataset in a root, to be tampered with."""
    return Path(shutil.copytree(laid, tmp_path / "root" / "shards" / laid.name))


def change_record(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    record = json.loads((folder / "dataset.json").read_text())
    change(record)
    (folder / "dataset.json").write_text(json.dumps(record))


def change_samples(folder: Path, **columns: Any) -> None:
    table = pq.read_table(folder / "samples.parquet")
    for name, value in columns.items():
        values = pa.array([value] * table.num_rows)
        table = table.set_column(table.column_names.index(name), name, values)
    pq.write_table(table, folder / "samples.parquet")


def problems(folder: Path) -> str:
    return "\n".join(lint(open_dataset(str(folder))))


def replace_tar(folder: Path, write: Callable[[tarfile.TarFile], None], **options: Any) -> None:
    with tarfile.open(next(folder.glob("*.tar")), "w", **options) as tar:
        write(tar)


# -- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../../../secret.tar", "/etc/passwd", ".hidden.tar", "a/b.tar", "x.tar\n"])
def test_a_shard_that_leads_out_of_the_folder(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    change_record(folder, lambda record: record["shards"][0].update(shard=name))
    assert main(["lint", str(folder)]) == 2
    assert "is no shard of the folder" in capsys.readouterr().err
    change_samples(folder, shard=name)
    assert main(["inspect", str(folder), "--sheet", str(folder / "sheet.png")]) == 2
    assert not (folder / "sheet.png").exists()


@pytest.mark.parametrize("version", ["../../elsewhere", "/etc", "..", 7, None])
def test_a_pointer_that_leads_out_of_the_root(folder: Path, version: Any) -> None:
    root = folder.parents[1]
    (root / "datasets").mkdir()
    (root / "datasets" / "laid.json").write_text(json.dumps({"shards": version}))
    with pytest.raises(UserError, match="names no version of a dataset"):
        open_dataset(str(root))


@pytest.mark.parametrize("text", [RED, "\x1b]0;title\x07", "\x9b31m", "\u202egnp.exe", "one\rtwo"])
def test_no_control_character_reaches_a_terminal(folder: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    change_record(folder, lambda record: record.update(dataset=text))
    main(["inspect", str(folder), "--sheet", str(folder / "sheet.png")])
    replace_tar(folder, lambda tar: tar.addfile(tarfile.TarInfo(f"{text}.json"), io.BytesIO()))
    change_samples(folder, key=text)
    main(["lint", str(folder)])
    change_record(folder, lambda record: record["shards"][0].update(shard=text))
    main(["lint", str(folder)])
    printed = "".join(capsys.readouterr())
    assert "samples" in printed
    assert all(letter.isprintable() or letter == "\n" for letter in printed)


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("at https://me:hush@host/a?sig=hush#hush end", "at https://host/a end"),
        ("at s3://key:hush@bucket/a end", "at s3://bucket/a end"),
        ("'az://box/a?sv=hush'", "'az://box/a'"),
        ("AZ://k:hush@box/a", "AZ://box/a"),
    ],
)
def test_no_secret_of_a_url_is_printed(told: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    say(told)
    assert capsys.readouterr().out == f"{shown}\n"


# -- tars -------------------------------------------------------------------------------------------------------------


def link(kind: bytes) -> Callable[[tarfile.TarFile], None]:
    def write(tar: tarfile.TarFile) -> None:
        info = tarfile.TarInfo("v0-00000000.jpg")
        info.type, info.linkname = kind, "/etc/passwd"
        tar.addfile(info)

    return write


KINDS = {
    "symlink": tarfile.SYMTYPE,
    "hard link": tarfile.LNKTYPE,
    "device": tarfile.CHRTYPE,
    "disk": tarfile.BLKTYPE,
    "pipe": tarfile.FIFOTYPE,
    "folder": tarfile.DIRTYPE,
    "sparse": tarfile.GNUTYPE_SPARSE,
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_only_plain_files_are_read_out_of_a_tar(folder: Path, kind: bytes) -> None:
    replace_tar(folder, link(kind))
    assert "is not a plain file" in problems(folder)
    with pytest.raises(ValueError, match="is not a plain file"):
        contents(next(folder.glob("*.tar")).read_bytes())


def test_extended_headers_are_refused(folder: Path) -> None:
    info = tarfile.TarInfo("v0-00000000.jpg")
    info.pax_headers = {"path": "../../../etc/passwd", "size": "99999999999"}
    replace_tar(folder, lambda tar: tar.addfile(info), format=tarfile.PAX_FORMAT)
    assert "is not a plain file" in problems(folder)


def test_a_sparse_file_of_a_terabyte_is_not_read() -> None:
    info = tarfile.TarInfo("v-00000000.json")
    info.size, info.type = 2**40, tarfile.GNUTYPE_SPARSE
    with pytest.raises(ValueError, match="is not a plain file of at most 64 MiB"):
        list(sample.members(info.tobuf(tarfile.GNU_FORMAT) + bytes(512)))
    info.type = tarfile.REGTYPE
    with pytest.raises(ValueError, match="is not a plain file of at most 64 MiB"):
        list(sample.members(info.tobuf(tarfile.GNU_FORMAT) + bytes(512)))


def test_a_size_below_zero_does_not_go_round_for_ever() -> None:
    header = bytearray(tarfile.TarInfo("v-00000000.json").tobuf())
    header[124:136] = b"\xff" * 11 + b"\x00"  # GNU's numbers below zero
    header[148:156] = b"%06o\0 " % (256 + sum(header[:148]) + sum(header[156:]))
    with pytest.raises(ValueError, match="is not a plain file"):
        list(sample.members(bytes(header)))


def test_members_that_the_format_has_not_are_named_and_never_opened(folder: Path) -> None:
    def write(tar: tarfile.TarFile) -> None:
        info = tarfile.TarInfo("v0-00000000.pickle")
        info.size = 9
        tar.addfile(info, io.BytesIO(b"cos\nsystem"))
        for extension in ("jpg", "depth.png", "json"):
            tar.addfile(tarfile.TarInfo(f"v0-00000000.{extension}"), io.BytesIO())

    replace_tar(folder, write)
    assert "unknown members pickle" in problems(folder)


# -- json and tables --------------------------------------------------------------------------------------------------

DEEP = b"[" * 200_000


@pytest.mark.parametrize(
    ("content", "words"),
    [(DEEP, "nested too deep"), (b"7", "not an object"), (b" " * (sample.LARGEST_RECORD + 1) + b"{}", "more than")],
)
def test_json_that_would_stop_its_reader(content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        sample.record(content)


@pytest.mark.parametrize("content", [DEEP, b"[]", b"\xff", b""])
def test_a_record_that_is_none(folder: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "dataset.json").write_bytes(content)
    assert main(["lint", str(folder)]) == 2
    assert "is not what BuildShards writes" in capsys.readouterr().err


def parquet(table: pa.Table, **options: Any) -> bytes:
    into = io.BytesIO()
    pq.write_table(table, into, compression="zstd", **options)
    return into.getvalue()


TABLES = {
    "rows": (lambda: parquet(pa.table({"key": pa.array(["a"] * 5_000_000).dictionary_encode()})), "no honest table"),
    "numbers": (lambda: parquet(pa.table({"offset": pa.array([0] * 5_000_000)})), "no honest table"),
    "texts": (lambda: parquet(pa.table({"key": ["x" * 50_000_000]})), "a text of more than|no honest table"),
    "text": (lambda: parquet(pa.table({"key": ["x" * 5000]})), "a text of more than"),
    "lists": (lambda: parquet(pa.table({"key": [[0] * 10_000_000]})), "has lists"),
    "noise": (lambda: b"PAR1" + bytes(100) + b"PAR1", "not a readable parquet"),
    "other": (lambda: parquet(pa.table({"key": ["a"]})), "has no column offset, shard, size, split, video_id"),
}


@pytest.mark.parametrize(("make", "words"), TABLES.values(), ids=TABLES)
def test_tables_that_stand_for_more_than_they_are(folder: Path, make: Callable[[], bytes], words: str) -> None:
    (folder / "samples.parquet").write_bytes(make())
    with pytest.raises(UserError, match=words):
        open_dataset(str(folder)).samples()


def test_a_sound_table_comes_back_as_it_was(folder: Path) -> None:
    content = (folder / "samples.parquet").read_bytes()
    assert tables.from_stranger(content, "x").equals(tables.from_bytes(content))


@pytest.mark.parametrize(("offset", "size"), [(0, 2**40), (-1, 512), (0, 0), (0, -1), (2**63 - 1, 512)])
def test_a_sample_that_would_take_all_memory(folder: Path, offset: int, size: int) -> None:
    change_samples(folder, offset=offset, size=size)
    dataset = open_dataset(str(folder))
    with pytest.raises(UserError, match="are read"):
        dataset.read(tables.rows(dataset.samples())[0])


# -- images -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", huge_images())
def test_images_that_claim_to_be_huge_are_not_decoded(folder: Path, kind: str) -> None:
    huge = huge_images()[kind]
    with pytest.raises(ValueError, match=r"frames of|is not an image"):
        decoded(huge, 1)

    def write(tar: tarfile.TarFile) -> None:
        for extension, content in (("jpg", huge), ("depth.png", huge), ("json", b"{}")):
            info = tarfile.TarInfo(f"v0-00000000.{extension}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))

    replace_tar(folder, write)
    assert problems(folder).count("cannot be decoded") == 2
    with pytest.raises(ValueError, match=r"frames of|is not an image"):
        sample_images(next(folder.glob("*.tar")).read_bytes())


def test_an_honest_bmp_is_an_image() -> None:
    assert decoded(bmp(8, 4), 1).shape == (4, 8, 3)
