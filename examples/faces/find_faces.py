"""Find the faces in a hundred photographs, on a server that starts by itself: `make demo`.

    download_jids = cloud.map(download, image_list)
    find_faces_jids = cloud.map(find_faces, image_list, _depends_on=download_jids)

The photographs are those that come with scikit-image (nothing is fetched from a network): an astronaut, a cameraman,
a cat, a cup of coffee, a rocket, a motorcycle, and a hundred small portraits from Labeled Faces in the Wild. The
download jobs make variants of them: crops, scalings, rotations, and group photographs with a dozen people each.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np
import skimage
from contact_sheet import draw
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from skimage import io, transform
from skimage.feature import Cascade

import cloud

DATA = os.path.join(os.path.dirname(skimage.__file__), "data")
OUTPUT = str(Path(__file__).resolve().parent / "output")

PHOTOGRAPHS = {
    "astronaut": "astronaut.png",
    "cameraman": "camera.png",
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "rocket": "rocket.jpg",
    "motorcycle": "motorcycle_left.png",
}
VARIANTS = ("original", "mirrored", "cropped", "scaled-60", "scaled-140", "rotated-8", "rotated+8", "darker")
PORTRAITS, GROUPS = 28, 28
PEOPLE_IN_A_GROUP = 12


def download(image):
    """Put one picture, such as 'cat rotated+8' or 'group 3', into the folder OUTPUT; the job's result is its size."""
    kind, _, variant = image.partition(" ")
    if kind in PHOTOGRAPHS:
        picture = vary(skimage.img_as_float(io.imread(os.path.join(DATA, PHOTOGRAPHS[kind]))), variant)
    else:
        people = np.load(os.path.join(DATA, "lfw_subset.npy"))[:100]  # 25 x 25 pixels each; the rest are no faces
        if kind == "group":
            chosen = np.random.default_rng(int(variant)).permutation(100)[:PEOPLE_IN_A_GROUP]
            picture = assemble(people[chosen], 4)
        else:
            picture = assemble(people[int(variant) : int(variant) + 1], 1)
    if picture.ndim == 2:
        picture = np.stack([picture] * 3, axis=-1)
    pixels = (np.clip(picture[..., :3], 0, 1) * 255).astype(np.uint8)
    io.imsave(path_of(image), pixels, check_contrast=False)
    return pixels.shape


def find_faces(image):
    """Boxes (row, column, height, width), in pixels, around the faces of a downloaded picture."""
    detector = Cascade(os.path.join(DATA, "lbpcascade_frontalface_opencv.xml"))
    found = detector.detect_multi_scale(
        img=io.imread(path_of(image)),
        scale_factor=1.1,
        step_ratio=1,
        min_size=(44, 44),
        max_size=(300, 300),
        min_neighbor_number=7,
    )
    return [(box["r"], box["c"], box["height"], box["width"]) for box in found]


def vary(picture, variant):
    """One of VARIANTS of a photograph."""
    height, width = picture.shape[:2]
    if variant == "mirrored":
        return picture[:, ::-1]
    if variant == "cropped":
        return picture[: int(height * 0.7), int(width * 0.15) : int(width * 0.85)]
    if variant.startswith("scaled-"):
        size = (int(height * int(variant[7:]) / 100), int(width * int(variant[7:]) / 100))
        return transform.resize(picture, size, anti_aliasing=True)
    if variant.startswith("rotated"):
        return transform.rotate(picture, int(variant[7:]), mode="edge")
    if variant == "darker":
        return picture**1.8
    return picture


def assemble(faces, columns, size=84, margin=14):
    """A photograph of these people, `columns` side by side."""
    tiles = [np.pad(transform.resize(face, (size, size), order=3), margin, mode="edge") for face in faces]
    return np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])


def path_of(image):
    return os.path.join(OUTPUT, image.replace(" ", "-") + ".png")


def main():
    os.makedirs(OUTPUT, exist_ok=True)
    began = time.perf_counter()
    image_list = [f"{photograph} {variant}" for photograph in PHOTOGRAPHS for variant in VARIANTS]
    image_list += [f"group {i}" for i in range(GROUPS)] + [f"portrait {i}" for i in range(PORTRAITS)]

    download_jids = cloud.map(download, image_list, _label="download")
    find_faces_jids = cloud.map(find_faces, image_list, _depends_on=download_jids, _label="find faces")

    console = Console(width=None if sys.stdout.isatty() else 110)
    console.print(f"Downloads are jobs {download_jids[0]} to {download_jids[-1]}.")
    console.print(f"The search for faces, jobs {find_faces_jids[0]} to {find_faces_jids[-1]}, waits for them.")
    faces = {}
    with Progress(console=console) as progress:
        bar = progress.add_task("looking for faces", total=len(image_list))
        for image, boxes in zip(image_list, cloud.iresult(find_faces_jids), strict=True):
            faces[image] = boxes
            progress.update(bar, advance=1, description=f"{image}: {len(boxes)}")
        progress.update(bar, description="all pictures searched")

    console.print(table_of(faces))
    sheet = os.path.join(OUTPUT, "contact-sheet.png")
    draw({path_of(image): (image, boxes) for image, boxes in faces.items()}, sheet)
    total = sum(len(boxes) for boxes in faces.values())
    console.print(f"{total} faces in {len(faces)} pictures, in {time.perf_counter() - began:.1f} seconds.")
    console.print(f"Contact sheet: {sheet}", soft_wrap=True)
    console.print(f"Dashboard:     {cloud.connection_info()['server_url']}", soft_wrap=True)


def table_of(faces):
    """Picture and number of faces found, four pictures to a row."""
    table = Table(title="Faces found", caption="The detector takes some cats for people. So do some people.")
    for _ in range(4):
        table.add_column("picture", no_wrap=True)
        table.add_column("faces", justify="right", style="bold green")
    cells = [(image, str(len(boxes)) if boxes else "[dim]-[/dim]") for image, boxes in faces.items()]
    rows = -(-len(cells) // 4)
    for i in range(rows):
        table.add_row(*(word for cell in cells[i::rows] for word in cell))
    return table


if __name__ == "__main__":
    main()
