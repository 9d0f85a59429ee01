"""A model's Markdown, made safe to render: a notebook would run the HTML in it.

In prose, the `<` of a tag becomes an entity. In code an entity would be displayed literally, so
code that contains a tag becomes HTML of our own, with every special character as an entity:

    Use `<b>` and `a`, not <b>.   ->   Use <code>&#60;b&#62;</code> and `a`, not &lt;b>.

The span `a` contains no tag and stays Markdown. Fenced blocks are found first, spans of code in the
text between them.
"""

from __future__ import annotations

import re

_TAG_START = re.compile(r"<(?=[A-Za-z/!?])")
_FENCED_BLOCK = re.compile(
    r"^( {0,3})(`{3,}(?=[^`\n]*$)|~{3,})[^\n]*\n(.*?)(?:^ {0,3}\2[`~]*[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)
_CODE_SPAN = re.compile(r"(?<![`\\])(`+)(?!`)(.+?)(?<!`)\1(?!`)")


def escape_html(text: str) -> str:
    """Return Markdown that looks the same, but shows the HTML in it instead of running it.

    Wherever a Markdown renderer sees the borders of code, no tag is left in the result besides the
    `<pre>` and `<code>` around code that contained something like a tag.

    Args:
        text: Markdown as a model wrote it, perhaps not yet complete.

    Returns:
        The Markdown; the same string if there is no HTML in it.
    """
    if not _TAG_START.search(text):
        return text
    parts = []
    position = 0
    for block in _FENCED_BLOCK.finditer(text):
        parts.append(_escape_prose(text[position : block.start()]))
        parts.append(_escape_block(block))
        position = block.end()
    parts.append(_escape_prose(text[position:]))
    return "".join(parts)


def _escape_block(block: re.Match[str]) -> str:
    indentation = block[1]
    code = block[3]
    if _TAG_START.search(code):
        return f"{indentation}<pre><code>{_encode(code)}</code></pre>\n"
    return _escape_tags(block[0])


def _escape_prose(text: str) -> str:
    """Escape text outside of fenced blocks; it may contain spans of code."""
    parts = []
    position = 0
    for span in _CODE_SPAN.finditer(text):
        parts.append(_escape_tags(text[position : span.start()]))
        parts.append(_escape_span(span))
        position = span.end()
    parts.append(_escape_tags(text[position:]))
    return "".join(parts)


def _escape_span(span: re.Match[str]) -> str:
    code = span[2]
    if _TAG_START.search(code):
        return f"<code>{_encode(code.strip())}</code>"
    return span[0]


def _escape_tags(text: str) -> str:
    return _TAG_START.sub("&lt;", text)


def _encode(code: str) -> str:
    """Write all but letters, digits and blanks as entities: neither HTML nor Markdown is left."""
    return "".join(
        character if character.isalnum() or character == " " else f"&#{ord(character)};"
        for character in code
    )
