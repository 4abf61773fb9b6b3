"""The SentencePiece model: learnt from captions, and used as SiglipTokenizer of transformers does."""

import io
import json
import string
import tempfile
from collections import Counter
from pathlib import Path

import numpy
import sentencepiece
import torch
from sentencepiece.sentencepiece_model_pb2 import ModelProto
from transformers import SiglipTokenizer

from training.captions import PROMPTS, write_caption
from training.datasets import TEXTS
from training.scenes import sample_scene

POSITIONS = 24
MOST_PIECES = 256
END = 1  # ends every text and fills it up
CAPTIONS = 20000
PROMPT_REPEATS = 5  # so that the words of the prompts become pieces
REQUIRED_CHARACTERS = string.ascii_lowercase + string.digits


class Tokenizer:
    """Captions to input_ids [n, POSITIONS]. Takes them as they are: in lower case, without
    punctuation."""

    def __init__(self, folder):
        self._processor = sentencepiece.SentencePieceProcessor(
            model_file=str(Path(folder) / "spiece.model"))

    @property
    def vocabulary(self):
        return self._processor.vocab_size()

    def __call__(self, texts):
        rows = self._processor.encode(list(texts), add_eos=True)
        longest = max(map(len, rows))
        if longest > POSITIONS:
            raise ValueError(f"a caption of {longest} tokens for {POSITIONS} positions")
        return torch.tensor([row + [END] * (POSITIONS - len(row)) for row in rows])


def check_tokenizer(folder, texts):
    """That transformers makes the same of these texts."""
    reference = SiglipTokenizer.from_pretrained(folder)(
        list(texts), padding="max_length", truncation=True, max_length=POSITIONS)
    if Tokenizer(folder)(texts).tolist() != reference["input_ids"]:
        raise RuntimeError(f"{folder}: SiglipTokenizer splits captions into other pieces")


def count_candidates(texts):
    """Every part of every word, whole words included, and how often the words occur."""
    candidates = Counter()
    for word, count in Counter(" ".join(texts).split()).items():
        marked = "▁" + word
        candidates.update({marked[begin:end]: count for begin in range(len(marked))
                           for end in range(begin + 1, len(marked) + 1)})
    return candidates


def learn_pieces(texts):
    """The bytes of a SentencePiece model. Its trainer looks for candidates that occur in many places of
    one long text and overlooks whole words; so it is given them."""
    model = io.BytesIO()
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".tsv") as candidates:
        for piece, count in count_candidates(texts).most_common():
            candidates.write(f"{piece}\t{count}\n")
        candidates.flush()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts), model_writer=model, model_type="unigram",
            vocab_size=MOST_PIECES, hard_vocab_limit=False, character_coverage=1.0,
            pad_id=0, eos_id=END, unk_id=2, bos_id=-1, required_chars=REQUIRED_CHARACTERS,
            seed_sentencepieces_file=candidates.name, num_threads=1, minloglevel=2)
    proto = ModelProto.FromString(model.getvalue())
    proto.trainer_spec.ClearField("seed_sentencepieces_file")  # a name of no meaning elsewhere
    return proto.SerializeToString()


def write_tokenizer(folder, seed):
    """spiece.model and tokenizer_config.json."""
    random = numpy.random.default_rng([seed, TEXTS, 0])
    texts = [write_caption(random, *sample_scene(random))[0] for _ in range(CAPTIONS)]
    (folder / "spiece.model").write_bytes(learn_pieces(texts + PROMPTS * PROMPT_REPEATS))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "SiglipTokenizer", "model_max_length": POSITIONS, "do_lower_case": True,
        "eos_token": "</s>", "pad_token": "</s>", "unk_token": "<unk>",
        "model_input_names": ["input_ids"]}, indent=2) + "\n")
