"""Fetching against a server that stalls, cuts, ignores ranges and lies."""

import errno
import hashlib
import multiprocessing
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import fsspec
import pytest

from pipeline.fetch import Fetched, FetchParameters, fetch, host
from pipeline.manifest import Video


def limits(**more: Any) -> FetchParameters:
    """Limits with which this machine may be asked."""
    return FetchParameters(allowed_networks="127.0.0.1", **more)


LIMITS = limits(connect_s=5, stall_s=0.5, retries=2, backoff_s=0.01, max_backoff_s=2, max_seconds=20)
CONTENT = random.Random(1).randbytes(700_000)
ETAG = '"one"'


def whole(content: bytes = CONTENT, etag: str = ETAG, **headers: object) -> Any:
    """An answer that knows ranges."""

    def answer(request: Any) -> None:
        start = request.range_start()
        if start is not None and request.seen.headers.get("if-range", etag) == etag:
            place = f"bytes {start}-{len(content) - 1}/{len(content)}"
            request.start(206, content_length=len(content) - start, content_range=place, etag=etag, **headers)
            request.body(content[start:])
        else:
            request.start(200, content_length=len(content), etag=etag, **headers)
            request.body(content)

    return answer


def cut_at(size: int, content: bytes = CONTENT, etag: str = ETAG) -> Any:
    """An answer that ends in the middle."""

    def answer(request: Any) -> None:
        start = request.range_start() or 0
        place = {"content_range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        request.start(206 if start else 200, content_length=len(content) - start, etag=etag, **place)
        request.body(content[start:size])
        request.cut()

    return answer


def status(code: int, **headers: object) -> Any:
    return lambda request: request.status(code, **headers)


def run(source: str, folder: Path, limits: FetchParameters = LIMITS, **more: Any) -> Fetched:
    return fetch(Video("one", source, **more), folder, limits)


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# -- files over http --------------------------------------------------------------------------------------------------


def test_a_file_arrives_whole(web: Any, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    url = web.serve("/drive.mp4", whole(content_type="video/mp4"))
    fetched = fetch(
        Video("one", url + "?token=secret", licence="CC0-1.0"), tmp_path, LIMITS, lambda *at: seen.append(at)
    )
    assert (tmp_path / "source.mp4").read_bytes() == CONTENT
    assert (fetched.status, fetched.path, fetched.bytes) == ("done", "source.mp4", len(CONTENT))
    assert fetched.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert (fetched.content_type, fetched.licence, fetched.tool) == ("video/mp4", "CC0-1.0", "requests")
    assert fetched.final_url == url, "the token is not recorded"
    assert left(tmp_path) == ["source.mp4"]
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert sorted(seen) == seen


def test_a_name_without_suffix_gets_one_by_its_type(web: Any, tmp_path: Path) -> None:
    assert run(web.serve("/download", whole(content_type="video/webm")), tmp_path).path == "source.webm"


def test_a_cut_download_goes_on_where_it_was_cut(web: Any, tmp_path: Path) -> None:
    url = web.serve("/drive.mp4", cut_at(300_000), cut_at(600_000), whole())
    assert run(url, tmp_path).status == "done"
    assert (tmp_path / "source.mp4").read_bytes() == CONTENT
    sent = [seen.sent for seen in web.requests("/drive.mp4")]
    assert len(sent) == 3
    assert sum(sent) < 1.3 * len(CONTENT)
    assert [seen.headers.get("if-range") for seen in web.seen] == [None, ETAG, ETAG]


def test_a_host_that_ignores_ranges_is_read_from_the_start(web: Any, tmp_path: Path) -> None:
    def ignores(request: Any) -> None:
        request.start(200, content_length=len(CONTENT))
        request.body(CONTENT)

    url = web.serve("/drive.mp4", cut_at(300_000), ignores)
    assert run(url, tmp_path).status == "done"
    assert (tmp_path / "source.mp4").read_bytes() == CONTENT


def test_a_host_that_always_cuts_and_ignores_ranges_is_given_up(web: Any, tmp_path: Path) -> None:
    def cuts(request: Any) -> None:
        request.start(200, content_length=len(CONTENT))
        request.body(CONTENT[:300_000])
        request.cut()

    fetched = run(web.serve("/drive.mp4", cuts), tmp_path)
    assert (fetched.status, fetched.reason) == ("failed", "cut")
    assert len(web.seen) == 2 + LIMITS.retries, "the first brought something new, the others did not"
    assert left(tmp_path) == [".tmp-fetch"], "the part stays for another day, under no final name"


def test_a_file_that_changed_in_between_is_not_mixed(web: Any, tmp_path: Path) -> None:
    other = CONTENT[::-1]
    url = web.serve("/drive.mp4", cut_at(300_000), whole(other, etag='"two"'))
    assert run(url, tmp_path).status == "done"
    assert (tmp_path / "source.mp4").read_bytes() == other


def test_a_changed_file_is_noticed_even_where_the_host_does_not_say(web: Any, tmp_path: Path) -> None:
    other = CONTENT[::-1]
    url = web.serve("/drive.mp4", cut_at(300_000), whole(other))
    assert run(url, tmp_path).status == "done"
    assert (tmp_path / "source.mp4").read_bytes() == other


def test_a_wrong_range_is_not_appended(web: Any, tmp_path: Path) -> None:
    def wrong(request: Any) -> None:
        request.start(206, content_length=10, content_range=f"bytes 0-9/{len(CONTENT)}", etag=ETAG)
        request.body(CONTENT[:10])

    url = web.serve("/drive.mp4", cut_at(300_000), wrong, whole())
    assert run(url, tmp_path).status == "done"
    assert (tmp_path / "source.mp4").read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_dropped(web: Any, tmp_path: Path) -> None:
    url = web.serve("/drive.mp4", cut_at(300_000), status(416), whole(CONTENT[:1000], etag='"two"'))
    assert run(url, tmp_path).bytes == 1000


@pytest.mark.parametrize("code", [404, 410, 451])
def test_what_was_removed_is_gone_at_once(web: Any, tmp_path: Path, code: int) -> None:
    fetched = run(web.serve("/drive.mp4", status(code)), tmp_path)
    assert (fetched.status, fetched.reason) == ("gone", f"http_{code}")
    assert len(web.seen) == 1
    assert left(tmp_path) == []


@pytest.mark.parametrize("code", [400, 401, 403, 501])
def test_what_is_refused_failed_and_is_not_asked_again(web: Any, tmp_path: Path, code: int) -> None:
    fetched = run(web.serve("/drive.mp4", status(code)), tmp_path)
    assert (fetched.status, fetched.reason) == ("failed", f"http_{code}")
    assert len(web.seen) == 1


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_busy_host_is_asked_again(web: Any, tmp_path: Path, code: int) -> None:
    assert run(web.serve("/drive.mp4", status(code), status(code), whole()), tmp_path).status == "done"
    assert len(web.seen) == 3


def test_a_host_that_stays_busy_fails_the_video(web: Any, tmp_path: Path) -> None:
    fetched = run(web.serve("/drive.mp4", status(500)), tmp_path)
    assert (fetched.status, fetched.reason) == ("failed", "http_500")
    assert len(web.seen) == 1 + LIMITS.retries


def test_retry_after_is_honoured(web: Any, tmp_path: Path) -> None:
    times: list[float] = []

    def busy(request: Any) -> None:
        times.append(time.monotonic())
        request.status(429, retry_after="1")

    def free(request: Any) -> None:
        times.append(time.monotonic())
        whole()(request)

    assert run(web.serve("/drive.mp4", busy, free), tmp_path).status == "done"
    assert times[1] - times[0] >= 1


@pytest.mark.parametrize("after", ["3600", "Fri, 31 Dec 2199 23:59:59 GMT"])
def test_a_host_that_asks_for_an_hour_fails_the_video_for_now(web: Any, tmp_path: Path, after: str) -> None:
    fetched = run(web.serve("/drive.mp4", status(429, retry_after=after)), tmp_path)
    assert (fetched.status, fetched.reason) == ("failed", "http_429")
    assert "retry after" in fetched.detail
    assert len(web.seen) == 1


def test_a_stall_ends_the_attempt_and_the_next_goes_on(web: Any, tmp_path: Path) -> None:
    def stalls(request: Any) -> None:
        request.start(200, content_length=len(CONTENT), etag=ETAG)
        request.body(CONTENT[:300_000])
        request.web.closing.wait(5)
        request.cut()

    assert run(web.serve("/drive.mp4", stalls, whole()), tmp_path).status == "done"
    assert (tmp_path / "source.mp4").read_bytes() == CONTENT
    assert web.seen[1].sent < len(CONTENT)


def drips(request: Any) -> None:
    """A few bytes again and again: no read ever times out."""
    request.start(200, content_length=len(CONTENT))
    for place in range(200):
        request.body(CONTENT[place : place + 1])
        if request.web.closing.wait(0.03):
            return


def test_a_drip_is_a_stall(web: Any, tmp_path: Path) -> None:
    fetched = run(web.serve("/drive.mp4", drips), tmp_path, limits(stall_s=0.3, retries=0, backoff_s=0.01))
    assert (fetched.status, fetched.reason) == ("failed", "stall")


def test_a_fetch_ends_in_time(web: Any, tmp_path: Path) -> None:
    hasty = limits(stall_s=5, retries=9, backoff_s=0.01, max_seconds=0.3)
    assert run(web.serve("/drive.mp4", drips), tmp_path, hasty).reason == "too_slow"


def test_a_declared_size_above_the_limit_is_not_begun(web: Any, tmp_path: Path) -> None:
    def huge(request: Any) -> None:
        request.start(200, content_length=10**15)
        request.body(b"x" * 1000)

    fetched = run(web.serve("/drive.mp4", huge), tmp_path)
    assert (fetched.status, fetched.reason) == ("filtered", "too_large")
    assert left(tmp_path) == []


def test_an_undeclared_size_above_the_limit_is_stopped(web: Any, tmp_path: Path) -> None:
    def endless(request: Any) -> None:
        request.start(200, connection="close")
        while not request.web.closing.is_set():
            request.body(bytes(100_000))

    fetched = run(web.serve("/drive.mp4", endless), tmp_path, limits(max_bytes=1_000_000))
    assert (fetched.status, fetched.reason) == ("filtered", "too_large")
    assert left(tmp_path) == []


def test_a_body_without_length_arrives(web: Any, tmp_path: Path) -> None:
    def chunked(request: Any) -> None:
        request.start(200, transfer_encoding="chunked")
        request.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(CONTENT), CONTENT))

    assert run(web.serve("/drive.mp4", chunked), tmp_path).bytes == len(CONTENT)


