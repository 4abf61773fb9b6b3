"""Training, in phases that each begin with a fresh optimiser and a schedule of their own."""

import math
import time
from dataclasses import dataclass

import numpy
import torch
from torch.nn.functional import logsigmoid, normalize

from training.captions import is_true, write_captions
from training.datasets import TEXTS
from training.model import embed_pictures, embed_texts
from training.scenes import is_pair

WARM_UP = 200  # steps, but no more than a fifth of the schedule
WEIGHT_DECAY = 0.05  # of matrices
LOGIT_RATE = 4  # times the rate of the towers
REPORT_EVERY = 100  # steps


@dataclass(frozen=True)
class Phase:
    steps: int
    schedule: int  # steps after which the learning rate would be zero
    batch: int
    peak_rate: float
    short: float  # share of captions that say little
    with_pairs: bool  # scenes of two different kinds of shape as well


# As they were run for the model beside: the later ones were added because shapes, unlike colours and
# places, were slow to be learnt.
PHASES = [
    Phase(1500, 2500, 256, 1e-3, 0.0, True),
    Phase(500, 1900, 256, 1e-3, 0.6, True),
    Phase(1000, 4600, 64, 8e-4, 0.6, True),
    Phase(3200, 3200, 64, 3.5e-4, 0.8, False),
    Phase(11000, 11000, 64, 6e-4, 0.7, True),
]


def make_optimizer(model, peak_rate):
    towers = [*model.text_model.parameters(), *model.vision_model.parameters()]
    return torch.optim.AdamW([
        {"params": [one for one in towers if one.ndim > 1], "weight_decay": WEIGHT_DECAY},
        {"params": [one for one in towers if one.ndim < 2]},
        {"params": [model.logit_scale, model.logit_bias], "lr": LOGIT_RATE * peak_rate},
    ], lr=peak_rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)


def make_schedule(optimizer, steps):
    """Linear warm-up, then half a cosine down to zero."""
    warm_up = min(WARM_UP, steps // 5)

    def factor(step):
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up)))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def batches(random, indices, size):
    """Endless: the indices in a new order each time they are used up. What is left of an order and
    makes no whole batch is left out; where there are too few for one, the batches are smaller."""
    size = min(size, len(indices))
    while True:
        order = indices[random.permutation(len(indices))]
        for begin in range(0, len(order) - size + 1, size):
            yield order[begin:begin + size]


def sigmoid_loss(model, text_embeddings, picture_embeddings, is_positive):
    """The loss of SigLIP, a sum over pairs: sigmoid of the logit where the caption is true of the
    picture, of its negative elsewhere. Here every caption is judged by every picture of the batch, so
    that one that happens to be true of several never counts as wrong."""
    cosines = normalize(text_embeddings.float()) @ normalize(picture_embeddings.float()).T
    logits = cosines * model.logit_scale.exp() + model.logit_bias
    signs = torch.from_numpy(is_positive).float() * 2 - 1
    return -logsigmoid(signs * logits).sum() / len(is_positive)


def run_phase(model, tokenizer, pictures, number, phase, seed):
    """Trains the model on fresh captions for each viewing. Answers the seconds it took."""
    random = numpy.random.default_rng([seed, TEXTS, number])
    usable = (numpy.arange(len(pictures.groups)) if phase.with_pairs
              else numpy.flatnonzero(~is_pair(pictures.groups)))
    optimizer = make_optimizer(model, phase.peak_rate)
    schedule = make_schedule(optimizer, phase.schedule)
    begin, losses = time.monotonic(), []
    model.train()
    for step, chosen in zip(range(1, phase.steps + 1), batches(random, usable, phase.batch)):
        scenes = pictures.groups[chosen], pictures.backgrounds[chosen]
        texts, *stated = write_captions(random, *scenes, phase.short)
        with torch.autocast("cpu", torch.bfloat16):
            of_pictures = embed_pictures(model, pictures.pixels[chosen])
            of_texts = embed_texts(model, tokenizer(texts))
        loss = sigmoid_loss(model, of_texts, of_pictures, is_true(*stated, *scenes))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
        if step % REPORT_EVERY == 0 or step == phase.steps:
            print(f"phase {number}, step {step} of {phase.steps}: loss {numpy.mean(losses):.4f}, "
                  f"scale {model.logit_scale.exp().item():.2f}, "
                  f"{time.monotonic() - begin:.0f} s", flush=True)
            losses.clear()
    model.eval()
    return time.monotonic() - begin
