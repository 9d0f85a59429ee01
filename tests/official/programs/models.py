# %% a model
import replicate

model = replicate.models.get("replicate/hello-world")
print(model.id, model.owner, model.name, model.url, model.visibility)
print(model.description, type(model.run_count).__name__)

# %% by owner and name
import replicate

print(replicate.models.get("replicate", "hello-world").id)
print(replicate.models.get(owner="replicate", name="hello-world").id)
print(replicate.models.get(key="replicate/hello-world").id)

# %% names that are none
import replicate

for arguments, keywords in (
    ((), {}),
    (("a", "b", "c"), {}),
    (("a/b",), {"name": "b"}),
    ((), {"key": "a/b", "owner": "a"}),
    ((), {"owner": "a"}),
):
    try:
        replicate.models.get(*arguments, **keywords)
    except ValueError as error:
        print(error)

# %% one that is not there
import replicate
from replicate.exceptions import ReplicateError

try:
    replicate.models.get("no/such")
except ReplicateError as error:
    print(error.status, error.detail, error.title)

# %% its latest version
import replicate

version = replicate.models.get("me/community").latest_version
print(
    len(version.id),
    version.cog_version,
    version.created_at.tzinfo,
    type(version.created_at).__name__,
)
schemas = version.openapi_schema["components"]["schemas"]
print(schemas["Input"]["properties"], schemas["Input"]["required"])

# %% its versions
import replicate

model = replicate.models.get("me/community")
versions = model.versions.list()
print(len(versions), versions[0].id == model.latest_version.id, versions.next)
print(model.versions.get(versions[0].id) == versions[0])

# %% its versions run
import replicate

model = replicate.models.get("me/community")
version = model.versions.get(model.latest_version.id)
prediction = replicate.predictions.create(version=version, input={"number": 8})
prediction.wait()
print(prediction.output)

# %% a version that is not there
import replicate

try:
    replicate.models.get("me/community").versions.get("0" * 64)
except replicate.exceptions.ReplicateError as error:
    print(error.status, error.detail)

# %% a version in print
import replicate

version = replicate.models.get("me/community").latest_version
print(repr(version).startswith(f"Version(id='{version.id}', created_at=datetime.datetime("))
print(sorted(version.dict()), len(version.json()) > 100)

# %% a list
import replicate

page = replicate.models.list()
print(len(page), page.previous, "cursor=" in page.next)
print(all(model.id == f"{model.owner}/{model.name}" for model in page))

# %% pages
import replicate

names = []
for page in replicate.paginate(replicate.models.list):
    names.extend(model.id for model in page.results)
print(len(names) == len(set(names)), len(names) >= 30)

# %% pages by hand
import replicate

models = []
page = replicate.models.list()
while page:
    models.extend(page.results)
    if len(models) > 1000:
        break
    page = replicate.models.list(page.next) if page.next else None
print(len(models) >= 30)

# %% the first of a page
import replicate

page = replicate.models.list()
first = page[0]
print(
    type(first).__name__,
    first == page.results[0],
    [model.id for model in page[:2]] == [m.id for m in page.results[:2]],
)

# %% search
import replicate

found = replicate.models.search("hello")
print("replicate/hello-world" in [model.id for model in found], type(found).__name__)

# %% reload
import replicate

model = replicate.models.get("replicate/hello-world")
before = model.run_count
replicate.run("replicate/hello-world", input={"text": "x"})
model.reload()
print(model.run_count > before)

# %% create and delete
import replicate

model = replicate.models.create(
    owner="local", name="brief", visibility="private", hardware="cpu", description="d"
)
print(model.id, model.description, model.latest_version, model.visibility, model.github_url)
print(replicate.models.delete("local/brief"))
try:
    replicate.models.get("local/brief")
except replicate.exceptions.ReplicateError as error:
    print(error.status)

# %% create what is there
import replicate

replicate.models.create("local", "twice", visibility="private", hardware="cpu")
try:
    replicate.models.create("local", "twice", visibility="private", hardware="cpu")
except replicate.exceptions.ReplicateError as error:
    print(error.status)

# %% delete by owner and name
import replicate

replicate.models.create("local", "short", visibility="private", hardware="cpu")
print(replicate.models.delete("local", "short"))

# %% what is long gone
import replicate
from replicate.exceptions import ReplicateException

try:
    replicate.models.get("replicate/hello-world").predict(text="x")
except ReplicateException as error:
    print("replicate.run" in str(error))

# %% in print
import replicate

model = replicate.models.get("local/always-fails")
print(repr(model).startswith("Model(url='https://replicate.com/local/always-fails', owner='local'"))
print(list(model.dict()))

# %% its default example
import replicate

print(replicate.models.get("me/community").default_example)

# %% collections
import replicate

collections = [
    collection for page in replicate.paginate(replicate.collections.list) for collection in page
]
print([collection.slug for collection in collections], collections[0].description)
print(collections[0].models, len(collections[0]))

# %% a collection
import replicate

collection = replicate.collections.get("text-models")
print(
    collection.name,
    len(collection) == len(collection.models),
    collection[0] == collection.models[0],
)
print(sorted(model.id for model in collection))

# %% a collection that is not there
import replicate

try:
    replicate.collections.get("nothing")
except replicate.exceptions.ReplicateError as error:
    print(error.status)

# %% hardware
import replicate

print([hardware.sku for hardware in replicate.hardware.list()])
print(replicate.hardware.list()[0])

# %% input schema of a model, as people print it
import json

import replicate

schema = replicate.models.get("black-forest-labs/flux-schnell").latest_version.openapi_schema
inputs = schema["components"]["schemas"]["Input"]["properties"]
print(json.dumps(inputs, indent=1, sort_keys=True))