def test_a_chunked_body_that_is_cut_is_noticed(web: Any, tmp_path: Path) -> None:
    def chunked(request: Any) -> None:
        request.start(200, transfer_encoding="chunked")
        request.wfile.write(b"%x\r\n%s\r\n" % (len(CONTENT), CONTENT))
        request.cut()

    assert run(web.serve("/drive.mp4", chunked), tmp_path).reason == "cut"


def test_redirects_are_followed(web: Any, tmp_path: Path) -> None:
    web.serve("/real.mp4", whole())
    fetched = run(web.serve("/drive.mp4", status(302, location="/real.mp4?key=secret")), tmp_path)
    assert (fetched.status, fetched.final_url) == ("done", web.url + "/real.mp4")


def test_a_redirect_loop_ends(web: Any, tmp_path: Path) -> None:
    fetched = run(web.serve("/drive.mp4", status(302, location="/drive.mp4")), tmp_path)
    assert (fetched.status, fetched.reason) == ("failed", "redirect_loop")


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "javascript:1", "http://[", "data:,x"])
def test_a_redirect_out_of_http_is_refused(web: Any, tmp_path: Path, target: str) -> None:
    fetched = run(web.serve("/drive.mp4", status(302, location=target)), tmp_path)
    assert (fetched.status, fetched.reason) == ("failed", "redirect_refused")
    assert left(tmp_path) == [".tmp-fetch"]


