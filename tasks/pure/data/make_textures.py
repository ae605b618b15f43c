"""Cuts three photographs into the 64 × 64 tiles of the recipe `textures`: left halves train, right halves test.

    python -m tasks.pure.data.make_textures --to FOLDER

The photographs lie in `textures/`, with where they come from (CC0). A tile's name is its place in the photograph. No
two tiles overlap, and none lies on both sides of the middle: what is tested was never trained on, not a pixel of it.
The same Pillow makes the same bytes; another one may compress otherwise, so make them anew only to change them.
"""

import argparse
from pathlib import Path

PHOTOGRAPHS = Path(__file__).with_name("textures")
SHIPPED = Path(__file__).parents[3] / "flows" / "recipes" / "textures"
CLASSES = ("brick", "grass", "gravel")
SIDE = 64  # pixels
QUALITY = 90  # of the JPEG files


def make(folder: Path) -> int:
    """Write `folder/train/CLASS/*.jpg` and `folder/test/CLASS/*.jpg`; returns how many files that are."""
    from PIL import Image

    count = 0
    for name in CLASSES:
        with Image.open(PHOTOGRAPHS / f"{name}.png", formats=["PNG"]) as photograph:
            for top in range(0, photograph.height, SIDE):
                for left in range(0, photograph.width, SIDE):
                    part = "train" if left < photograph.width // 2 else "test"
                    file = folder / part / name / f"{top:03}-{left:03}.jpg"
                    file.parent.mkdir(parents=True, exist_ok=True)
                    photograph.crop((left, top, left + SIDE, top + SIDE)).save(file, "JPEG", quality=QUALITY)
                    count += 1
    return count


def main() -> None:
    parser = argparse.ArgumentParser(description="Cut the photographs into the tiles of the recipe `textures`.")
    parser.add_argument("--to", type=Path, default=SHIPPED, help="the folder to write into")
    print(f"{make(parser.parse_args().to)} tiles")


if __name__ == "__main__":
    main()
