"""Manifests, redirects, pages, stream lists and playlists that try to make this machine ask itself or its network."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UserError
from pipeline.fetch import Fetched, FetchParameters, fetch
from pipeline.manifest import Video
from pipeline.playlist import PlaylistError, expand_playlist
from pipeline.public_addresses import is_public, public_only

ALLOWED = "127.0.0.1"  # where the attacker's server is; nothing else of this machine
LIMITS = FetchParameters(connect_s=5, stall_s=2, retries=1, backoff_s=0.01, allowed_networks=ALLOWED)


class Inside:
    """A service of this machine that no stranger must reach, at an address of its own."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.2", 0))
        self.socket.setblocking(False)
        self.url = f"http://127.0.0.2:{self.socket.getsockname()[1]}"

    def was_reached(self) -> bool:
        try:
            self.socket.accept()[0].close()
        except BlockingIOError:
            return False
        return True


@pytest.fixture
def inside() -> Iterator[Inside]:
    service = Inside()
    yield service
    service.socket.close()


def run(source: str, folder: Path, limits: FetchParameters = LIMITS) -> Fetched:
    return fetch(Video("one", source), folder, limits)


def page(text: str, content_type: str = "text/html") -> Any:
    def answer(request: Any) -> None:
        request.start(200, content_length=len(text), content_type=content_type)
        request.body(text.encode())

    return answer


def redirect(target: str) -> Any:
    return lambda request: request.status(302, location=target)


# -- the rule ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.100.100.200"),
        *("169.254.169.254", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1"),
        *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1::", "::7f00:1"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"]
)
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(address)


def test_only_fetches_are_bound_and_only_while_they_last(inside: Inside) -> None:
    with public_only(FetchParameters(allowed_networks="127.0.0.0/8, 10.0.0.0/8").networks()):
        socket.create_connection(inside.socket.getsockname()).close()
    assert inside.was_reached()
    socket.create_connection(inside.socket.getsockname()).close()
    assert inside.was_reached()


def test_the_users_proxy_may_be_anywhere(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", inside.url)
    with public_only([]):
        socket.create_connection(inside.socket.getsockname()).close()
    assert inside.was_reached()


def test_networks_that_are_none_are_one_sentence() -> None:
    with pytest.raises(UserError, match=r"--Fetch-allowed-networks 10.0.0.1/8: .* allowed: addresses and networks"):
        FetchParameters(allowed_networks="10.0.0.1/8")


# -- the ways ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["127.0.0.2", "127.2", "0x7f000002", "2130706434", "[::ffff:127.0.0.2]"])
def test_a_manifest_that_names_this_machine(inside: Inside, tmp_path: Path, name: str) -> None:
    fetched = run(f"http://{name}:{inside.socket.getsockname()[1]}/drive.mp4", tmp_path, FetchParameters(retries=0))
    assert (fetched.status, fetched.reason) == ("failed", "private_address"), fetched.detail
    assert "--Fetch-allowed-networks" in fetched.detail
    assert not inside.was_reached()


def test_a_name_that_leads_to_this_machine(web: Any, tmp_path: Path) -> None:
    url = web.serve("/drive.mp4", page("secret", "video/mp4")).replace("127.0.0.1", "localhost")
    assert run(url, tmp_path, FetchParameters(retries=0)).reason == "private_address"
    assert not web.seen


def test_a_metadata_server_is_never_asked(tmp_path: Path) -> None:
    fetched = run("http://169.254.169.254/latest/meta-data/drive.mp4", tmp_path)
    assert fetched.reason == "private_address" and fetched.seconds < 1


def test_a_redirect(web: Any, inside: Inside, tmp_path: Path) -> None:
    fetched = run(web.serve("/drive.mp4", redirect(f"{inside.url}/admin")), tmp_path)
    assert (fetched.status, fetched.reason) == ("failed", "private_address")
    assert not inside.was_reached()


def test_a_page_whose_video_is_inside(web: Any, inside: Inside, tmp_path: Path) -> None:
    fetched = run(web.serve("/watch", page(f"<html><video src='{inside.url}/x.mp4'></video></html>")), tmp_path)
    assert (fetched.status, fetched.reason) == ("failed", "private_address"), fetched.detail
    assert not inside.was_reached()


def test_a_page_that_moves_inside(web: Any, inside: Inside, tmp_path: Path) -> None:
    web.serve("/moved", redirect(f"{inside.url}/x"))
    fetched = run(web.serve("/watch", page(f"<html><video src='{web.url}/moved'></video></html>")), tmp_path)
    assert (fetched.status, fetched.reason) == ("failed", "private_address"), fetched.detail
    assert not inside.was_reached()


def test_a_stream_list_with_a_piece_inside(web: Any, inside: Inside, tmp_path: Path) -> None:
    text = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{inside.url}/0.ts\n#EXT-X-ENDLIST\n"
    fetched = run(web.serve("/list.m3u8", page(text, "application/vnd.apple.mpegurl")), tmp_path)
    assert fetched.status == "failed"
    assert not inside.was_reached()


def test_a_playlist_that_moves_inside(web: Any, inside: Inside) -> None:
    with pytest.raises(PlaylistError, match="no public address"):
        expand_playlist(web.serve("/feed.xml", redirect(f"{inside.url}/feed.xml")), "", LIMITS)
    assert not inside.was_reached()
