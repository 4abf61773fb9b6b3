"""Reads the comments and declarations of the public headers, for the reference pages of the documentation. Knows the
C++ and C that this project writes, and refuses what else it finds: read(path) -> Header."""

import re
from dataclasses import dataclass, field

TOKEN = re.compile(r"""
    (?P<doc>///[^\n]*) | (?P<remark>//[^\n]*) | (?P<block>/\*.*?\*/) | (?P<preprocessor>^[ ]*\#(?:[^\n\\]|\\\n|\\.)*)
  | (?P<code>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])+'|[\w:]+|[^\w\s]) | (?P<newline>\n) | (?P<space>[ ]+)
""", re.VERBOSE | re.MULTILINE | re.DOTALL)
# What holds declarations of its own.
CONTAINER = re.compile(r"^(?:template<.*> )?(?P<typedef>typedef )?"
                       r"(?P<kind>class|struct|enum class|enum|namespace|extern \"C\")(?!\w)"
                       r"(?: (?:SIGLIP_EXPORT|SIGLIP_HIDDEN))?(?: (?P<name>\w+))?(?P<rest>.*)$", re.DOTALL)
FUNCTION = re.compile(r"(?P<name>operator\W+?|operator \w+|operator\(\)|[~\w]+) ?\(")
OWN_USE = "Of this library's own use"


class NotUnderstood(Exception):
    """A header has what this reader does not know."""


@dataclass
class Item:
    """A declaration, and what is said of it."""

    kind: str  # class, struct, enum, function, alias, constant, field, enumerator, macro, section, text
    name: str
    code: str = ""  # without body
    text: str = ""
    starts_group: bool = True  # a blank line or a comment stands before it
    members: list = field(default_factory=list)


@dataclass
class Header:
    text: str  # what its first comment says
    items: list


def words_of(comment):
    """The text of a comment, line by line."""
    if comment.startswith("/*"):
        first, *rest = comment[2:-2].split("\n")
        return "\n".join([first.rstrip(), *(re.sub(r"^\* ?", "", line.strip()) for line in rest)]).strip()
    return re.sub(r"^///?<?!? ?", "", comment).rstrip()


