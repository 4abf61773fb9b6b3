"""siglip search --html: a page that loads nothing, on which no name is markup, with a thumbnail of every hit."""

import base64
import hashlib
import html.parser
import json
import os
import pathlib
import re
import shutil
import struct
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from command_line import GOLDEN, CommandTest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "models" / "demo"
PICTURES = sorted((ROOT / "examples" / "images").glob("*.jpg"))
ELEMENTS = {"html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "bdi", "p", "span", "main",
            "ol", "li", "div", "img", "footer"}
ATTRIBUTES = {"lang", "charset", "http-equiv", "name", "content", "class", "title", "alt", "width", "height", "src"}
HOSTILE = (b"<script>alert(1)<&script>.jpg", b'" onerror="alert(1).jpg', b"' onload='alert(1).jpg",
           b"&lt;img src=x&gt;.jpg", b"bad\xff\x01\n.jpg", b"]]><!-- .jpg", b"\xc2\x85\x1b[31m.jpg")


class Page(html.parser.HTMLParser):
    """What a browser would make of it."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.images, self.metas, self.paths = [], [], {}, []
        self.texts = {}
        self.open = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if tag == "img":
            self.images.append(attributes)
        if tag == "meta" and "http-equiv" in attributes:
            self.metas[attributes["http-equiv"]] = attributes["content"]
        if attributes.get("class") == "name":
            self.paths.append(attributes["title"])
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)


def jpeg_size(data):
    """(width, height), as the first frame says."""
    place = 2
    while True:
        marker, length = struct.unpack(">xBH", data[place:place + 4])
        if 0xC0 <= marker <= 0xC3:
            return struct.unpack(">HH", data[place + 5:place + 9])[::-1]
        place += 2 + length


class ContactSheetTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.pictures = self.folder / "pictures"
        self.pictures.mkdir()
        self.page = self.folder / "page.html"

    def add(self, name, source):
        target = os.path.join(os.fsencode(self.pictures), os.fsencode(name))
        shutil.copy(source, target)
        return os.fsdecode(target)

    def index(self):
        self.succeed("index", "--index", self.folder / "index", "--model", MODEL, "--quiet", self.pictures)

    def search(self, *words):
        """The hits, as --json has them, and the page."""
        result = self.succeed("search", "--index", self.folder / "index", "--json", "--force", "--html", self.page,
                              *words)
        return json.loads(result.stdout)["data"], Page(self.page.read_text(encoding="utf-8"))

    def test_nothing_is_loaded_from_elsewhere(self):
        self.add("a.jpg", PICTURES[0])
        self.index()
        _, page = self.search("a circle")
        text = self.page.read_text(encoding="utf-8")
        style = re.search(r"<style>(.*?)</style>", text, re.DOTALL).group(1)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self.assertEqual(page.metas["Content-Security-Policy"],
                         f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'")
        self.assertNotIn("url(", style)
        self.assertNotIn("@import", style)
        self.assertTrue(all(image["src"].startswith("data:image/jpeg;base64,") for image in page.images))
        self.assertEqual(page.open, [])

    def test_no_name_is_markup(self):
        for name in HOSTILE:
            self.add(name, PICTURES[0])
            self.add(b"z" + name, PICTURES[1])
        self.index()
        hits, page = self.search("--all", "</title><script>alert(1)</script> \"'&amp;")
        self.assertEqual(len(hits), 2)  # copies of two contents
        for tag, attributes in page.elements:
            self.assertIn(tag, ELEMENTS)
            self.assertLessEqual(set(attributes), ATTRIBUTES)
        self.assertIn("</title><script>alert(1)</script> \"'&amp;", page.texts["title"])
        self.assertEqual(len(page.images), 2)
        for name in HOSTILE:
            for other in HOSTILE:
                path = os.path.join(os.fsencode(self.pictures), other)
                if other != name and os.path.exists(path):
                    os.remove(path)
            self.add(name, PICTURES[0])
            self.index()
            _, page = self.search("--image", PICTURES[0])
            shown = name.decode("utf-8", "surrogateescape")
            shown = re.sub("[\x00-\x1f\x7f-\x9f\udc80-\udcff]",
                           lambda match: "".join(f"\\x{byte:02x}" for byte in os.fsencode(match.group())), shown)
            self.assertEqual(pathlib.Path(page.paths[0]).name, shown)
            self.assertIn(shown, page.texts["bdi"])

    def test_thumbnails_show_the_pictures_upright_and_small(self):
        wide = self.folder / "wide.ppm"
        rows = b"".join(bytes((x * 255 // 999, y * 255 // 399, 128)) for y in range(400) for x in range(1000))
        wide.write_bytes(b"P6 1000 400 255\n" + rows)
        self.add("wide.ppm", wide)
        self.add("small.png", GOLDEN / "images" / "one-pixel.png")
        for name in ("exif-6.jpg", "cmyk.jpg", "tall.png"):
            self.add(name, GOLDEN / "images" / name)
        self.index()
        hits, page = self.search("a circle", "--all")
        self.assertEqual(len(hits), 5)
        self.assertEqual(page.paths, [hit["path"] for hit in hits])
        for number, (hit, image) in enumerate(zip(hits, page.images)):
            data = base64.b64decode(image["src"].partition(",")[2], validate=True)
            size = (int(image["width"]), int(image["height"]))
            self.assertEqual(jpeg_size(data), size)
            shrink = min(1, 320 / max(hit["width"], hit["height"]))
            self.assertEqual(size, tuple(max(1, round(hit[side] * shrink)) for side in ("width", "height")))
            thumbnail = self.folder / f"{number}.jpg"
            thumbnail.write_bytes(data)
            if min(size) > 16:  # an embedding tells whether it is the same picture, the same way up
                alike = self.succeed("compare", "--model", MODEL, "--json", thumbnail, hit["path"])
                self.assertGreater(json.loads(alike.stdout)["cosines"][0][1], 0.97, hit["path"])

    def test_what_is_said_of_a_hit(self):
        for number, source in enumerate(sorted((GOLDEN / "demo-model-eval").glob("*.jpg"))[:110]):
            self.add(f"{number}.jpg", source)
        self.add("heart.jpg", PICTURES[17])
        self.add("copy.jpg", PICTURES[17])
        self.add("all.jpg", ROOT / "tests" / "data" / "times" / "all.jpg")
        self.index()
        hits, page = self.search("--image", PICTURES[17], "--top", "200")
        facts = " ".join(page.texts["span"])
        self.assertIn("score 1.0000", facts)
        self.assertIn("+1 copy", facts)
        self.assertIn("2024-05-17 09:30", facts)
        self.assertIn("12 × 16", facts)
        self.assertEqual(page.texts["h2"], ["weaker matches"])
        table = self.succeed("search", "--index", self.folder / "index", "--image", PICTURES[17]).stdout.splitlines()
        strong = table.index("weaker matches:") - 1
        self.assertTrue(0 < strong < len(hits))
        lists, before = 0, 0
        for tag, _ in page.elements:
            lists += tag == "ol"
            before += tag == "li" and lists == 1
        self.assertEqual((lists, before), (2, strong))
        self.assertIn(f"{len(hits)} pictures shown, 112 searched", page.texts["p"])
        hits, page = self.search("a heart")
        self.assertIn("probability", " ".join(page.texts["span"]))

    def test_picture_that_is_gone(self):
        gone = self.add("gone.jpg", PICTURES[0])
        damaged = self.add("damaged.jpg", PICTURES[1])
        self.add("there.jpg", PICTURES[2])
        self.index()
        os.remove(gone)
        pathlib.Path(damaged).write_bytes(b"no picture")
        hits, page = self.search("a circle")
        self.assertEqual((len(hits), len(page.images)), (3, 1))
        told = [text for text in page.texts["p"] if "can no longer be read" in text]
        self.assertEqual(len(told), 2)

    def test_page_appears_whole_or_not_at_all(self):
        self.add("a.jpg", PICTURES[0])
        self.index()
        self.page.write_text("kept")
        self.fail_with(1, "search", "--index", self.folder / "index", "--html", self.page, "a circle")
        self.assertEqual(self.page.read_text(), "kept")
        self.assertEqual([path.name for path in self.folder.iterdir() if ".html" in path.name], ["page.html"])


if __name__ == "__main__":
    unittest.main()
