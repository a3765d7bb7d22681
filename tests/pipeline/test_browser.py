import html
import re
import socket
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from flask.testing import FlaskClient

from pipeline import browser, tables
from pipeline.__main__ import main
from pipeline.browser import LOOPBACK, application
from pipeline.catalogue import PAGE, Catalogue, Query, catalogue
from pipeline.dataset import Dataset, open_dataset
from pipeline.errors import UserError
from pipeline.parameters import STAGE_VERSIONS
from tests.pipeline.laid_build import HOSTILE, finish, lay_out


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    """Two videos, 20 samples each."""
    return catalogue(open_dataset(str(finish(lay_out(tmp_path_factory.mktemp("browse"), labels=20)))))


@pytest.fixture
def client(laid: Catalogue) -> FlaskClient:
    return application([laid], LOOPBACK).test_client()


def keys(page: str) -> list[str]:
    return re.findall(r"<code>(v\d+-\d{8})</code></a>", page)


def get(client: FlaskClient, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status, answer.text
    return html.unescape(answer.text)


def test_pages_hold_every_sample_once_in_the_order_of_the_keys(client: FlaskClient, laid: Catalogue) -> None:
    first, second = get(client, "/"), get(client, "/?page=2")
    assert len(keys(first)) == PAGE
    assert keys(first) + keys(second) == sorted(laid.samples.column("key").to_pylist())
    assert keys(get(client, "/?page=99")) == keys(second)
    assert keys(get(client, "/?page=x")) == keys(first)


def test_a_video_can_be_looked_at_alone(client: FlaskClient) -> None:
    assert keys(get(client, "/?video=v1")) == [f"v1-{frame:08d}" for frame in range(20)]
    assert keys(get(client, "/?video=nothing")) == []


def test_a_range_of_a_score_in_its_order(client: FlaskClient, laid: Catalogue) -> None:
    values = dict(zip(laid.samples.column("key").to_pylist(), laid.samples.column("inlier_ratio").to_pylist()))
    low, high = sorted(values.values())[5], sorted(values.values())[15]
    page = get(client, f"/?score=inlier_ratio&low={low}&high={high}&order=falling")
    expected = sorted((key for key, value in values.items() if low <= value <= high), key=lambda key: -values[key])
    assert keys(page) == expected
    assert len(expected) == 11
    assert keys(get(client, f"/?score=inlier_ratio&low={low}&high={high}&order=rising")) == expected[::-1]


def test_a_bound_that_is_no_number_is_one_sentence(client: FlaskClient) -> None:
    assert "low 'many' is no number" in get(client, "/?score=cost&low=many", 400)


def test_frames_without_a_label_are_listed_by_reason(client: FlaskClient) -> None:
    page = get(client, "/?reason=few_inliers")
    assert re.findall(r'src="/dropped/([^"]+)"', page) == ["v0-00000020", "v1-00000020"]
    assert "42 frames without a label" in get(client, "/?reason=spacing")
    assert "21 frames without a label" in get(client, "/?reason=spacing&video=v1")


def test_a_dropped_frame_is_read_from_its_video(built: Any) -> None:
    found = catalogue(open_dataset(str(built.folder)))
    row = tables.rows(found.dropped.filter(pc.equal(found.dropped.column("reason"), "spacing")))[5]
    client = application([found]).test_client()
    shown = decoded(client.get(f"/dropped/{row['key']}").data).astype(float)

    def error(frame: int) -> float:
        answer = client.get(f"/image/{found.version}/{row['video_id']}-{frame:08d}/frame")
        return float(np.abs(decoded(answer.data).astype(float) - shown).mean())

    labelled = {int(key[-8:]) for key in found.samples.column("key").to_pylist() if key.startswith(row["video_id"])}
    nearest = sorted(labelled, key=lambda frame: abs(frame - row["frame"]))
    assert nearest[0] != row["frame"]
    assert min(labelled, key=error) in nearest[:2]


def test_a_dropped_frame_whose_video_is_gone_is_grey(client: FlaskClient) -> None:
    assert (np.abs(decoded(client.get("/dropped/v0-00000020").data).astype(int) - 96) < 3).all()
    assert client.get("/dropped/..%2F..%2Fdataset.json").status_code == 404


def test_a_dataset_away_from_its_build_says_why_it_cannot_list_them(tmp_path: Path) -> None:
    folder = finish(lay_out(tmp_path / "root"))
    moved = folder.rename(tmp_path / "moved")
    client = application([catalogue(open_dataset(str(moved)))]).test_client()
    assert len(keys(get(client, "/"))) == 12
    assert "no record of its build" in get(client, "/?reason=spacing", 404)


def test_a_dataset_of_another_version_of_the_software_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = finish(lay_out(tmp_path / "root"))
    monkeypatch.setitem(STAGE_VERSIONS, "labels", STAGE_VERSIONS["labels"] + 1)
    client = application([catalogue(open_dataset(str(folder)))]).test_client()
    assert "beside it that this version reads" in get(client, "/?reason=spacing", 404)


def test_images_come_from_the_tars(client: FlaskClient, laid: Catalogue) -> None:
    at = f"/image/{laid.version}/v0-00000003"
    frame = client.get(f"{at}/frame")
    assert frame.mimetype == "image/jpeg"
    assert decoded(frame.data).shape == (36, 64, 3)
    depth = decoded(client.get(f"{at}/depth").data).astype(int).sum(axis=2)
    assert (decoded(client.get(f"{at}/depth").data)[:4, :4] == 96).all()  # no label
    assert depth[5, 30] < depth[20, 30] < depth[35, 30]  # far above, near below
    assert decoded(client.get(f"{at}/confidence").data).max() == 127


def decoded(content: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)


@pytest.mark.parametrize(
    "url",
    [
        "/image/{version}/v0-00000003/json",
        "/image/{version}/nothing-00000001/frame",
        "/image/other/v0-00000003/frame",
        "/image/{version}/..%2F..%2F..%2Fetc%2Fpasswd/frame",
        "/image/{version}/../../../../etc/passwd/frame",
        "/sample/..%2Fdataset.json",
        "/../dataset.json",
        "/static/../dataset.json",
    ],
)
def test_ids_lead_nowhere_else(client: FlaskClient, laid: Catalogue, url: str) -> None:
    answer = client.get(url.format(version=laid.version))
    assert answer.status_code == 404
    assert b"root:" not in answer.data and b"fingerprint" not in answer.data


@pytest.mark.parametrize("shard", ["../secret.tar", "/etc/passwd", "..", "a/b.tar"])
def test_a_row_that_leads_out_of_the_folder_is_refused(tmp_path: Path, shard: str) -> None:
    (tmp_path / "secret.tar").write_bytes(b"secret" * 1000)
    dataset = Dataset(str(tmp_path / "dataset"), {})
    with pytest.raises(UserError, match="no shard of the folder"):
        dataset.read({"key": "k", "shard": shard, "offset": 0, "size": 512})


def test_hostile_names_appear_as_text(laid: Catalogue) -> None:
    record = {**laid.dataset.record, "dataset": HOSTILE, "funnel": {"reasons": [{"stage": "pair", "reason": HOSTILE}]}}
    column = pa.array([HOSTILE] * laid.samples.num_rows)
    place = laid.samples.column_names.index("video_id")
    samples = laid.samples.set_column(place, "video_id", column)
    hostile = Catalogue(Dataset(laid.dataset.folder, record), samples)
    client = application([hostile]).test_client()
    for url in ("/", "/sample/v0-00000000", f"/?video={HOSTILE.replace('&', '%26')}"):
        page = client.get(url).text
        assert "<script>alert" not in page and "<img src=x" not in page
        assert html.escape(HOSTILE, quote=False).split('"')[0] in page.replace("&#39;", "'")
    assert "<script>" not in client.get("/sample/<script>alert(1)</script>").text


def test_two_versions_stand_side_by_side(tmp_path: Path, laid: Catalogue) -> None:
    other = catalogue(open_dataset(str(finish(lay_out(tmp_path, labels=10, dataset="other", contrast=100)))))
    client = application([laid, other]).test_client()
    page = get(client, "/sample/v0-00000003")
    shown = sorted(set(re.findall(r'src="(/image/[^"]+/depth)"', page)))
    assert shown == sorted(f"/image/{each.version}/v0-00000003/depth" for each in (laid, other))
    assert client.get(shown[1]).data != client.get(shown[0]).data
    assert page.count('<input type="range"') == 2
    assert "has no sample of this frame" in get(client, "/sample/v0-00000015")


def test_no_confidence_is_asked_for_where_a_build_stored_none(client: FlaskClient, laid: Catalogue) -> None:
    assert "/confidence" in get(client, "/sample/v0-00000003")
    record = {**laid.dataset.record, "provenance": {"parameters": {"shard": {"confidence": False}}}}
    without = Catalogue(Dataset(laid.dataset.folder, record), laid.samples)
    assert "/confidence" not in get(application([without]).test_client(), "/sample/v0-00000003")


def test_the_neighbours_of_a_sample_are_those_of_its_list(client: FlaskClient, laid: Catalogue) -> None:
    query = Query(score="cost", order="rising")
    listed = [row["key"] for row in laid.rows(query, laid.select(query))]
    page = get(client, f"/sample/{listed[7]}?score=cost&order=rising")
    assert re.search(r'rel="prev" href="/sample/([^?"]+)', page)[1] == listed[6]
    assert re.search(r'rel="next" href="/sample/([^?"]+)', page)[1] == listed[8]
    assert 'rel="prev"' not in get(client, f"/sample/{listed[0]}?score=cost&order=rising")


def test_it_only_reads_and_only_for_this_machine(client: FlaskClient) -> None:
    assert client.post("/").status_code == 405
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
    answer = client.get("/", headers={"Host": "127.0.0.1:8008"})
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_the_command_serves_at_loopback(
    laid: Catalogue, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[Any] = []

    class Server:
        server_port = 4711

        def __init__(self, *place: Any, **options: Any) -> None:
            made.append((*place, options))

        def serve_forever(self) -> None:
            raise KeyboardInterrupt

        def server_close(self) -> None:
            made.append("closed")

    monkeypatch.setattr(browser, "make_server", Server)
    assert main(["browse", laid.dataset.folder, "--port", "0"]) == 0
    host, port, app, options = made[0]
    assert (host, port, options, made[1]) == ("127.0.0.1", 0, {"threaded": True}, "closed")
    assert app.config["TRUSTED_HOSTS"] == LOOPBACK
    assert "http://127.0.0.1:4711/" in capsys.readouterr().err


def test_a_port_that_is_taken_is_one_sentence(laid: Catalogue, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["browse", laid.dataset.folder, "--port", str(port)]) == 2
    assert f"cannot listen at 127.0.0.1:{port}; give another --host or --port" in capsys.readouterr().err


def test_a_port_or_a_place_that_cannot_be_is_one_sentence(
    laid: Catalogue, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["browse", laid.dataset.folder, "--port", "70000"]) == 2
    assert "allowed: 0 to 65535" in capsys.readouterr().err
    assert main(["browse", str(tmp_path)]) == 2
    assert "holds no finished dataset" in capsys.readouterr().err
