# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the benchmark scripts share: quality measures, the machine's name,
tables."""
import json
import os
import subprocess
import sys
import time

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
PICTURES = (".png", ".ppm", ".jpg", ".jpeg")


def psnr(a, b):
    """PSNR in dB over all samples of two 8-bit arrays."""
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return 99.0 if error == 0 else 10 * np.log10(255 * 255 / error)


def _blur(plane):
    """11-tap Gaussian of sigma 1.5, without borders."""
    taps = np.exp(-np.arange(-5, 6) ** 2 / (2 * 1.5 ** 2))
    taps /= taps.sum()
    rows = sum(t * plane[:, k:plane.shape[1] - 10 + k]
               for k, t in enumerate(taps))
    return sum(t * rows[k:rows.shape[0] - 10 + k] for k, t in enumerate(taps))


def _halve(plane):
    plane = plane[:plane.shape[0] // 2 * 2, :plane.shape[1] // 2 * 2]
    return (plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2]
            + plane[1::2, 1::2]) / 4


def luma(rgb):
    return rgb.astype(np.float64) @ np.array([0.299, 0.587, 0.114])


def ms_ssim(a, b):
    """Multi-scale SSIM (Wang, Simoncelli, Bovik 2003) of the luma of two RGB
    arrays; five scales, so both sides must have 176 pixels or more."""
    weights = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    x, y = luma(a), luma(b)
    if min(x.shape) < 176:
        return float("nan")
    product = 1.0
    for scale, weight in enumerate(weights):
        mx, my = _blur(x), _blur(y)
        vx = _blur(x * x) - mx * mx
        vy = _blur(y * y) - my * my
        cov = _blur(x * y) - mx * my
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        contrast = (2 * cov + c2) / (vx + vy + c2)
        if scale == len(weights) - 1:
            contrast = contrast * (2 * mx * my + c1) / (mx * mx + my * my + c1)
        product *= max(contrast.mean(), 0) ** weight
        x, y = _halve(x), _halve(y)
    return float(product)


def pictures_of(paths):
    """Files of the folders and files given, sorted."""
    found = []
    for path in paths:
        if os.path.isdir(path):
            found += [os.path.join(path, name) for name in os.listdir(path)
                      if name.lower().endswith(PICTURES)]
        else:
            found.append(path)
    if not found:
        sys.exit("no pictures in " + " ".join(paths))
    return sorted(found)


def machine():
    """What a figure of speed depends on."""
    info = {"cpu": "unknown", "flags": ""}
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            for line in file:
                key, _, value = line.partition(":")
                key = key.strip()
                if key == "model name":
                    info["cpu"] = value.strip()
                elif key in ("cpu family", "model"):
                    info[key] = value.strip()
                elif key == "flags":
                    known = ("sse4_2", "avx2", "avx512f", "avx512bw",
                             "avx512_vnni", "avx512_bf16")
                    have = value.split()
                    info["flags"] = " ".join(f for f in known if f in have)
    except OSError:
        pass
    info["cores"] = os.cpu_count()
    info["date"] = time.strftime("%Y-%m-%d")
    info["commit"] = run(["git", "-C", ROOT, "describe", "--always",
                          "--dirty"], check=False).strip()
    info["gstreamer"] = run(["gst-launch-1.0", "--version"],
                            check=False).split("\n")[0].split(" ")[-1]
    return info


def run(command, check=True, **options):
    """Standard output of a command; its standard error when it fails."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, text=True,
                              check=False, **options)
    except FileNotFoundError:
        if check:
            sys.exit(f"{command[0]} is not installed")
        return ""
    if check and done.returncode:
        sys.exit(f"{' '.join(command)}\nfailed ({done.returncode}):\n"
                 f"{done.stderr[-2000:]}")
    return done.stdout


def devenv(build):
    """Environment that finds the elements and models of a build folder."""
    env = dict(os.environ)
    env["GST_PLUGIN_PATH"] = os.path.join(build, "gst")
    env["GST_REGISTRY"] = os.path.join(build, "registry.bin")
    env["GST_WALLOC_MODEL_PATH"] = os.path.join(ROOT, "models")
    return env


def table(header, rows):
    """Markdown."""
    lines = ["| " + " | ".join(header) + " |",
             "|" + "|".join(" --- " for _ in header) + "|"]
    lines += ["| " + " | ".join(str(c) for c in row) + " |" for row in rows]
    return "\n".join(lines)


def describe(info):
    return (f"{info['cpu']} (family {info.get('cpu family', '?')}, model "
            f"{info.get('model', '?')}), {info['cores']} cores, "
            f"{info['flags']}; GStreamer {info['gstreamer']}; "
            f"{info['date']}, {info['commit']}")


def write_json(path, data):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(data, file, indent=1, sort_keys=True)
        file.write("\n")
