"""HTML in a model's Markdown is shown, and not run."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicate_sync.display.markdown import escape_html

PIECES = [
    "`",
    "``",
    "```",
    "~~~",
    "\n",
    "\n\n",
    "    ",
    " ",
    "- ",
    "> ",
    "\\",
    "html",
    "<",
    ">",
    "/",
    "!",
    "?",
    "a",
    "&lt;",
]
PIECES += [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!-- ",
    " -->",
    "<pre>",
    "</code>",
    "</pre>",
    "*",
    "é",
]


@pytest.mark.slow
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_no_tag_of_the_text_is_left(text: str) -> None:
    rest = re.sub(r"</?(?:pre|code)>", "", escape_html(text))
    assert not re.search(r"<[A-Za-z/!?]", rest)


@pytest.mark.slow
@given(st.text(alphabet=st.characters(blacklist_characters="<"), max_size=200))
def test_a_text_without_tags_stays_as_it_is(text: str) -> None:
    assert escape_html(text) == text


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("1 < 2 and <3", "1 < 2 and <3"),
        ("a <b>bold</b> claim", "a &lt;b>bold&lt;/b> claim"),
        ("the `<div>` tag, not `a`", "the <code>&#60;div&#62;</code> tag, not `a`"),
        (r"no code: \`<img>`", r"no code: \`&lt;img>`"),
        ("```python\nif 1 < 2:\n    pass\n```\n", "```python\nif 1 < 2:\n    pass\n```\n"),
        (
            "```html\n<p>\n\n*x*\n```\nafter <p>",
            "<pre><code>&#60;p&#62;&#10;&#10;&#42;x&#42;&#10;</code></pre>\n\nafter &lt;p>",
        ),
        ("```\na  &\n```\nafter <p>", "```\na  &\n```\nafter &lt;p>"),
        ("```<b>\na  &\n```\n", "```&lt;b>\na  &\n```\n"),
        (
            "```cpp\nstd::vector<int> v;",
            "<pre><code>std&#58;&#58;vector&#60;int&#62; v&#59;</code></pre>\n",
        ),
    ],
)
def test_what_looks_like_a_tag_is_shown_as_it_was_written(text: str, safe: str) -> None:
    assert escape_html(text) == safe
