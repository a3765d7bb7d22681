"""Rewrites pictures with 256 colours, a third of the bytes: ``python docs/generator/palette.py PNG...``."""

import sys
from pathlib import Path

from PIL import Image

UNSETTLED = 2000
"""Pixels that may still change their colour when the palette's refinement ends: unrefined, strong colours go dull."""


def main(pictures: list[Path]) -> None:
    """Each picture in place; one that has a palette already stays as it is."""
    for path in pictures:
        with Image.open(path) as picture:
            if picture.mode == "P":
                continue
            small = picture.convert("RGB").quantize(256, kmeans=UNSETTLED, dither=Image.Dither.NONE)
        small.save(path, "PNG", optimize=True)


if __name__ == "__main__":
    main([Path(word) for word in sys.argv[1:]])
