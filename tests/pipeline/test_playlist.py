"""Playlists of a local server, and of an attacker."""

import logging
from pathlib import Path
from typing import Any

import pytest

from pipeline.fetched import FetchParameters
from pipeline.manifest import read_manifest, write_manifest
from pipeline.playlist import PlaylistError, expand_playlist

LIMITS = FetchParameters(connect_s=5, stall_s=2, retries=0, backoff_s=0.01, allowed_networks="127.0.0.1")


def serve(web: Any, path: str, text: str, content_type: str) -> str:
    def answer(request: Any) -> None:
        content = text.encode()
        request.start(200, content_length=len(content), content_type=content_type)
        request.body(content)

    url: str = web.serve(path, answer)
    return url


def feed(web: Any, *items: tuple[str, str]) -> str:
    """An RSS feed of (guid, url)."""
    texts = [
        f"<item><title>t</title><guid>{guid}</guid><enclosure url='{url}' type='video/mp4'/></item>"
        for guid, url in items
    ]
    text = f"<?xml version='1.0'?><rss version='2.0'><channel><title>Drives</title>{''.join(texts)}</channel></rss>"
    return serve(web, "/feed.xml", text, "application/rss+xml")


def test_a_feed_becomes_rows_that_a_manifest_takes(web: Any, tmp_path: Path) -> None:
    url = feed(web, ("one", f"{web.url}/1.mp4"), ("two", f"{web.url}/2.mp4"))
    videos = expand_playlist(url, "drives", LIMITS)
    assert [(video.video_id, video.source) for video in videos] == [
        ("drives-one", f"{web.url}/1.mp4"),
        ("drives-two", f"{web.url}/2.mp4"),
    ]
    assert not web.requests("/1.mp4"), "entries are listed, not looked at"
    write_manifest(tmp_path / "drives.csv", videos)
    assert read_manifest(tmp_path / "drives.csv") == videos


def test_ids_become_ours_and_differ(web: Any) -> None:
    guids = ["../../etc", "a/b", "A-B", "ü", "x" * 300, "a/b", "\u202egnp"]
    url = feed(web, *((guid, f"{web.url}/{place}.mp4") for place, guid in enumerate(guids)))
    videos = expand_playlist(url, "", LIMITS)
    ids = [video.video_id for video in videos]
    assert len({video_id.lower() for video_id in ids}) == len(guids)
    assert ids[1] == "a-b"
    assert all(
        len(video_id) <= 100 and set(video_id.lower()) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_")
        for video_id in ids
    )
    assert [video.video_id for video in expand_playlist(url, "", LIMITS)] == ids


def test_a_growing_playlist_keeps_its_ids(web: Any) -> None:
    items = [("a/b", f"{web.url}/1.mp4"), ("a-b", f"{web.url}/2.mp4"), ("A_b", f"{web.url}/3.mp4")]
    before = expand_playlist(feed(web, *items[:2]), "", LIMITS)
    assert expand_playlist(feed(web, *items), "", LIMITS)[:2] == before


def test_a_source_that_is_listed_twice_is_one_row(web: Any) -> None:
    url = feed(web, ("one", f"{web.url}/1.mp4"), ("two", f"{web.url}/1.mp4"))
    assert len(expand_playlist(url, "", LIMITS)) == 1


def test_entries_that_lead_out_of_http_are_left_out(web: Any, caplog: pytest.LogCaptureFixture) -> None:
    evil = ["file:///etc/passwd", "/etc/passwd", "pipe:0", "ftp://127.0.0.1/x", "simulated:street", "http://"]
    url = feed(web, ("good", f"{web.url}/1.mp4"), *((f"e{place}", text) for place, text in enumerate(evil)))
    with caplog.at_level(logging.WARNING):
        videos = expand_playlist(url, "", LIMITS)
    assert [video.video_id for video in videos] == ["good"]
    assert len(caplog.records) == len(evil)
    assert "entry 2" in caplog.messages[0]


def test_a_playlist_of_nothing_but_files_is_refused(web: Any) -> None:
    with pytest.raises(PlaylistError, match="lists no video"):
        expand_playlist(feed(web, ("one", "file:///etc/passwd")), "", LIMITS)


def test_a_page_with_several_videos(web: Any) -> None:
    html = "<html><title>t</title><video src='/1.mp4'></video><video src='/2.mp4'></video></html>"
    videos = expand_playlist(serve(web, "/drives", html, "text/html"), "page", LIMITS)
    assert [video.source for video in videos] == [f"{web.url}/1.mp4", f"{web.url}/2.mp4"]


def test_a_page_with_a_video_and_a_file(web: Any) -> None:
    html = "<html><title>t</title><video src='file:///etc/passwd'></video><video src='/2.mp4'></video></html>"
    videos = expand_playlist(serve(web, "/drives", html, "text/html"), "page", LIMITS)
    assert [video.source for video in videos] == [f"{web.url}/2.mp4"]


def test_a_page_with_one_video_is_one_row(web: Any) -> None:
    url = serve(web, "/drive", "<html><title>t</title><video src='/1.mp4'></video></html>", "text/html")
    assert [video.source for video in expand_playlist(url, "page", LIMITS)] == [url]


def test_an_xspf_playlist(web: Any) -> None:
    tracks = "".join(f"<track><location>{web.url}/{name}.mp4</location></track>" for name in ("1", "2"))
    text = f"<playlist version='1' xmlns='http://xspf.org/ns/0/'><trackList>{tracks}</trackList></playlist>"
    videos = expand_playlist(serve(web, "/list.xspf", text, "application/xspf+xml"), "x", LIMITS)
    assert [video.source for video in videos] == [f"{web.url}/1.mp4", f"{web.url}/2.mp4"]


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "/etc/passwd", "pipe:0", "ytsearch:drive", "", "http://a b/", "\x1b"]
)
def test_only_http_playlists(url: str) -> None:
    with pytest.raises(PlaylistError):
        expand_playlist(url, "", LIMITS)


def test_what_yt_dlp_stumbles_over_is_an_error_of_ours(web: Any) -> None:
    with pytest.raises(PlaylistError, match="cannot read the playlist"):
        expand_playlist(feed(web, ("one", "http://[")), "", LIMITS)


def test_a_bad_prefix_and_a_missing_playlist(web: Any) -> None:
    with pytest.raises(PlaylistError, match="prefix"):
        expand_playlist(web.url + "/feed.xml", "a/b", LIMITS)
    with pytest.raises(PlaylistError, match="404"):
        expand_playlist(web.url + "/feed.xml", "", LIMITS)
