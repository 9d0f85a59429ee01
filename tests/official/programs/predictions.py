# %% of a version
import replicate

version = replicate.models.get("me/community").latest_version
prediction = replicate.predictions.create(version=version, input={"number": 3})
print(prediction.status in ("starting", "processing", "succeeded"), prediction.model)
prediction.wait()
print(prediction.status, prediction.output, prediction.error, prediction.input)

# %% of a version's id
import replicate

version = replicate.models.get("me/community").latest_version
prediction = replicate.predictions.create(version=version.id, input={"number": 4})
prediction.wait()
print(prediction.output, prediction.version == version.id)

# %% positional
import replicate

version = replicate.models.get("me/community").latest_version
prediction = replicate.predictions.create(version, {"number": 5})
prediction.wait()
print(prediction.output)

# %% of a model
import replicate

prediction = replicate.predictions.create(model="replicate/hello-world", input={"text": "m"})
prediction.wait()
print(prediction.output)

# %% of a model as a tuple
import replicate

prediction = replicate.predictions.create(model=("replicate", "hello-world"), input={"text": "t"})
prediction.wait()
print(prediction.output)

# %% of a model as an object
import replicate

model = replicate.models.get("replicate/hello-world")
prediction = replicate.predictions.create(model=model, input={"text": "o"})
prediction.wait()
print(prediction.output)

# %% of a model's resource
import replicate

prediction = replicate.models.predictions.create("replicate/hello-world", input={"text": "r"})
prediction.wait()
print(prediction.output)
prediction = replicate.models.predictions.create(("replicate", "hello-world"), {"text": "s"})
prediction.wait()
print(prediction.output)

# %% of none of the three
import replicate

for arguments in ({}, {"model": "a/b", "version": "c"}, {"model": "a/b", "deployment": "c/d"}):
    try:
        replicate.predictions.create(**arguments, input={})
    except ValueError as error:
        print(error)

# %% of a version in a model's place
import replicate

try:
    replicate.models.predictions.create("a/b:c", input={})
except ValueError as error:
    print(error)

# %% with a wait
import replicate

version = replicate.models.get("me/community").latest_version
prediction = replicate.predictions.create(version=version, input={"number": 6}, wait=True)
print(prediction.status, prediction.output)

# %% got again
import replicate

prediction = replicate.predictions.create(model="replicate/hello-world", input={"text": "g"})
prediction.wait()
same = replicate.predictions.get(prediction.id)
print(same.output, same.input, same == prediction, same.status)

# %% reloaded
import replicate

prediction = replicate.predictions.create(model="replicate/hello-world", input={"text": "l"})
while prediction.status not in ("succeeded", "failed", "canceled"):
    prediction.reload()
print(prediction.output, prediction.completed_at is not None, prediction.started_at is not None)

# %% canceled
import replicate

prediction = replicate.predictions.create(model="local/slow", input={"seconds": 60})
prediction.cancel()
print(prediction.status)
prediction.wait()
print(prediction.status, prediction.output)

# %% canceled by its id
import replicate

prediction = replicate.models.predictions.create("local/slow", input={"seconds": 60})
canceled = replicate.predictions.cancel(prediction.id)
print(canceled.status, canceled.id == prediction.id)
prediction.reload()
print(prediction.status)

# %% failed
import replicate

prediction = replicate.predictions.create(model="local/always-fails", input={})
prediction.wait()
print(prediction.status)
print(prediction.error)
print(prediction.output)

# %% its progress
import replicate

prediction = replicate.predictions.create(model="local/slow", input={"seconds": 60})
print(prediction.progress)
while not prediction.logs:
    prediction.reload()
progress = prediction.progress
print(type(progress).__name__, progress.total, 0 <= progress.percentage < 1)
prediction.cancel()

# %% progress of logs
from replicate.prediction import Prediction

print(Prediction.Progress.parse(" 35%|###5      | 35/100 [00:01<00:02, 30.1it/s]"))
print(Prediction.Progress.parse("no bar"))

# %% its output as an iterator
import replicate

prediction = replicate.predictions.create(model="me/words", input={"pause": 0.05})
print("".join(prediction.output_iterator()))
print(prediction.status)

# %% its output as an iterator where it fails
import replicate
from replicate.exceptions import ModelError

prediction = replicate.predictions.create(model="local/always-fails", input={})
try:
    print(list(prediction.output_iterator()))
except ModelError as error:
    print(error.prediction.status)

