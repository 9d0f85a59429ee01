"""What a program does with the official client replicate 1.0.7: it is given an API, and tells whether all went well."""

import io
import json
import os
import pathlib
import tempfile

import replicate
from replicate.exceptions import ModelError, ReplicateError
from scenarios import PIECES, mailbox, raised, run

COMMUNITY = "me/community"
END = ("succeeded", "failed", "canceled")


def version_of(name):
    return replicate.models.get(name).latest_version.id


def text_file():
    file = io.BytesIO(b"abc")
    file.name = "abc.txt"
    return file


def it_runs_text():
    assert replicate.run("replicate/hello-world", input={"text": "Alice"}) == "hello Alice"


def it_runs_without_waiting():
    assert replicate.run("replicate/hello-world", input={"text": "Bob"}, wait=False) == "hello Bob"


def it_runs_a_version():
    version = version_of(COMMUNITY)
    assert replicate.run(f"{COMMUNITY}:{version}", input={"number": 20}) == {"double": 40}


def it_runs_an_iterator_of_a_version():
    version = version_of("me/words")
    for wait in (True, False):
        assert list(replicate.run(f"me/words:{version}", input={}, wait=wait)) == PIECES


def it_does_not_take_half_an_output_where_the_wait_runs_out():
    assert "".join(replicate.run("me/words", input={"pause": 0.3}, wait=1)) == "".join(PIECES)


def it_gives_a_file_and_takes_one():
    (output,) = replicate.run("me/reverse", input={"files": [text_file()]})
    assert type(output).__name__ == "FileOutput"
    assert output.read() == b"cba"
    assert b"".join(output) == b"cba"
    path = pathlib.Path(tempfile.mkdtemp(), "path.txt")
    path.write_bytes(b"123")
    outputs = replicate.run(
        "me/reverse", input={"files": [path, text_file()]}, file_encoding_strategy="base64"
    )
    assert [one.read() for one in outputs] == [b"321", b"cba"]
    again = replicate.run("me/reverse", input={"files": [one.url for one in outputs]})
    assert [one.read() for one in again] == [b"123", b"abc"]


def it_gives_the_address_of_a_file_where_it_polls():
    (output,) = replicate.run("me/reverse", input={"files": [text_file()]}, wait=False)
    assert output.startswith(
        "http://127.0.0.1:"
    )  # this client takes only https: and data: for a file
    assert replicate.default_client._client.get(output).content == b"cba"


def it_draws():
    (picture,) = replicate.run(
        "black-forest-labs/flux-schnell", input={"prompt": "a hill", "megapixels": "0.25"}
    )
    assert picture.read()[8:12] == b"WEBP"


def it_streams():
    events = list(replicate.stream("me/words", input={}))
    assert [event.data for event in events if event.event.value == "output"] == PIECES
    assert events[-1].event.value == "done"
    assert "".join(map(str, events)) == "".join(PIECES)
    version = version_of("me/words")
    assert "".join(map(str, replicate.stream(f"me/words:{version}", input={}))) == "".join(PIECES)


def it_streams_an_error():
    error = raised(RuntimeError, lambda: list(replicate.stream("me/breaks", input={})))
    assert json.loads(str(error)) == {"detail": "out of words"}


def it_refuses_to_stream_what_does_not():
    error = raised(
        ReplicateError, lambda: list(replicate.stream("replicate/hello-world", input={"text": "x"}))
    )
    assert "streaming" in repr(error) or "Model does not support streaming" in str(error.type)


def it_creates_and_looks():
    prediction = replicate.predictions.create(version=version_of(COMMUNITY), input={"number": 3})
    assert prediction.status in ("starting", "processing", "succeeded")
    assert prediction.model == COMMUNITY
    prediction.wait()
    assert (prediction.status, prediction.output) == ("succeeded", {"double": 6})
    assert prediction.metrics["predict_time"] >= 0
    same = replicate.predictions.get(prediction.id)
    assert (same.input, same.output) == ({"number": 3}, {"double": 6})
    same.reload()
    assert same.completed_at is not None
    assert replicate.predictions.list().results[0].id == prediction.id


