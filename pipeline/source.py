"""What a manifest's ``source`` names: a local video, a folder of images, a URL, a simulated drive.

Only the schemes listed here are ever opened. Anything else that a library behind us would understand (``pipe:``,
``ssh:``, ``concat:``, chained fsspec URLs) is refused, since a manifest may come from a stranger.
"""

import glob
import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

HTTP_SCHEMES = ("http", "https")
STORAGE_SCHEMES = ("s3", "gs", "gcs", "az", "abfs", "memory")
SCHEMES = ("file", *HTTP_SCHEMES, *STORAGE_SCHEMES, "simulated")

# fmt: off
VIDEO_SUFFIXES = frozenset({
    ".3gp", ".asf", ".avi", ".dav", ".divx", ".flv", ".gif", ".m2ts", ".m4v", ".mkv",
    ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".vob", ".webm", ".wmv",
})
# fmt: on

ALLOWED = (
    "a path (write ./ before a name with a colon), file:///path, http(s)://, "
    + ", ".join(f"{scheme}://" for scheme in STORAGE_SCHEMES[:-1])
    + " or simulated:street?seed=1&frames=240; at most 2000 printable characters"
)

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_MAX_LENGTH = 2000
_URL = re.compile(
    rf"\b((?:{'|'.join((*HTTP_SCHEMES, *STORAGE_SCHEMES))})://)"
    r"(?:[^\s/?#'\"]*@)?([^\s?#'\"]*)(?:[?#][^\s'\"]*)?",
    re.IGNORECASE,
)


def scheme(source: str) -> str:
    """The scheme of a source in lower case, empty for a path."""
    match = _SCHEME.match(source)
    return match.group(1).lower() if match else ""


def complaint(source: str) -> str:
    """What is wrong with a source, as the rest of a sentence that begins with it; empty if nothing is."""
    if not source:
        return "is empty"
    if len(source) > _MAX_LENGTH:
        return f"has {len(source)} characters"
    if not source.isprintable():
        return "has control or unprintable characters"
    if source != source.strip():
        return "begins or ends with a space"
    if "::" in source:
        return "chains URLs with '::'"
    found = scheme(source)
    if found and found not in SCHEMES:
        return f"has the unknown scheme '{found}:'"
    return _url_complaint(source) if found else ""


def _url_complaint(source: str) -> str:
    if scheme(source) == "simulated":
        return _simulation_complaint(source)
    try:
        parts = urlsplit(source)
        parts.port  # noqa: B018  raises where the port is not one
    except ValueError as error:
        return f"is not a URL ({error})"
    if not source[len(parts.scheme) + 1 :].startswith("//"):
        return f"lacks the '//' after '{parts.scheme}:'"
    if parts.scheme == "file":
        return "" if parts.netloc in ("", "localhost") else "names a host in a file URL"
    if not parts.hostname or "\\" in source or " " in parts.netloc:
        return "has no host" if parts.scheme in HTTP_SCHEMES else "has no bucket"
    return ""


def _simulation_complaint(source: str) -> str:
    from simulation import from_source  # imports numba: only where a drive is simulated

    try:
        from_source(source.partition(":")[2])
    except ValueError as error:
        return f"cannot be simulated ({error})"
    return ""


def resolve(source: str, folder: str) -> str:
    """The source with a relative path made absolute below ``folder`` (a path or URL); URLs stay as they are.

    Raises ``ValueError`` where a path leaves a ``folder`` that is a URL.
    """
    if scheme(source) == "file":
        return unquote(urlsplit(source).path)
    if scheme(source) or source.startswith("/"):
        return source
    if scheme(folder):
        if ".." in source.split("/"):
            raise ValueError("has '..' in a path below a URL")
        return f"{folder.rstrip('/')}/{source}"
    base = os.path.abspath(folder)  # noqa: PTH100  Path.absolute keeps '..'
    path = str(Path(base) / source)
    if glob.has_magic(source) and not os.path.lexists(path):
        return str(Path(glob.escape(base)) / source)
    return path


def is_frames(path: str) -> bool:
    """Whether a local path is a folder of images, or a glob of them, and not a video file."""
    if Path(path).suffix.lower() in VIDEO_SUFFIXES and not glob.has_magic(path):
        return Path(path).is_dir()
    return Path(path).is_dir() or (glob.has_magic(path) and not Path(path).exists())


def kind(source: str) -> str:
    """The kind of a resolved source: video, frames, http, remote or simulated.

    Whether an ``http`` URL leads to a file or to a page only its host knows: fetching finds out.
    """
    found = scheme(source)
    if not found:
        return "frames" if is_frames(source) else "video"
    if found in HTTP_SCHEMES:
        return "http"
    return "simulated" if found == "simulated" else "remote"


def host(source: str) -> str:
    """Whose server a source burdens, such as ``www.youtube.com`` or ``s3.bucket``; empty for none."""
    found = scheme(source)
    if found in HTTP_SCHEMES:
        return urlsplit(source).hostname or ""
    return f"{found}.{urlsplit(source).netloc}".lower() if found in STORAGE_SCHEMES else ""


def without_secrets(url: str) -> str:
    """The URL fit for a log or a dataset: no user, no password, no query, no fragment (tokens live there)."""
    if scheme(url) not in (*HTTP_SCHEMES, *STORAGE_SCHEMES):
        return url
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def redacted(text: str) -> str:
    """A sentence with its URLs stripped of user, password, query and fragment."""
    return _URL.sub(r"\1\2", text)
