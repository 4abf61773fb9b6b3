#!/usr/bin/env python3
"""Writes src/text/cleaning_tables.cc: the characters that open_clip's text cleaning changes, and those
that a tokenizer's character map sees as one with their neighbours.

    python3 -m venv venv && venv/bin/pip install ftfy==6.3.1 tokenizers sentencepiece
    venv/bin/python scripts/make_cleaning_tables.py

Each character is put through the functions of ftfy that work character by character, and each entity
comes from ftfy or Python's html module. Canonical composition is that of Python's unicodedata.
Clusters are those of the library `tokenizers`, seen by what it does to letters beside a character.
"""

import html.entities
import io
import re
import sys
import tempfile
import unicodedata
from pathlib import Path

import ftfy
import sentencepiece
from ftfy import chardata, fixes
from sentencepiece import sentencepiece_model_pb2
from tokenizers import normalizers

from make_unicode_tables import rows

OUTPUT = Path(__file__).resolve().parent.parent / "src/text/cleaning_tables.cc"
CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]


def replaced(character):
    """After the fixes of ftfy that come before line breaks and look at one character only."""
    for fix in (fixes.fix_c1_controls, fixes.fix_latin_ligatures, fixes.fix_character_width,
                fixes.uncurl_quotes):
        character = fix(character)
    return character


def ranges_of(values):
    """{code: value} as sorted (first, last, value)."""
    ranges = []
    for code, value in sorted(values.items()):
        if ranges and ranges[-1][1] == code - 1 and ranges[-1][2] == value:
            ranges[-1][1] = code
        else:
            ranges.append([code, code, value])
    return ranges


def range_entries(characters):
    return ["{0x%X, 0x%X}" % (first, last)
            for first, last, _ in ranges_of({ord(c): None for c in characters})]


def quoted(text):
    """A literal of C++; octal escapes end after three digits."""
    shown = [chr(b) if 0x20 < b < 0x7F and b not in b'"\\' else "\\%03o" % b
             for b in text.encode("utf-8")]
    return '"' + "".join(shown) + '"'


def text_entries(texts):
    """(name, text) sorted as bytes."""
    return ["{%s, %s}" % (quoted(name), quoted(text))
            for name, text in sorted(texts.items(), key=lambda item: item[0].encode("utf-8"))]


def table(kind, name, entries):
    return "const %s %s[] = {\n%s\n};\n" % (kind, name, rows(entries))


def decompositions():
    """{code: its canonical decomposition into one or two codes}, but for Hangul: that is arithmetic."""
    found = {}
    for character in CHARACTERS:
        parts = unicodedata.decomposition(character)
        if parts and not parts.startswith("<"):
            found[ord(character)] = [int(part, 16) for part in parts.split()]
    return found


def character_map(rules):
    """A normaliser of `tokenizers` that replaces characters. It replaces a whole cluster of up to five
    bytes where it knows the first character, else each character."""
    model = io.BytesIO()
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        file.writelines("%X\t%X\n" % (ord(old), ord(new)) for old, new in rules.items())
        file.flush()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(["c d e f"] * 10), model_writer=model, vocab_size=8,
            normalization_rule_tsv=file.name, minloglevel=2)
    proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    return normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap).normalize_str


def cluster_tables():
    """Characters that belong to the one before them, to the one behind them, and to neither."""
    letter = character_map({"a": "b"})
    extending = [c for c in CHARACTERS if letter("a" + c) == "b"]
    prepended = [c for c in CHARACTERS if letter(c + "a\u0301") == c + "b\u0301"]
    candidates = [c for c in CHARACTERS if c > "\0" and ord(c) < 0x10000 and c not in extending
                  and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cn")]
    control = character_map(dict.fromkeys(candidates, "b"))
    return extending, prepended, [c for c in candidates if control(c + "\u0301") != "b"]


def main():
    extending, prepended, controls = cluster_tables()
    canonical = decompositions()
    composites = sorted((*parts, code) for code, parts in canonical.items()
                        if len(parts) == 2 and unicodedata.normalize("NFC", chr(code)) == chr(code))
    classes = {ord(c): unicodedata.combining(c) for c in CHARACTERS if unicodedata.combining(c)}
    capitals = {name[1:]: text for name, text in chardata.HTML_ENTITIES.items()
                if name[1:] not in html.entities.html5}
    assert all(chardata.HTML_ENTITIES["&" + name] == text
               for name, text in html.entities.html5.items() if name.endswith(";"))
    digit = re.compile(r"\d")

    tables = [
        table("CharacterText", "kReplaced",
              ["{0x%X, %s}" % (ord(c), quoted(replaced(c))) for c in CHARACTERS if replaced(c) != c]),
        table("CharacterRange", "kRemoved",
              range_entries(c for c in CHARACTERS if not fixes.remove_control_chars(c))),
        table("CharacterRange", "kDigits", range_entries(filter(digit.match, CHARACTERS))),
        table("Decomposition", "kDecompositions",
              ["{0x%X, 0x%X, 0x%X}" % (code, parts[0], parts[1] if len(parts) > 1 else 0)
               for code, parts in sorted(canonical.items())]),
        table("Composition", "kCompositions", ["{0x%X, 0x%X, 0x%X}" % entry for entry in composites]),
        table("CombiningRange", "kCombining",
              ["{0x%X, 0x%X, %d}" % tuple(entry) for entry in ranges_of(classes)]),
        table("CharacterRange", "kExtending", range_entries(extending)),
        table("CharacterRange", "kPrepended", range_entries(prepended)),
        table("CharacterRange", "kControls", range_entries(controls)),
        table("EntityText", "kEntities", text_entries(html.entities.html5)),
        table("EntityText", "kCapitalEntities", text_entries(capitals)),
    ]
    accessors = [
        "std::span<const CharacterText> ReplacedCharacters() { return kReplaced; }",
        "std::span<const CharacterRange> RemovedCharacters() { return kRemoved; }",
        "std::span<const CharacterRange> DigitRanges() { return kDigits; }",
        "std::span<const Decomposition> Decompositions() { return kDecompositions; }",
        "std::span<const Composition> Compositions() { return kCompositions; }",
        "std::span<const CombiningRange> CombiningRanges() { return kCombining; }",
        "std::span<const CharacterRange> ExtendingCharacters() { return kExtending; }",
        "std::span<const CharacterRange> PrependedCharacters() { return kPrepended; }",
        "std::span<const CharacterRange> ControlCharacters() { return kControls; }",
        "std::span<const EntityText> Entities() { return kEntities; }",
        "std::span<const EntityText> CapitalEntities() { return kCapitalEntities; }",
    ]
    OUTPUT.write_text(
        "// Written by scripts/make_cleaning_tables.py with ftfy %s and Unicode %s.\n"
        "#include \"text/cleaning_tables.h\"\n\n"
        "namespace siglip {\nnamespace {\n\n// clang-format off\n%s// clang-format on\n\n"
        "}  // namespace\n\n%s\n\n}  // namespace siglip\n"
        % (ftfy.__version__, unicodedata.unidata_version, "\n".join(tables), "\n".join(accessors)),
        encoding="utf-8")


if __name__ == "__main__":
    main()
