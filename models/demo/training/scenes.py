"""What a picture may show, and scenes sampled from that.

A scene is one or two groups of equal shapes on a background of one colour. It is kept as an array
[2, 6], a row per group and a column per attribute, so that captions can be compared with many scenes
at once, and the number of its background's colour.
"""

import numpy

COLOURS = {
    "red": (220, 40, 40), "orange": (245, 140, 30), "yellow": (245, 225, 50),
    "green": (50, 165, 70), "cyan": (60, 210, 220), "blue": (45, 80, 210),
    "purple": (130, 50, 170), "pink": (250, 140, 190), "brown": (125, 75, 40),
    "black": (25, 25, 25), "white": (245, 245, 245), "grey": (135, 135, 135),
}
COLOUR_NAMES = list(COLOURS)
COLOUR_VALUES = numpy.array(list(COLOURS.values()), float)
SHAPES = ["circle", "square", "triangle", "star", "ring", "cross", "heart", "crescent", "diamond",
          "flower"]
FILLS = ["plain", "striped", "dotted"]
SIZES = ["small", "large"]
PLACES = ["centre", "left", "right", "top", "bottom", "top left", "top right", "bottom left",
          "bottom right"]
LEFT, RIGHT, TOP, BOTTOM = 1, 2, 3, 4  # in PLACES

# The columns of a group. All but the count are numbers in the lists above.
COUNT, SHAPE, COLOUR, FILL, SIZE, PLACE = range(6)
ABSENT = -9  # the second group of a scene that has one; the place of a group without a place

KINDS = ["single", "pair", "group"]
KIND_SHARES = [0.5, 0.3, 0.2]
FILL_SHARES = [0.5, 0.25, 0.25]
LEAST_CONTRAST = 105  # distance in RGB at which a colour is visible on the background

# Zero-shot classes: every shape in every colour.
CLASSES = [(shape, colour) for shape in range(len(SHAPES)) for colour in range(len(COLOURS))]


def is_pair(groups):
    """Of one scene [2, 6] or many [n, 2, 6]."""
    return groups[..., 1, COUNT] != ABSENT


def sample_scene(random, kind=None):
    """(groups, background): `single` is one shape at one of nine places; `group` two or three equal
    shapes; `pair` two different kinds of shape, beside each other or one above the other. Without a
    kind it is sampled as well."""
    kind = kind or random.choice(KINDS, p=KIND_SHARES)
    background = int(random.integers(len(COLOURS)))
    contrast = numpy.linalg.norm(COLOUR_VALUES - COLOUR_VALUES[background], axis=1)
    colours = random.choice(numpy.flatnonzero(contrast > LEAST_CONTRAST), 2, replace=False)
    shapes = random.choice(len(SHAPES), 2, replace=False)
    groups = numpy.full((2, 6), ABSENT, numpy.int64)
    for i in range(2 if kind == "pair" else 1):
        fill = random.choice(len(FILLS), p=FILL_SHARES)
        groups[i] = 1, shapes[i], colours[i], fill, random.integers(len(SIZES)), ABSENT
    if kind == "single":
        groups[0, PLACE] = random.integers(len(PLACES))
    elif kind == "group":
        groups[0, COUNT] = random.integers(2, 4)
    else:
        sides = (LEFT, RIGHT) if random.choice([LEFT, TOP]) == LEFT else (TOP, BOTTOM)
        groups[:, PLACE] = sides if random.random() < 0.5 else sides[::-1]
        if random.random() < 0.4:
            groups[random.integers(2), COUNT] = 2
    return groups, background
