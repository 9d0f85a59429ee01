# %% created and waited for
import replicate

version = replicate.models.get("local/trainer").latest_version.id
replicate.models.create("local", "trained", visibility="private", hardware="cpu")
training = replicate.trainings.create(
    model="local/trainer", version=version, input={"steps": 2}, destination="local/trained"
)
print(training.status in ("starting", "processing", "succeeded"), training.destination)
while training.status not in ("succeeded", "failed", "canceled"):
    training.reload()
print(training.status, training.error, sorted(training.output))
print(training.destination, training.model, training.version == version)
name, made = training.output["version"].split(":")
print(replicate.models.get(name).versions.get(made).id == made)

# %% by shorthand
import replicate

version = replicate.models.get("local/trainer").latest_version.id
replicate.models.create("local", "trained", visibility="private", hardware="cpu")
training = replicate.trainings.create(
    version=f"local/trainer:{version}", input={"steps": 9000}, destination="local/trained"
)
print(training.input, training.output, training.logs is not None)
training.cancel()
print(training.status)

# %% positional
import replicate

version = replicate.models.get("local/trainer").latest_version.id
replicate.models.create("local", "trained", visibility="private", hardware="cpu")
training = replicate.trainings.create(f"local/trainer:{version}", {"steps": 9000}, "local/trained")
print(replicate.trainings.cancel(training.id).status)
print(replicate.trainings.get(training.id).status)

# %% with objects and tuples
import replicate

trainer = replicate.models.get("local/trainer")
target = replicate.models.create("local", "trained", visibility="private", hardware="cpu")
for model, version, destination in (
    (trainer, trainer.latest_version, target),
    (("local", "trainer"), trainer.latest_version.id, ("local", "trained")),
):
    training = replicate.trainings.create(
        model=model, version=version, input={"steps": 9000}, destination=destination
    )
    training.cancel()
    print(training.status)

# %% listed
import replicate

version = replicate.models.get("local/trainer").latest_version.id
replicate.models.create("local", "trained", visibility="private", hardware="cpu")
training = replicate.trainings.create(
    f"local/trainer:{version}", {"steps": 9000}, destination="local/trained"
)
page = replicate.trainings.list()
print(len(page), page[0].id == training.id, page.next, type(page[0]).__name__)
training.cancel()
print(list(training.dict()))

# %% what is missing
import replicate

for arguments in ({"input": {}}, {"model": "a/b"}, {"model": "a/b", "version": "c", "input": {}}):
    try:
        replicate.trainings.create(**arguments)
    except ValueError as error:
        print(error)

# %% a file as the data
import io

import replicate

version = replicate.models.get("local/trainer").latest_version.id
replicate.models.create("local", "trained", visibility="private", hardware="cpu")
data = io.BytesIO(b"zip")
data.name = "data.zip"
training = replicate.trainings.create(
    model="local/trainer", version=version, input={"input_images": data, "steps": 1},
    destination="local/trained", webhook="http://127.0.0.1:9/hook",
)  # fmt: skip
print(training.input["input_images"].startswith("http"), training.input["steps"])

# %% one that is not there
import replicate

try:
    replicate.trainings.get("nothing")
except replicate.exceptions.ReplicateError as error:
    print(error.status)

# %% to what is not there
import replicate

version = replicate.models.get("local/trainer").latest_version.id
try:
    replicate.trainings.create(f"local/trainer:{version}", {"steps": 1}, "local/nothing")
except replicate.exceptions.ReplicateError as error:
    print(error.status)
