"""A conversation keeps its turns, in memory and in a file."""

from __future__ import annotations

import io
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from fake_downloader import FakeDownloader
from PIL import Image

from replicate_sync import File, FileOutput, Replicate
from replicate_sync.chats.conversation import Conversation
from replicate_sync.exceptions import InvalidInputError, ModelNotFoundError, PredictionFailed

PICTURE = Image.new("RGB", (2, 2))


class Chat:
    """A model that replies with pieces of a text; `sent` has the messages of each turn."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.error: Exception | None = None

    def __call__(self, messages: Any, model: str, **parameters: Any) -> Generator[str, None, None]:
        self.sent.append((list(messages), model, parameters))
        yield "Hel"
        if self.error is not None:
            raise self.error
        yield "lo"


@pytest.fixture
def chat() -> Chat:
    return Chat()


def start(chat: Chat, **parameters: Any) -> Conversation:
    return Conversation(chat, Replicate.get_model, "a/b", "Be brief.", parameters)


def test_each_message_is_sent_with_everything_before_it(chat: Chat) -> None:
    conversation = start(chat, max_tokens=5)
    assert list(conversation.send("Hi")) == ["Hel", "lo"]
    assert "".join(conversation.send("Bye")) == "Hello"
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": "Bye"},
    ]
    assert chat.sent[1] == (turns, "a/b", {"max_tokens": 5})
    assert conversation.messages == [*turns, {"role": "assistant", "content": "Hello"}]
    assert repr(conversation) == "<Conversation with a/b: 4 messages>"


def test_a_reply_that_was_stopped_or_broke_is_kept_as_far_as_it_came(chat: Chat) -> None:
    conversation = start(chat)
    reply = conversation.send("Hi")
    next(reply)
    reply.close()
    assert conversation.messages[-1] == {"role": "assistant", "content": "Hel"}
    chat.error = PredictionFailed("no more")
    with pytest.raises(PredictionFailed):
        list(conversation.send("Bye"))
    assert conversation.messages[-2:] == [
        {"role": "user", "content": "Bye"},
        {"role": "assistant", "content": "Hel"},
    ]


def test_a_message_without_a_reply_is_not_kept(chat: Chat) -> None:
    conversation = start(chat)
    conversation.send("never started")
    assert len(conversation.messages) == 1


def test_a_reply_of_nothing_but_space_is_not_kept_as_it_could_not_be_sent_again() -> None:
    def blank(messages: Any, model: str) -> Generator[str, None, None]:
        yield "\n"

    conversation = Conversation(blank, Replicate.get_model, "a/b", None, {})
    assert list(conversation.send("Hi")) == ["\n"]
    assert conversation.messages == []


def test_the_last_message_can_be_undone(chat: Chat) -> None:
    conversation = start(chat)
    list(conversation.send("Hi"))
    list(conversation.send("Bye"))
    assert [message["content"] for message in conversation.undo()] == ["Bye", "Hello"]
    assert len(conversation.undo()) == 2
    assert conversation.undo() == []
    assert [message["role"] for message in conversation.messages] == ["system"]


@pytest.mark.parametrize(
    "images",
    [PICTURE, [PICTURE], b"x", "https://example.com/a.png", [Path("a.png"), io.BytesIO(b"x")]],
)
def test_pictures_go_with_a_message(chat: Chat, images: Any) -> None:
    list(start(chat).send("What?", images=images))
    text, *pictures = chat.sent[0][0][1]["content"]
    assert text == {"type": "text", "text": "What?"}
    assert len(pictures) == (len(images) if isinstance(images, list) else 1)


@pytest.mark.parametrize("images", [5, "cat.png", [5]])
def test_what_is_no_picture_is_an_error(images: Any) -> None:
    with pytest.raises(InvalidInputError):
        list(Replicate().conversation().send("What?", images=images))


def test_a_conversation_is_saved_with_its_pictures_and_goes_on_where_it_was(
    chat: Chat, tmp_path: Path
) -> None:
    (tmp_path / "cat.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    conversation = start(chat, max_tokens=5)
    list(conversation.send("What?", images=[tmp_path / "cat.png", PICTURE]))
    path = conversation.save(tmp_path / "chat.json")
    (tmp_path / "cat.png").unlink()
    other = Conversation(chat, Replicate.get_model, "c/d", None, {}).load(path)
    assert (other.model, other.parameters) == ("a/b", {"max_tokens": 5})
    assert json.loads(other.to_json()) == json.loads(conversation_json := path.read_text())
    assert conversation_json.count("data:image/png;base64,") == 2
    list(other.send("And now?"))
    assert len(chat.sent[-1][0]) == 4
    assert [file.name for file in tmp_path.iterdir()] == ["chat.json"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"model": 5, "messages": []}',
        '{"model": "a/b", "messages": [{"role": "x"}]}',
    ],
)
def test_what_is_no_conversation_is_not_loaded(chat: Chat, tmp_path: Path, content: str) -> None:
    (tmp_path / "chat.json").write_text(content)
    conversation = start(chat)
    for name in ("chat.json", "missing.json"):
        with pytest.raises(InvalidInputError):
            conversation.load(tmp_path / name)
    assert (conversation.model, len(conversation.messages)) == ("a/b", 1)


def test_an_uploaded_file_is_saved_as_its_url_and_an_output_without_one_as_it_is(
    chat: Chat, tmp_path: Path
) -> None:
    url = "https://api.example/files/a"
    (tmp_path / "kept.png").write_bytes(b"kept")
    kept = FileOutput(
        "https://replicate.delivery/out.png", FakeDownloader(), path=tmp_path / "kept.png"
    )
    conversation = start(chat)
    list(conversation.send("What?", images=[File.from_json({"urls": {"get": url}}), kept]))
    saved = conversation.to_json()
    assert f'"image": "{url}"' in saved
    assert '"image": "data:image/png;base64,a2VwdA=="' in saved


def test_what_cannot_be_saved_is_an_error_and_leaves_the_file_as_it_was(
    chat: Chat, tmp_path: Path
) -> None:
    path = start(chat).save(tmp_path / "chat.json")
    before = path.read_text()
    with pytest.raises(InvalidInputError, match="not JSON"):
        start(chat, extra_data={"x": object()}).save(path)
    assert path.read_text() == before
    with pytest.raises(InvalidInputError, match="cannot be saved"):
        start(chat).save(tmp_path / "missing" / "chat.json")


@pytest.mark.parametrize("path", [None, 5, "a\0", "\ud800", "~nobody-of-this-name"])
def test_a_path_that_is_none_is_an_error(chat: Chat, path: Any) -> None:
    with pytest.raises(InvalidInputError):
        start(chat).load(path)
    if path != "~nobody-of-this-name":
        with pytest.raises(InvalidInputError):
            start(chat).save(path)


def test_the_model_may_change_between_two_turns(chat: Chat) -> None:
    conversation = start(chat)
    conversation.change_model("c/d")
    list(conversation.send("Hi"))
    assert chat.sent[0][1] == "c/d"
    with pytest.raises(ModelNotFoundError):
        conversation.change_model("nothing")
    assert conversation.model == "c/d"
    with pytest.raises(ModelNotFoundError):
        Replicate().conversation("nothing")
