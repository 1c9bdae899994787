"""_depends_on: the images are searched for faces when all of them are here."""

import pathlib
import tempfile

import cloud

folder = tempfile.mkdtemp()


def download(image_id):
    pathlib.Path(folder, image_id).write_text(":-) " * len(image_id))


def find_faces_in_images(image_id):
    return pathlib.Path(folder, image_id).read_text().count(":-)")


image_id_list = ["a", "bb", "ccc"]
download_jids = cloud.map(download, image_id_list)
find_faces_jids = cloud.map(find_faces_in_images, image_id_list, _depends_on=download_jids)
print(cloud.result(find_faces_jids))  # prints: [1, 2, 3]

# If job B depends on job A and job A errors, job B never runs.
a = cloud.call(lambda: 1 / 0)
b = cloud.call(lambda: "never", _depends_on=a)
cloud.join(b, ignore_errors=True)
print(cloud.status(b))  # prints: stalled

# Unless B asks for it.
c = cloud.call(lambda: "all the same", _depends_on=a, _depends_on_errors="ignore")
print(cloud.result(c))  # prints: all the same
