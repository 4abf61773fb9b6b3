#!/usr/bin/env python3
"""Writes tests/golden/open_clip/expected.json: texts as open_clip cleans and tokenizes them.

    python3 -m venv venv && venv/bin/pip install open_clip_torch==3.3.0 transformers==5.24.0 sentencepiece
    venv/bin/python tests/support/make_open_clip_golden.py

The texts are written by hand and drawn at random from what the cleaning looks at. Those that
ftfy takes for mojibake are left out.
"""

import base64
import html.entities
import io
import json
import random
import tempfile
from pathlib import Path

import ftfy
import open_clip
import sentencepiece
from open_clip.tokenizer import get_clean_fn
from sentencepiece import sentencepiece_model_pb2

TESTS = Path(__file__).resolve().parent.parent
FOLDER = TESTS / "golden/open_clip"
KINDS = ("canonicalize", "lower", "whitespace")

# From its users' labels and captions to what only a hostile file holds.
WRITTEN = [
    "", " ", "This is a photo of a cat.", "a photo of a red_circle", "under__score _ here_",
    "A dog's  life, \"quoted\"", "Two  stars; three moons!", "(an) [odd] {label}", "50% off: $5 & more",
    "Caf\u00e9 na\u00efve", "Cafe\u0301 nai\u0308ve", "\uff21\u3000\uff33\uff4d\uff41\uff4c\uff4c \uff83\uff9e",
    "\ufb01sh and \ufb02ag o\ufb03ce \ufb05 \u0133 \u01c4 \u0149", "\u201ccurly\u201d \u2018single\u2019 \u201elow\u201a",
    "it&#39;s &quot;here&quot; &amp; there", "&lt;b&gt;bold&lt;/b&gt;", "<b>a &amp; b</b>",
    "<i>\n&amp; after a tag", "R&D, AT&T, this&not that", "&copy 2024 &copy; &COPY;", "P&EACUTE;REZ &Eacute;",
    "BUNDESSTRA&SZLIG;E", "&amp;amp;amp;eacute;", "&#x41;&#65;&#65 &#x2019;&#8217;", "&#59; &#38;amp;",
    "&#128; &#147;x&#148; &#129;", "&#0; &#xD800; &#1114112; &#99999999999999999999; &#11; &#xFFFE;",
    "&nbsp;x&nbsp;", "&hellip; &mdash; &times; &frac12;", "&notit; &ampx &amp;#x27;", "& && &; &# &#; &#x;",
    "a\r\nb\rc\nd\u2028e\u2029f", "tab\tform\x0cfeed\x0bx\x1cy\x85z", "\x93quoted\x94 \x80 \x81",
    "\x1b[31mred\x1b[0m \x1b[1;4mbold\x1b[m \x1b[2 x \x1b", "\ufeffbom \u200bzero\u200d \u2060 \ufffc\ufff9x",
    "\u0391\u03a3. \u039f\u0394\u039f\u03a3 \u03a3\u0391\u03a3!", "STRASSE \u1e9e \u0130stanbul", "\u212b \u2126 \u0340 \u0958 \ufb1d",
    "\u1112\u1161\u11ab \ud55c\uae00 \u1100\u1161", "q\u0323\u0307 q\u0307\u0323 a\u0315\u0300\u05ae\u0062", "\u00a0\u2003\u3000x\u00a0",
    "snow \u2603 \U0001f600 \U0001f468\u200d\U0001f469", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "e.g. U.S.A. 3.14",
    "</s> <unk> <pad> a</s>b", "photo of a cat", "a \u2581b \u2581\u2581", "x" * 70, "a photo of " * 20,
    "m\u00b2 TM\u2122 \u2460 \u210c \u00bd", "\ufb01\u0301 \u2122\u0301 \u0600a",
]
WORDS = ("a photo of the Cat DOG two large white circles \u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2 stra\u00dfe "
         "caf\u00e9 \u65e5\u672c\u8a9e \ud55c\uad6d\uc5b4 \u05e2\u05d1\u05e8\u05d9\u05ea red_circle don't U.S.A. <b> #tag 50%").split()
SPACES = [" ", "  ", "\t", "\n", "\r\n", "\r", "\u00a0", "\u2003", "\u2028", "\u3000", "\x1c", "\x0b", "\x85", "\u200b"]
QUOTES = list("\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u02bc\u00ab\u00bb\"'`")
LIGATURES = list("\u0132\u0133\u0149\u01f1\u01c4\u01c5\u01c9\ufb00\ufb01\ufb02\ufb03\ufb04\ufb05\ufb06\u017f\u00e6")
RULES = {"\ufb01": "fi", "\u2122": "TM", "\u00b2": "2", "\u00a0": " ", "\u200b": "", "\u212b": "\u00c5", "\u0600": "u",
         "e\u0301": "\u00e9", "\u00ab": "\"", "\r": " ", "\u3002": "."}


