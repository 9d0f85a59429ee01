"""Files and predictions as HTML: what a model wrote is displayed, and never run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from replicate_sync.display import html
from replicate_sync.display.logs import Progress

URL = "https://replicate.delivery/a.png"
PAGE = "https://replicate.com/p/p1"


@dataclass
class Prediction:
    """A prediction, as far as it is displayed."""

    label: str = "Prediction"
    id: str = "p1"
    status: str = "succeeded"
    model: str | None = "me/model"
    output: Any = None
    error: str | None = None
    logs: str = ""
    urls: Mapping[str, Any] = field(default_factory=lambda: {"web": PAGE})
    predict_time: float | None = None
    progress: Progress | None = None


@pytest.mark.parametrize(
    ("mime_type", "expected"),
    [
        (
            "image/webp",
            f'<img src="{URL}" alt="a.png" title="a.png" '
            'style="max-width:100%;height:auto;margin:0">',
        ),
        (
            "audio/mpeg",
            f'<audio controls preload="metadata" src="{URL}" style="max-width:100%"></audio>',
        ),
        (
            "video/mp4",
            f'<video controls preload="metadata" src="{URL}" '
            'style="max-width:100%;max-height:480px"></video>',
        ),
        ("application/zip", f'<a href="{URL}" download="a.png">a.png</a>'),
        ("image", f'<a href="{URL}" download="a.png">a.png</a>'),
    ],
)
def test_the_type_of_a_file_decides_how_it_is_displayed(mime_type: str, expected: str) -> None:
    assert html.media(mime_type, "a.png", URL) == expected


@pytest.mark.parametrize("mime_type", ["image/png", "audio/mpeg", "video/mp4", "text/html"])
def test_a_name_and_a_url_end_no_attribute(mime_type: str) -> None:
    text = html.media(mime_type, 'a"><script>', f'{URL}"><script>')
    assert "<script>" not in text
    assert '"><' not in text.removesuffix("</audio>").removesuffix("</video>")


@pytest.mark.parametrize("source", ["javascript:alert(1)", "", "a.png", " https://x/a.png"])
def test_a_source_that_is_no_url_of_a_file_is_a_name(source: str) -> None:
    assert html.media("image/png", "<a>", source) == "&lt;a&gt;"


@pytest.mark.parametrize("source", ["data:image/png;base64,AA==", "http://127.0.0.1:9/a.png"])
def test_a_file_may_come_from_this_machine(source: str) -> None:
    assert f'src="{source}"' in html.media("image/png", "a", source)


def test_a_row_gives_each_cell_a_width_and_a_single_one_the_whole() -> None:
    cell = '<div style="flex:0 0 256px;max-width:100%">'
    assert html.row(["<b>a</b>"]) == "<b>a</b>"
    assert html.row(["a", "b"]) == (
        '<div style="display:flex;flex-wrap:wrap;gap:8px;align-items:flex-start">'
        f"{cell}a</div>{cell}b</div></div>"
    )


def test_a_note_is_text() -> None:
    assert html.note("a <b> & c") == "<em>a &lt;b&gt; &amp; c</em>"


def test_a_prediction_is_displayed_with_all_there_is_to_know() -> None:
    prediction = Prediction(
        output="a <b>", error="no <i>", logs="one\ntwo <u>\n", predict_time=1.25
    )
    shown = html.prediction_html(prediction, [])
    assert shown.startswith(
        f'<div><div><b>me/model</b> · succeeded, 1.2 s · <a href="{PAGE}" target="_blank">p1</a>'
    )
    assert "a &lt;b&gt;</pre>" in shown
    assert "no &lt;i&gt;</pre>" in shown
    assert "one\ntwo &lt;u&gt;</pre>" in shown
    assert "<progress" not in shown
    assert html.prediction_text(prediction) == (
        "Prediction p1: me/model, succeeded, 1.2 s\nerror: no <i>\noutput: a <b>\n"
        f"logs:\n  one\n  two <u>\n{PAGE}"
    )


def test_a_prediction_that_has_only_started_is_one_line() -> None:
    prediction = Prediction(label="Training", status="starting", model=None, urls={})
    expected = "<div><div><b>Training</b> · starting · p1</div></div>"
    assert html.prediction_html(prediction, []) == expected
    assert html.prediction_text(prediction) == "Training p1: Training, starting"


def test_files_are_displayed_instead_of_the_output() -> None:
    shown = html.prediction_html(Prediction(output=[URL]), ["<img>"])
    assert shown.endswith("</div><img></div>")
    assert URL not in shown


def test_progress_is_displayed_while_it_is_processing() -> None:
    prediction = Prediction(status="processing", progress=Progress(45, 9, 20))
    shown = html.prediction_html(prediction, [])
    assert "processing, 45 % (9 of 20)" in shown
    assert '<progress value="9" max="20" style="width:16em"></progress>' in shown
    assert "processing, 45 % (9 of 20)" in html.prediction_text(prediction)
    prediction.status = "succeeded"
    assert "45 %" not in html.prediction_html(prediction, [])
    assert "45 %" not in html.prediction_text(prediction)


@pytest.mark.parametrize("url", ["javascript:alert(1)", 7, None])
def test_only_a_page_is_a_link(url: object) -> None:
    prediction = Prediction(urls={"web": url})
    assert "href" not in html.prediction_html(prediction, [])
    assert html.prediction_text(prediction) == "Prediction p1: me/model, succeeded"


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (["Hello", ", ", "you"], "Hello, you"),
        (["https://x/a", "https://x/b"], "https://x/a\nhttps://x/b"),
        (["data:text/plain," + 3000 * "x"], "data:text/plain," + 1984 * "x"),
        ([], ""),
        ({"é": [1]}, '{\n  "é": [\n    1\n  ]\n}'),
        (["a", 1], '[\n  "a",\n  1\n]'),
        (2000 * "x", 2000 * "x"),
        (2001 * "x", 2000 * "x" + "… (2,001 characters)"),
        (0, "0"),
    ],
)
def test_an_output_is_text_of_a_bounded_length(output: object, expected: str) -> None:
    text = html.prediction_text(Prediction(output=output, urls={}))
    assert text == f"Prediction p1: me/model, succeeded\noutput: {expected}"


def test_of_long_logs_the_last_lines_are_displayed() -> None:
    logs = "\n".join(f"  line {number} X" for number in range(20))
    text = html.prediction_text(Prediction(logs=f"\n{logs}\n\n", urls={}))
    expected = [f"    line {number} X" for number in range(12, 20)]
    assert text.split("\n")[1:] == ["logs:", *expected]
