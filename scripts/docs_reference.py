"""Pages about the public headers: a line `::: header siglip/picture.hpp` of a page becomes what the header declares and
says."""

import re
from pathlib import Path

import docs_headers

INCLUDE = Path(__file__).resolve().parent.parent / "include"
DIRECTIVE = re.compile(r"^::: header (\S+)$", re.MULTILINE)
TYPES = ("class", "struct", "enum")
WIDTH = 76  # of a line of code that the site shows without scrolling


def expand(markdown):
    return DIRECTIVE.sub(lambda found: page_of(found[1]), markdown)


def type_names():
    """Of C++, those that no plain word is like: they become links."""
    names = set()
    for path in INCLUDE.rglob("*.hpp"):
        names.update(item.name for item in docs_headers.read(path).items if item.kind in TYPES)
    return {name for name in names if sum(letter.isupper() for letter in name) > 1}


LINKED = re.compile(rf"(?<!\w)({'|'.join(sorted(type_names(), key=len, reverse=True))})(?!\w)")


def page_of(name):
    header = docs_headers.read(INCLUDE / name)
    if name.endswith(".h"):
        # What holds for all of it stands there as a table, with the subject in front.
        text = re.sub(r"^(\w+) {2,}(?=\S)", r"\n\1 ", re.sub(r"\n {4,}", "\n", header.text), flags=re.MULTILINE)
        return "\n\n".join([re.sub(r"\n\n(\w+)", r"\n\n**\1**", prose(text)), *in_c(header.items)])
    return "\n\n".join([f"## {name}", prose(header.text), *in_cpp(header.items)])


def in_c(items):
    """A heading for everything: all names differ."""
    for item in items:
        if item.kind == "section":
            yield f"## {item.name}"
        elif item.kind == "text":
            yield prose(item.text)
        else:
            yield f"### {item.name}"
            yield code([item], "c")
            yield prose(item.text)
            yield from in_tables([member for member in item.members if not member.name.endswith("_LAST_")])


def in_cpp(items):
    for group in groups(items):
        first = group[0]
        if first.kind in TYPES:
            yield f"### {first.name}"
        if first.kind == "text":
            yield prose(first.text)
        elif first.kind in ("field", "enumerator"):
            yield from in_tables(group)
        else:
            yield code(group, "cpp")
            yield prose(" ".join(item.text for item in group if item.text))
            yield from in_cpp(first.members)


def groups(items):
    """Functions that stand together under one comment; all fields in a row; everything else alone."""
    group = []
    for item in items:
        table = item.kind in ("field", "enumerator")
        together = group and item.kind == group[-1].kind and (
            table or item.kind in ("function", "constant", "alias") and not item.starts_group and not item.text)
        if group and not together:
            yield group
            group = []
        group.append(item)
    if group:
        yield group


def in_tables(members):
    """What each is called, and what it is. Names stay in one piece (docs/reference/style.css)."""
    if members:
        rows = [f"| `{name}` | {' '.join(part for part in (kind, prose(member.text)) if part)} |".replace("\n", " ")
                for member in members for name, kind in [named(member)]]
        table = [f"| {members[0].kind} | |", "|---|---|", *rows]
        yield "\n".join(['<div class="members" markdown>\n', *table, "\n</div>"])


def named(member):
    """Name, and type with the default."""
    if member.kind == "enumerator":
        return member.code, ""
    kind, initialiser = re.fullmatch(rf"(.*?) ?\b{member.name}\b(\[\w+\])?(.*)", declared(member)).group(1, 3)
    return member.name, f"`{kind}{initialiser}`" + (" <br>" if member.text else "")


def declared(item):
    return re.sub(r"\b(SIGLIP_EXPORT|SIGLIP_API) ", "", item.code)


def code(items, language):
    lines = "\n".join(wrapped(declared(item)) + ("" if item.kind in (*TYPES, "macro") else ";") for item in items)
    return f"```{language}\n{lines}\n```"


def wrapped(declaration):
    """Arguments line by line where one line is too long."""
    if len(declaration) <= WIDTH or "(" not in declaration or "= std::function" in declaration:
        return declaration
    begin = declaration.index("(", declaration.index("operator()") + 10 if "operator()" in declaration else 0) + 1
    parts, depth, part = [], 0, ""
    for place, character in enumerate(declaration[begin:], begin):
        if depth == 0 and character == ")":
            return declaration[:begin] + "\n    " + ",\n    ".join([*parts, part.strip()]) + declaration[place:]
        depth += (character in "(<{") - (character in ")}" or character == ">" and declaration[place - 1] != "-")
        if depth == 0 and character == ",":
            parts.append(part.strip())
            part = ""
        else:
            part += character
    raise docs_headers.NotUnderstood(f"no end of the arguments: {declaration}")


def prose(text):
    """Comments are plain words: what Markdown takes for more is not meant so, but for code in backticks. Paragraphs
    that stand further in are code."""
    paragraphs = []
    for paragraph in re.split(r"\n\s*\n", text):
        if paragraph.startswith("  ") and all(line.startswith("  ") for line in paragraph.split("\n")):
            paragraphs.append("```cpp\n" + re.sub("^  ", "", paragraph, flags=re.MULTILINE) + "\n```")
        else:
            paragraphs.append("".join(part if part.startswith("`") else plain(part)
                                      for part in re.split(r"(`[^`\n]+`)", paragraph)))
    return "\n\n".join(paragraphs)


def plain(words):
    escaped = re.sub(r"([\\*_<>\[\]#])", r"\\\1", words)
    return LINKED.sub(lambda found: f"[{found[1]}](#{found[1].lower()})", escaped)
