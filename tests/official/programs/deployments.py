# %% created
import replicate

version = replicate.models.get("me/community").latest_version.id
deployment = replicate.deployments.create(
    name="fast",
    model="me/community",
    version=version,
    hardware="cpu",
    min_instances=0,
    max_instances=1,
)
print(deployment.owner, deployment.name, deployment.id)
release = deployment.current_release
print(release.number, release.model, release.version == version, release.created_by.username)
print(
    release.configuration.hardware,
    release.configuration.min_instances,
    release.configuration.max_instances,
)
print(release.configuration)

# %% got, listed
import replicate

version = replicate.models.get("me/community").latest_version.id
replicate.deployments.create(
    name="local/fast",
    model="me/community",
    version=version,
    hardware="cpu",
    min_instances=0,
    max_instances=1,
)
print(replicate.deployments.get("local/fast").name)
print([deployment.id for deployment in replicate.deployments.list()])
print(list(replicate.deployments.list()[0].dict()))

# %% changed
import replicate

version = replicate.models.get("me/community").latest_version.id
replicate.deployments.create(
    name="fast",
    model="me/community",
    version=version,
    hardware="cpu",
    min_instances=0,
    max_instances=1,
)
changed = replicate.deployments.update("local", "fast", max_instances=3)
print(changed.current_release.number, changed.current_release.configuration.max_instances)
print(replicate.deployments.delete("local", "fast"))
try:
    replicate.deployments.get("local/fast")
except replicate.exceptions.ReplicateError as error:
    print(error.status)

# %% its predictions
import replicate

version = replicate.models.get("me/community").latest_version.id
deployment = replicate.deployments.create(
    name="fast",
    model="me/community",
    version=version,
    hardware="cpu",
    min_instances=0,
    max_instances=1,
)
prediction = deployment.predictions.create(input={"number": 4})
prediction.wait()
print(prediction.output)
prediction = deployment.predictions.create({"number": 5}, wait=True)
print(prediction.status, prediction.output)

# %% predictions of deployments
import replicate

version = replicate.models.get("me/community").latest_version.id
deployment = replicate.deployments.create(
    name="fast",
    model="me/community",
    version=version,
    hardware="cpu",
    min_instances=0,
    max_instances=1,
)
for which in ("local/fast", ("local", "fast"), deployment):
    prediction = replicate.deployments.predictions.create(which, input={"number": 5}, wait=True)
    print(prediction.output)
for which in ("local/fast", ("local", "fast"), deployment):
    prediction = replicate.predictions.create(deployment=which, input={"number": 6})
    prediction.wait()
    print(prediction.output)

# %% what is no deployment
import replicate

try:
    replicate.deployments.predictions.create(5, input={})
except ValueError as error:
    print(error)
try:
    replicate.deployments.predictions.create("no/such", input={})
except replicate.exceptions.ReplicateError as error:
    print(error.status)

# %% waits
import replicate

version = replicate.models.get("me/community").latest_version.id
replicate.deployments.create(
    name="fast",
    model="me/community",
    version=version,
    hardware="cpu",
    min_instances=0,
    max_instances=1,
)
deployment = replicate.deployments.get("local/fast")
prediction = deployment.predictions.create(input={"number": 7}, webhook="http://127.0.0.1:9/hook")
while prediction.status not in {"succeeded", "failed"}:
    prediction.reload()
print(prediction.output)
