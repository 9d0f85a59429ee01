"""What a program does with the official client replicate 2.0.0b4: it is given an API, and tells whether all went well."""

import base64
import hashlib
import hmac
import io
import json
import pathlib
import tempfile
import time
import warnings

import replicate
from replicate import AsyncReplicate, Replicate
from replicate._exceptions import ModelError
from scenarios import PIECES, mailbox, raised, run

COMMUNITY = "me/community"
END = ("succeeded", "failed", "canceled")
client = Replicate()


def version_of(name):
    owner, title = name.split("/")
    return client.models.get(model_owner=owner, model_name=title).latest_version.id


def it_runs_text():
    assert client.run("replicate/hello-world", input={"text": "Alice"}) == "hello Alice"
    assert replicate.run("replicate/hello-world", input={"text": "Alice"}) == "hello Alice"


def it_runs_without_waiting():
    assert client.run("replicate/hello-world", input={"text": "Bob"}, wait=False) == "hello Bob"


def it_runs_a_version():
    version = version_of(COMMUNITY)
    assert client.run(f"{COMMUNITY}:{version}", input={"number": 20}) == {"double": 40}
    made = client.predictions.create(
        version=f"{COMMUNITY}:{version}", input={"number": 1}, prefer="wait"
    )
    assert made.output == {"double": 2}


def it_does_not_take_half_an_output_where_the_wait_runs_out():
    assert "".join(client.run("me/words", input={"pause": 0.3}, wait=1)) == "".join(PIECES)


def it_gives_a_file_and_takes_one():
    (output,) = client.run("me/reverse", input={"files": [io.BytesIO(b"abc")]})
    assert type(output).__name__ == "FileOutput"
    assert output.read() == b"cba"
    path = pathlib.Path(tempfile.mkdtemp(), "path.txt")
    path.write_bytes(b"123")
    both = {"files": [path, io.BytesIO(b"abc")]}
    outputs = client.run("me/reverse", input=both, file_encoding_strategy="base64")
    assert [one.read() for one in outputs] == [b"321", b"cba"]


def it_uses_a_model_as_a_function():
    assert replicate.use("replicate/hello-world")(text="use") == "hello use"
    words = replicate.use("me/words")
    assert words() == "".join(PIECES)
    (path,) = replicate.use("me/reverse")(files=["data:text/plain;base64,YWJj"])
    assert pathlib.Path(path).read_bytes() == b"cba"
    run = replicate.use("local/slow").create(seconds=0.1)
    assert run.output() == "worked for 0.1 seconds"
    assert "100%" in run.logs()
    error = raised(ModelError, lambda: replicate.use("local/always-fails")())
    assert "fails on purpose" in str(error)
    versioned = replicate.use(f"{COMMUNITY}:{version_of(COMMUNITY)}")
    assert versioned(number=2) == {"double": 4}


