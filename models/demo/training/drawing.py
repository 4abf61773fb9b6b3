"""Scenes to pictures, with all that a caption does not say left to chance: exact colours and places,
angles, backgrounds with gradients or noise, blur, the sizes of pictures and what JPEG does to them."""

import io
import math
from dataclasses import dataclass

import numpy
from PIL import Image, ImageDraw, ImageFilter

from training.scenes import (ABSENT, COLOUR, COLOUR_VALUES, COUNT, FILL, FILLS, PLACE, PLACES, SHAPE,
                             SHAPES, SIZE, is_pair)

OVERSAMPLING = 4  # masks are drawn larger and averaged: that is the anti-aliasing


@dataclass
class Placed:
    """One shape: its group, centre in 0..1 and diameter as a share of the picture's shorter side."""
    group: int
    x: float
    y: float
    diameter: float


class UnitCanvas:
    """A mask of `size` pixels a side on which -1..1 are the coordinates in both directions."""

    def __init__(self, size):
        self.image = Image.new("L", (size, size))
        self._draw = ImageDraw.Draw(self.image)
        self._half = size / 2

    def _pixels(self, points):
        return [(self._half + x * self._half, self._half + y * self._half) for x, y in points]

    def disc(self, x, y, radius, value=255):
        corners = [(x - radius, y - radius), (x + radius, y + radius)]
        self._draw.ellipse(self._pixels(corners), fill=value)

    def polygon(self, points):
        self._draw.polygon(self._pixels(points), fill=255)


def on_circle(step, steps, radius):
    """A point on a circle, clockwise from the top."""
    angle = 2 * math.pi * step / steps
    return radius * math.sin(angle), -radius * math.cos(angle)


def heart_outline():
    t = numpy.linspace(0, 2 * math.pi, 60)
    height = (13 * numpy.cos(t) - 5 * numpy.cos(2 * t) - 2 * numpy.cos(3 * t) - numpy.cos(4 * t))
    return list(zip(0.94 * numpy.sin(t) ** 3, -height / 16.5 - 0.1))


POLYGONS = {
    "square": [(-0.78, -0.78), (0.78, -0.78), (0.78, 0.78), (-0.78, 0.78)],
    "triangle": [(0, -0.92), (0.95, 0.78), (-0.95, 0.78)],
    "star": [on_circle(step, 10, 0.42 if step % 2 else 0.98) for step in range(10)],
    "cross": [(-0.3, -0.92), (0.3, -0.92), (0.3, -0.3), (0.92, -0.3), (0.92, 0.3), (0.3, 0.3),
              (0.3, 0.92), (-0.3, 0.92), (-0.3, 0.3), (-0.92, 0.3), (-0.92, -0.3), (-0.3, -0.3)],
    "heart": heart_outline(),
    "diamond": [(0, -0.96), (0.7, 0), (0, 0.96), (-0.7, 0)],
}
# Discs painted one after the other: x, y, radius, value.
DISCS = {
    "circle": [(0, 0, 0.92, 255)],
    "ring": [(0, 0, 0.94, 255), (0, 0, 0.5, 0)],
    "crescent": [(-0.05, 0, 0.93, 255), (0.42, -0.08, 0.72, 0)],
    "flower": [(*on_circle(step, 6, 0.6), 0.36, 255) for step in range(6)] + [(0, 0, 0.42, 255)],
}


def shape_mask(shape, size):
    canvas = UnitCanvas(size)
    if shape in POLYGONS:
        canvas.polygon(POLYGONS[shape])
    for disc in DISCS.get(shape, []):
        canvas.disc(*disc)
    return canvas.image


def reduce_mask(mask, size):
    """[size, size, 1] in 0..1."""
    return numpy.asarray(mask.resize((size, size), Image.BOX), float)[..., None] / 255


def fill_pattern(fill, size, angle, periods):
    """Where the second colour of stripes or dots shows."""
    large = size * OVERSAMPLING
    y, x = numpy.mgrid[0:large, 0:large] / large * periods
    along = x * math.cos(angle) + y * math.sin(angle)
    if FILLS[fill] == "striped":
        pattern = along % 1 < 0.45
    else:
        across = y * math.cos(angle) - x * math.sin(angle)
        pattern = (along % 1 - 0.5) ** 2 + (across % 1 - 0.5) ** 2 < 0.085
    return reduce_mask(Image.fromarray((pattern * 255).astype(numpy.uint8)), size)


def second_colour(colour):
    """Darker than a light colour, lighter than a dark one."""
    is_light = colour @ (0.3, 0.59, 0.11) > 140
    return colour * 0.45 if is_light else colour * 0.4 + 153


def vary_colour(random, colour):
    brightness = random.uniform(0.95, 1.05)
    return numpy.clip(COLOUR_VALUES[colour] * brightness + random.uniform(-12, 12, 3), 0, 255)


