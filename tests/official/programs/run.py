# %% a model by its name
import replicate

output = replicate.run("replicate/hello-world", input={"text": "Alice"})
print(output)

# %% positional input
import replicate

print(replicate.run("replicate/hello-world", {"text": "Bob"}))

# %% without waiting
import replicate

print(replicate.run("replicate/hello-world", input={"text": "Bob"}, wait=False))

# %% a wait in seconds
import replicate

print(replicate.run("replicate/hello-world", input={"text": "Carol"}, wait=5))

# %% a version of a community model
import replicate

version = replicate.models.get("me/community").latest_version
print(replicate.run(f"me/community:{version.id}", input={"number": 20}))

# %% a version object
import replicate

version = replicate.models.get("me/community").latest_version
print(replicate.run(version, input={"number": 21}))

# %% a model object
import replicate

model = replicate.models.get("replicate/hello-world")
print(replicate.run(model, input={"text": "Dave"}))

# %% an identifier
import replicate
from replicate.identifier import ModelVersionIdentifier

ref = ModelVersionIdentifier.parse("replicate/hello-world")
print(ref, replicate.run(ref, input={"text": "Eve"}))

# %% a language model returns a list of its pieces
import replicate

output = replicate.run("me/words", input={})
print(type(output).__name__, output)
print("".join(output))

# %% a version whose output comes piece by piece returns an iterator
import replicate

version = replicate.models.get("me/words").latest_version.id
output = replicate.run(f"me/words:{version}", input={})
print(hasattr(output, "__next__"))
print("".join(output))

# %% an iterator without waiting
import replicate

version = replicate.models.get("me/words").latest_version.id
for piece in replicate.run(f"me/words:{version}", input={}, wait=False):
    print(repr(piece))

# %% an iterator of a version object
import replicate

version = replicate.models.get("me/words").latest_version
print(list(replicate.run(version, input={})))

# %% an output that is an object
import replicate

output = replicate.run("me/analysis", input={"text": "a b c"})
print(output["words"], output["nested"]["letters"])

# %% an output of numbers
import replicate

print(replicate.run("me/numbers", input={"count": 4}))

# %% an output of nothing
import replicate

print(replicate.run("me/nothing", input={}))

# %% a list of texts that are no pieces of one
import replicate

for line in replicate.run("me/lines", input={}):
    print(line)

# %% a model that fails
import replicate
from replicate.exceptions import ModelError

try:
    replicate.run("local/always-fails", input={})
except ModelError as error:
    print(error)
    print(error.prediction.status, error.prediction.error)
    print("fails on purpose" in error.prediction.error, bool(error.prediction.logs))

# %% a model that fails without waiting
import replicate

try:
    replicate.run("local/always-fails", input={}, wait=False)
except replicate.exceptions.ModelError as error:
    print(type(error).__name__, error.prediction.id != "", error.args)

# %% the exceptions' family
from replicate.exceptions import ModelError, ReplicateError, ReplicateException

print(issubclass(ModelError, ReplicateException), issubclass(ReplicateError, ReplicateException))
print(issubclass(ReplicateException, Exception), issubclass(ModelError, ReplicateError))

# %% a name that is none
import replicate

for bad in ("", "hello-world", "a/b/c", "owner/"):
    try:
        replicate.run(bad, input={})
    except ValueError as error:
        print(error)

# %% a model that is not there
import replicate
from replicate.exceptions import ReplicateError

try:
    replicate.run("no/such", input={})
except ReplicateError as error:
    print(error.status, error.title, error.detail)
    print(error)
    print(repr(error))
    print(error.to_dict())

# %% an input that is refused
import replicate
from replicate.exceptions import ReplicateError

try:
    replicate.run("replicate/hello-world", input={"txt": 1})
except ReplicateError as error:
    print(error.status, error.title)
    print(error.detail)

# %% a version that is not there
import replicate
from replicate.exceptions import ReplicateError

try:
    replicate.run("me/community:" + "0" * 64, input={"number": 1})
except ReplicateError as error:
    print(error.status, error.title)

# %% keywords that are no longer known
import replicate

print(replicate.run("replicate/hello-world", input={"text": "F"}, stream=False))

# %% what a webhook needs
import replicate

print(
    replicate.run(
        "replicate/hello-world",
        input={"text": "G"},
        webhook="http://127.0.0.1:9/hook",
        webhook_events_filter=["completed"],
    )
)

# %% input is none
import replicate

print(replicate.run("me/words"))

# %% many in threads
from concurrent.futures import ThreadPoolExecutor

import replicate


def greet(name):
    return replicate.run("replicate/hello-world", input={"text": name})


with ThreadPoolExecutor(4) as pool:
    print(list(pool.map(greet, ["a", "b", "c", "d"])))

# %% a long prediction is waited for
import replicate

print(replicate.run("local/slow", input={"seconds": 0.2}, wait=False))

# %% the wait runs out
import replicate

print("".join(replicate.run("me/words", input={"pause": 0.25}, wait=1)))