def it_streams():
    assert "".join(replicate.use("me/words", streaming=True)()) == "".join(PIECES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pieces = list(replicate.stream("me/words", input={"pause": 0.1}))
    assert "".join(pieces) == "".join(PIECES)


def it_creates_and_looks():
    prediction = client.predictions.create(version=version_of(COMMUNITY), input={"number": 3})
    assert prediction.model == COMMUNITY
    done = client.predictions.wait(prediction.id)
    assert (done.status, done.output) == ("succeeded", {"double": 6})
    assert done.metrics.total_time >= 0
    assert client.predictions.get(prediction_id=prediction.id).input == {"number": 3}
    assert next(iter(client.predictions.list())).id == prediction.id
    later = [one.id for one in client.predictions.list(created_after=done.completed_at)]
    assert prediction.id not in later


def it_cancels():
    prediction = client.models.predictions.create(
        model_owner="local", model_name="slow", input={"seconds": 60}, cancel_after="1m"
    )
    assert client.predictions.cancel(prediction_id=prediction.id).status == "canceled"
    assert client.predictions.get(prediction_id=prediction.id).status == "canceled"


def it_pages():
    names = [f"{model.owner}/{model.name}" for model in client.models.list()]
    assert len(names) == len(set(names)) >= 30
    rising = [f"{model.owner}/{model.name}" for model in client.models.list(sort_direction="asc")]
    assert rising == names[::-1]


def it_knows_models():
    named = {"model_owner": "meta", "model_name": "meta-llama-3-70b-instruct"}
    model = client.models.get(**named)
    assert (model.owner, model.visibility) == ("meta", "public")
    (version,) = client.models.versions.list(**named).results
    assert (
        client.models.versions.get(**named, version_id=version.id).openapi_schema["openapi"]
        == "3.0.2"
    )
    assert [f"{one.owner}/{one.name}" for one in client.models.search(body="hello")] == [
        "replicate/hello-world"
    ]
    found = client.search(query="hello")
    assert [one.model.name for one in found.models] == ["hello-world"]
    assert list(client.models.examples.list(model_owner="local", model_name="slow")) == []


def it_makes_changes_and_deletes_a_model():
    named = {"model_owner": "local", "model_name": "brief"}
    client.models.create(owner="local", name="brief", visibility="private", hardware="cpu")
    changed = client.models.update(**named, description="new", readme="# Read me")
    assert changed.description == "new"
    assert client.models.readme.get(**named) == "# Read me"
    client.models.delete(**named)
    raised(replicate.NotFoundError, lambda: client.models.get(**named))


def it_trains():
    client.models.create(owner="local", name="trained", visibility="private", hardware="cpu")
    trainer = {
        "model_owner": "local",
        "model_name": "trainer",
        "version_id": version_of("local/trainer"),
    }
    training = client.trainings.create(**trainer, destination="local/trained", input={"steps": 2})
    while training.status not in END:
        time.sleep(0.02)
        training = client.trainings.get(training_id=training.id)
    assert training.status == "succeeded"
    version = training.output.version.split(":")[1]
    assert training.id in [one.id for one in client.trainings.list()]
    long = client.trainings.create(**trainer, destination="local/trained", input={"steps": 9000})
    assert client.trainings.cancel(training_id=long.id).status == "canceled"
    named = {"model_owner": "local", "model_name": "trained", "version_id": version}
    assert client.models.versions.get(**named).id == version
    client.models.versions.delete(**named)
    raised(replicate.NotFoundError, lambda: client.models.versions.get(**named))


def it_deploys():
    named = {"deployment_owner": "local", "deployment_name": "fast"}
    made = client.deployments.create(
        name="fast",
        model=COMMUNITY,
        version=version_of(COMMUNITY),
        hardware="cpu",
        min_instances=0,
        max_instances=1,
    )
    assert made.current_release.model == COMMUNITY
    assert client.deployments.get(**named).current_release.configuration.max_instances == 1
    assert [one.name for one in client.deployments.list()] == ["fast"]
    changed = client.deployments.update(**named, min_instances=1, max_instances=3)
    assert (
        changed.current_release.number,
        changed.current_release.configuration.min_instances,
    ) == (2, 1)
    prediction = client.deployments.predictions.create(**named, input={"number": 4}, prefer="wait")
    assert prediction.output == {"double": 8}
    assert prediction.deployment == "local/fast"
    client.deployments.delete(**named)
    raised(replicate.NotFoundError, lambda: client.deployments.get(**named))


def it_finds_collections_hardware_and_the_account():
    assert [one.slug for one in client.collections.list()] == ["text-models", "image-models"]
    assert client.collections.get(collection_slug="text-models").models[2].name == "hello-world"
    assert "cpu" in [one.sku for one in client.hardware.list()]
    assert client.account.get().username == "local"


def it_keeps_files():
    made = client.files.create(content=("abc.txt", b"abc", "text/plain"))
    assert (made.size, made.content_type) == (3, "text/plain")
    assert made.checksums.sha256.startswith("ba7816bf")
    assert client.files.get(file_id=made.id).id == made.id
    assert made.id in [one.id for one in client.files.list()]
    client.files.delete(file_id=made.id)
    raised(replicate.NotFoundError, lambda: client.files.get(file_id=made.id))


def it_is_told_by_webhooks():
    key = client.webhooks.default.secret.get().key
    with mailbox() as (url, received):
        client.models.predictions.create(
            model_owner="replicate",
            model_name="hello-world",
            input={"text": "hook"},
            webhook=url,
            webhook_events_filter=["completed"],
        )
        headers, body = received.get(timeout=10)
    assert json.loads(body)["output"] == "hello hook"
    # This client does not validate; the standard does.
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(base64.b64decode(key.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"


def it_says_what_failed():
    for wait in (True, False):
        error = raised(
            ModelError, lambda wait=wait: client.run("local/always-fails", input={}, wait=wait)
        )
        assert "fails on purpose" in str(error)
        assert error.prediction.status == "failed"


def it_says_what_was_refused():
    stranger = Replicate(bearer_token="r8_nobody")
    error = raised(replicate.AuthenticationError, stranger.account.get)
    assert error.body["title"] == "Unauthenticated"
    raised(replicate.NotFoundError, lambda: client.run("no/such", input={}))
    error = raised(
        replicate.UnprocessableEntityError,
        lambda: client.run("replicate/hello-world", input={"txt": 1}),
    )
    assert error.body["invalid_fields"][0]["description"] == "text is required"
    error = raised(
        replicate.UnprocessableEntityError,
        lambda: client.predictions.create(version="0" * 64, input={}),
    )
    assert error.body["title"] == "Invalid version or not permitted"


async def it_runs_async():
    client = AsyncReplicate()
    assert await client.run("replicate/hello-world", input={"text": "A"}) == "hello A"
    assert await client.run("replicate/hello-world", input={"text": "B"}, wait=False) == "hello B"
    (output,) = await client.run("me/reverse", input={"files": [io.BytesIO(b"abc")]})
    assert await output.read() == b"cba"
    assert await replicate.use("me/words", use_async=True)() == "".join(PIECES)
    pieces = await replicate.use("me/words", use_async=True, streaming=True)()
    assert "".join([piece async for piece in pieces]) == "".join(PIECES)
    try:
        await client.run("local/always-fails", input={})
    except ModelError as error:
        failed = str(error)
    assert "fails on purpose" in failed


async def it_does_the_rest_async():
    client = AsyncReplicate()
    slow = await client.models.predictions.create(
        model_owner="local", model_name="slow", input={"seconds": 60}
    )
    assert (await client.predictions.cancel(prediction_id=slow.id)).status == "canceled"
    assert (await client.predictions.list()).results[0].id == slow.id
    hello = await client.predictions.create(version="replicate/hello-world", input={"text": "C"})
    assert (await client.predictions.wait(hello.id)).output == "hello C"
    file = await client.files.create(content=b"abc")
    assert (await client.files.get(file_id=file.id)).size == 3
    await client.files.delete(file_id=file.id)
    assert (await client.account.get()).username == "local"
    assert [one.slug async for one in client.collections.list()] == ["text-models", "image-models"]
    assert "cpu" in [one.sku for one in await client.hardware.list()]
    assert (await client.webhooks.default.secret.get()).key.startswith("whsec_")
    assert len([model async for model in client.models.list()]) >= 30


if __name__ == "__main__":
    run(globals())
