"""What a person is shown of values and logs."""

from __future__ import annotations

import pytest

from replicate_sync.server.web.output_views import clean_logs, parts_of, percent_of, summarize

HERE = ("http://127.0.0.1:5",)


def kinds(value: object, concatenate: bool = False) -> list[tuple[str, bool]]:
    return [(part.kind, part.own) for part in parts_of(value, HERE, concatenate)]


def test_each_value_is_shown_as_what_it_is() -> None:
    own = f"{HERE[0]}/outputs/x/out-0"
    assert kinds(None) == []
    assert kinds("text") == [("text", False)]
    assert kinds("see https://x.org") == [("text", False)]
    assert kinds([f"{own}.png", f"{own}.mp4", f"{own}.wav", f"{own}.zip"]) == [
        ("image", True), ("video", True), ("audio", True), ("file", True),
    ]  # fmt: skip
    assert kinds("https://x.org/a.png") == [("image", False)]
    assert kinds("data:image/png;base64,AA") == [("image", True)]
    assert kinds({"a": [f"{own}.png"], "b": 1}) == [("image", True), ("json", False)]
    assert parts_of(["a", "b\n", "c"], HERE, True)[0].text == "ab\nc"
    assert [part.text for part in parts_of(["a", "b"], HERE)] == ["a", "b"]


@pytest.mark.parametrize("text", ["http://[x", "https://[::1/a.png", "http://x]"])
def test_what_only_begins_as_a_url_is_text(text: str) -> None:
    assert [(part.kind, part.text) for part in parts_of(text, HERE)] == [("text", text)]


def test_logs_are_as_a_terminal_shows_them() -> None:
    assert clean_logs("a\n 10%|x\r 50%|xx\r100%|xxx\nb\r\n\x1b[31mred\x1b[0m\x07") == (
        "a\n100%|xxx\nb\nred"
    )
    assert clean_logs("\x1b]52;c;c3RlYWw=\x07ok\x1b]0;t\x1b\\") == "ok"


@pytest.mark.parametrize(
    ("logs", "percent"), [("", None), ("no", None), ("5%\n 30%|###", 30), ("250%", 100)]
)
def test_progress_is_the_last_percentage_in_the_logs(logs: str, percent: int | None) -> None:
    assert percent_of(logs) == percent


def test_a_summary_is_one_short_line() -> None:
    assert summarize({"steps": 3, "prompt": "a\n b"}) == "a b"
    assert summarize({"steps": 3}) == '{"steps": 3}'
    assert summarize(["a", "b"]) == "ab"
    assert summarize("data:image/png;base64,AAAA") == "data:image/png;base64,…"
    assert len(summarize("x" * 10_000)) < 200
    assert summarize(None) == ""
