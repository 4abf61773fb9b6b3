"""What a model can do, on pictures it was not trained on."""

import numpy

from training.captions import PROMPTS
from training.model import embed_pictures, embed_texts, unit_embeddings
from training.scenes import CLASSES, COLOUR, SHAPE


def top1(cosines, labels):
    """Share of rows whose largest entry is at the place that the label says."""
    return float(numpy.mean(cosines.argmax(1) == labels))


def recall(cosines, most):
    """Share of rows i whose entry i is among the `most` largest."""
    better = (cosines > cosines.diagonal()[:, None]).sum(1)
    return float(numpy.mean(better < most))


def evaluate(model, tokenizer, held_out):
    """The figures of figures.json: zero-shot classification of single shapes, and retrieval of pictures
    by their captions and the other way round."""
    singles = held_out.singles
    labels = [CLASSES.index((group[SHAPE], group[COLOUR])) for group in singles.groups[:, 0]]
    prompts = unit_embeddings(embed_texts, model, tokenizer(PROMPTS))
    pictures = unit_embeddings(embed_pictures, model, singles.pixels)
    zero_shot = (pictures @ prompts.T).numpy()

    captions = unit_embeddings(embed_texts, model, tokenizer(held_out.captions))
    pictures = unit_embeddings(embed_pictures, model, held_out.retrieval.pixels)
    retrieval = (captions @ pictures.T).numpy()
    return {"zero_shot_top1": top1(zero_shot, labels), "text_to_image_r1": recall(retrieval, 1),
            "text_to_image_r5": recall(retrieval, 5), "image_to_text_r1": recall(retrieval.T, 1)}
