"""Draws many pictures on one, with boxes around what was found."""

from PIL import Image, ImageDraw, ImageFont

TILE, GAP, CAPTION, HEADER = 150, 14, 20, 74
COLUMNS = 13
PAPER, INK, FAINT, BOX = "#15181d", "#e8eaed", "#8b929c", "#53e07a"


def draw(pictures, path):
    """Write a PNG to `path`.

    `pictures` maps the file of each picture to its caption and its boxes (row, column, height, width in pixels).
    """
    rows = -(-len(pictures) // COLUMNS)
    width = GAP + COLUMNS * (TILE + GAP)
    sheet = Image.new("RGB", (width, HEADER + rows * (TILE + CAPTION + GAP) + GAP), PAPER)
    pen = ImageDraw.Draw(sheet)
    total = sum(len(boxes) for _, boxes in pictures.values())
    pen.text((GAP, 18), f"{total} faces in {len(pictures)} pictures", INK, font=ImageFont.load_default(32))
    pen.text((width - GAP, 32), "found by picloud", FAINT, font=ImageFont.load_default(18), anchor="ra")

    for number, (file, (caption, boxes)) in enumerate(pictures.items()):
        row, column = divmod(number, COLUMNS)
        left, top = GAP + column * (TILE + GAP), HEADER + row * (TILE + CAPTION + GAP)
        tile, place = _tile(file, boxes)
        sheet.paste(tile, (left + place[0], top + place[1]))
        small = ImageFont.load_default(13)
        pen.text((left, top + TILE + 4), caption, INK if boxes else FAINT, font=small)
        if boxes:
            pen.text((left + TILE, top + TILE + 4), str(len(boxes)), BOX, font=small, anchor="ra")
    sheet.save(path)


def _tile(file, boxes):
    """The picture, made to fit with its boxes drawn, and where in the tile it goes."""
    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    scale = TILE / max(picture.size)
    size = (round(picture.width * scale), round(picture.height * scale))
    # Drawn at twice the size and reduced with the picture: smooth lines.
    picture = picture.resize((size[0] * 2, size[1] * 2), Image.Resampling.LANCZOS)
    pen = ImageDraw.Draw(picture)
    for r, c, height, width in boxes:
        corners = [2 * scale * x for x in (c, r, c + width, r + height)]
        pen.rounded_rectangle(corners, radius=6, outline="#0b3d1c", width=7)
        pen.rounded_rectangle(corners, radius=6, outline=BOX, width=4)
    return picture.resize(size, Image.Resampling.LANCZOS), ((TILE - size[0]) // 2, (TILE - size[1]) // 2)