def test_the_body_of_a_redirect_is_not_read(web: Any, tmp_path: Path) -> None:
    def endless(request: Any) -> None:
        request.start(302, location="/real.mp4", connection="close")
        while not request.web.closing.is_set():
            request.body(bytes(100_000))

    web.serve("/real.mp4", whole())
    assert run(web.serve("/drive.mp4", endless), tmp_path).status == "done"


def test_an_encoded_body_is_not_taken_for_the_file(web: Any, tmp_path: Path) -> None:
    assert run(web.serve("/drive.mp4", whole(content_encoding="gzip")), tmp_path).reason == "encoded"


def test_an_empty_body_is_no_video(web: Any, tmp_path: Path) -> None:
    assert run(web.serve("/drive.mp4", status(200)), tmp_path).reason == "empty"


def test_no_host(tmp_path: Path) -> None:
    fetched = run("http://me:secret@127.0.0.1:9/drive.mp4?token=secret", tmp_path)
    assert (fetched.status, fetched.reason) == ("failed", "connect")
    assert "refused" in fetched.detail
    assert "secret" not in fetched.detail


def test_a_pause_comes_before_each_video(web: Any, tmp_path: Path) -> None:
    assert run(web.serve("/drive.mp4", whole()), tmp_path, limits(pause_s=0.3)).seconds >= 0.3


