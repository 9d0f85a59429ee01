"""What the official client's README shows, one feature after the other, as people make it theirs."""

# %% a run whose pictures are written
import os
import tempfile

import replicate

os.chdir(tempfile.mkdtemp())
outputs = replicate.run(
    "black-forest-labs/flux-schnell",
    input={"prompt": "astronaut riding a rocket like a horse", "num_outputs": 2},
)
for index, output in enumerate(outputs):
    with open(f"output_{index}.webp", "wb") as file:
        file.write(output.read())
print(sorted(os.listdir(".")), index)

# %% a failure that is looked into
import replicate
from replicate.exceptions import ModelError

try:
    output = replicate.run("me/breaks", {})
except ModelError as e:
    if "(some known issue)" in (e.prediction.logs or ""):
        print("known")
    print("Failed prediction:", e.prediction.id != "", e.prediction.status, e.prediction.error)
    print(e, repr(e.prediction.output), e.args)

# %% a file that is opened by hand
import io
import tempfile

import replicate

with tempfile.NamedTemporaryFile(suffix=".txt") as mystery:
    mystery.write(b"hello")
    mystery.flush()
    with open(mystery.name, "rb") as file:
        output = replicate.run("me/reverse", input={"files": [file, io.BytesIO(b"abc")]})
    print([one.read() for one in output])

# %% a URL of data as a file
import base64

import replicate

uri = "data:text/plain;base64," + base64.b64encode(b"drawn").decode()
output = replicate.run("me/reverse", input={"files": [uri]})
print(output[0].read())

# %% haiku by events
import replicate

for event in replicate.stream(
    "me/words",
    input={"pause": 0.001},
):
    print(str(event), end="")
print()

# %% a prediction with a stream
import replicate

prediction = replicate.predictions.create(
    model="me/words",
    input={"pause": 0.001},
    stream=True,
)
text = ""
for event in prediction.stream():
    if event.event == event.EventType.OUTPUT:
        text += event.data
print(repr(text), "stream" in prediction.urls)

# %% in the background, polled by hand
import time

import replicate

model = replicate.models.get("me/community")
version = model.versions.get(model.latest_version.id)
prediction = replicate.predictions.create(version=version, input={"number": 4})
print(type(prediction).__name__, prediction.status in ("starting", "processing", "succeeded"))
while prediction.status not in {"succeeded", "failed", "canceled"}:
    time.sleep(0.01)
    prediction.reload()
fields = dict(prediction)
print(fields["status"], fields["output"], prediction.output, fields["id"] == prediction.id)
print(prediction.wait(), prediction.started_at <= prediction.completed_at)

# %% with a webhook
import replicate

model = replicate.models.get("me/community")
version = model.versions.get(model.latest_version.id)
prediction = replicate.predictions.create(
    version=version,
    input={"number": 2},
    webhook="http://127.0.0.1:9/your-webhook",
    webhook_events_filter=["completed"],
)
print(prediction.id != "", prediction.error)
prediction.wait()
print(prediction.status)

# %% a pipeline
import replicate

community = replicate.models.get("me/community")
double = community.versions.get(community.latest_version.id)
first = replicate.run(double, input={"number": 3})
print(first, replicate.run(double, input={"number": first["double"]}))
urls = replicate.run(
    "black-forest-labs/flux-schnell", input={"prompt": "an armchair"}, use_file_output=False
)
print(len(replicate.run("me/reverse", input={"files": urls})))

# %% outputs while they come
import replicate

version = replicate.models.get("me/each").latest_version
iterator = replicate.run(
    f"me/each:{version.id}",
    input={"files": ["data:text/plain,abc", "data:text/plain,def"]},
)
for index, image in enumerate(iterator):
    print(index, image.read())

# %% canceled, and reloaded
import replicate

model = replicate.models.get("me/words")
version = model.versions.get(model.latest_version.id)
prediction = replicate.predictions.create(version=version, input={"pause": 5})
print(prediction.status in ("starting", "processing"))
prediction.cancel()
prediction.reload()
print(prediction.status)

