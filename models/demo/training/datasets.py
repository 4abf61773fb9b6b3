"""Sets of pictures. Picture i of a set is drawn from a stream of random numbers of its own, (seed, set,
i), so that it is the same however many are drawn and by however many processes."""

from dataclasses import dataclass

import numpy
from PIL import Image

from training.captions import is_true, write_caption
from training.drawing import compress, draw_scene
from training.scenes import sample_scene

SIDE = 64  # pixels
# The sets, and the stream of all that is said about pictures.
TRAINING, ZERO_SHOT, RETRIEVAL, TEXTS = range(4)
HELD_OUT = 1000  # pictures of each of the two sets for evaluation


@dataclass(frozen=True)
class Pictures:
    pixels: numpy.ndarray  # [n, SIDE, SIDE, 3] uint8, as the image processor resizes them
    groups: numpy.ndarray  # [n, 2, 6]
    backgrounds: numpy.ndarray  # [n]


@dataclass(frozen=True)
class HeldOut:
    """What a model is evaluated on."""
    singles: Pictures  # one shape each
    retrieval: Pictures  # with captions each of which is true of one of them alone
    captions: list


def draw_picture(arguments):
    """Picture `index` of a set. One argument, for Pool.imap."""
    seed, which, index, kind = arguments
    random = numpy.random.default_rng([seed, which, index])
    groups, background = sample_scene(random, kind)
    picture = compress(random, draw_scene(random, groups, background))
    return numpy.asarray(picture.resize((SIDE, SIDE), Image.BICUBIC)), groups, background


def draw_pictures(pool, seed, which, indices, kind=None):
    work = [(seed, which, index, kind) for index in indices]
    pixels, groups, backgrounds = zip(*pool.imap(draw_picture, work, chunksize=50))
    return Pictures(numpy.stack(pixels), numpy.stack(groups), numpy.array(backgrounds))


def choose_unambiguous(seed, count):
    """(indices, captions) of pictures of RETRIEVAL such that the complete caption of each is true of
    no other."""
    indices, captions = [], []
    groups = numpy.empty((0, 2, 6), numpy.int64)
    stated = groups.copy()
    backgrounds = numpy.empty(0, numpy.int64)  # complete captions state them: one array for both
    index = 0
    while len(indices) < count:
        scene, background = sample_scene(numpy.random.default_rng([seed, RETRIEVAL, index]))
        random = numpy.random.default_rng([seed, TEXTS, RETRIEVAL, index])
        text, says, _ = write_caption(random, scene, background, complete=True)
        new = scene[None], numpy.array([background])
        new_caption = says[None], numpy.array([background])
        if not (is_true(*new_caption, groups, backgrounds).any()
                or is_true(stated, backgrounds, *new).any()):
            indices.append(index)
            captions.append(text)
            groups = numpy.concatenate([groups, new[0]])
            stated = numpy.concatenate([stated, new_caption[0]])
            backgrounds = numpy.concatenate([backgrounds, new[1]])
        index += 1
    return indices, captions


def draw_held_out(pool, seed):
    indices, captions = choose_unambiguous(seed, HELD_OUT)
    return HeldOut(draw_pictures(pool, seed, ZERO_SHOT, range(HELD_OUT), "single"),
                   draw_pictures(pool, seed, RETRIEVAL, indices), captions)
