#!/usr/bin/env python3
"""Trains the demo model: a small, real SigLIP on pictures drawn for it.

    python3 -m venv ENV && ENV/bin/pip install -r models/demo/requirements.txt
    ENV/bin/python models/demo/train.py FOLDER                             about an hour on two cores
    ENV/bin/python models/demo/train.py FOLDER --steps 5 --pictures 200    only to see that it runs

Writes a folder that transformers and siglip load, and figures.json: what the model can do on pictures
that it has not seen. Nothing is downloaded. On one machine, with the same threads and versions of
libraries, a seed gives the same model again.
"""

import argparse
import dataclasses
import json
from multiprocessing import Pool
from pathlib import Path

import torch

from training.datasets import TRAINING, draw_held_out, draw_pictures
from training.evaluation import evaluate
from training.model import build_model, write_preprocessor
from training.phases import PHASES, run_phase
from training.tokenizer import Tokenizer, check_tokenizer, write_tokenizer


def train(folder, pictures, steps, seed, threads):
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    folder.mkdir(parents=True, exist_ok=True)
    with Pool(threads) as pool:
        print(f"drawing {pictures} pictures to train with, and those to evaluate with", flush=True)
        drawn = draw_pictures(pool, seed, TRAINING, range(pictures))
        held_out = draw_held_out(pool, seed)

    write_tokenizer(folder, seed)
    check_tokenizer(folder, held_out.captions)
    write_preprocessor(folder)
    tokenizer = Tokenizer(folder)
    model = build_model(tokenizer.vocabulary)
    phases = [dataclasses.replace(phase, steps=min(steps or phase.steps, phase.steps))
              for phase in PHASES]
    seconds = 0.0
    for number, phase in enumerate(phases, 1):
        seconds += run_phase(model, tokenizer, drawn, number, phase, seed)
        model.save_pretrained(folder)
        figures = evaluate(model, tokenizer, held_out)
        print(f"after phase {number}: {json.dumps(figures)}", flush=True)

    figures |= {"phases": [dataclasses.astuple(phase) for phase in phases], "pictures": pictures,
                "seed": seed, "vocabulary": tokenizer.vocabulary, "train_seconds": round(seconds),
                "parameters": sum(one.numel() for one in model.parameters())}
    (folder / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the model is written")
    parser.add_argument("--pictures", type=int, default=80000, metavar="N",
                        help="pictures to train with (default: 80000)")
    parser.add_argument("--steps", type=int, metavar="N",
                        help="no more steps than this in each phase (default: all, 17200 in sum)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="(default: 1)")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="(default: 2)")
    train(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
