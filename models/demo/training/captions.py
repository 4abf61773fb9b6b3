"""Captions of scenes, and of which scenes a caption is true.

A caption comes with what it states, in the form of a scene: groups [2, 6] and a background, where
UNSTATED stands for what it leaves open.
"""

from dataclasses import dataclass

import numpy

from training.scenes import (ABSENT, CLASSES, COLOUR, COLOUR_NAMES, COUNT, FILL, FILLS, PLACE,
                             PLACES, SHAPE, SHAPES, SIZE, is_pair)

UNSTATED = -1
MOST_WORDS_BEFORE_OPENING = 19  # so that every caption fits into the model's text positions
OPENINGS = ["a photo of ", "a photo of ", "a picture of ", "a drawing of ", "an image of "]
RELATIONS = {"left": "to the left of", "right": "to the right of", "top": "above",
             "bottom": "below"}
FILL_ENDINGS = ["", " with stripes", " with dots"]


@dataclass(frozen=True)
class Style:
    """How probable it is that a caption says something."""
    shape: float
    colour: float
    fill: float
    size: float
    place: float
    background: float
    one_of_pair: float  # only one of two groups is spoken of
    relation: float  # "above" instead of two places


COMPLETE = Style(shape=1, colour=1, fill=1, size=1, place=1, background=1, one_of_pair=0,
                 relation=1)
LOOSE = Style(shape=0.92, colour=0.88, fill=0.45, size=0.35, place=0.45, background=0.35,
              one_of_pair=0.2, relation=0.6)
SHORT = Style(shape=1, colour=0.5, fill=0.05, size=0.05, place=0.1, background=0.05,
              one_of_pair=0.8, relation=0.6)


def with_article(words):
    return ("an " if words[0] in "aeiou" else "a ") + words


PROMPTS = [f"a photo of {with_article(COLOUR_NAMES[colour])} {SHAPES[shape]}"
           for shape, colour in CLASSES]


def happens(random, probability):
    """Certain things take nothing from the stream."""
    return probability == 1 or (probability > 0 and random.random() < probability)


def noun_phrase(random, group, style):
    """(words, the group as far as they state it); places are none of its business."""
    stated = group.copy()
    stated[PLACE] = UNSTATED
    words, ending = [], ""
    # One word per size, so that the stream does not depend on the scene.
    if random.random() < style.size:
        size_words = [random.choice(["small", "small", "little"]),
                      random.choice(["large", "large", "big"])]
        words.append(str(size_words[group[SIZE]]))
    else:
        stated[SIZE] = UNSTATED
    # Few would call a shape plain.
    reticence = 0.3 if FILLS[group[FILL]] == "plain" and style != COMPLETE else 1
    if random.random() < style.fill * reticence:
        if group[FILL] and random.random() < 0.2:
            ending = FILL_ENDINGS[group[FILL]]
        else:
            words.append(FILLS[group[FILL]])
    else:
        stated[FILL] = UNSTATED
    if random.random() < style.colour:
        words.append(COLOUR_NAMES[group[COLOUR]])
    else:
        stated[COLOUR] = UNSTATED
    noun = SHAPES[group[SHAPE]]
    if random.random() >= style.shape:
        noun = "shape"
        stated[SHAPE] = UNSTATED
    if group[COUNT] > 1:
        words += ["crosses" if noun == "cross" else noun + "s"]
        text = f"{['two', 'three'][group[COUNT] - 2]} {' '.join(words)}"
    else:
        text = " ".join(words + [noun])
        text = with_article(text) if random.random() < 0.9 else f"one {text}"
    return text + ending, stated


def place_phrase(random, place):
    name = PLACES[place]
    if name == "centre":
        return f" in the {random.choice(['centre', 'middle'])}"
    return f" {'on' if name in ('left', 'right') else 'at'} the {name}"


def write_caption(random, groups, background, short=0.0, complete=False):
    """(text, stated groups, stated background): true of the scene. `short` is the share of captions
    that say little; a complete one says everything."""
    if complete:
        style = COMPLETE
    else:
        style = SHORT if happens(random, short) else LOOSE
    with_places = happens(random, style.place)
    order = [0]
    if is_pair(groups):
        order = [int(i) for i in random.permutation(2)]
        if happens(random, style.one_of_pair):
            order = order[:1]

    phrases = []
    stated = numpy.full((2, 6), ABSENT, numpy.int64)
    for row, i in enumerate(order):
        phrase, stated[row] = noun_phrase(random, groups[i], style)
        phrases.append(phrase)
        if with_places and groups[i, PLACE] != ABSENT:
            stated[row, PLACE] = groups[i, PLACE]
    if len(order) == 2 and with_places and happens(random, style.relation):
        text = f"{phrases[0]} {RELATIONS[PLACES[stated[0, PLACE]]]} {phrases[1]}"
    else:
        text = " and ".join(
            phrase + (place_phrase(random, row[PLACE]) if row[PLACE] != UNSTATED else "")
            for phrase, row in zip(phrases, stated))

    stated_background = UNSTATED
    if happens(random, style.background):
        stated_background = background
        text += f" on {with_article(COLOUR_NAMES[background])} background"
    if len(text.split()) <= MOST_WORDS_BEFORE_OPENING and random.random() < 0.5:
        text = str(random.choice(OPENINGS)) + text
    return text, stated, stated_background


def write_captions(random, groups, backgrounds, short):
    """(texts, stated groups [n, 2, 6], stated backgrounds [n]), a caption per scene."""
    texts, stated, stated_backgrounds = zip(*(
        write_caption(random, *scene, short=short) for scene in zip(groups, backgrounds)))
    return texts, numpy.stack(stated), numpy.array(stated_backgrounds)


def is_true(stated, stated_backgrounds, groups, backgrounds):
    """[captions, scenes] bool. Two groups of a caption have to be two groups of the scene."""
    matches = ((stated[:, None, :, None] == UNSTATED)
               | (stated[:, None, :, None] == groups[None, :, None, :])).all(-1)  # [c, s, 2, 2]
    first = matches[:, :, 0].any(-1)
    both = ((matches[:, :, 0, 0] & matches[:, :, 1, 1])
            | (matches[:, :, 0, 1] & matches[:, :, 1, 0]))
    background = ((stated_backgrounds[:, None] == UNSTATED)
                  | (stated_backgrounds[:, None] == backgrounds[None]))
    return numpy.where(is_pair(stated)[:, None], both, first) & background
