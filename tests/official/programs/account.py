# %% a client of one's own
import os

from replicate.client import Client

client = Client(api_token=os.environ["REPLICATE_API_TOKEN"])
print(client.run("replicate/hello-world", input={"text": "own"}))

# %% a client's headers
import os

import replicate

client = replicate.Client(
    api_token=os.environ["REPLICATE_API_TOKEN"], headers={"User-Agent": "my-app/1.0"}
)
print(client.accounts.current().username)

# %% a client named replicate, as in the README
import os

from replicate.client import Client

replicate = Client(api_token=os.environ["REPLICATE_API_TOKEN"])
print(replicate.models.get("replicate/hello-world").name)
print(len(list(replicate.stream("me/words", input={}))))

# %% a client's base URL and timeout
import os

import replicate

client = replicate.Client(base_url=os.environ["REPLICATE_BASE_URL"], timeout=30)
print(client.models.get("replicate/hello-world").id)

# %% a client's resources
import replicate

names = (
    "accounts collections deployments files hardware models predictions trainings webhooks".split()
)
print([type(getattr(replicate.default_client, name)).__name__ for name in names])
print(replicate.default_client.poll_interval > 0, type(replicate.default_client).__name__)

# %% the names of the module
import replicate

names = "run stream paginate collections deployments files hardware models predictions trainings webhooks default_client Client".split()
print([name for name in names if not hasattr(replicate, name)])

# %% the account
import replicate

account = replicate.default_client.accounts.current()
print(account.type, account.username, account.name, account.github_url)
print(account)

# %% a wrong token
import replicate
from replicate.exceptions import ReplicateError

client = replicate.Client(api_token="r8_nobody")
try:
    client.accounts.current()
except ReplicateError as error:
    print(error.status, error.title, error.detail)

# %% no token
import os

del os.environ["REPLICATE_API_TOKEN"]
import replicate

try:
    replicate.run("replicate/hello-world", input={"text": "x"})
except replicate.exceptions.ReplicateError as error:
    print(error.status, error.title, error.detail)

# %% a token that is set late
import os

token = os.environ.pop("REPLICATE_API_TOKEN")
import replicate

os.environ["REPLICATE_API_TOKEN"] = token
print(replicate.run("replicate/hello-world", input={"text": "late"}))

# %% an error that one raises
from replicate.exceptions import ReplicateError

error = ReplicateError(title="Nope", status=418, detail="I'm a teapot")
print(error)
print(repr(error), error.to_dict(), error.type, error.instance)
try:
    raise error
except Exception as caught:
    print(caught.status)

# %% the submodules that people import
import replicate.account
import replicate.client
import replicate.collection
import replicate.deployment
import replicate.exceptions
import replicate.file
import replicate.hardware
import replicate.helpers
import replicate.identifier
import replicate.model
import replicate.pagination
import replicate.prediction
import replicate.resource
import replicate.schema
import replicate.training
import replicate.version
import replicate.webhook

print("imported")

# %% names in submodules
from replicate.client import Client
from replicate.collection import Collection
from replicate.deployment import Deployment, Deployments
from replicate.file import File, Files
from replicate.hardware import Hardware
from replicate.identifier import ModelVersionIdentifier
from replicate.model import Model, Models
from replicate.pagination import Page, paginate
from replicate.prediction import Prediction, Predictions
from replicate.training import Training, Trainings
from replicate.version import Version, Versions
from replicate.webhook import Webhooks, WebhookSigningSecret

print(
    [
        kind.__name__
        for kind in (Client, Collection, Deployment, File, Hardware, Model, Page, Version)
    ]
)
print(ModelVersionIdentifier.parse("a/b:c"), ModelVersionIdentifier("a", "b"))

# %% functions stay functions
import replicate
import replicate.stream
from replicate.run import run as run_function

print(callable(replicate.run), callable(replicate.stream), callable(run_function))

# %% identifiers
from replicate.identifier import ModelVersionIdentifier

for text in ("a/b", "a/b:c", "a.b/c-d:e:f"):
    print(tuple(ModelVersionIdentifier.parse(text)))
for text in ("a", "a/b/c", "/b", "a/"):
    try:
        ModelVersionIdentifier.parse(text)
    except ValueError as error:
        print(error)

# %% a page that one makes
from replicate.pagination import Page

page = Page(results=[], next="n", previous=None)
print(len(page), list(page), page.next, page.previous)

# %% paginating what one wrote
import replicate


class P:
    def __init__(self, results, next):
        self.results, self.next = results, next


def lister(cursor=...):
    return P([1, 2], "more") if cursor is ... else P([3], None)


print([page.results for page in replicate.paginate(lister)])

# %% typing a function with the library's names
from typing import List, Optional

from replicate.helpers import FileOutput
from replicate.prediction import Prediction


def latest(predictions: List[Prediction]) -> Optional[FileOutput]:
    return None


print(latest([]))