@pytest.mark.parametrize("right", [True, False])
def test_the_sha256_of_the_manifest_is_checked(web: Any, tmp_path: Path, right: bool) -> None:
    digest = hashlib.sha256(CONTENT if right else b"").hexdigest()
    fetched = run(web.serve("/drive.mp4", whole()), tmp_path, sha256=digest)
    assert fetched.reason == ("" if right else "sha256")
    assert (tmp_path / "source.mp4").exists() == right


def test_what_a_host_says_is_made_printable(web: Any, tmp_path: Path) -> None:
    fetched = run(web.serve("/drive.mp4", whole(content_type="video/\x1b[2Jmp4")), tmp_path)
    assert fetched.status == "done"
    assert fetched.content_type.isprintable()


def test_cookies_come_from_the_given_file_only(web: Any, tmp_path: Path) -> None:
    cookies = tmp_path / "cookies.txt"
    cookies.write_text("# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t2147483647\tlogin\tyes\n")
    before = cookies.read_bytes()
    url = web.serve("/drive.mp4", whole())
    assert run(url, tmp_path / "a", limits(cookie_file=str(cookies))).status == "done"
    assert run(url, tmp_path / "b").status == "done"
    assert [seen.headers.get("cookie") for seen in web.seen] == ["login=yes", None]
    assert cookies.read_bytes() == before
    assert run(url, tmp_path / "c", limits(cookie_file="/nonexistent")).reason == "cookie_file"


# -- crashes and company ----------------------------------------------------------------------------------------------

FETCH = """
import sys
from pathlib import Path
from pipeline.fetch import fetch, FetchParameters
from pipeline.manifest import Video
print(fetch(Video("one", sys.argv[1]), Path(sys.argv[2]), FetchParameters(allowed_networks='127.0.0.1')).status)
"""


def test_a_killed_download_goes_on(web: Any, tmp_path: Path) -> None:
    def hangs(request: Any) -> None:
        request.start(200, content_length=len(CONTENT), etag=ETAG)
        request.body(CONTENT[:500_000])
        request.web.closing.wait(30)

    url = web.serve("/drive.mp4", hangs, whole())
    child = subprocess.Popen([sys.executable, "-c", FETCH, url, str(tmp_path)], cwd=Path(__file__).parents[2])
    part = tmp_path / ".tmp-fetch" / "http.part"
    patience = time.monotonic() + 30
    while not (part.exists() and part.stat().st_size >= 400_000):
        assert time.monotonic() < patience and child.poll() is None
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert left(tmp_path) == [".tmp-fetch"]
    assert run(url, tmp_path).status == "done"
    assert (tmp_path / "source.mp4").read_bytes() == CONTENT
    assert web.seen[1].sent < 400_000
    assert left(tmp_path) == ["source.mp4"]