def draw_background(random, colour, width, height):
    """[height, width, 3] float: plain, with a gradient, or with noise of one of three grains."""
    base = vary_colour(random, colour)
    pixels = numpy.broadcast_to(base, (height, width, 3)).copy()
    kind = random.choice(["plain", "gradient", "noisy"], p=[0.4, 0.3, 0.3])
    if kind == "gradient":
        angle = random.uniform(0, 2 * math.pi)
        y, x = numpy.mgrid[-1:1:height * 1j, -1:1:width * 1j]
        slope = math.cos(angle) * x + math.sin(angle) * y
        pixels *= 1 + random.uniform(0.06, 0.14) * slope[..., None]
    elif kind == "noisy":
        grain = int(random.choice([1, 2, 4]))
        cells = (height // grain + 1, width // grain + 1, 1)
        noise = random.normal(0, random.uniform(8, 20), cells)
        pixels += noise.repeat(grain, 0).repeat(grain, 1)[:height, :width]
    return pixels


def lay_out(random, groups):
    """All shapes of a scene as Placed."""

    def near(middle, by):
        return middle + random.uniform(-by, by)

    placed = []
    pair = is_pair(groups)
    for i in range(2 if pair else 1):
        count, size, place = groups[i, COUNT], groups[i, SIZE], groups[i, PLACE]
        single = not pair and place != ABSENT
        smallest, largest = (((0.26, 0.33), (0.46, 0.54)) if single else
                             ((0.24, 0.30), (0.40, 0.46)))[size]
        diameter = random.uniform(smallest, largest)
        if single:
            name = PLACES[place]
            x = near(0.22 if "left" in name else 0.78 if "right" in name else 0.5, 0.05)
            y = near(0.22 if "top" in name else 0.78 if "bottom" in name else 0.5, 0.05)
            placed.append(Placed(i, x, y, diameter))
        elif not pair:  # in the quarters of the picture
            by = 0.07 * (1 - size)
            for quarter in random.permutation(4)[:count]:
                x = near(0.27 + 0.46 * (quarter % 2), by)
                placed.append(Placed(i, x, near(0.27 + 0.46 * (quarter // 2), by), diameter))
        else:
            side = 0.26 if PLACES[place] in ("left", "top") else 0.74
            along = [near(0.5, 0.12)] if count == 1 else [near(0.26, 0.03), near(0.74, 0.03)]
            for other in along:
                x, y = near(side, 0.03), other
                if PLACES[place] in ("top", "bottom"):
                    x, y = y, x
                placed.append(Placed(i, x, y, diameter))
    return placed


def paint(random, pixels, group, shape, colour, angle):
    """Draws one shape into the picture."""
    height, width, _ = pixels.shape
    size = max(8, int(shape.diameter * min(width, height)))
    mask = shape_mask(SHAPES[group[SHAPE]], size * OVERSAMPLING)
    mask = reduce_mask(mask.rotate(random.uniform(-12, 12), Image.BICUBIC), size)
    ink = numpy.broadcast_to(colour, (size, size, 3))
    if FILLS[group[FILL]] != "plain":
        pattern = fill_pattern(group[FILL], size, angle, (3.2, 4.5)[group[SIZE]])
        ink = ink * (1 - pattern) + second_colour(colour) * pattern
    left = int(numpy.clip(shape.x * width - size / 2, 1, width - size - 1))
    top = int(numpy.clip(shape.y * height - size / 2, 1, height - size - 1))
    window = pixels[top:top + size, left:left + size]
    window[:] = window * (1 - mask) + ink * mask


def draw_scene(random, groups, background):
    """A Pillow picture."""
    height = int(random.integers(64, 121))
    width = min(160, max(64, int(height * random.uniform(0.8, 1.35))))
    pixels = draw_background(random, background, width, height)
    looks = [(vary_colour(random, group[COLOUR]), random.uniform(0, math.pi))
             for group in groups if group[COUNT] != ABSENT]
    for shape in lay_out(random, groups):
        paint(random, pixels, groups[shape.group], shape, *looks[shape.group])
    pixels *= random.uniform(0.93, 1.05)
    pixels += random.normal(0, random.uniform(0, 6), pixels.shape)
    picture = Image.fromarray(numpy.clip(pixels + 0.5, 0, 255).astype(numpy.uint8))
    return picture.filter(ImageFilter.GaussianBlur(0.6)) if random.random() < 0.2 else picture


def compress(random, picture):
    """The picture as it would come from a file: three of ten are PNG and stay as they are, the others
    JPEG of some quality and chroma subsampling."""
    if random.random() < 0.3:
        return picture
    file = io.BytesIO()
    quality = int(random.integers(65, 96))
    picture.save(file, "JPEG", quality=quality, subsampling=int(random.choice([0, 2])))
    return Image.open(file).convert("RGB")
