"""What is displayed in a notebook, and printed elsewhere; test_notebook_kernel runs a real one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from time import monotonic

import pytest
from fake_shell import FakeShell

from replicate_sync.display import notebook


class Tag(list[str]):
    """A subclass of a builtin type that displays itself."""

    def _repr_html_(self) -> str:
        return "its own"


class Plain(list[str]):
    """A subclass of a builtin type that does not."""


def brackets(values: Iterable[str]) -> str:
    return f"<b>{''.join(values)}</b>"


def test_a_notebook_has_a_kernel(shell: FakeShell) -> None:
    kernel: object = notebook.current_kernel()
    assert kernel is shell
    assert not notebook.is_text_only()


def test_a_terminal_has_none_and_takes_only_text(terminal: FakeShell) -> None:
    assert notebook.current_kernel() is None
    assert notebook.is_text_only()


def test_a_script_has_no_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    def checks() -> None:
        assert notebook.current_kernel() is None
        assert not notebook.is_text_only()
        notebook.register_html(list, brackets)
        notebook.Pane().show({"text/plain": "nothing"})

    checks()  # IPython is imported, and does not run
    monkeypatch.delitem(sys.modules, "IPython")
    checks()


def test_a_builtin_type_is_displayed_as_registered(shell: FakeShell) -> None:
    notebook.register_html(list, brackets)
    assert shell.html_of(["a", "b"]) == "<b>ab</b>"
    assert shell.html_of(("a", "b")) is None


def test_a_subclass_displays_itself(shell: FakeShell) -> None:
    notebook.register_html(list, brackets)
    assert shell.html_of(Tag(["a"])) == "its own"
    assert shell.html_of(Plain(["a"])) is None


def test_what_somebody_else_has_registered_stays(shell: FakeShell) -> None:
    html_formatter = shell.display_formatter.formatters["text/html"]
    html_formatter.for_type(list, lambda values: "theirs")
    notebook.register_html(list, brackets)
    assert shell.html_of(["a"]) == "theirs"


def test_a_front_end_without_html_is_left_alone(shell: FakeShell) -> None:
    del shell.display_formatter.formatters["text/html"]
    notebook.register_html(list, brackets)
    assert shell.html_of(["a"]) is None


def test_a_pane_is_one_output_that_is_updated(shell: FakeShell) -> None:
    pane = notebook.Pane()
    pane.show({"text/plain": "one"})
    pane.show({"text/plain": "two", "text/html": "<b>two</b>"})
    assert list(shell.outputs.values()) == [{"text/plain": "two", "text/html": "<b>two</b>"}]
    assert shell.publish_count == 2
    notebook.Pane().show({"text/plain": "another"})
    assert len(shell.outputs) == 2


def test_show_renders_a_text_as_markdown_and_returns_it(shell: FakeShell) -> None:
    text = notebook.show(["*a* <img src=x ", "onerror=alert(1)>"])
    assert text == "*a* <img src=x onerror=alert(1)>"
    assert isinstance(text, str)
    [output] = shell.outputs.values()
    assert output == {
        "text/markdown": "*a* &lt;img src=x onerror=alert(1)>",
        "text/plain": "*a* <img src=x onerror=alert(1)>",
    }


def test_a_text_that_was_shown_is_not_displayed_again_as_the_value_of_the_cell(
    shell: FakeShell,
) -> None:
    data, _ = shell.display_formatter.format(notebook.show(["a"]))
    assert data == {}


def test_show_displays_the_first_piece_before_it_asks_for_the_next(shell: FakeShell) -> None:
    def pieces() -> Iterator[str]:
        yield "first"
        [output] = shell.outputs.values()
        assert output["text/plain"] == "first"
        yield " second"

    assert notebook.show(pieces()) == "first second"
    assert [output["text/plain"] for output in shell.outputs.values()] == ["first second"]


def test_many_pieces_are_rendered_a_few_times_a_second(shell: FakeShell) -> None:
    start = monotonic()
    text = notebook.show(["word "] * 5000)
    assert text == "word " * 5000
    assert 2 <= shell.publish_count <= 3 + (monotonic() - start) / 0.08
    assert [output["text/plain"] for output in shell.outputs.values()] == [text]


def test_nothing_to_show_displays_nothing(shell: FakeShell) -> None:
    assert notebook.show([]) == ""
    assert shell.outputs == {}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_had_arrived_stays_when_the_pieces_end_with_an_error(
    shell: FakeShell, error: type[BaseException]
) -> None:
    def pieces() -> Iterator[str]:
        yield from ["a", "b", "c"]
        raise error

    with pytest.raises(error):
        notebook.show(pieces())
    assert [output["text/plain"] for output in shell.outputs.values()] == ["abc"]


@pytest.fixture(params=[True, False], ids=["notebook", "script"])
def place(request: pytest.FixtureRequest) -> None:
    """Run a test both in a notebook and in a script."""
    if request.param:
        request.getfixturevalue("shell")


@pytest.mark.usefixtures("place")
def test_a_generator_is_closed_when_showing_it_is_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed = []

    def pieces() -> Iterator[str]:
        try:
            yield "a"
            yield "b"
        finally:
            closed.append(True)

    def interrupt(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("builtins.print", interrupt)
    monkeypatch.setattr(FakeShell, "publish", interrupt)
    generator = pieces()
    with pytest.raises(KeyboardInterrupt):
        notebook.show(generator)
    assert closed == [True]
    assert next(generator, None) is None


@pytest.mark.parametrize(
    ("pieces", "printed"),
    [(["a", "b"], "ab\n"), (["a", "b\n"], "ab\n"), ([], ""), (["a\n", "b"], "a\nb\n")],
)
def test_elsewhere_show_prints_and_ends_the_line_once(
    pieces: list[str], printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert notebook.show(pieces) == "".join(pieces)
    assert capsys.readouterr().out == printed


def test_elsewhere_each_piece_is_printed_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    printed: list[str] = []

    def pieces(read: Callable[[], str]) -> Iterator[str]:
        for piece in ("a", "b"):
            yield piece
            printed.append(read())

    notebook.show(pieces(lambda: capsys.readouterr().out))
    assert printed == ["a", "b"]


def test_in_a_terminals_ipython_show_prints(
    terminal: FakeShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert notebook.show(["a"]) == "a"
    assert capsys.readouterr().out == "a\n"
    assert terminal.outputs == {}


class Picture:
    """What displays itself as files and predictions do."""

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": "a picture", "text/html": "<img>"}

    def __repr__(self) -> str:
        return "a picture"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Picture(), "a picture"),
        (None, "None"),
        ({"a": 1}, "{'a': 1}"),
        ([1, "x"], "[1, 'x']"),
        (5, "5"),
    ],
)
def test_show_displays_any_value_as_the_last_one_of_a_cell(
    shell: FakeShell, value: object, plain: str
) -> None:
    assert notebook.show(value) == ""
    [output] = shell.outputs.values()
    assert output["text/plain"] == plain
    assert output.get("text/html") == ("<img>" if plain == "a picture" else None)


@pytest.mark.parametrize("ipython", [True, False])
def test_elsewhere_show_prints_any_value(
    ipython: bool, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    if ipython:
        request.getfixturevalue("terminal")
    for value in (Picture(), None, [1], "text"):
        notebook.show(value)
    assert capsys.readouterr().out == "a picture\nNone\n[1]\ntext\n"


@pytest.mark.usefixtures("place")
def test_results_are_shown_as_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    def results() -> Iterator[object]:
        yield "one "
        yield Picture()
        yield "two"

    assert notebook.show(results()) == "one two"


def test_what_displays_itself_is_not_iterated_over(shell: FakeShell) -> None:
    class Listing(Iterator[str]):
        def __next__(self) -> str:
            return "one of many"

        def _repr_html_(self) -> str:
            return "<ol>"

    notebook.show(Listing())
    [output] = shell.outputs.values()
    assert output["text/html"] == "<ol>"


def test_what_is_printed_in_a_terminal_gives_it_no_orders(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert notebook.show(iter(["\x1b]52;c;x\x07", "\ud83d"])) == "\x1b]52;c;x\x07\ud83d"
    assert capsys.readouterr().out == "␛]52;c;x␇\ufffd\n"
