# SPDX-License-Identifier: LGPL-2.1-or-later
"""The part of quickstart.py that decodes nothing: spoken digits are told
apart, a printed page is read and a grey photograph is coloured, all from
latents."""
import html
import os
import re
import sys

from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "training", "tasks"))
from page_lines import distance  # noqa: E402

SOUNDS = "/usr/share/asterisk/sounds/en_US_f_Allison/digits"
SOUNDS_CREDIT = ("The digits 0 to 9, spoken by Allison Smith for Asterisk,"
                 " CC-BY-SA 3.0, from Debian's package"
                 " asterisk-core-sounds-en-wav (a speaker that the network has"
                 " never heard)")
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf"
PAGE = (1000, 620)
TEXT_SIZE = 25                  # of a font of 12 points at 150 dots per inch


def field(message, name):
    match = re.search(rf"\b{name}=\([a-z0-9]+\)\"?([^,;\"]+)", message)
    return match.group(1) if match else ""


def digits(launch, out):
    """[(said, heard, confidence, bytes)] of ten recordings."""
    rows = []
    for digit in range(10):
        source = os.path.join(SOUNDS, f"{digit}.wav")
        if not os.path.exists(source):
            sys.exit(f"quickstart: {source} is missing; is"
                     " asterisk-core-sounds-en-wav installed?")
        coded = os.path.join(out, f"digit-{digit}.wlc")
        launch(f"filesrc location={source} ! wavparse ! audioconvert !"
               " audioresample ! audio/x-raw,rate=8000,channels=1 !"
               f" wallocaudioenc quality=50 ! filesink location={coded}",
               quiet=digit > 0)
        text = launch(f"filesrc location={coded} ! wallocparse !"
                      " compressedclassify model-file=digits-1 ! fakesink",
                      quiet=digit > 0, option="-m")
        heard = [(float(field(line, "confidence")), field(line, "label"))
                 for line in text.splitlines()
                 if "(element): compressedclassify," in line]
        if not heard:
            sys.exit(f"quickstart: no result for {coded}")
        confidence, label = max(heard)
        rows.append((digit, label, confidence, os.path.getsize(coded)))
    return rows


def words(root):
    """The first sentences of the licence, as free text to print."""
    with open(os.path.join(root, "COPYING"), encoding="utf-8") as file:
        text = file.read()
    start = text.index("The licenses for most software")
    return " ".join(text[start:start + 1600].split())


def printed(root, out):
    """A page of print, grey, and its lines."""
    font = ImageFont.truetype(FONT, TEXT_SIZE)
    sheet = Image.new("L", PAGE, 247)
    draw = ImageDraw.Draw(sheet)
    lines, line, y = [], "", 40
    for word in words(root).split():
        longer = (line + " " + word).strip()
        if font.getlength(longer) <= PAGE[0] - 120:
            line = longer
            continue
        draw.text((60, y), line, fill=30, font=font)
        lines.append(line)
        line, y = word, y + 36
        if y > PAGE[1] - 70:
            break
    path = os.path.join(out, "page.png")
    sheet.save(path)
    return path, lines


def read_page(launch, root, out):
    path, lines = printed(root, out)
    coded, text = (os.path.join(out, n) for n in ("page.wlc", "page.txt"))
    launch(f"filesrc location={path} ! pngdec ! videoconvert !"
           " video/x-raw,format=GRAY8 ! wallocenc snapshot=true quality=50 !"
           f" filesink location={coded}")
    launch(f"filesrc location={coded} ! wallocparse ! compressedread name=r"
           " model-file=page-1 ! fakesink r.text ! queue ! filesink"
           f" location={text}")
    launch(f"filesrc location={coded} ! wallocparse ! compressedread"
           " model-file=page-1 ! wallocdec ! videoconvert ! compressedoverlay"
           " ! videoconvert ! pngenc ! filesink"
           f" location={os.path.join(out, 'page-read.png')}", quiet=True)
    with open(text, encoding="utf-8") as file:
        found = file.read()
    truth = "\n".join(lines)
    return {"text": found, "file": text, "bytes": os.path.getsize(coded),
            "bpp": 8 * os.path.getsize(coded) / (PAGE[0] * PAGE[1]),
            "wrong": distance(found.strip(), truth) / len(truth)}


def colour(launch, photo, out):
    """The photograph without its colours, and with those of the network."""
    grey, coloured, sheet = (os.path.join(out, n) for n in (
        "grey.wlc", "coloured.png", "colours.jpg"))
    launch(f"filesrc location={photo} ! pngdec ! videoconvert !"
           " video/x-raw,format=GRAY8 ! wallocenc snapshot=true quality=60 !"
           f" filesink location={grey}")
    launch(f"filesrc location={grey} ! wallocparse ! compressedcolorize"
           " model-file=colour-1 ! wallocdec ! videoconvert ! pngenc !"
           f" filesink location={coloured}")
    original = Image.open(photo).convert("RGB")
    parts = (original.convert("L").convert("RGB"),
             Image.open(coloured).convert("RGB"), original)
    width = 420
    height = round(width * original.height / original.width)
    picture = Image.new("RGB", (3 * width + 20, height), "white")
    for k, part in enumerate(parts):
        picture.paste(part.resize((width, height), Image.LANCZOS),
                      (k * (width + 10), 0))
    picture.save(sheet, quality=88)
    return sheet


def page(rows, read, sheet):
    """The report's section."""
    lines = [
        "<h2>Without decoding</h2><p>Networks that read what the entropy"
        " decoder gives; no picture and no sound is made for them.</p>"
        f"<h3>Spoken digits</h3><p>{html.escape(SOUNDS_CREDIT)}.</p>"
        "<table><tr><th>said</th><th>heard</th><th>confidence</th>"
        "<th>bytes</th></tr>"]
    lines += [f"<tr><td>{said}</td><td>{html.escape(heard)}</td><td>"
              f"{sure:.2f}</td><td>{size}</td></tr>"
              for said, heard, sure, size in rows]
    lines.append(
        "</table><h3>A printed page</h3><p>The beginning of the licence in a"
        f" font of Debian's, {read['bpp']:.2f} bits per pixel:"
        f" {100 * read['wrong']:.1f} % of the characters are wrong.</p>"
        "<p><img src='page-read.png' alt='the page with what was read'></p>"
        f"<pre>{html.escape(read['text'])}</pre>"
        "<h3>Colours</h3><p>What the stream holds (luma alone), what the"
        " network makes of it, and the photograph.</p>"
        f"<p><img src='{os.path.basename(sheet)}' alt='grey, coloured,"
        " original'></p>")
    return "\n".join(lines)


def run(launch, say, root, photo, out):
    """Does all three, prints; returns the report's section and files."""
    say("\nFrom latents, nothing decoded. " + SOUNDS_CREDIT)
    rows = digits(launch, out)
    say("  (and so on for the others)\n")
    say("  said   " + "".join(f"{said:>7}" for said, _, _, _ in rows))
    say("  heard  " + "".join(f"{heard:>7}" for _, heard, _, _ in rows))
    say("  sure   " + "".join(f"{sure:7.2f}" for _, _, sure, _ in rows))
    say("\nA printed page, read from latents")
    read = read_page(launch, root, out)
    say("  " + read["text"].strip().replace("\n", "\n  "))
    say(f"  {100 * read['wrong']:.1f} % of the characters are wrong")
    say("\nThe photograph without its colours, and with a network's")
    sheet = colour(launch, photo, out)
    return page(rows, read, sheet), [read["file"], sheet]
