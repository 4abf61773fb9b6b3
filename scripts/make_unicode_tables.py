#!/usr/bin/env python3
"""Writes src/text/unicode_tables.cc: what the reference tokenizers know about characters.

    python3.13 -m venv venv && venv/bin/pip install tokenizers
    venv/bin/python scripts/make_unicode_tables.py

Nothing is derived from Unicode's data files: each character is put through Python's str.lower, which
SigLIP's tokenizer calls, and through the library `tokenizers`, which SigLIP 2's is made of. The tables
are those of Python 3.12 and 3.13; a newer one knows letters that are kept apart here.
"""

import sys
import unicodedata
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, Tokenizer, models, normalizers

OUTPUT = Path(__file__).resolve().parent.parent / "src/text/unicode_tables.cc"
CAPITAL_SIGMA = "\u03a3"
FINAL_SIGMA = "\u03c2"
CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]

# Of the lower-casings only this one gives two characters; the code knows it.
DOTTED_CAPITAL_I = "\u0130"


def is_case_ignorable(character):
    """Whether the rule of the final sigma looks past it."""
    return (("A" + character + CAPITAL_SIGMA).lower().endswith(FINAL_SIGMA)
            and not (character + CAPITAL_SIGMA).lower().endswith(FINAL_SIGMA))


def is_cased(character):
    """Whether a sigma after it can be a final one."""
    return (character + CAPITAL_SIGMA).lower().endswith(FINAL_SIGMA)


def word_characters():
    """Those next to which a token that must be a single word is not one."""
    tokenizer = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    tokenizer.add_tokens([AddedToken("token", single_word=True, normalized=False)])
    return [c for c in CHARACTERS if tokenizer.encode("token" + c).tokens[0] != "token"]


def ranges_of(characters):
    """Sorted characters as [first, last] pairs."""
    ranges = []
    for code in map(ord, characters):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return ranges


def mappings_of(lower):
    """{code: its lower-case code} as [first, last, step, difference] runs."""
    runs = []
    for code, lowered in sorted(lower.items()):
        if runs:
            first, last, step, difference = runs[-1]
            gap = code - last
            if difference == lowered - code and (gap == step or (first == last and gap <= 2)):
                runs[-1] = [first, code, gap, difference]
                continue
        runs.append([code, code, 1, lowered - code])
    return runs


def rows(entries):
    """The entries of a table in lines of at most 100 columns."""
    lines, line = [], "   "
    for entry in entries:
        if len(line) + len(entry) + 2 > 100:
            lines.append(line)
            line = "   "
        line += " " + entry + ","
    return "\n".join(lines + [line])


def range_table(name, characters):
    entries = ["{0x%X, 0x%X}" % tuple(pair) for pair in ranges_of(characters)]
    return "const CharacterRange %s[] = {\n%s\n};\n" % (name, rows(entries))


def mapping_table(name, lower):
    entries = ["{0x%X, 0x%X, %d, %d}" % tuple(run) for run in mappings_of(lower)]
    return "const CaseRange %s[] = {\n%s\n};\n" % (name, rows(entries))


def main():
    if unicodedata.unidata_version not in ("15.0.0", "15.1.0"):
        sys.exit("run it with Python 3.12 or 3.13")
    lowercase = normalizers.Lowercase().normalize_str
    python_lower, later_lower = {}, {}
    for character in CHARACTERS:
        by_python, by_tokenizers = character.lower(), lowercase(character)
        if character == DOTTED_CAPITAL_I:
            assert by_python == by_tokenizers == "i\u0307"
        elif by_python != character:
            assert by_python == by_tokenizers and len(by_python) == 1
            python_lower[ord(character)] = ord(by_python)
        elif by_tokenizers != character:
            assert len(by_tokenizers) == 1
            later_lower[ord(character)] = ord(by_tokenizers)

    names = ["kLowercase", "kLaterLowercase", "kCased", "kCaseIgnorable", "kWordCharacters"]
    tables = [
        mapping_table(names[0], python_lower),
        mapping_table(names[1], later_lower),
        range_table(names[2], filter(is_cased, CHARACTERS)),
        range_table(names[3], filter(is_case_ignorable, CHARACTERS)),
        range_table(names[4], word_characters()),
    ]
    accessors = [
        "std::span<const CaseRange> LowercaseRanges() { return kLowercase; }",
        "std::span<const CaseRange> LaterLowercaseRanges() { return kLaterLowercase; }",
        "std::span<const CharacterRange> CasedRanges() { return kCased; }",
        "std::span<const CharacterRange> CaseIgnorableRanges() { return kCaseIgnorable; }",
        "std::span<const CharacterRange> WordRanges() { return kWordCharacters; }",
    ]
    OUTPUT.write_text(
        "// Written by scripts/make_unicode_tables.py with Python %d.%d and tokenizers %s.\n"
        "#include \"text/unicode_tables.h\"\n\n"
        "namespace siglip {\nnamespace {\n\n// clang-format off\n%s// clang-format on\n\n"
        "}  // namespace\n\n%s\n\n}  // namespace siglip\n"
        % (*sys.version_info[:2], tokenizers.__version__, "\n".join(tables),
           "\n".join(accessors)),
        encoding="utf-8")


if __name__ == "__main__":
    main()
