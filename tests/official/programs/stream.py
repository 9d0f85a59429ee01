# %% text, as in the README
import replicate

for event in replicate.stream("me/words", input={}):
    print(str(event), end="")
print()

# %% the events
import replicate

for event in replicate.stream("me/words", input={}):
    print(event.event, repr(event.data), event.retry, bool(event.id))

# %% the names of the events
import replicate
from replicate.stream import ServerSentEvent

events = list(replicate.stream("me/words", input={}))
print([event.event.value for event in events])
print(events[-1].event == ServerSentEvent.EventType.DONE, repr(str(events[-1])), events[-1].data)

# %% joined
import replicate

print("".join(str(event) for event in replicate.stream("me/words", input={})))

# %% only output
import replicate
from replicate.stream import ServerSentEvent

output = [
    event.data
    for event in replicate.stream("me/words", input={})
    if event.event == ServerSentEvent.EventType.OUTPUT
]
print(output)

# %% a version
import replicate

version = replicate.models.get("me/words").latest_version
print("".join(map(str, replicate.stream(f"me/words:{version.id}", input={}))))
print("".join(map(str, replicate.stream(version, input={}))))

# %% of a prediction, as in the README
import replicate

prediction = replicate.predictions.create(model="me/words", input={}, stream=True)
for event in prediction.stream():
    print(str(event), end="")
print()
prediction.reload()
print(prediction.status)

# %% of a prediction that has ended
import replicate

prediction = replicate.predictions.create(model="me/words", input={})
prediction.wait()
print([event.data for event in prediction.stream()])

# %% a model that does not stream
import replicate
from replicate.exceptions import ReplicateError

try:
    for event in replicate.stream("replicate/hello-world", input={"text": "x"}):
        print(event)
except ReplicateError as error:
    print(error, repr(error))

# %% a model that breaks
import json

import replicate

seen = []
try:
    for event in replicate.stream("me/breaks", input={}):
        seen.append(str(event))
except RuntimeError as error:
    print(seen, json.loads(str(error)))

# %% a stranger's reference
import replicate

try:
    list(replicate.stream("nothing", input={}))
except ValueError as error:
    print(error)

# %% an event as a dict
import replicate

event = next(iter(replicate.stream("me/words", input={})))
fields = event.dict()
print(sorted(fields), fields["data"], fields["event"].name)

# %% an event as json
import json

import replicate

event = list(replicate.stream("me/words", input={}))[-1]
fields = json.loads(event.json())
print(fields["event"], fields["data"], fields["retry"])

# %% several at a time
import replicate

streams = [replicate.stream("me/words", input={}) for _ in range(3)]
print(["".join(map(str, stream)) for stream in streams])

# %% an event that one makes
from replicate.stream import ServerSentEvent

event = ServerSentEvent(event=ServerSentEvent.EventType.OUTPUT, data="hi", id="1", retry=None)
print(event, event == event.copy(), event.copy(update={"data": "ho"}))