# %% the predictions, page by page
import replicate

for number in range(3):
    replicate.predictions.create(model="me/nothing", input={"number": number}).wait()
page1 = replicate.predictions.list()
if page1.next:
    page2 = replicate.predictions.list(page1.next)
print(len(page1), [p.input["number"] for p in page1], page1[0].status, page1.next, page1.previous)
print([type(p).__name__ for p in page1.results][:1])

# %% a picture that Pillow opens
import io

import replicate

output = replicate.run("black-forest-labs/flux-schnell", input={"prompt": "oceans"})
try:
    from PIL import Image
except ImportError:
    print("WEBP", True)
else:
    image = Image.open(io.BytesIO(output[0].read()))
    print(image.format, image.width > 0)

# %% a file in pieces
import os
import tempfile

import replicate

output = replicate.run("me/report", input={})["file"]
path = os.path.join(tempfile.mkdtemp(), "file.bin")
with open(path, "wb") as file:
    for chunk in output:
        file.write(chunk)
print(os.path.getsize(path), output.url.startswith(("http", "data:")))

# %% no file objects
import replicate

urls = replicate.run("me/reverse", input={"files": ["data:text/plain,ab"]}, use_file_output=False)
print(
    [type(url).__name__ for url in urls],
    urls[0].partition(",")[0].partition(":")[0] in ("http", "https", "data"),
)

# %% models by pages
import replicate

models = []
for page in replicate.paginate(replicate.models.list):
    models.extend(page.results)
    if len(models) > 100:
        break
by_hand = []
page = replicate.models.list()
while page:
    by_hand.extend(page.results)
    if len(by_hand) > 100:
        break
    page = replicate.models.list(page.next) if page.next else None
print(len(models) == len(by_hand), models[0] == by_hand[0], type(models[0]).__name__)
print(sorted(f"{m.owner}/{m.name}" for m in models if m.owner == "many")[:2])

# %% collections by pages
import replicate

collections = [
    collection for page in replicate.paginate(replicate.collections.list) for collection in page
]
print(collections[0].slug, bool(collections[0].description), len(collections) > 0)
print(replicate.collections.get(collections[0].slug).models[0].name)
print([model.owner for model in replicate.collections.get(collections[0].slug)][:1])

# %% a model is created
import replicate

model = replicate.models.create(
    owner="local",
    name="my-model",
    visibility="public",
    hardware="cpu",
)
print(model.id, model.visibility, model.latest_version, model.run_count, model.url != "")
print(replicate.models.get("local/my-model").name)

# %% hardware that there is
import replicate

print([hw.sku for hw in replicate.hardware.list()][:2])
print(dict(replicate.hardware.list()[0]).keys())

# %% a client of one's own for another account
import os

from replicate.client import Client

replicate = Client(
    api_token=os.environ["REPLICATE_API_TOKEN"],
    headers={"User-Agent": "my-app/1.0"},
)
print(replicate.run("replicate/hello-world", input={"text": "Alice"}))
print(replicate.poll_interval < 1)

# %% a client with a timeout of httpx
import httpx

from replicate import Client

client = Client(timeout=httpx.Timeout(20.0, connect=2.0))
print(client.run("replicate/hello-world", input={"text": "Bob"}))
print(Client(timeout=30).models.get("replicate/hello-world").name)

# %% many at once
from concurrent.futures import ThreadPoolExecutor

import replicate

with ThreadPoolExecutor(4) as pool:
    runs = [pool.submit(replicate.run, "me/numbers", {"count": n}) for n in range(6)]
print([run.result() for run in runs])

# %% a wait of none, of True, and of seconds
import replicate

for wait in (False, True, 5, 1.5):
    print(replicate.run("replicate/hello-world", input={"text": str(wait)}, wait=wait))

