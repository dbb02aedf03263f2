#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same crop of a picture after every codec, at the same rate.

usage: side_by_side.py [options] PICTURE:X,Y...

Every picture is coded whole by each codec of rate_quality.py. The setting is
searched whose file comes nearest to the rate (default 0.25 bpp); one further
off than --tolerance (2 %) is marked in the caption. Where the quality scale is
too coarse, these help: JPEG's tables are scaled in steps of 1 %, AVIF takes
other encoder speeds (8 to 3), and so does wallocenc (5 to 1). Writes
OUT-NAME.jpg for every picture, the crop at X,Y (top left) of each codec with
bits per pixel and PSNR of the whole picture, and OUT.json and OUT.md.
"""
import io
import os
import sys
import tempfile

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import common
import metrics
import rate_quality

FONTS = ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
         "/usr/share/fonts/dejavu/DejaVuSans.ttf")
# ITU-T T.81 annex K, the tables that libjpeg scales
LUMA = (16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13,
        16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56,
        68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87,
        103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99)
CHROMA = (17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24,
          26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99) \
    + (99,) * 32


def nearest(encode, low, high, goal):
    """The whole number in a range whose file is nearest to the goal; encode
    (n) gives (bytes, anything) and grows or falls steadily with n."""
    tried = {}

    def size(n):
        if n not in tried:
            tried[n] = encode(n)
        return tried[n][0]

    rising = size(high) > size(low)
    while high - low > 1:
        middle = (low + high) // 2
        if (size(middle) < goal) == rising:
            low = middle
        else:
            high = middle
    best = min(tried, key=lambda n: abs(tried[n][0] - goal))
    return best, tried[best]


def pillow_file(rgb, kind, **options):
    memory = io.BytesIO()
    Image.fromarray(rgb).save(memory, kind, **options)
    return memory.tell(), memory.getvalue()


def pixels_of(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def jpeg_file(rgb, percent):
    """Size and bytes of a JPEG whose quantiser tables are scaled."""
    tables = [[min(max((v * percent + 50) // 100, 1), 255) for v in table]
              for table in (LUMA, CHROMA)]
    return pillow_file(rgb, "JPEG", qtables=tables, optimize=True,
                       subsampling="4:2:0")


def jpeg(picture, goal, _):
    percent, (size, data) = nearest(lambda n: jpeg_file(picture["rgb"], n), 1,
                                    4000, goal)
    return size, pixels_of(data), f"tables at {percent} %"


def webp(picture, goal, _):
    quality, (size, data) = nearest(
        lambda n: pillow_file(picture["rgb"], "WEBP", quality=n / 10,
                              method=4), 0, 1000, goal)
    return size, pixels_of(data), f"quality {quality / 10:g}"


def jpeg2000(picture, goal, _):
    dB, (size, data) = nearest(
        lambda n: pillow_file(picture["rgb"], "JPEG2000", quality_mode="dB",
                              quality_layers=[n / 20], irreversible=True,
                              mct=1), 400, 900, goal)
    return size, pixels_of(data), f"{dB / 20:g} dB"


def avif(picture, goal, options):
    folder = options.folder
    best = None
    for speed in ("6", "5", "7", "4", "8", "3"):
        def encode(quantiser, speed=speed):
            coded = os.path.join(folder, f"{speed}-{quantiser}.avif")
            common.run(["avifenc", "-s", speed, "-j", "1", "--yuv", "444",
                        "--min", str(quantiser), "--max", str(quantiser),
                        picture["png"], coded])
            return os.path.getsize(coded), coded
        low, high = (0, 63) if best is None else \
            (max(best[0] - 2, 0), min(best[0] + 2, 63))
        quantiser, (size, coded) = nearest(encode, low, high, goal)
        if best is None or abs(size - goal) < abs(best[1] - goal):
            best = (quantiser, size, coded, speed)
        if abs(best[1] - goal) <= options.tolerance / 100 * goal:
            break
    back = os.path.join(folder, "back.png")
    common.run(["avifdec", "-j", "1", best[2], back])
    return best[1], np.asarray(Image.open(back).convert("RGB")), \
        f"quantiser {best[0]}, speed {best[3]}"


def walloc(decoder):
    def code(picture, goal, options):
        best = None
        for speed in (5, 4, 3, 2, 1):
            coder = rate_quality.Walloc([decoder], f"speed={speed}")

            def encode(quality, coder=coder):
                rows = coder.code(picture, quality, options.folder, options)
                if not rows:
                    raise rate_quality.Skip(f"no decoder {decoder}")
                return rows[0][1], rows[0][2]
            # slower ones make smaller files of a quality
            low, high = (1, 100) if best is None else \
                (max(best[0] - 1, 1), min(best[0] + 3, 100))
            quality, (size, rgb) = nearest(encode, low, high, goal)
            if best is None or abs(size - goal) < abs(best[1] - goal):
                best = (quality, size, rgb, speed)
            if abs(best[1] - goal) <= options.tolerance / 100 * goal:
                break
        return best[1], best[2], f"quality {best[0]}, speed {best[3]}"
    return code


CODECS = {"walloc-best": walloc("best"), "walloc-fast": walloc("fast"),
          "walloc-linear": walloc("linear"), "avif": avif,
          "jpeg2000": jpeg2000, "webp": webp, "jpeg": jpeg}


def montage(path, tiles, side, zoom, title):
    """tiles: [(crop, [caption lines])]"""
    font_path = next((f for f in FONTS if os.path.exists(f)), None)
    font = ImageFont.truetype(font_path, 13) if font_path \
        else ImageFont.load_default()
    shown, columns = round(side * zoom), 4
    rows = -(-len(tiles) // columns)
    sheet = Image.new("RGB", (columns * (shown + 6) + 6,
                              rows * (shown + 42) + 28), "white")
    draw = ImageDraw.Draw(sheet)
    draw.text((6, 6), title, fill="black", font=font)
    for k, (crop, lines) in enumerate(tiles):
        x = 6 + k % columns * (shown + 6)
        y = 28 + k // columns * (shown + 42)
        sheet.paste(Image.fromarray(crop).resize((shown, shown),
                                                 Image.LANCZOS), (x, y))
        for line, text in enumerate(lines):
            draw.text((x, y + shown + 3 + 16 * line), text, fill="black",
                      font=font)
    sheet.save(path, quality=90, optimize=True)


def compare(text, options):
    path, _, corner = text.rpartition(":")
    try:
        left, top = (int(v) for v in corner.split(","))
    except ValueError:
        sys.exit(f"'{text}' is not PICTURE:X,Y")
    rgb = np.asarray(Image.open(path).convert("RGB"))
    name = os.path.splitext(os.path.basename(path))[0]
    side = options.side
    if left < 0 or top < 0 or left + side > rgb.shape[1] \
            or top + side > rgb.shape[0]:
        sys.exit(f"{name}: the crop at {left},{top} is not inside"
                 f" {rgb.shape[1]}x{rgb.shape[0]}")
    picture = {"rgb": rgb, "png": os.path.join(options.folder, "in.png")}
    Image.fromarray(rgb).save(picture["png"], compress_level=1)
    pixels = rgb.shape[0] * rgb.shape[1]
    goal = options.bpp * pixels / 8

    def crop(image):
        return image[top:top + side, left:left + side]

    tiles, rows = [(crop(rgb), ["original", ""])], {}
    for codec in options.codecs.split(","):
        try:
            size, back, setting = CODECS[codec](picture, goal, options)
        except (rate_quality.Skip, OSError) as why:
            print(f"{codec} left out: {why}", file=sys.stderr)
            continue
        row = {"bpp": 8 * size / pixels, "psnr": metrics.psnr(rgb, back),
               "ms_ssim": metrics.ms_ssim(rgb, back), "setting": setting}
        rows[codec] = row
        far = "" if abs(size / goal - 1) <= options.tolerance / 100 \
            else " (off the rate)"
        tiles.append((crop(back), [codec + far,
                                   f"{row['bpp']:.4f} bpp, "
                                   f"{row['psnr']:.2f} dB"]))
    file = f"{options.out}-{name}.jpg"
    montage(file, tiles, side, options.zoom,
            f"{name}, {side}x{side} at {left},{top}, {options.bpp:g} bpp"
            " (rate and PSNR of the whole picture)")
    return name, os.path.basename(file), rows


def main():
    parser = rate_quality.arguments(__doc__, "side-by-side", "PICTURE:X,Y")
    parser.add_argument("--bpp", type=float, default=0.25)
    parser.add_argument("--tolerance", type=float, default=2, metavar="%")
    parser.add_argument("--side", type=int, default=168,
                        help="of the crop, pixels")
    parser.add_argument("--zoom", type=float, default=1.5)
    options = parser.parse_args()
    unknown = set(options.codecs.split(",")) - set(CODECS)
    if unknown:
        sys.exit(f"no codec {', '.join(sorted(unknown))}")

    data, parts, pictures = {"pictures": {}, "bpp": options.bpp}, [], []
    for text in options.pictures:
        with tempfile.TemporaryDirectory() as options.folder:
            name, file, rows = compare(text, options)
        data["pictures"][name] = rows
        pictures.append(file)
        parts += [f"## {name}", "", f"![{name}]({file})", "", common.table(
            ["codec", "bpp", "dB", "MS-SSIM", "setting"],
            [[c, f"{r['bpp']:.4f}", f"{r['psnr']:.2f}",
              common.cell(r["ms_ssim"], "%.4f"), r["setting"]]
             for c, r in rows.items()]), ""]
    common.save(options.out, f"Side by side at {options.bpp:g} bit per pixel",
                data, parts)
    print("\n".join(parts))


if __name__ == "__main__":
    main()