FORK = multiprocessing.get_context("fork")


def _child(url: str, folder: str) -> None:
    assert run(url, Path(folder)).status == "done"


def slowly(request: Any) -> None:
    """An answer that knows ranges and takes a third of a second for the whole."""
    start = request.range_start() or 0
    place = {"content_range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"} if start else {}
    request.start(206 if start else 200, content_length=len(CONTENT) - start, etag=ETAG, **place)
    for piece in range(start, len(CONTENT), 20_000):
        request.body(CONTENT[piece : piece + 20_000])
        time.sleep(0.01)


@pytest.mark.parametrize("through_page", [False, True])
def test_kills_at_random_moments_do_no_harm(web: Any, tmp_path: Path, through_page: bool) -> None:
    file = web.serve("/drive.mp4", slowly)
    url = web.serve("/watch", shows("/drive.mp4")) if through_page else file
    expected = hashlib.sha256(CONTENT).hexdigest()
    chance = random.Random(2)
    for _ in range(6):
        child = FORK.Process(target=_child, args=(url, str(tmp_path)))
        child.start()
        child.join(chance.uniform(0.02, 1.0 if through_page else 0.4))
        child.kill()
        child.join()
        assert all(hashlib.sha256(done.read_bytes()).hexdigest() == expected for done in tmp_path.glob("source.*"))
    assert run(url, tmp_path).sha256 == expected
    assert left(tmp_path) == ["source.mp4"]