def it_cancels():
    prediction = replicate.models.predictions.create("local/slow", input={"seconds": 60})
    while not prediction.logs:
        prediction.reload()
    assert prediction.progress.total == 100
    prediction.cancel()
    assert prediction.status == "canceled"
    assert replicate.predictions.cancel(prediction.id).status == "canceled"


def it_pages():
    pages = list(replicate.paginate(replicate.models.list))
    names = [model.id for page in pages for model in page]
    assert len(pages) == 2
    assert len(names) == len(set(names)) >= 30


def it_knows_models():
    model = replicate.models.get("meta/meta-llama-3-70b-instruct")
    assert (model.owner, model.name, model.visibility) == (
        "meta",
        "meta-llama-3-70b-instruct",
        "public",
    )
    assert (
        "prompt"
        in model.latest_version.openapi_schema["components"]["schemas"]["Input"]["properties"]
    )
    assert "replicate/hello-world" in [one.id for one in replicate.models.search("hello")]
    versions = model.versions.list()
    assert [one.id for one in versions] == [model.latest_version.id]
    assert model.versions.get(versions[0].id).openapi_schema["openapi"] == "3.0.2"
    model.reload()


def it_makes_and_deletes_a_model():
    made = replicate.models.create(
        owner="local", name="brief", visibility="private", hardware="cpu", description="d"
    )
    assert (made.id, made.description, made.latest_version) == ("local/brief", "d", None)
    assert replicate.models.delete("local/brief") is True
    assert raised(ReplicateError, lambda: replicate.models.get("local/brief")).status == 404


def it_trains():
    replicate.models.create(owner="local", name="trained", visibility="private", hardware="cpu")
    training = replicate.trainings.create(
        model="local/trainer", version=version_of("local/trainer"), input={"steps": 2, "input_images": text_file()},
        destination="local/trained",
    )  # fmt: skip
    while training.status not in END:
        training.reload()
    assert training.status == "succeeded"
    name, version = training.output["version"].split(":")
    assert replicate.models.get(name).versions.get(version).id == version
    assert replicate.trainings.get(training.id).id == training.id
    assert training.id in [one.id for one in replicate.trainings.list()]
    long = replicate.trainings.create(
        version=f"local/trainer:{version_of('local/trainer')}",
        input={"steps": 9000},
        destination="local/trained",
    )
    assert replicate.trainings.cancel(long.id).status == "canceled"
    long.cancel()
    assert long.status == "canceled"
    replicate.models.get(name).versions.delete(
        version
    )  # gives False: it looks for a 204, and the API says 202
    assert (
        raised(ReplicateError, lambda: replicate.models.get(name).versions.get(version)).status
        == 404
    )


def it_deploys():
    version = version_of(COMMUNITY)
    made = replicate.deployments.create(
        name="fast",
        model=COMMUNITY,
        version=version,
        hardware="cpu",
        min_instances=0,
        max_instances=1,
    )
    assert made.current_release.version == version
    found = replicate.deployments.get("local/fast")
    assert found.current_release.configuration.max_instances == 1
    assert [one.name for one in replicate.deployments.list()] == ["fast"]
    changed = replicate.deployments.update("local", "fast", max_instances=3)
    assert (
        changed.current_release.number,
        changed.current_release.configuration.max_instances,
    ) == (2, 3)
    prediction = found.predictions.create(input={"number": 4})
    prediction.wait()
    assert prediction.output == {"double": 8}
    other = replicate.deployments.predictions.create(
        ("local", "fast"), input={"number": 5}, wait=True
    )
    assert other.output == {"double": 10}
    assert replicate.deployments.delete("local", "fast") is True
    assert raised(ReplicateError, lambda: replicate.deployments.get("local/fast")).status == 404


def it_finds_collections_hardware_and_the_account():
    assert [one.slug for one in replicate.collections.list()] == ["text-models", "image-models"]
    assert "replicate/hello-world" in [one.id for one in replicate.collections.get("text-models")]
    assert "cpu" in [one.sku for one in replicate.hardware.list()]
    client = replicate.Client(api_token=os.environ["REPLICATE_API_TOKEN"])
    assert client.accounts.current().username == "local"


