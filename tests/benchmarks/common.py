# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the benchmark scripts share: pictures, commands, the machine's name,
tables, plots and the files that every benchmark writes.

A benchmark ends with save (out, title, data, parts, plots): OUT.json with all
figures, OUT.md with the tables, and the plots; all name command, machine and
commit. Quality measures are in metrics.py."""
import json
import os
import re
import shlex
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
PICTURES = (".png", ".ppm", ".jpg", ".jpeg")


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
    """Sorted and indented, with lists of numbers on one line."""
    text = json.dumps(data, indent=1, sort_keys=True)
    text = re.sub(r"\[\n([-+.\deE,\s]+?)\n\s*\]",
                  lambda m: "[" + re.sub(r"\s+", " ", m.group(1)).strip() + "]", text)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text + "\n")


def command_line():
    """The command of this run as it would be typed in the source tree:
    folders outside of it are cut to their last name, also in lists with
    commas."""
    def short(path):
        if not os.path.isabs(path):
            return path
        inside = os.path.relpath(path, ROOT)
        return inside if not inside.startswith("..") \
            else os.path.basename(path.rstrip("/"))

    words = [os.path.relpath(os.path.abspath(sys.argv[0]), ROOT)]
    for word in sys.argv[1:]:
        name, equals, value = word.rpartition("=")
        value = ",".join(short(path) for path in value.split(","))
        words.append(shlex.quote(name + equals + value))
    return " ".join(words)


def cell(value, pattern="%.2f"):
    """A number for a table, or a dash where it was not measured."""
    return "-" if value is None or value != value else pattern % value


def plot_module():
    """matplotlib.pyplot, or None with a message where it is missing."""
    try:
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
        return plt
    except ImportError:
        print("no plot: python3-matplotlib is not installed", file=sys.stderr)
        return None


def is_own(name):
    return name.startswith("walloc")


def plot_curves(path, panels, title=None, columns=2):
    """Line plots in one picture. Each panel is a dict: curves {name: [(x, y),
    ...]}, x and y (labels), optional title, log (x axis), xlim, ylim, ticks
    (of x), markers (default True). Own codecs are drawn with thick lines, and
    every name keeps its colour from panel to panel."""
    plt = plot_module()
    if plt is None:
        return
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    figure, grid = plt.subplots(rows, columns, squeeze=False,
                                figsize=(8 if columns == 1 else 6.5 * columns,
                                         5.5 if rows == 1 else 4.6 * rows))
    names = []
    for panel in panels:
        names += [n for n in panel["curves"] if n not in names]
    colours = {n: f"C{k % 10}" for k, n in enumerate(names)}
    for k, panel in enumerate(panels):
        axes = grid[k // columns][k % columns]
        dots = panel.get("markers", True)
        for name, points in panel["curves"].items():
            own = is_own(name)
            axes.plot([p[0] for p in points], [p[1] for p in points],
                      "-" if own else "--", color=colours[name], label=name,
                      marker=("o" if own else ".") if dots else None,
                      markersize=4, linewidth=1.8 if own else 1.1)
        if panel.get("log"):
            axes.set_xscale("log")
        if panel.get("ticks"):
            axes.set_xticks(panel["ticks"],
                            [f"{t:g}" for t in panel["ticks"]])
            axes.minorticks_off()
        if panel.get("xlim"):
            axes.set_xlim(*panel["xlim"])
        if panel.get("ylim"):
            axes.set_ylim(*panel["ylim"])
        axes.set_xlabel(panel["x"])
        axes.set_ylabel(panel["y"])
        if panel.get("title"):
            axes.set_title(panel["title"])
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    for k in range(len(panels), rows * columns):
        grid[k // columns][k % columns].set_axis_off()
    if title:
        figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    plt.close(figure)


def plot_bars(path, groups, label, title=None, line=None):
    """Horizontal bars: groups is {title: {name: value}}, one panel each; line
    is a value to compare with, drawn across."""
    plt = plot_module()
    if plt is None:
        return
    longest = max(len(bars) for bars in groups.values())
    figure, grid = plt.subplots(1, len(groups), squeeze=False,
                                figsize=(6.5 * len(groups),
                                         1.2 + 0.3 * longest))
    for axes, (name, bars) in zip(grid[0], groups.items()):
        axes.barh(range(len(bars)), list(bars.values()),
                  color=["C0" if is_own(n) else "C7" for n in bars])
        axes.set_yticks(range(len(bars)), list(bars), fontsize=8)
        axes.invert_yaxis()
        if line is not None:
            axes.axvline(line, color="black", linewidth=0.8)
        axes.set_xlabel(label)
        axes.set_title(name)
        axes.grid(alpha=0.3, axis="x")
    if title:
        figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path, dpi=100)
    plt.close(figure)


def save(out, title, data, parts, plots=(), commands=None):
    """Writes OUT.json and OUT.md. data (a dict) gets "machine" and
    "command"; parts are pieces of Markdown under the heading; plots are names
    of picture files beside OUT.md; commands is what made the parts, where
    that was more than this run."""
    data.setdefault("machine", machine())
    data.setdefault("command", command_line())
    made = commands or [f"`{data['command']}`"]
    made = ["Made with " + made[0]] if len(made) == 1 else \
        ["Made with", ""] + [f"- {line}" for line in made]
    lines = [f"# {title}", "", *made, "",
             f"on {describe(data['machine'])}.", ""]
    for name in plots:
        if os.path.exists(os.path.join(os.path.dirname(out) or ".", name)):
            lines += [f"![plot]({name})", ""]
    write_json(out + ".json", data)
    with open(out + ".md", "w", encoding="utf-8") as file:
        file.write("\n".join(lines + list(parts)).rstrip("\n") + "\n")
