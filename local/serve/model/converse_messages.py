"""What Bedrock's Converse refuses in a conversation, in its own words.

Names and ids are botocore's (bedrock-runtime, ToolUseId and ToolName). The rest stands in no document: each rule is
what people's reports quote, named beside it; none was tried on AWS here.
"""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
# What files of the formats that Converse takes begin with (botocore ImageFormat).
_BEGINS = {
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpeg": (b"\xff\xd8\xff",),
    "gif": (b"GIF87a", b"GIF89a"),
    "webp": (b"RIFF",),
}

Block = Mapping[str, Any]


def problem(messages: Sequence[Mapping[str, Any]]) -> str | None:
    """Why Converse refuses these messages; None if it takes them."""
    return next(_problems(messages), None)


def _problems(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if messages[0]["role"] != "user":  # danny-avila/LibreChat#7354
        yield (
            "A conversation must start with a user message. Try again with a conversation that starts with a user "
            "message."
        )
    asked: list[str] = []
    for number, message in enumerate(messages):
        where, blocks = f"messages.{number}", message["content"]
        if not blocks:  # theopenco/llmgateway#3127
            yield (
                f"The content field in the Message object at {where} is empty. Add a ContentBlock object to the "
                "content field and try again."
            )
        for index, block in enumerate(blocks):
            yield from _of_block(block, f"{where}.content.{index}")
        results = [block["toolResult"]["toolUseId"] for block in blocks if "toolResult" in block]
        if missing := [one for one in asked if one not in results]:  # zeroclaw-labs/zeroclaw#1476
            yield f"Expected toolResult blocks at {where}.content for the following Ids: {', '.join(missing)}"
        if len(results) > len(asked):  # pydantic/pydantic-ai#2327
            yield (
                f"The number of toolResult blocks at {where}.content exceeds the number of toolUse blocks of previous "
                "turn."
            )
        asked = [block["toolUse"]["toolUseId"] for block in blocks if "toolUse" in block]
        if twice := sorted({one for one in asked if asked.count(one) > 1}):  # bvcyber/Cyber-AutoAgent-ng#72
            yield f"The toolUse blocks at {where}.content contain duplicate Ids: {', '.join(twice)}"


def _of_block(block: Block, where: str) -> Iterator[str]:
    if "text" in block and not block["text"].strip():  # aws/bedrock-agentcore-sdk-python#185, langchainjs#8618
        yield (
            f"The text field in the ContentBlock object at {where} is blank. Add text to the text field, and try again."
        )
    if "image" in block:
        yield from _of_image(block["image"], where)
    if use := block.get("toolUse"):
        for member, pattern in (("toolUseId", _ID), ("name", _NAME)):  # pydantic/pydantic-ai#4585
            if not pattern.fullmatch(use[member]):
                yield (
                    f"1 validation error detected: Value at '{where}.toolUse.{member}' failed to satisfy constraint: "
                    f"Member must satisfy regular expression pattern: {pattern.pattern}"
                )
    if result := block.get("toolResult"):
        yield from _of_result(result, where)


def _of_result(result: Block, where: str) -> Iterator[str]:
    if result.get("status") == "error" and not result["content"]:
        # aws-samples/sample-multi-agent-orchestration-chat-on-agentcore#15
        yield f"The content field at {where}.toolResult cannot be empty when status value is error."
    for index, part in enumerate(result["content"]):
        at = f"{where}.toolResult.content.{index}"
        if "json" in part and not isinstance(part["json"], Mapping):  # sigoden/aichat#1550
            yield f"The format of the value at {at}.json is invalid. Provide a json object for the field and try again."
        yield from _of_block(part, at)  # blank text in a result: NousResearch/hermes-agent#61318


def _of_image(image: Block, where: str) -> Iterator[str]:
    begins = _BEGINS[image["format"]]
    data = base64.b64decode(image["source"]["bytes"]) if "bytes" in image["source"] else begins[0]
    if not data.startswith(tuple(start for starts in _BEGINS.values() for start in starts)):
        yield "The model returned the following errors: Could not process image"  # anthropics/claude-code#6175
    elif not data.startswith(begins):  # anthropics/claude-code#17452
        yield (
            f"The model returned the following errors: {where}.image.source.base64.data: Image does not match the "
            f"provided media type image/{image['format']}"
        )