def it_keeps_files():
    made = replicate.files.create(text_file(), metadata={"why": "test"})
    assert (made.name, made.size, made.content_type, made.metadata) == (
        "abc.txt",
        3,
        "text/plain",
        {"why": "test"},
    )
    assert made.checksums["sha256"].startswith("ba7816bf")
    assert replicate.files.get(made.id).etag == made.etag
    assert made.id in [one.id for one in replicate.files.list()]
    assert replicate.files.delete(made.id) is True
    assert raised(ReplicateError, lambda: replicate.files.get(made.id)).detail == "File not found"


def it_is_told_by_webhooks():
    secret = replicate.webhooks.default.secret()
    with mailbox() as (url, received):
        replicate.models.predictions.create(
            "replicate/hello-world",
            input={"text": "hook"},
            webhook=url,
            webhook_events_filter=["completed"],
        )
        headers, body = received.get(timeout=10)
    replicate.webhooks.validate(headers=headers, body=body.decode(), secret=secret, tolerance=60)
    assert json.loads(body)["output"] == "hello hook"
    wrong = body.decode().replace("hello", "hallo")
    raised(
        Exception, lambda: replicate.webhooks.validate(headers=headers, body=wrong, secret=secret)
    )


def it_says_what_failed():
    for wait in (True, False):
        error = raised(
            ModelError, lambda wait=wait: replicate.run("local/always-fails", input={}, wait=wait)
        )
        assert "fails on purpose" in str(error)
        assert error.prediction.status == "failed"


def it_says_what_was_refused():
    stranger = replicate.Client(api_token="r8_nobody")
    error = raised(ReplicateError, lambda: stranger.accounts.current())
    assert (error.status, error.title) == (401, "Unauthenticated")
    error = raised(ReplicateError, lambda: replicate.run("no/such", input={}))
    assert (error.status, error.detail) == (404, "The requested resource could not be found.")
    error = raised(ReplicateError, lambda: replicate.run("replicate/hello-world", input={"txt": 1}))
    assert (error.status, error.title) == (422, "Input validation failed")
    assert "- input: text is required\n" in error.detail
    error = raised(ReplicateError, lambda: replicate.predictions.create(version="0" * 64, input={}))
    assert (error.status, error.title) == (422, "Invalid version or not permitted")


async def it_runs_async():
    client = replicate.Client()
    assert await client.async_run("replicate/hello-world", input={"text": "A"}) == "hello A"
    assert (
        await client.async_run("replicate/hello-world", input={"text": "B"}, wait=False)
        == "hello B"
    )
    (output,) = await client.async_run("me/reverse", input={"files": [text_file()]})
    assert await output.aread() == b"cba"
    version = (await client.models.async_get("me/words")).latest_version.id
    pieces = await client.async_run(f"me/words:{version}", input={}, wait=False)
    assert [piece async for piece in pieces] == PIECES
    try:
        await client.async_run("local/always-fails", input={})
    except ModelError as error:
        failed = str(error)
    assert "fails on purpose" in failed


async def it_streams_async():
    events = [event async for event in await replicate.Client().async_stream("me/words", input={})]
    assert "".join(map(str, events)) == "".join(PIECES)


async def it_does_the_rest_async():
    client = replicate.Client()
    slow = await client.models.predictions.async_create("local/slow", input={"seconds": 60})
    await slow.async_cancel()
    assert (await client.predictions.async_get(slow.id)).status == "canceled"
    assert (await client.predictions.async_list()).results[0].id == slow.id
    hello = await client.models.predictions.async_create(
        "replicate/hello-world", input={"text": "C"}
    )
    await hello.async_wait()
    assert hello.output == "hello C"
    file = await client.files.async_create(text_file())
    assert (await client.files.async_get(file.id)).size == 3
    assert await client.files.async_delete(file.id) is True
    assert (await client.accounts.async_current()).username == "local"
    assert [one.slug for one in await client.collections.async_list()] == [
        "text-models",
        "image-models",
    ]
    assert "cpu" in [one.sku for one in await client.hardware.async_list()]
    assert (await client.webhooks.default.async_secret()).key.startswith("whsec_")
    pages = [page async for page in client_pages(client)]
    assert len(pages) == 2


async def client_pages(client):
    cursor = ...
    while cursor is not None:
        page = await client.models.async_list(cursor)
        yield page
        cursor = page.next


if __name__ == "__main__":
    run(globals())
