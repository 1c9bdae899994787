"""What the screenshots show: a photographer's afternoon. It runs in a folder of its own, with PICLOUD_HOME set, and
goes on until it is ended."""

import logging
import sys
import time

import cloud

log = logging.getLogger("album")
PEOPLE = ("Ada", "Grace", "Katherine", "Hedy")


class NoExposure(Exception):
    """A photograph without the numbers of its camera."""


def dice(number: int) -> float:
    """Between 0 and 1, the same each time."""
    return number * 2654435761 % 1009 / 1009


def brightness(photo: int) -> float:
    """How light a photograph is."""
    if photo % 67 == 21:
        raise NoExposure(f"IMG_{photo:04}.jpg does not say how it was exposed")
    return sum((photo * k) % 255 for k in range(4000)) / 4000


def find_faces(photo: int) -> list[str]:
    """Who is on a photograph."""
    light = brightness(photo)
    time.sleep(0.02 + 0.3 * dice(photo) ** 3)
    if photo % 131 == 40:
        raise MemoryError(f"IMG_{photo:04}.jpg is too large: 212 megapixels")
    return [name for name in PEOPLE if (int(light) + len(name)) % 3]


def thumbnail(photo: int) -> str:
    """A small version of a photograph."""
    brightness(photo if photo % 67 != 21 else 1)
    time.sleep(0.004)
    return f"thumbnails/IMG_{photo:04}.webp"


def develop(photo: int, contrast: float = 1.2) -> str:
    """Slow and careful."""
    time.sleep(1.5 + photo % 5 * 0.4)
    return f"developed/IMG_{photo:04}.tif at {contrast}"


def train(epochs: int) -> float:
    """Learns to tell sunsets from fires, and says how far it is."""
    print("\033[1m412 photographs, 38 of them fires\033[0m", flush=True)
    loss = 0.0
    for epoch in range(1, epochs + 1):
        time.sleep(0.35)
        loss = 1.6 / (1 + epoch * 0.04)
        good = 100 * (1 - loss / 2)
        print(f"epoch {epoch:3}   loss {loss:.4f}   \033[32mright {good:5.1f} %\033[0m", flush=True)
        if epoch % 12 == 0:
            log.warning("epoch %d: learning rate halved", epoch)
            print("learning rate halved", file=sys.stderr, flush=True)
    return loss


def sharpen(rows: list[list[float]]) -> list[list[float]]:
    """Each point against its neighbours."""
    return [[clamp(2 * row[k] - (row[k - 1] + row[k]) / 2) for k in range(len(row))] for row in rows]


def clamp(value: float) -> float:
    """Between black and white."""
    return min(1.0, max(0.0, value))


def noise(size: int) -> list[list[float]]:
    """What a camera sees at night."""
    return [[dice(size * row + column) for column in range(size)] for row in range(size)]


def restore(photo: int) -> float:
    """Takes the noise out of a photograph."""
    rows = noise(220)
    for _ in range(6):
        rows = sharpen(rows)
    return round(sum(map(sum, rows)) / 220 / 220 + photo * 0, 3)


def contact_sheet(faces: list[int]) -> str:
    """One page with all of them."""
    return f"{len(faces)} photographs"


def main() -> None:
    """Submit everything, print the jids that pictures are of, and keep the server busy."""
    restored = cloud.call(restore, 1874, _label="old negatives", _profile=True)
    album = cloud.map(find_faces, range(600), _label="album of may")
    thumbs = cloud.map(thumbnail, range(2400), _label="web site")
    cloud.join([restored, *album, *thumbs], ignore_errors=True)
    cloud.call(contact_sheet, [], _label="album of may", _depends_on=album)
    proofs = cloud.map(develop, range(80), [1.1] * 80, _label="proofs for Hedy")
    time.sleep(4)
    cloud.kill(proofs)
    cloud.files.putf(b"x" * 2_400_000, "albums/may.zip")
    cloud.files.putf(b"x" * 310_000, "models/sunset-or-fire.pt")
    cloud.files.putf(b"when,where\n" * 900, "captions.csv")
    training = cloud.call(train, 2000, _label="sunset or fire", _priority=1)
    june = cloud.map(find_faces, range(1000, 13000), _label="album of june")
    cloud.call(contact_sheet, [], _label="album of june", _depends_on=june, _depends_on_errors="ignore")
    cloud.map(develop, range(900, 960), [1.4] * 60, _label="prints for Grace", _priority=7)
    print(f"restored={restored:d} album={album[0]:d} failed={album[21]:d} training={training:d}", flush=True)
    for number in range(1000):
        photos = range(number, number + int(900 + 2500 * dice(number)))
        cloud.map(thumbnail, photos, _label="calendar" if number % 3 == 2 else "web site", _priority=2)
        time.sleep(14 + 14 * dice(number + 7))


if __name__ == "__main__":
    main()
