"""A small Lambda function: what the tests' deployment has behind its gateways."""

import os
from pathlib import Path
from typing import Any


def handle(event: dict[str, Any], context: Any) -> Any:
    """Answer as the tool's name says; `context` tells what the function was told."""
    told = context.client_context.custom
    tool = told["bedrockAgentCoreToolName"].split("___", 1)[1]
    if tool == "add_numbers":
        return {"result": event["a"] + event["b"]}
    if tool == "multiply_numbers":
        return {"result": event["a"] * event["b"]}
    if tool == "greeting" and event["name"] == "Nobody":
        raise LookupError("there is nobody to greet")
    if tool == "greeting":
        return f"{os.environ['GREETING']}, {event['name']}!"
    return {
        "pid": os.getpid(),
        "custom": told,
        "arn": context.invoked_function_arn,
        "request_id": context.aws_request_id,
        "word": (Path(__file__).parent / "word.txt").read_text(),
        "environment": dict(os.environ),
    }
