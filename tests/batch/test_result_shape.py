"""What an output was parsed to is known again without its schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicate_sync.batch.result_shape import paths_in, restore, shape_of
from replicate_sync.payloads.file_output import FileDownloader, FileOutput
from replicate_sync.payloads.outputs import parse_output
from replicate_sync.payloads.result_files import find_files
from replicate_sync.payloads.schemas import ModelSchema

DOWNLOADER: FileDownloader = None  # type: ignore[assignment]  # nothing is downloaded here
URL = "https://replicate.delivery/x/out.png"

leaves = st.sampled_from([URL, "a text", 5, None, 1.5, "data:text/plain,x"])
outputs = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@pytest.mark.slow
@given(outputs)
def test_a_result_is_restored_as_it_was(output: Any) -> None:
    result = parse_output(output, ModelSchema(None), DOWNLOADER, "https://api.replicate.com/v1")
    shape = json.loads(json.dumps(shape_of(output, result)))
    before = json.dumps(output)
    assert restore(output, shape, DOWNLOADER) == result
    assert json.dumps(output) == before


def test_paths_are_restored() -> None:
    output = {"images": [URL, URL], "n": 1}
    result = {"images": [FileOutput(URL, DOWNLOADER), FileOutput(URL, DOWNLOADER)], "n": 1}
    result["images"][1].path = Path("b.png")  # type: ignore[index]
    shape = shape_of(output, result)
    assert paths_in(shape) == ["", "b.png"]
    files = find_files(restore(output, shape, DOWNLOADER))
    assert [file.path for file in files] == [None, Path("b.png")]


@pytest.mark.parametrize("output", [[], {"images": []}, 5, None, "x"])
def test_a_shape_of_another_output_is_refused(output: Any) -> None:
    shape = {"files": [{"at": ["images", 3], "path": None}]}
    with pytest.raises(ValueError, match="elsewhere"):
        restore(output, shape, DOWNLOADER)