def test_two_processes_may_fetch_the_same_video(web: Any, tmp_path: Path) -> None:
    url = web.serve("/drive.mp4", slowly)
    children = [FORK.Process(target=_child, args=(url, str(tmp_path))) for _ in range(3)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert (tmp_path / "source.mp4").read_bytes() == CONTENT
    assert left(tmp_path) == ["source.mp4"]


def test_a_full_disk_is_not_the_videos_fault(web: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("pipeline.patience.shutil.disk_usage", lambda _: usage)
    with pytest.raises(OSError, match="no room"):
        run(web.serve("/drive.mp4", whole()), tmp_path)


# -- pages ------------------------------------------------------------------------------------------------------------


def page(html: str, **headers: object) -> Any:
    def answer(request: Any) -> None:
        content = html.encode()
        request.start(200, content_length=len(content), **({"content_type": "text/html; charset=utf-8"} | headers))
        request.body(content)

    return answer


def shows(*videos: str) -> Any:
    tags = "".join(f'<video src="{video}"></video>' for video in videos)
    return page(f"<html><head><title>A drive \x1b[31m&lt;b&gt;</title></head><body>{tags}</body></html>")


def test_the_video_of_a_page_is_fetched(web: Any, tmp_path: Path) -> None:
    web.serve("/media/drive.mp4", whole(content_type="video/mp4"))
    fetched = run(web.serve("/watch", shows("/media/drive.mp4")), tmp_path)
    assert (fetched.status, fetched.path) == ("done", "source.mp4"), fetched.detail
    assert (tmp_path / "source.mp4").read_bytes() == CONTENT
    assert fetched.tool.startswith("yt-dlp:")
    assert "A drive" in fetched.title
    assert fetched.title.isprintable()
    assert left(tmp_path) == ["source.mp4"]


def test_the_video_of_a_page_goes_on_after_a_cut(web: Any, tmp_path: Path) -> None:
    web.serve("/media/drive.mp4", cut_at(300_000), whole(content_type="video/mp4"))
    fetched = run(web.serve("/watch", shows("/media/drive.mp4")), tmp_path)
    assert fetched.status == "done", fetched.detail
    assert (tmp_path / "source.mp4").read_bytes() == CONTENT
    assert sum(seen.sent for seen in web.requests("/media/drive.mp4")) < 1.5 * len(CONTENT)


def test_a_stream_list_is_fetched(web: Any, tmp_path: Path) -> None:
    web.serve("/0.ts", whole(CONTENT[:400_000], content_type="video/mp2t"))
    web.serve("/1.ts", whole(CONTENT[400_000:], content_type="video/mp2t"))
    listing = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n0.ts\n#EXTINF:5,\n1.ts\n#EXT-X-ENDLIST\n"
    url = web.serve("/stream.m3u8", page(listing, content_type="application/vnd.apple.mpegurl"))
    assert run(url, tmp_path).status == "done"
    assert next(tmp_path.glob("source.*")).read_bytes() == CONTENT


def test_a_stream_with_a_missing_piece_is_not_taken(web: Any, tmp_path: Path) -> None:
    web.serve("/0.ts", whole(CONTENT[:400_000], content_type="video/mp2t"))
    listing = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n0.ts\n#EXTINF:5,\n1.ts\n#EXT-X-ENDLIST\n"
    url = web.serve("/stream.m3u8", page(listing, content_type="application/vnd.apple.mpegurl"))
    assert run(url, tmp_path).status != "done"
    assert not list(tmp_path.glob("source.*"))


@pytest.mark.parametrize("target", ["file:///etc/passwd", "pipe:0", "ftp://127.0.0.1/drive.mp4", "rtmp://127.0.0.1/x"])
def test_a_page_cannot_lead_out_of_http(web: Any, tmp_path: Path, target: str) -> None:
    fetched = run(web.serve("/watch", shows(target)), tmp_path)
    assert fetched.status == "failed"
    assert not list(tmp_path.glob("source.*"))


def test_a_stream_list_cannot_lead_to_files(web: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret.ts"
    secret.write_bytes(CONTENT)
    listing = f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile://{secret}\n#EXT-X-ENDLIST\n"
    url = web.serve("/stream.m3u8", page(listing, content_type="application/vnd.apple.mpegurl"))
    assert run(url, tmp_path / "one").status == "failed"
    assert not list((tmp_path / "one").glob("source.*"))


def test_a_page_without_video(web: Any, tmp_path: Path) -> None:
    fetched = run(web.serve("/watch", shows()) + "?token=secret", tmp_path)
    assert (fetched.status, fetched.reason) == ("failed", "no_video_found")
    assert "secret" not in fetched.detail


def test_what_yt_dlp_stumbles_over_fails_the_video(web: Any, tmp_path: Path) -> None:
    assert run(web.serve("/watch", shows("http://[")), tmp_path).status == "failed"


def test_a_disk_that_fills_up_is_not_the_pages_fault(web: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("yt_dlp.downloader.common.FileDownloader.sanitize_open", full)
    web.serve("/media/drive.mp4", whole(content_type="video/mp4"))
    with pytest.raises(OSError, match="No space"):
        run(web.serve("/watch", shows("/media/drive.mp4")), tmp_path)


def test_a_page_with_several_videos_is_sent_to_the_playlist_task(web: Any, tmp_path: Path) -> None:
    web.serve("/a.mp4", whole(content_type="video/mp4"))
    web.serve("/b.mp4", whole(content_type="video/mp4"))
    fetched = run(web.serve("/watch", shows("/a.mp4", "/b.mp4")), tmp_path)
    assert (fetched.status, fetched.reason) == ("failed", "playlist")
    assert "ExpandPlaylist" in fetched.detail
    assert not web.requests("/a.mp4")


@pytest.mark.parametrize(("code", "ended"), [(404, "gone"), (403, "failed"), (500, "failed")])
def test_a_page_whose_video_is_missing(web: Any, tmp_path: Path, code: int, ended: str) -> None:
    web.serve("/media/drive.mp4", status(code))
    fetched = run(web.serve("/watch", shows("/media/drive.mp4")), tmp_path)
    assert (fetched.status, fetched.reason) == (ended, f"http_{code}")


def test_a_video_of_a_page_above_the_size_limit(web: Any, tmp_path: Path) -> None:
    web.serve("/media/drive.mp4", whole(content_type="video/mp4"))
    fetched = run(web.serve("/watch", shows("/media/drive.mp4")), tmp_path, limits(max_bytes=100_000))
    assert (fetched.status, fetched.reason) == ("filtered", "too_large")
    assert left(tmp_path) == []


def test_a_video_of_a_page_above_the_duration_limit(web: Any, tmp_path: Path) -> None:
    listing = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n" + "#EXTINF:5,\n0.ts\n" * 50 + "#EXT-X-ENDLIST\n"
    url = web.serve("/stream.m3u8", page(listing, content_type="application/vnd.apple.mpegurl"))
    fetched = run(url, tmp_path, limits(max_duration_s=100))
    assert (fetched.status, fetched.reason) == ("filtered", "too_long")
    assert not web.requests("/0.ts")


def test_no_plugin_of_the_current_folder_runs(web: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = tmp_path / "yt_dlp_plugins" / "extractor"
    plugin.mkdir(parents=True)
    (plugin / "evil.py").write_text(f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()")
    web.serve("/media/drive.mp4", whole(content_type="video/mp4"))
    url = web.serve("/watch", shows("/media/drive.mp4"))
    root = Path(__file__).parents[2]
    script = f"import sys; sys.path.append({str(root)!r})\n" + FETCH
    command = [sys.executable, "-c", script, url, str(tmp_path / "one")]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout.strip() == "done"
    assert not (tmp_path / "ran").exists()


# -- other sources ----------------------------------------------------------------------------------------------------


def test_object_storage(tmp_path: Path) -> None:
    fsspec.filesystem("memory").pipe_file("/bucket/drive.mp4", CONTENT)
    fetched = run("memory://bucket/drive.mp4", tmp_path)
    assert (fetched.status, fetched.path, fetched.bytes) == ("done", "source.mp4", len(CONTENT))
    assert (tmp_path / "source.mp4").read_bytes() == CONTENT
    assert run("memory://bucket/none.mp4", tmp_path / "b").status == "gone"
    assert run("memory://bucket", tmp_path / "c").reason == "remote_folder"
    assert run("memory://bucket/drive.mp4", tmp_path / "d", limits(max_bytes=9)).reason == "too_large"


def test_a_local_file_stays_where_it_is(tmp_path: Path) -> None:
    file = tmp_path / "drive.mp4"
    file.write_bytes(CONTENT)
    fetched = run(str(file), tmp_path / "one")
    assert (fetched.status, fetched.path, fetched.bytes) == ("done", str(file), len(CONTENT))
    assert fetched.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert not (tmp_path / "one").exists()
    assert run(str(file), tmp_path / "one", sha256="0" * 64).reason == "sha256"


def test_local_files_that_are_no_videos(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    assert run(str(tmp_path / "empty.mp4"), tmp_path).reason == "empty"
    assert run(str(tmp_path / "none.mp4"), tmp_path).reason == "missing"
    assert run("/dev/zero", tmp_path).reason == "not_a_file"


def test_local_images_stay_where_they_are(tmp_path: Path) -> None:
    for name in ("a2.png", "a10.png", "b1.png"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "notes.txt").touch()
    fetched = run(str(tmp_path), tmp_path / "one", fps=10)
    assert (fetched.status, fetched.path, fetched.images, fetched.bytes) == ("done", str(tmp_path), 3, 19)
    some = run(str(tmp_path / "a*.png"), tmp_path / "one", fps=10)
    assert (some.status, some.images) == ("done", 2)
    assert some.sha256 != fetched.sha256
    assert run(str(tmp_path / "c*.png"), tmp_path / "one", fps=10).reason == "no_images"


def test_a_drive_is_simulated(tmp_path: Path) -> None:
    fetched = run("simulated:street?seed=1&frames=2&width=64&height=64", tmp_path)
    assert (fetched.status, fetched.path, fetched.tool) == ("done", "source.mp4", "simulation")
    assert (tmp_path / "source.mp4").read_bytes()[4:8] == b"ftyp"


def test_hosts() -> None:
    sources = ["https://www.YouTube.com:443/watch?v=1", "s3://bucket/a.mp4", "/a.mp4", "simulated:street"]
    assert [host(Video("one", source)) for source in sources] == ["www.youtube.com", "s3.bucket", "", ""]
