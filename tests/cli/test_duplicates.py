"""siglip duplicates: what counts as one, what is remembered, and what may be removed."""

import base64
import json
import os
import pathlib
import sys
import unittest

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from command_line import IndexedFolderTest

MODEL = pathlib.Path(__file__).resolve().parents[2] / "models" / "demo"
KINDS = ("same-bytes", "same-picture", "similar")
DAY = 86400


def draw(size=1.0, centre=(0.3, 0.4), colour=(200, 40, 40)):
    """A disc on a ground that becomes brighter downwards and to the right, of 240 x 180 pixels times `size`."""
    height, width = round(180 * size), round(240 * size)
    y, x = numpy.mgrid[0:height, 0:width]
    x, y = (x + 0.5) / width, (y + 0.5) / height
    ground = numpy.stack([60 + 100 * x + 60 * y] * 3, axis=-1)
    disc = ((x - centre[0]) * 4 / 3) ** 2 + (y - centre[1]) ** 2 < 0.04
    return numpy.where(disc[..., None], colour, ground).round().astype(numpy.uint8)


class DuplicatesTest(IndexedFolderTest):
    def setUp(self):
        super().setUp()
        self.clock = 1_600_000_000

    def add(self, name, pixels, remark=""):
        """Each file is a day younger than the one before."""
        path = os.path.join(os.fsencode(self.pictures), os.fsencode(name))
        height, width = pixels.shape[:2]
        with open(path, "wb") as file:
            file.write(f"P6\n#{remark}\n{width} {height}\n255\n".encode() + pixels.tobytes())
        self.clock += DAY
        os.utime(path, (self.clock, self.clock))
        return os.fsdecode(path)

    def add_all(self):
        """One of everything that there can be of "first", and two others."""
        self.add("first.ppm", draw())
        self.add("copy.ppm", draw())
        self.add("remark.ppm", draw(), "other bytes")
        self.add("half.ppm", draw(0.5))
        self.add("cropped.ppm", draw()[12:-12, 16:-16])
        self.add("other.ppm", draw(centre=(0.7, 0.7), colour=(30, 40, 220))[:, ::-1])
        self.add("grey.ppm", draw(colour=(128, 128, 128), centre=(0.5, 0.2)))

    def index(self):
        self.succeed("index", "--index", self.folder / "index", "--model", MODEL, "--quiet", self.pictures)

    def duplicates(self, *words, **options):
        return self.succeed("duplicates", "--index", self.folder / "index", *words, **options)

    def groups(self, *words):
        return [json.loads(line) for line in self.duplicates("--json", *words).stdout.splitlines()]

    def names(self, *words):
        return [[pathlib.Path(file["path"]).name for file in group["files"]] for group in self.groups(*words)]

    def spare(self, kind, *words):
        """The names that --print0 prints, and what is said beside."""
        result = self.duplicates("--kind", kind, "--print0", *words)
        self.assertTrue(not result.stdout or result.stdout.endswith("\0"))
        return sorted(pathlib.Path(path).name for path in result.stdout.split("\0")[:-1]), result.stderr

    def test_kinds(self):
        self.add_all()
        self.index()
        self.assertEqual(self.names("--kind", "same-bytes"), [["first.ppm", "copy.ppm"]])
        same = [["remark.ppm", "first.ppm", "copy.ppm", "half.ppm"]]  # the remark makes it larger
        self.assertEqual(self.names("--kind", "same-picture"), same)
        self.assertEqual(self.names(), same)
        similar = self.names("--kind", "similar", "--threshold", "0.8")
        self.assertEqual([sorted(group) for group in similar],
                         [["copy.ppm", "cropped.ppm", "first.ppm", "half.ppm", "remark.ppm"]])
        self.assertEqual(self.names("--kind", "similar", "--threshold", "0.99999"),
                         [["remark.ppm", "first.ppm", "copy.ppm"]])

    def test_json(self):
        name = b"caf\xe9.ppm"
        path = self.add(name, draw(), "one")
        half = self.add("half.ppm", draw(0.5))
        os.utime(half, ns=(0, 1_600_000_000_123_456_789))
        self.index()
        group, = self.groups()
        self.assertEqual((group["kind"], group["spare_bytes"]), ("same-picture", os.path.getsize(half)))
        first, second = group["files"]
        self.assertEqual(base64.b64decode(first["path_base64"]), os.fsencode(path))
        self.assertEqual((first["width"], first["height"], first["bytes"], first["score"]),
                         (240, 180, os.path.getsize(path), 1))
        self.assertEqual((second["path"], second["width"], second["height"]), (half, 120, 90))
        self.assertNotEqual(first["id"], second["id"])
        self.assertGreater(second["score"], 0.96)
        self.assertIn('"mtime":1600000000.123456789,', self.duplicates("--json").stdout)

    def test_text(self):
        self.add("two\nlines.ppm", draw())
        self.add("copy.ppm", draw())
        self.add("half.ppm", draw(0.5))
        self.index()
        first, copy, half, empty, total = self.duplicates().stdout.splitlines()
        self.assertEqual(first.split(), ["129.6", "kB", "240", "x", "180", f"{self.pictures}/two\\x0alines.ppm"])
        self.assertEqual(copy.split(), ["copy", "129.6", "kB", "240", "x", "180", f"{self.pictures}/copy.ppm"])
        self.assertEqual(half.split()[1:], ["32.4", "kB", "120", "x", "90", f"{self.pictures}/half.ppm"])
        self.assertEqual(empty, "")
        self.assertEqual(total, "1 group, 2 files beside the first of each; without these, 162.0 kB less")
        os.remove(self.pictures / "half.ppm")
        os.remove(self.pictures / "copy.ppm")
        self.index()
        self.assertEqual(self.duplicates().stdout, "no duplicates found\n")
        self.assertEqual(self.duplicates("--json").stdout, "")

    def test_apart_is_remembered(self):
        self.add_all()
        self.index()
        os.symlink(self.pictures, self.folder / "link")
        link = self.folder / "link" / "half.ppm"
        self.assertEqual(self.duplicates("--apart", "first.ppm", link, cwd=self.pictures).stdout, "")
        # What represents the group is another content.
        self.assertEqual(self.names(), [["remark.ppm", "first.ppm", "copy.ppm", "half.ppm"]])
        self.duplicates("--apart", self.pictures / "remark.ppm", link)
        for _ in range(2):
            self.assertEqual(self.names(), [["remark.ppm", "first.ppm", "copy.ppm"]])
            self.index()
        moved = self.pictures / "moved.ppm"
        os.rename(self.pictures / "half.ppm", moved)
        self.index()
        self.assertEqual(self.names(), [["remark.ppm", "first.ppm", "copy.ppm"]])
        self.succeed("index", "--index", self.folder / "index", "--rebuild", "--quiet")
        self.assertEqual(self.names(), [["remark.ppm", "first.ppm", "copy.ppm"]])
        for words, message in ((("first.ppm", "copy.ppm"), "same bytes"), (("first.ppm", "none.ppm"), "none.ppm")):
            paths = [self.pictures / name for name in words]
            self.assertIn(message, self.fail_with(1, "duplicates", "--index", self.folder / "index", "--apart", *paths))

    def test_print0_tells_all_but_the_first(self):
        self.add_all()
        self.index()
        self.assertEqual(self.spare("same-bytes"), (["copy.ppm"], ""))
        self.assertEqual(self.spare("same-picture"), (["copy.ppm", "first.ppm", "half.ppm"], ""))
        self.assertEqual(self.spare("similar", "--threshold", "0.8"),
                         (["copy.ppm", "cropped.ppm", "first.ppm", "half.ppm"], ""))
        self.assertEqual(len(list(self.pictures.iterdir())), 7)  # nothing is deleted

    def test_print0_prints_paths_to_the_byte(self):
        self.add("a.ppm", draw())
        path = self.add(b"b\n\xff.ppm", draw())
        self.index()
        result = self.duplicates("--kind", "same-bytes", "--print0", errors="surrogateescape", encoding="utf-8")
        self.assertEqual(result.stdout, path + "\0")

    def test_print0_leaves_out_other_names_of_a_file(self):
        first = self.add("first.ppm", draw())
        os.link(first, self.pictures / "hard link.ppm")
        second = self.add("second.ppm", draw())
        os.link(second, self.pictures / "second too.ppm")
        half = self.add("half.ppm", draw(0.5))
        os.link(half, self.pictures / "half too.ppm")
        os.symlink(first, self.pictures / "symlink.ppm")
        self.succeed("index", "--index", self.folder / "index", "--model", MODEL, "--quiet", "--follow", self.pictures)
        self.assertIn("symlink.ppm", sum(self.names("--kind", "same-bytes"), []))
        for kind, expected in (("same-bytes", ["second"]), ("same-picture", ["half", "second"])):
            names, said = self.spare(kind)
            self.assertEqual([name.partition(".")[0].partition(" ")[0] for name in names], expected)
            self.assertEqual(said.count("another name"), 4)

    def test_print0_leaves_out_what_has_changed_or_vanished(self):
        self.add("first.ppm", draw())
        names = ("copy.ppm", "gone.ppm", "touched.ppm", "longer.ppm")
        gone, touched, longer = [self.add(name, draw()) for name in names][1:]
        self.index()
        os.remove(gone)
        os.utime(touched, (self.clock + DAY, self.clock + DAY))
        times = os.stat(longer)
        with open(longer, "ab") as file:
            file.write(b"more")
        os.utime(longer, ns=(times.st_atime_ns, times.st_mtime_ns))
        for kind in KINDS:
            found, said = self.spare(kind)
            self.assertEqual(found, ["copy.ppm"])
            for name in names[1:]:
                self.assertIn(name, said)

    def test_print0_compares_bytes(self):
        self.add("first.ppm", draw(3))
        self.add("good.ppm", draw(3))
        bad = self.add("bad.ppm", draw(3))
        self.index()
        times = os.stat(bad)
        with open(bad, "r+b") as file:  # nothing that size or time would tell
            file.seek(-1, os.SEEK_END)
            file.write(b"\0")
        os.utime(bad, ns=(times.st_atime_ns, times.st_mtime_ns))
        self.assertEqual(self.spare("same-picture")[0], ["bad.ppm", "good.ppm"])
        found, said = self.spare("same-bytes")
        self.assertEqual(found, ["good.ppm"])
        self.assertIn("bad.ppm", said)
        self.assertIn("other bytes", said)

    def test_print0_keeps_a_group_whose_first_is_not_there(self):
        for change in (os.remove, os.utime):
            first = self.add("first.ppm", draw())
            self.add("copy.ppm", draw())
            self.index()
            change(first)
            for kind in KINDS:
                found, said = self.spare(kind)
                self.assertEqual(found, [])
                self.assertIn("first.ppm", said)
            self.index()

    def test_wrong_usage(self):
        self.add("first.ppm", draw())
        self.index()
        for words in (("--print0",), ("--kind", "same"), ("--apart", "a"), ("--kind", "similar", "--print0", "--json"),
                      ("--kind", "same-bytes", "--threshold", "0.9"), ("--apart", "a", "b", "--json")):
            self.fail_with(2, "duplicates", "--index", self.folder / "index", *words)
        self.assertIn("at most 1", self.fail_with(1, "duplicates", "--index", self.folder / "index", "--threshold", 2))
        self.fail_with(1, "duplicates", "--index", self.folder / "none")


if __name__ == "__main__":
    unittest.main()
