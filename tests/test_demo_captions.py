#!/usr/bin/env python3
"""Tests the captions that the demo model learns from: each is true of its scene, and of others only
where its words are."""

import re
import sys
import unittest
from pathlib import Path

import numpy

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "models/demo"))
from training import captions, scenes

COUNTS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3}
# Word -> the column of a group that it is about, and its number there.
WORDS = {word + plural: (column, number)
         for column, names in ((scenes.SIZE, scenes.SIZES), (scenes.FILL, scenes.FILLS),
                               (scenes.COLOUR, scenes.COLOUR_NAMES), (scenes.SHAPE, scenes.SHAPES))
         for number, word in enumerate(names) for plural in ("", "s")}
WORDS |= {"little": WORDS["small"], "big": WORDS["large"], "crosses": WORDS["cross"],
          "with stripes": WORDS["striped"], "with dots": WORDS["dotted"]}
# Captions of one group without its place.
ONE_GROUP = re.compile(f"(?:{'|'.join(captions.OPENINGS)})?(?P<count>{'|'.join(COUNTS)})"
                       f"(?P<words>(?: (?:{'|'.join(WORDS)}|shapes?))+)"
                       r"(?: on an? (?P<background>\w+) background)?")


def says_truth(caption, groups, background):
    """By what the words of a match of ONE_GROUP mean."""
    stated = [(scenes.COUNT, COUNTS[caption["count"]])]
    stated += [WORDS[word] for word in re.findall(r"with \w+|\w+", caption["words"])
               if word in WORDS]
    if caption["background"] not in (None, scenes.COLOUR_NAMES[background]):
        return False
    return any(all(group[column] == number for column, number in stated) for group in groups)


def sample_scenes(count):
    random = numpy.random.default_rng(3)
    groups, backgrounds = zip(*(scenes.sample_scene(random) for _ in range(count)))
    return numpy.stack(groups), numpy.array(backgrounds)


class DemoCaptionsTest(unittest.TestCase):
    def setUp(self):
        self.groups, self.backgrounds = sample_scenes(400)

    def write(self, **options):
        random = numpy.random.default_rng(4)
        found = [captions.write_caption(random, *scene, **options)
                 for scene in zip(self.groups, self.backgrounds)]
        texts, stated, backgrounds = zip(*found)
        return texts, captions.is_true(numpy.stack(stated), numpy.array(backgrounds), self.groups,
                                       self.backgrounds)

    def test_each_is_true_of_its_scene(self):
        for options in ({}, {"short": 1.0}, {"complete": True}):
            with self.subTest(options):
                self.assertTrue(self.write(**options)[1].diagonal().all())

    def test_truth_is_what_the_words_say(self):
        texts, true = self.write(short=0.7)
        elsewhere = 0
        for text, row in zip(texts, true):
            caption = ONE_GROUP.fullmatch(text)
            if not caption:
                continue
            said = [says_truth(caption, *scene) for scene in zip(self.groups, self.backgrounds)]
            self.assertEqual(row.tolist(), said, text)
            elsewhere += sum(said) - 1
        self.assertGreater(elsewhere, 1000)

    def test_two_groups_need_two_groups(self):
        red, blue = [1, 0, 0, 0, 0, 1], [1, 0, 5, 0, 0, 2]  # circles
        absent = [scenes.ABSENT] * 6
        open_group = [1, 0] + [captions.UNSTATED] * 4
        groups = numpy.array([[red, blue], [blue, red], [red, absent]])
        stated = numpy.array([[red, blue], [open_group, open_group], [open_group, absent]])
        true = captions.is_true(stated, numpy.array([captions.UNSTATED] * 3), groups,
                                numpy.zeros(3, int))
        self.assertEqual(true.tolist(),
                         [[True, True, False], [True, True, False], [True, True, True]])

    def test_prompts(self):
        self.assertEqual(len(captions.PROMPTS), 120)
        self.assertEqual(captions.PROMPTS[0], "a photo of a red circle")
        self.assertEqual(captions.PROMPTS[-1], "a photo of a grey flower")
        self.assertIn("a photo of an orange star", captions.PROMPTS)


if __name__ == "__main__":
    unittest.main()
