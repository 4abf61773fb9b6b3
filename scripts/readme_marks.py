"""Tables in README.md that programs write, each between two marks."""


def replace(path, name, text):
    """Puts `text` between <!-- NAME:begin --> and <!-- NAME:end -->."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    content = path.read_text(encoding="utf-8")
    before, found_begin, rest = content.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise SystemExit(f"{path}: expected the marks {begin} and {end}, found no such pair")
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
