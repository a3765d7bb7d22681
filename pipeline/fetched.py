"""How a fetch ends and what bounds it."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from pipeline.errors import UserError
from pipeline.outcome import DONE, FAILED, FILTERED, GONE

Progress = Callable[[int, int | None], None]
"""Called with the bytes there are so far and the bytes there will be, None where that is unknown."""


@dataclass(frozen=True)
class FetchParameters:
    """What a fetch may cost, and how patient it is."""

    max_bytes: int = 16 * 2**30  # of one video
    max_duration_s: float = 6 * 3600.0  # of one video on a page, as the page states it
    max_height: int = 720  # pixels; the formats of a page above it are passed over where it has others
    max_seconds: float = 6 * 3600.0  # of one fetch with all its retries
    connect_s: float = 20.0  # to reach a host
    stall_s: float = 60.0  # without bytes, or with fewer than min_rate, ends an attempt
    min_rate: float = 1024.0  # bytes a second over stall_s
    retries: int = 5  # attempts that bring nothing new; those that do are not counted
    backoff_s: float = 2.0  # wait before the first retry, doubled for each, with as much jitter
    max_backoff_s: float = 120.0  # longest wait; a host that asks for more fails the video for now
    max_redirects: int = 10
    pause_s: float = 0.0  # before each video from the web; with one download a host at a time, this bounds the rate
    allowed_networks: str = ""  # that are not public but may be fetched from, such as 10.1.0.0/16,192.168.3.7
    cookie_file: str = ""  # cookies.txt in Netscape format, for sources that need a login; read, never written

    def __post_init__(self) -> None:
        """Raises ``UserError`` where the networks are none."""
        try:
            self.networks()
        except ValueError as error:
            raise UserError(
                f"--Fetch-allowed-networks {self.allowed_networks}: {error}; "
                "allowed: addresses and networks, such as 10.1.0.0/16,192.168.3.7"
            ) from None

    def networks(self) -> list[IPv4Network | IPv6Network]:
        """The allowed networks."""
        return [ip_network(part.strip()) for part in self.allowed_networks.split(",") if part.strip()]


@dataclass(frozen=True)
class Fetched:
    """How a fetch ended: ``done``, ``gone``, ``failed`` or ``filtered``."""

    status: str
    reason: str = ""  # a short code to count by
    detail: str = ""  # a sentence for a person
    path: str = ""  # absolute: the source itself, left in place; else the name of a file in the video's folder
    bytes: int = 0
    sha256: str = ""  # of the file; of a folder of images, over their names and sizes
    images: int = 0  # of a folder of images
    tool: str = ""
    tool_version: str = ""
    content_type: str = ""
    final_url: str = ""  # after redirects, without user, password and query
    title: str = ""
    licence: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Arrived:
    """A file that a tool brought, still under its working name."""

    file: Path
    suffix: str  # such as ".mp4"
    tool: str
    tool_version: str
    content_type: str = ""
    final_url: str = ""
    title: str = ""
    licence: str = ""


class FetchError(Exception):
    """A fetch that ended without a video; ``retryable`` where another attempt right away makes sense."""

    def __init__(
        self, status: str, reason: str, detail: str, *, retryable: bool = False, wait_s: float = 0.0, gained: int = 0
    ) -> None:
        super().__init__(detail)
        self.status, self.reason, self.detail = status, reason, detail
        self.retryable, self.wait_s, self.gained = retryable, wait_s, gained


def gone(reason: str, detail: str) -> FetchError:
    """The error of a source that was removed or never was."""
    return FetchError(GONE, reason, detail)


def failed(reason: str, detail: str, *, retryable: bool = False, wait_s: float = 0.0, gained: int = 0) -> FetchError:
    """The error of a fetch that may succeed another day."""
    return FetchError(FAILED, reason, detail, retryable=retryable, wait_s=wait_s, gained=gained)


def filtered(reason: str, detail: str) -> FetchError:
    """The error of a video that our limits leave out."""
    return FetchError(FILTERED, reason, detail)


__all__ = ["DONE", "FAILED", "FILTERED", "GONE", "Arrived", "FetchError", "FetchParameters", "Fetched", "Progress"]