# %% the classes by name
import replicate
from replicate.account import Account
from replicate.collection import Collection
from replicate.deployment import Deployment, DeploymentPredictions
from replicate.exceptions import ModelError, ReplicateError, ReplicateException
from replicate.file import File
from replicate.hardware import Hardware
from replicate.helpers import FileOutput, base64_encode_file, encode_json, transform_output
from replicate.identifier import ModelVersionIdentifier
from replicate.model import Model, Models
from replicate.pagination import Page
from replicate.prediction import Prediction, Predictions
from replicate.stream import ServerSentEvent
from replicate.training import Training, Trainings
from replicate.version import Version, Versions
from replicate.webhook import Webhooks

print(issubclass(ModelError, ReplicateException), issubclass(ReplicateError, ReplicateException))
print(
    isinstance(replicate.models.get("me/words"), Model), isinstance(replicate.models.list(), Page)
)
print(isinstance(replicate.predictions.create(model="me/nothing", input={}), Prediction))
print(ModelVersionIdentifier.parse("a/b:c"))

# %% the version of the library
import replicate
from replicate.__about__ import __version__

print(__version__.split(".")[0].isdigit())

# %% a run that a test replaces
from unittest import mock

import replicate


def answer(question):
    return "".join(replicate.run("me/words", input={"pause": question}))


with mock.patch.object(replicate, "run", return_value=["a", "b"]) as run:
    print(answer(1), run.call_args.kwargs)
with mock.patch.object(replicate.predictions, "create") as create:
    replicate.predictions.create(model="me/words", input={})
    print(create.called)

# %% a prediction kept as JSON, and read again
import json

import replicate
from replicate.prediction import Prediction

prediction = replicate.predictions.create(model="me/numbers", input={"count": 2})
prediction.wait()
kept = prediction.json()
print(json.loads(kept)["output"], sorted(json.loads(kept))[:3])
again = Prediction(**json.loads(kept))
print(again == prediction, again.status, Prediction.parse_raw(kept).id == prediction.id)
print(Prediction.parse_obj(json.loads(kept)).output, prediction.dict(include={"status", "output"}))
print(prediction.copy(update={"status": "failed"}).status, prediction.status)

# %% what is wrong with an input
import replicate
from replicate.exceptions import ReplicateError

try:
    replicate.run("me/numbers", input={"count": "many"})
except ReplicateError as error:
    print(error.status, error.title)
    print(sorted(key for key, value in error.to_dict().items() if value))
    print(str(error).splitlines()[0])

# %% retried where it is not there
import replicate
from replicate.exceptions import ReplicateError


def run_first(*names):
    for name in names:
        try:
            return replicate.run(name, input={"text": "x"})
        except ReplicateError as error:
            print(name, error.status, error.detail)
    return None


print(run_first("me/none-such", "replicate/hello-world"))

# %% a deployment from its making to its end
import replicate

version = replicate.models.get("replicate/hello-world").latest_version
deployment = replicate.deployments.create(
    name="readme",
    model="replicate/hello-world",
    version=version.id,
    hardware="cpu",
    min_instances=0,
    max_instances=1,
)
release = deployment.current_release
print(deployment.id, release.model, release.number)
print(release.configuration.hardware, release.configuration.max_instances)
prediction = deployment.predictions.create(input={"text": "Ann"})
prediction.wait()
print(prediction.output)
print([one.name for one in replicate.deployments.list() if one.name == "readme"])

# %% a fine-tuned model
import replicate

trainer = replicate.models.get("local/trainer")
replicate.models.create(owner="local", name="tuned", visibility="private", hardware="cpu")
training = replicate.trainings.create(
    model=trainer,
    version=trainer.latest_version,
    input={"steps": 1},
    destination="local/tuned",
)
while training.status not in ("succeeded", "failed", "canceled"):
    training.reload()
print(training.status, sorted(training.output), training.model)
print(replicate.trainings.get(training.id).id == training.id, len(replicate.trainings.list()))

# %% a file that is uploaded first
import io

import replicate