def piece(draw):
    kind = draw.randrange(12)
    if kind < 4:
        return draw.choice(WORDS)
    if kind == 4:
        return draw.choice(QUOTES) + draw.choice(WORDS) + draw.choice(QUOTES)
    if kind == 5:
        name = draw.choice(list(html.entities.html5))
        return "&" + draw.choice([name, name.rstrip(";"), name.upper(), name + "x"])
    if kind == 6:
        return draw.choice(["&#%d%s", "&#x%x%s", "&#X%X%s"]) % (
            draw.choice([draw.randrange(256), draw.randrange(0x3000), draw.randrange(0x120000)]),
            draw.choice([";", ";", "", "a;"]))
    if kind == 7:
        return draw.choice(LIGATURES) + chr(draw.randrange(0xFF01, 0xFFF0))
    if kind == 8:
        return draw.choice("aeinEK\u00c5\u03b1\u0438\uac00\u1100\u304b") + "".join(
            chr(draw.randrange(0x300, 0x370)) for _ in range(draw.randint(1, 3)))
    if kind == 9:
        return draw.choice([chr(draw.randrange(32)), chr(draw.randrange(0x7F, 0xA1)), "\x1b[0m", "\x1b[1;31m"])
    if kind == 10:
        return draw.choice("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~") * draw.randint(1, 2)
    return chr(draw.choice([draw.randrange(0xD800), draw.randrange(0xE000, 0x20000)]))


def texts():
    draw = random.Random(20)
    drawn = []
    for _ in range(180):
        drawn.append("".join(piece(draw) + (draw.choice(SPACES) if draw.random() < 0.4 else " ")
                             for _ in range(draw.randint(2, 7))))
    return [text for text in WRITTEN + drawn
            if ftfy.fix_text(text) == ftfy.fix_text(text, fix_encoding=False)]


def character_map():
    model = io.BytesIO()
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        for old, new in RULES.items():
            file.write("%s\t%s\n" % tuple(" ".join("%X" % ord(c) for c in side) for side in (old, new)))
        file.flush()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["c d e f"] * 10), model_writer=model, vocab_size=8,
            normalization_rule_tsv=file.name, minloglevel=2)
    proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    return base64.b64encode(proto.normalizer_spec.precompiled_charsmap).decode()


def write_file_folder():
    """A tokenizer.json as transformers 4 converted T5's, with tokens added."""
    json_file = json.loads((FOLDER / "siglip/tokenizer.json").read_text())
    json_file["normalizer"] = {"type": "Sequence", "normalizers": [
        {"type": "Precompiled", "precompiled_charsmap": character_map()},
        {"type": "Strip", "strip_left": False, "strip_right": True},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "\u2581"}]}
    json_file["pre_tokenizer"]["prepend_scheme"] = "first"
    size = len(json_file["model"]["vocab"])
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": False}
    json_file["added_tokens"] += [
        {**plain, "id": size, "content": "fish", "single_word": True, "normalized": True},
        {**plain, "id": size + 1, "content": "photo of", "lstrip": True, "rstrip": True}]
    (FOLDER / "file/tokenizer.json").write_text(json.dumps(json_file, ensure_ascii=False))
    (FOLDER / "file/special_tokens_map.json").write_text(
        json.dumps({"eos_token": "</s>", "pad_token": "</s>", "unk_token": "<unk>"}) + "\n")


def tokenizer(clean, *files):
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            (Path(folder) / file.name).write_bytes(file.read_bytes())
        config = json.loads((Path(folder) / "open_clip_config.json").read_text())
        config["model_cfg"]["text_cfg"].update(context_length=64, tokenizer_kwargs={"clean": clean})
        (Path(folder) / "open_clip_config.json").write_text(json.dumps(config))
        return open_clip.get_tokenizer("local-dir:" + folder)


def main():
    write_file_folder()
    siglip = list((FOLDER / "siglip").iterdir())
    siglip2 = [*(FOLDER / "siglip2").iterdir(), TESTS / "golden/text/gemma/tokenizer.json"]
    as_file = [FOLDER / "siglip/open_clip_config.json", *(FOLDER / "file").iterdir()]
    as_t5 = [*siglip, FOLDER / "file/tokenizer.json"]
    columns = {"siglip": tokenizer("canonicalize", *siglip), "siglip2": tokenizer("canonicalize", *siglip2),
               "siglip_lower": tokenizer("lower", *siglip), "siglip2_whitespace": tokenizer("whitespace", *siglip2),
               "file": tokenizer("whitespace", *as_file), "t5": tokenizer("whitespace", *as_t5)}
    rows = []
    for text in texts():
        row = {"text": text, **{kind: get_clean_fn(kind)(text) for kind in KINDS}}
        for name, make in columns.items():
            ids, pad = make([text])[0].tolist(), make.tokenizer.pad_token_id
            while len(ids) > 1 and ids[-2:] == [pad, pad]:
                ids.pop()
            row[name] = ids
        rows.append(row)
    about = {"open_clip": open_clip.__version__, "ftfy": ftfy.__version__,
             "ids": "for 64 a text, without what repeats the padding at the end"}
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    (FOLDER / "expected.json").write_text('{"about": %s,\n"rows": [\n%s\n]}\n' % (json.dumps(about), lines))
    print(len(rows), "texts")


if __name__ == "__main__":
    main()