class Reader:
    def __init__(self, text, name):
        self.name = name
        self.tokens = []
        place = 0
        while place < len(text):
            found = TOKEN.match(text, place)
            if not found:
                self.fail(text.count("\n", 0, place) + 1, f"expected C++, found {text[place:place + 20]!r}")
            if found.lastgroup != "space" or self.tokens and self.tokens[-1][0] == "code":
                self.tokens.append((found.lastgroup, found[0], text.count("\n", 0, place) + 1))
            place = found.end()
        self.place = 0

    def fail(self, line, message):
        raise NotUnderstood(f"{self.name}:{line}: {message}")

    def peek(self):
        return self.tokens[self.place] if self.place < len(self.tokens) else ("end", "", 0)

    def take(self):
        token = self.peek()
        self.place += 1
        return token

    def balanced(self, opening, closing):
        """What lies from an opening bracket, which was taken, to its closing one, this included."""
        depth, text = 1, ""
        while depth:
            kind, part, line = self.take()
            if kind == "end":
                self.fail(line, f"no {closing} for {opening}")
            depth += (part == opening) - (part == closing)
            if kind in ("code", "space"):
                text += part
            elif kind == "newline":
                text += " "
        return text

    def scope(self, owner):
        """Items up to the closing brace of `owner` (None: the end of the file)."""
        items, text, blank, shown, hidden = [], [], True, True, False
        owns = owner.kind if owner else "file"
        while True:
            kind, part, line = self.peek()
            if kind == "end" or part == "}":
                if (kind == "end") != (owner is None):
                    self.fail(line, f"the end of {owns} is missing or one too many")
                self.place += kind != "end"
                return items
            if kind == "newline":
                self.take()
                if self.peek()[0] == "newline":
                    if text and owns in ("file", "namespace", 'extern "C"', "class", "struct") and shown:
                        items.append(self.free_text(text))
                    text, blank, hidden = [], True, False
            elif kind in ("doc", "remark", "block"):
                self.take()
                on_own_line = self.place < 2 or self.tokens[self.place - 2][0] == "newline"
                if "NOLINT" in part or kind == "remark" and not on_own_line:
                    continue
                if items and (part.startswith("///<") or not on_own_line and not text):
                    items[-1].text = (items[-1].text + " " + words_of(part)).strip()
                else:
                    text.append((kind, words_of(part)))
            elif kind == "preprocessor":
                self.take()
                macro = re.match(r"#define (\w+) (\w+)$", part)
                if macro and text:
                    items.append(Item("macro", macro[1], part, self.said(text)))
                elif text and not items:
                    items.append(self.free_text(text))
                text = []
            elif kind == "space":
                self.take()
            elif part in ("public:", "private:", "protected:") or part in ("public", "private", "protected"):
                self.take()
                if self.peek()[1] == ":":
                    self.take()
                shown, text = part.startswith("public"), []
            else:
                item = self.enumerator() if owns.startswith("enum") else self.declaration(owns)
                hidden = hidden or self.said(text).startswith(OWN_USE)
                if item and shown:
                    item.text = (self.said(text) + " " + item.text).strip()
                    item.starts_group = blank or bool(text)
                    if not hidden and not (is_special(item, owner) and not item.text):
                        items.append(item)
                text, blank = [], False

    def free_text(self, text):
        words = "\n".join(words for _, words in text)
        section = re.fullmatch(r"-+ (.*?) -+", words)
        return Item("section", section[1]) if section else Item("text", "", text=words)

    @staticmethod
    def said(text):
        """What comments say of the declaration behind them: of C++ those for users only."""
        return "\n".join(words for kind, words in text if kind != "remark")

    def enumerator(self):
        code, line = "", self.peek()[2]
        while self.peek()[1] not in (",", "}"):
            kind, part, _ = self.take()
            if kind in ("code", "space"):
                code += part
            elif kind != "newline":
                if kind != "doc" and kind != "block":
                    self.fail(line, f"expected an enumerator, found {part!r}")
                self.place -= 1
                break
        if self.peek()[1] == ",":
            self.take()
        name = re.match(r"\w+", code)
        if not name:
            self.fail(line, f"expected an enumerator, found {code!r}")
        return Item("enumerator", name[0], code.strip())

    def declaration(self, owns):
        """The next one, without its comments; None for what users need not see."""
        code, line, said = "", self.peek()[2], ""
        depth = 0
        while True:
            kind, part, _ = self.take()
            if kind == "end":
                self.fail(line, f"a declaration without an end: {code[:60]!r}")
            if kind in ("doc", "block"):
                said += " " + words_of(part)
            elif kind == "newline":
                code += " "
            elif kind == "remark" and "NOLINT" not in part:
                self.fail(line, f"a remark within a declaration: {part}")
            elif kind in ("code", "space"):
                depth += (part == "(") - (part == ")")
                if depth == 0 and part == ";":
                    break
                if depth == 0 and part == "{":
                    short = re.sub(r"\s+", " ", code).strip()
                    container = CONTAINER.match(short)
                    if container and "(" not in short:
                        return self.container(container, short, line)
                    body = self.balanced("{", "}")
                    if is_initialised(short):
                        code += "{" + body
                        continue
                    if "(" not in short:
                        self.fail(line, f"expected a declaration, found {short!r}")
                    break
                code += part
        return self.described(re.sub(r"\s+", " ", code).strip(), owns, line, said.strip())

    def container(self, container, code, line):
        kind = container["kind"]
        item = Item("enum" if kind.startswith("enum") else kind, container["name"] or "", code)
        if kind == "enum class":
            item.kind = "enum"
        item.members = self.scope(Item(kind, item.name))
        if kind in ("namespace", 'extern "C"'):
            return item
        rest = ""
        while self.peek()[1] != ";":
            rest += self.take()[1]
        self.take()
        if container["typedef"] and rest.strip() != item.name:
            self.fail(line, f"expected the name {item.name} again, found {rest.strip()!r}")
        return item

    def described(self, code, owns, line, said):
        if not code or code.startswith(("friend ", "template <>", "template<>")):
            return None
        if re.fullmatch(r"(class|struct) (SIGLIP_HIDDEN )?\w+", code):
            return None  # declared here, defined elsewhere
        if code.startswith("using "):
            alias = re.match(r"using (\w+) =", code)
            return Item("alias", alias[1], code, said) if alias else None
        if code.startswith("typedef "):
            name = re.search(r"\(\*(\w+)\)|(\w+)$", code)
            return Item("alias", name[1] or name[2], code, said)
        head = without_angles(re.sub(r"template ?<.*?> ", "", code))
        if is_initialised(head) is not None:
            head = head[:is_initialised(head)]
        if "(" in head:
            found = FUNCTION.search(head)
            if not found:
                self.fail(line, f"expected a function, found {code!r}")
            # Of a constructor, what it does with its arguments is not for users.
            end = re.search(r"\) ?(const|noexcept|override)* ?(: \w+)", code)
            if end:
                code = code[:end.start(2)].rstrip()
            return Item("function", found["name"], code, said)
        name = re.search(r"(\w+)(\[\w+\])?$", head.strip())
        if not name or " " not in head.strip():
            self.fail(line, f"expected a declaration, found {code!r}")
        constant = owns in ("file", "namespace") or "constexpr" in head
        return Item("constant" if constant else "field", name[1], code, said)


def without_angles(code):
    """Types without what they are templates of."""
    while (shorter := re.sub(r"(?<=\w)<[^<>]*>", "", code)) != code:
        code = shorter
    return code


def is_initialised(code):
    """Where, outside of brackets, the initialiser of a variable begins; None: there is none."""
    depth = 0
    for place, character in enumerate(code):
        depth += (character in "(") - (character in ")")
        if character == "=" and depth == 0 and not re.search(r"operator\W*$", code[:place]):
            return None if re.match(r"= ?(default|delete|0)$", code[place:]) and "(" in code[:place] else place
    return None


def is_special(item, owner):
    """Copying, moving, destroying: what goes without saying."""
    return owner is not None and item.kind == "function" and bool(
        item.name.startswith("~") or "= delete" in item.code or "= default" in item.code and item.name == owner.name
        or re.search(rf"(\b{owner.name}|operator=) ?\((const )?{owner.name} ?&&?\)", item.code))


def read(path):
    """A header's first comment, and all of it that users may use."""
    reader = Reader(path.read_text(encoding="utf-8"), path.name)
    items = reader.scope(None)
    if not items or items[0].kind != "text":
        reader.fail(1, "expected a comment that says what the header is for")
    header = Header(items[0].text, [])
    for item in items[1:]:
        header.items += item.members if item.kind in ("namespace", 'extern "C"') else [item]
    return header
