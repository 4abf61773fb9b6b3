#!/usr/bin/env python3
"""Measures what a demo model can do, with transformers in float32: the first figures of figures.json.

    ENV/bin/python models/demo/evaluate.py [FOLDER]    ENV: see train.py

1,000 pictures of one shape are classified by 120 prompts, and 1,000 pictures and their captions are
searched for by each other. The pictures are those that training with this seed holds out.
"""

import argparse
import json
from multiprocessing import Pool
from pathlib import Path

import torch

from training.datasets import draw_held_out
from training.evaluation import evaluate
from training.model import load_model
from training.tokenizer import Tokenizer


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parent,
                        metavar="FOLDER", help="of the model (default: where this script is)")
    parser.add_argument("--seed", type=int, default=1, metavar="N",
                        help="the one the model was trained with (default: 1)")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="(default: 2)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with Pool(arguments.threads) as pool:
        held_out = draw_held_out(pool, arguments.seed)
    figures = evaluate(load_model(arguments.folder), Tokenizer(arguments.folder), held_out)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
