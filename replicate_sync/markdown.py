"""A model's Markdown, made safe to render: a notebook would run the HTML in it."""

from __future__ import annotations

import re

_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_FENCE = re.compile(r"^( {0,3})(`{3,}(?=[^`\n]*$)|~{3,})[^\n]*\n(.*?)(?:^ {0,3}\2[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<![`\\])(`+)(?!`)(.+?)(?<!`)\1(?!`)")


def without_html(text: str) -> str:
    """Give Markdown that looks the same, but for HTML, which is shown as it was written instead of being run.

    No tag is left in it besides the <pre> and <code> around code that has something like a tag in it: wherever a reader
    of Markdown may see the borders of code, what it finds there is entities.
    """
    if not _TAG.search(text):
        return text
    parts, at = [], 0
    for fence in _FENCE.finditer(text):
        parts.append(_prose(text[at : fence.start()]))
        code = fence[3]
        parts.append(f"{fence[1]}<pre><code>{_spelled(code)}</code></pre>\n" if _TAG.search(code) else _escaped(fence[0]))
        at = fence.end()
    return "".join(parts) + _prose(text[at:])


def _prose(text: str) -> str:
    def span(found: re.Match[str]) -> str:
        return f"<code>{_spelled(found[2].strip())}</code>" if _TAG.search(found[2]) else found[0]

    parts, at = [], 0
    for found in _SPAN.finditer(text):
        parts += [_escaped(text[at : found.start()]), span(found)]
        at = found.end()
    return "".join(parts) + _escaped(text[at:])


def _escaped(text: str) -> str:
    return _TAG.sub("&lt;", text)


def _spelled(code: str) -> str:
    """Write code so that neither HTML nor Markdown finds anything in it: all but letters and digits as entities."""
    return "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in code)
