"""The OpenAPI document of a model, as a Cog container with its schemas would serve it."""

from __future__ import annotations

from .schemas import Schema

_TRAINING_OUTPUT: Schema = {
    "type": "object",
    "title": "TrainingOutput",
    "required": ["version"],
    "properties": {
        "version": {"type": "string"},
        "weights": {"type": "string", "format": "uri"},
    },
}


def openapi_document(input: Schema, output: Schema, training: Schema | None = None) -> Schema:
    """Return the OpenAPI document of a model.

    Args:
        input: The schema of its input, an object.
        output: The schema of its output.
        training: The schema of a training's input, where the model can be trained.
    """
    schemas: Schema = {"Input": {}, "Output": output}
    schemas["Input"] = _hoist_enums(input, schemas)
    if training is not None:
        schemas["TrainingInput"] = _hoist_enums(training, schemas)
        schemas["TrainingOutput"] = _TRAINING_OUTPUT
    schemas["PredictionRequest"] = {
        "type": "object",
        "title": "PredictionRequest",
        "properties": {"input": _reference("Input")},
    }
    schemas["PredictionResponse"] = {
        "type": "object",
        "title": "PredictionResponse",
        "properties": {"input": _reference("Input"), "output": _reference("Output")},
    }
    body = {"content": {"application/json": {"schema": _reference("PredictionRequest")}}}
    responses = {"200": {"description": "Successful Response"}}
    predict = {"summary": "Predict", "requestBody": body, "responses": responses}
    return {
        "openapi": "3.0.2",
        "info": {"title": "Cog", "version": "0.1.0"},
        "paths": {
            "/health-check": {"get": {"summary": "Healthcheck", "responses": responses}},
            "/predictions": {"post": predict},
        },
        "components": {"schemas": schemas},
    }


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _hoist_enums(schema: Schema, schemas: Schema) -> Schema:
    """Return a schema of an object whose enums are references to schemas, added to `schemas`."""
    properties: Schema = {}
    for name, prop in schema["properties"].items():
        if "enum" not in prop:
            properties[name] = prop
            continue
        schemas[name] = {
            "type": prop.get("type", "string"),
            "title": name,
            "enum": prop["enum"],
            "description": "An enumeration.",
        }
        rest = {key: value for key, value in prop.items() if key not in ("enum", "type", "title")}
        properties[name] = rest | {"allOf": [_reference(name)]}
    return schema | {"properties": properties}
