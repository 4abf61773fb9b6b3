"""What mkdocs does to the pages beside building them: links to files of the repository, which the site does not have,
become their names."""

import re

LINK = re.compile(r"\[([^\]]*)\]\((?:\.\./)+([^)#]+)(?:#[^)]*)?\)|\[([^\]]*)\]\(((?:src|include|tests|scripts|docs)/[^)#]+)\)")


def replace(match):
    text, name = (match[1], match[2]) if match[2] else (match[3], match[4])
    if name.startswith("docs/") and name.endswith(".md"):
        return f"[{text}]({name.removeprefix('docs/')})"
    return f"`{name}`" if text == name or text in name else f"{text} (`{name}`)"


def on_page_markdown(markdown, **_):
    return LINK.sub(replace, markdown)
