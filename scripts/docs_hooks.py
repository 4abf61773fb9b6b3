"""What mkdocs does to the pages beside building them: links to files of the repository, which the site does not have,
become their names, and the reference of C++ and C is made of the headers."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import docs_reference

DOCS = Path(__file__).resolve().parent.parent / "docs"
LINK = re.compile(r"\[([^\]]*)\]\((?:\.\./)+([^)#]+)(?:#[^)]*)?\)"
                  r"|\[([^\]]*)\]\(((?:src|include|tests|scripts|docs)/[^)#]+)\)")


def replace(match, folder):
    """`folder` is that of the page."""
    if match[2] and (DOCS / folder / match[0].split("](")[1].rstrip(")").split("#")[0]).resolve().is_relative_to(DOCS):
        return match[0]
    text, name = (match[1], match[2]) if match[2] else (match[3], match[4])
    if name.startswith("docs/") and name.endswith(".md"):
        return f"[{text}]({name.removeprefix('docs/')})"
    return f"`{name}`" if text == name or text in name else f"{text} (`{name}`)"


def on_page_markdown(markdown, page, **_):
    folder = Path(page.file.src_uri).parent
    return docs_reference.expand(LINK.sub(lambda match: replace(match, folder), markdown))