# %% as a dict
import replicate

prediction = replicate.predictions.create(model="replicate/hello-world", input={"text": "d"})
prediction.wait()
fields = dict(prediction)
print(list(fields))
print(fields["output"], fields["status"], fields["input"])
print(prediction.dict() == fields)

# %% as json
import json

import replicate

prediction = replicate.predictions.create(model="replicate/hello-world", input={"text": "j"})
prediction.wait()
fields = json.loads(prediction.json())
print(list(fields), fields["output"])
print(len(prediction.json(indent=2).splitlines()) > 10)
print(sorted(prediction.dict(include={"id", "status"})), sorted(prediction.dict(exclude={"urls"})))
print(prediction.dict(exclude_none=True).keys() == {n for n, v in fields.items() if v is not None})

# %% in print
import replicate

prediction = replicate.predictions.create(model="replicate/hello-world", input={"text": "p"})
prediction.wait()
print(
    repr(prediction).startswith(f"Prediction(id='{prediction.id}', model='replicate/hello-world'")
)
print(str(prediction).startswith(f"id='{prediction.id}' model="))

# %% of the body of a webhook
import json

from replicate.prediction import Prediction

body = {
    "id": "p1", "model": "a/b", "version": "v", "status": "succeeded", "input": {"x": 1},
    "output": [1, 2], "logs": "", "error": None, "metrics": {"predict_time": 1.5},
    "created_at": "2026-01-01T00:00:00Z", "started_at": None, "completed_at": None, "urls": {},
    "data_removed": False,
}  # fmt: skip
prediction = Prediction(**body)
print(prediction)
print(repr(Prediction.parse_raw(json.dumps(body))))
print(Prediction.parse_obj(body) == prediction, prediction.metrics["predict_time"])

# %% a field that is not there
import replicate

prediction = replicate.predictions.create(model="replicate/hello-world", input={"text": "f"})
try:
    print(prediction.cost)
except AttributeError as error:
    print(type(error).__name__)
prediction.status = "seen"
print(prediction.status)

# %% its metrics
import replicate

prediction = replicate.predictions.create(model="replicate/hello-world", input={"text": "m"})
prediction.wait()
print(prediction.metrics["predict_time"] >= 0, sorted(prediction.urls))

# %% one that is not there
import replicate

try:
    replicate.predictions.get("nothing")
except replicate.exceptions.ReplicateError as error:
    print(error.status, error.detail)

# %% a webhook
import replicate

prediction = replicate.predictions.create(
    model="replicate/hello-world",
    input={"text": "w"},
    webhook="http://127.0.0.1:9/hook",
    webhook_events_filter=["start", "completed"],
)
prediction.wait()
print(prediction.status)

# %% a list
import replicate

for text in ("1", "2", "3"):
    replicate.predictions.create(model="replicate/hello-world", input={"text": text}).wait()
page = replicate.predictions.list()
print(len(page), len(page.results), page.next, page.previous)
print([prediction.input["text"] for prediction in page])
print(page[0].input, page.results[-1].input, page[0].id in repr(page))

# %% all pages
import replicate

for number in range(3):
    replicate.predictions.create(model="me/nothing", input={"number": number})
pages = list(replicate.paginate(replicate.predictions.list))
print([len(page) for page in pages])
print([prediction.input["number"] for page in pages for prediction in page])

# %% the next page, and back
import replicate

first = replicate.models.list()
second = replicate.models.list(first.next)
print(len(first), len(second) > 0, first.previous)
back = replicate.models.list(second.previous)
print(back.results[0].id == first.results[0].id)

# %% a cursor of none
import replicate

try:
    replicate.predictions.list(None)
except ValueError as error:
    print(error)

# %% input of sets and generators
import replicate

output = replicate.run(
    "me/analysis", input={"text": "x", "tags": {"one"}, "more": (n for n in "ab")}
)
print(output["tags"], output["more"])

# %% equal and not
import replicate

one = replicate.predictions.create(model="replicate/hello-world", input={"text": "1"})
two = replicate.predictions.create(model="replicate/hello-world", input={"text": "2"})
print(one == two, one == one, one != two)
try:
    hash(one)
except TypeError as error:
    print(error)

# %% a copy
import replicate

one = replicate.predictions.create(model="replicate/hello-world", input={"text": "c"})
two = one.copy(update={"status": "mine"})
print(two.status, one.status != "mine", two.id == one.id)
