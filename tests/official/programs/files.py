# %% an uploaded file
import io

import replicate

content = io.BytesIO(b"abc")
content.name = "abc.txt"
file = replicate.files.create(content)
print(file.name, file.size, file.content_type, file.metadata, file.checksums["md5"])
print(file.urls["get"].startswith("http"), replicate.files.get(file.id).etag == file.etag)

# %% a path
import pathlib
import tempfile

import replicate

path = pathlib.Path(tempfile.mkdtemp(), "note.txt")
path.write_text("hello")
print(replicate.files.create(path).name, replicate.files.create(str(path)).size)
print(replicate.files.create(file=path).content_type)

# %% a name and a type of one's own
import io

import replicate

file = replicate.files.create(
    file=io.BytesIO(b"{}"), filename="data.json", content_type="application/json", metadata={"a": 1}
)
print(file.name, file.content_type, file.metadata)

# %% an open file
import pathlib
import tempfile

import replicate

path = pathlib.Path(tempfile.mkdtemp(), "open.bin")
path.write_bytes(b"\x00" * 10)
with open(path, "rb") as handle:
    file = replicate.files.create(handle)
print(file.name, file.size, file.content_type)

# %% what is no file
import replicate

try:
    replicate.files.create(5)
except ValueError as error:
    print(error)

# %% list and delete
import io

import replicate

made = replicate.files.create(io.BytesIO(b"x"))
print(
    made.id in [file.id for file in replicate.files.list()], type(replicate.files.list()).__name__
)
print(replicate.files.delete(made.id))
try:
    replicate.files.get(made.id)
except replicate.exceptions.ReplicateError as error:
    print(error.status, error.detail)

# %% a file as an input
import io

import replicate

outputs = replicate.run("me/reverse", input={"files": [io.BytesIO(b"abc")]})
print(len(outputs), type(outputs[0]).__name__, outputs[0].read())

# %% a path as an input
import pathlib
import tempfile

import replicate

path = pathlib.Path(tempfile.mkdtemp(), "in.txt")
path.write_bytes(b"12345")
(output,) = replicate.run("me/reverse", input={"files": [path]})
print(output.read())

# %% inside the input
import io

import replicate

content = io.BytesIO(b"abc")
content.name = "abc.txt"
prediction = replicate.predictions.create(
    version=replicate.models.get("me/reverse").latest_version,
    input={"files": [content]},
    file_encoding_strategy="base64",
)
print(prediction.input)
prediction.wait()
print(prediction.status)

# %% uploaded for the input
import io

import replicate

prediction = replicate.predictions.create(
    version=replicate.models.get("me/reverse").latest_version, input={"files": [io.BytesIO(b"abc")]}
)
print(prediction.input["files"][0].startswith("http"))
prediction.wait()

# %% read piece by piece
import io

import replicate

(output,) = replicate.run("me/reverse", input={"files": [io.BytesIO(b"abc")]})
print(b"".join(output), str(output).startswith("data:"), output.url == str(output))
for chunk in output:
    print(chunk)

# %% written to disk
import io
import pathlib
import tempfile

import replicate

folder = pathlib.Path(tempfile.mkdtemp())
for index, output in enumerate(
    replicate.run("me/reverse", input={"files": [io.BytesIO(b"abc")] * 2})
):
    with open(folder / f"out_{index}.txt", "wb") as file:
        file.write(output.read())
print(sorted(path.read_bytes() for path in folder.iterdir()))

# %% URLs instead
import io

import replicate

outputs = replicate.run("me/reverse", input={"files": [io.BytesIO(b"abc")]}, use_file_output=False)
print(type(outputs[0]).__name__, outputs[0].startswith("data:"))

# %% the URL where it is polled
import io

import replicate

(output,) = replicate.run("me/reverse", input={"files": [io.BytesIO(b"abc")]}, wait=False)
print(output.startswith("http"))

# %% the raw output of a prediction
import io

import replicate

prediction = replicate.predictions.create(model="me/reverse", input={"files": [io.BytesIO(b"abc")]})
prediction.wait()
print(type(prediction.output[0]).__name__)

# %% a picture
import replicate

(picture,) = replicate.run(
    "black-forest-labs/flux-schnell", input={"prompt": "a hill", "megapixels": "0.25"}
)
print(picture.read()[8:12])

# %% a file in an object
import replicate

output = replicate.run("me/report", input={})
print(sorted(output), output["file"].read(), output["title"])

# %% an output that iterates over files
import io

import replicate

version = replicate.models.get("me/each").latest_version
for output in replicate.run(version, input={"files": [io.BytesIO(b"abc"), io.BytesIO(b"12")]}):
    print(type(output).__name__, output.read())

# %% outputs that one makes
from replicate.helpers import FileOutput, transform_output
import replicate

made = transform_output(
    ["https://x.example/a.png", "text", {"f": "data:text/plain;base64,aGk="}],
    replicate.default_client,
)
print(type(made[0]).__name__, made[0].url, made[1], made[2]["f"].read())
print(isinstance(made[0], FileOutput))

# %% encoding by hand
import io

import replicate
from replicate.helpers import base64_encode_file, encode_json

content = io.BytesIO(b"abc")
content.name = "abc.txt"
print(base64_encode_file(content), base64_encode_file(io.BytesIO(b"x")))
print(encode_json({"a": (1, 2), "b": [content]}, replicate.default_client, "base64"))

# %% what the module knows of files
from replicate.file import File, FileEncodingStrategy
from typing import get_args

print(get_args(FileEncodingStrategy), File.__name__)