uploaded = replicate.files.create(io.BytesIO(b"twice"), filename="a.txt", content_type="text/plain")
print(uploaded.name, uploaded.size, uploaded.content_type, sorted(uploaded.urls))
for _ in range(2):
    print(replicate.run("me/reverse", input={"files": [uploaded.urls["get"]]})[0].read())
print(replicate.files.delete(uploaded.id))

# %% a prediction's own iterator, and its progress
import replicate

prediction = replicate.predictions.create(model="me/words", input={"pause": 0.001})
print(repr("".join(prediction.output_iterator())))
prediction.reload()
print(
    prediction.progress,
    prediction.metrics["predict_time"] >= 0,
    type(prediction.created_at).__name__,
)

# %% what a model says of itself
import replicate

model = replicate.models.get("me/words")
version = model.latest_version
print(
    type(version.created_at).__name__, version.cog_version != "", list(version.openapi_schema)[:1]
)
print(version.openapi_schema["components"]["schemas"]["Input"]["properties"]["pause"]["default"])
print(model.id, model.description, model.default_example, model.github_url, model.paper_url)
print({name: getattr(model, name) for name in ("owner", "name", "visibility")})

# %% a prediction whose fields are set
import replicate

prediction = replicate.predictions.create(model="me/nothing", input={})
prediction.status = "failed"
print(prediction.status)
prediction.reload()
prediction.wait()
print(prediction.status, prediction.version, prediction.model)

# %% a model by its parts
import replicate

for ref in (("replicate", "hello-world"), ["replicate", "hello-world"], "replicate/hello-world/"):
    try:
        prediction = replicate.models.predictions.create(ref, input={"text": "a"})
        prediction.wait()
        print(prediction.output)
    except Exception as error:
        print(type(error).__name__, str(error).splitlines()[0])

# %% names with slashes
import replicate

for name in ("a/b/c", "a/", "", "a/b:", "a/b:c:d"):
    try:
        print(replicate.run(name, input={}))
    except Exception as error:
        print(repr(name), type(error).__name__, str(error).splitlines()[0])

# %% input of other kinds
import datetime
import decimal

import replicate

given = {
    "text": "a b",
    "tags": ("x", "y"),
}
print(replicate.run("me/analysis", input=given))
for value in (
    datetime.date(2024, 1, 2),
    decimal.Decimal("1.5"),
    object,
):
    try:
        print(replicate.run("replicate/hello-world", input={"text": value}))
    except Exception as error:
        print(isinstance(error, TypeError))

# %% a reference to a version only
import replicate

version_id = replicate.models.get("me/community").latest_version.id
prediction = replicate.predictions.create(version_id, {"number": 5})
prediction.wait()
print(prediction.output, prediction.version == version_id)
try:
    print(replicate.run(version_id, input={"number": 5}))
except Exception as error:
    print(type(error).__name__, str(error).splitlines()[0].replace(version_id, "…"))

# %% stream without waiting for its end
import replicate

events = replicate.stream("me/words", input={"pause": 0.01})
print(str(next(events)))
events.close()

# %% print shows the text of an event
import replicate

for event in replicate.stream("me/words", input={"pause": 0.0}):
    if event.event.value == "output":
        print(event, end="|")
print()

# %% wait returns nothing, and cancel nothing either
import replicate

prediction = replicate.predictions.create(model="me/numbers", input={"count": 1})
print(prediction.wait(), prediction.reload(), prediction.cancel())
print(prediction.status)

# %% a search, and the first of a list
import replicate

page = replicate.models.search("flux")
print(page.results[0].name if page.results else None, type(page).__name__)
for model in page:
    print(model.owner)
    break

# %% the exceptions of a client that is not let in
import replicate

client = replicate.Client(api_token="wrong")
for call in (
    lambda: client.run("replicate/hello-world", input={"text": "a"}),
    lambda: client.models.get("replicate/hello-world"),
    lambda: client.predictions.list(),
    lambda: list(client.stream("me/words", input={})),
):
    try:
        call()
    except replicate.exceptions.ReplicateError as error:
        print(error.status, error.title, error.detail)
