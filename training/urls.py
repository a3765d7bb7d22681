"""Which places data may be read from."""

import re

import fsspec

SCHEMES = ("file", "http", "https", "s3", "gs")
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*):")


def filesystem(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system of a folder or URL and the path in it.

    Raises ``ValueError`` for anything but local paths and the listed schemes (no ``pipe:``, no chains of file systems),
    and where the package that a scheme needs is not installed.
    """
    found = _SCHEME.match(url)
    if "::" in url or (found and (found[1] not in SCHEMES or not url.startswith(f"{found[1]}://"))):
        raise ValueError(f"{url!r} is no place to read data from; give a folder or a URL of {', '.join(SCHEMES)}")
    try:
        return fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise ValueError(f"{url!r} needs a package that is not here: {error}") from None
