"""A model behind an OpenAI-compatible server, such as Ollama: Converse turned into chat completions and back.

Written by hand: all of it. strands' OpenAIModel does the same on top of the `openai` package, a large dependency for
one POST and the events of its answer.
Source: OpenAI API reference, "Chat completions" and "Streaming"; Ollama, "OpenAI compatibility".
"""

import json
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx

from toolgate.local.serve.model.converse_stream import Event, ModelError, Turn

KEY_VARIABLE = "TOOLGATE_MODEL_API_KEY"
"""The one variable that holds the server's key: a key that lies in the environment for others is sent to nobody."""

_TIMEOUT = httpx.Timeout(5.0, read=120.0)  # a model that is still being loaded is silent for a while
_MOST_ERROR = 500
_COMPLETIONS = "/chat/completions"


class EndpointError(ValueError):
    """This names no model that can be asked; the text says what to write."""


@dataclass(frozen=True)
class Endpoint:
    """Where a model is.

    Attributes:
        url: The API's base URL, such as `http://127.0.0.1:11434/v1`.
        model: The model's name there.
        key: Sent as a bearer token, or None.
    """

    url: str
    model: str
    key: str | None = field(default=None, repr=False)

    @property
    def here(self) -> bool:
        """Whether it is on this machine."""
        return _loopback(urlsplit(self.url).hostname or "")


def endpoint(text: str, key: str | None = None) -> Endpoint:
    """The endpoint that `URL#MODEL` names.

    Args:
        text: The base URL, with `/v1` added where it has no path, `#`, and the model's name.
        key: The key for it, if there is one.

    Raises:
        EndpointError: It names none, or the key would be sent in clear over a network.
    """
    url, _, model = text.partition("#")
    try:
        parts = urlsplit(url)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise EndpointError(f"{url or text} is no URL of a model; write for example http://127.0.0.1:11434/v1#llama3.2")
    if parts.username is not None or parts.password is not None:
        raise EndpointError(f"a URL is no place for a key: put it into the variable {KEY_VARIABLE}")
    if parts.query:
        raise EndpointError(f"{url} has a query; write the API's base URL, such as http://127.0.0.1:11434/v1")
    if not model.strip():
        raise EndpointError(f"{url} names no model; write its name after a #: {url}#llama3.2")
    path = parts.path.rstrip("/").removesuffix(_COMPLETIONS) or "/v1"
    found = Endpoint(f"{parts.scheme}://{parts.netloc}{path}", model.strip(), key or None)
    if found.key and parts.scheme == "http" and not found.here:
        raise EndpointError(
            f"{url} would get the key of {KEY_VARIABLE} in clear over the network: write https, or unset {KEY_VARIABLE}"
        )
    return found


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def model(at: Endpoint) -> Turn:
    """The model at an endpoint."""

    async def turn(body: Mapping[str, Any]) -> AsyncIterator[Event]:
        headers = {"authorization": f"Bearer {at.key}"} if at.key else {}
        request = chat_request(at.model, body)
        started = time.monotonic()
        try:
            # A proxy is for servers elsewhere.
            async with (
                httpx.AsyncClient(timeout=_TIMEOUT, trust_env=not at.here) as client,
                client.stream("POST", f"{at.url}{_COMPLETIONS}", json=request, headers=headers) as answer,
            ):
                if answer.status_code != httpx.codes.OK:
                    raise _refused(at, answer.status_code, await _said(answer))
                async for event in _events(at, answer, started):
                    yield event
        except httpx.ConnectError as error:
            raise ModelError("ServiceUnavailableException", f"{at.url} cannot be reached: is it running?") from error
        except httpx.TimeoutException as error:
            raise ModelError("ModelTimeoutException", f"{at.url} did not answer in time") from error
        except httpx.HTTPError as error:
            raise _broken(at, "its answer broke off") from error

    return turn


async def _said(answer: httpx.Response) -> tuple[str, str]:
    """The code and the message of an error's body."""
    read = b""
    async for piece in answer.aiter_bytes():
        read += piece
        if len(read) > 2**16:
            break
    try:
        return _error(json.loads(read))
    except ValueError:
        return "", ""


def _error(document: Any) -> tuple[str, str]:
    error = document.get("error") if isinstance(document, dict) else None
    if isinstance(error, dict):
        return str(error.get("code") or ""), str(error.get("message") or "")
    return "", str(error or "")


_CODES = {
    401: "AccessDeniedException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    429: "ThrottlingException",
    502: "ServiceUnavailableException",
    503: "ServiceUnavailableException",
    504: "ModelTimeoutException",
}
"""Bedrock's error for a status of the server; another 4xx is a ValidationException, all else a ModelErrorException."""


def _refused(at: Endpoint, status: int, said: tuple[str, str]) -> ModelError:
    code, message = said
    if code == "context_length_exceeded":  # by Bedrock's words an agent knows that it has to shorten the conversation
        return ModelError("ValidationException", "Input is too long for requested model.")
    ours = _CODES.get(status) or ("ValidationException" if 400 <= status < 500 else "ModelErrorException")
    if ours == "AccessDeniedException":  # what the server says may hold a part of the key
        key = f"refused the key of {KEY_VARIABLE}" if at.key else f"wants a key: put it into {KEY_VARIABLE}"
        return ModelError(ours, f"{at.url} {key} ({status})")
    return ModelError(ours, f"{at.url} answered {status} for model {at.model}{_quoted(at, message)}")


def _quoted(at: Endpoint, message: str) -> str:
    text = message.replace(at.key, "***") if at.key else message
    text = " ".join(text.split())[:_MOST_ERROR]
    return f": {text}" if text else ""


def _broken(at: Endpoint, what: str) -> ModelError:
    return ModelError("ModelStreamErrorException", f"model {at.model} of {at.url}: {what}")


def chat_request(model_name: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a chat completion from the body of a ConverseStream request.

    Args:
        model_name: The model's name at the server.
        body: Converse's request; what belongs to models of Bedrock alone is left out (docs/local.md).

    Raises:
        ModelError: It holds content that has no translation.
    """
    system = "\n\n".join(block["text"] for block in body.get("system", ()) if "text" in block)
    messages: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    for message in body["messages"]:
        messages += _assistant(message) if message["role"] == "assistant" else _user(message)
    given = body.get("inferenceConfig") or {}
    settings = {theirs: given[ours] for ours, theirs in _SETTINGS.items() if given.get(ours) is not None}
    return {
        "model": model_name,
        "messages": messages,
        **_tools(body.get("toolConfig") or {}),
        **settings,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


_SETTINGS = {"maxTokens": "max_tokens", "temperature": "temperature", "topP": "top_p", "stopSequences": "stop"}
# A mark for a cache, and what a model thought: nothing that another model could use.
_LEFT_OUT = {"cachePoint", "reasoningContent"}


def _assistant(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    text, calls = "", []
    for block in message["content"]:
        if "text" in block:
            text += block["text"]
        elif "toolUse" in block:
            use = block["toolUse"]
            function = {"name": use["name"], "arguments": json.dumps(use["input"])}
            calls.append({"id": use["toolUseId"], "type": "function", "function": function})
        else:
            _check_left_out(block)
    yield {"role": "assistant", "content": text or None, **({"tool_calls": calls} if calls else {})}


def _user(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Results of tools first: they must follow the message that asked for them."""
    parts: list[dict[str, Any]] = []
    for block in message["content"]:
        if "toolResult" in block:
            result = block["toolResult"]
            said = [_text(item) for item in result["content"]]
            yield {"role": "tool", "tool_call_id": result["toolUseId"], "content": "\n".join(said)}
        elif "text" in block:
            parts.append({"type": "text", "text": block["text"]})
        elif "image" in block:
            image = block["image"]
            url = f"data:image/{image['format']};base64,{image['source']['bytes']}"
            parts.append({"type": "image_url", "image_url": {"url": url}})
        else:
            _check_left_out(block)
    if parts:
        texts = [part["text"] for part in parts if "text" in part]
        yield {"role": "user", "content": "\n".join(texts) if len(texts) == len(parts) else parts}


def _text(item: Mapping[str, Any]) -> str:
    if "text" in item:
        return str(item["text"])
    if "json" in item:
        return json.dumps(item["json"], ensure_ascii=False)
    raise _untranslated(item)


def _check_left_out(block: Mapping[str, Any]) -> None:
    if not _LEFT_OUT & block.keys():
        raise _untranslated(block)


def _untranslated(block: Mapping[str, Any]) -> ModelError:
    return ModelError("ValidationException", f"content of the kind {', '.join(block)} is not translated for this model")


def _tools(config: Mapping[str, Any]) -> dict[str, Any]:
    specs = [tool["toolSpec"] for tool in config.get("tools", ()) if "toolSpec" in tool]
    if not specs:
        return {}
    functions = [
        {"name": spec["name"], "description": spec.get("description", ""), "parameters": spec["inputSchema"]["json"]}
        for spec in specs
    ]
    tools: dict[str, Any] = {"tools": [{"type": "function", "function": function} for function in functions]}
    choice = config.get("toolChoice") or {}
    if "any" in choice:
        tools["tool_choice"] = "required"
    if "tool" in choice:
        tools["tool_choice"] = {"type": "function", "function": {"name": choice["tool"]["name"]}}
    return tools


@dataclass
class _Call:
    """A call of a tool, whose arguments come in pieces."""

    id: str
    name: str = ""
    arguments: str = ""


@dataclass
class _Heard:
    """What has come of an answer."""

    calls: dict[int, _Call] = field(default_factory=dict)
    speaks: bool = False
    finished: str = ""
    usage: Mapping[str, int] = field(default_factory=dict)

    def add(self, chunk: Mapping[str, Any]) -> str:
        """Take a chunk; the text in it.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: It is no chunk.
        """
        if usage := chunk.get("usage"):
            self.usage = {name: int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens")}
        text = ""
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            self.finished = str(choice.get("finish_reason") or self.finished)
            text += delta.get("content") or ""
            for call in delta.get("tool_calls") or ():
                self._add_call(call)
        self.speaks = self.speaks or bool(text)
        return text

    def _add_call(self, delta: Mapping[str, Any]) -> None:
        """Add a piece of a call; a server that numbers none begins each with its id."""
        index = delta.get("index")
        if index is None:
            index = len(self.calls) if delta.get("id") or not self.calls else len(self.calls) - 1
        function = delta.get("function") or {}
        call = self.calls.setdefault(int(index), _Call(str(delta.get("id") or f"call_{uuid.uuid4().hex}")))
        call.name = call.name or str(function.get("name") or "")
        call.arguments += function.get("arguments") or ""


async def _events(at: Endpoint, answer: httpx.Response, started: float) -> AsyncIterator[Event]:
    """ConverseStream's events: text as it comes; the tools that the model asks for once they are whole."""
    heard = _Heard()
    yield "messageStart", {"role": "assistant"}
    async for chunk in _chunks(at, answer):
        try:
            text = heard.add(chunk)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise _broken(at, "its answer cannot be read") from None
        if text:
            yield "contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": text}}
    if not heard.finished:
        raise _broken(at, "its answer broke off")
    if heard.speaks:
        yield "contentBlockStop", {"contentBlockIndex": 0}
    cut = heard.finished == "length"
    for index, call in enumerate(heard.calls.values(), start=int(heard.speaks)):
        if cut and not _whole(call):
            break
        if not _whole(call):
            raise _broken(at, f"it asks for the tool {call.name!r} with arguments that are no JSON object")
        use = {"toolUseId": call.id, "name": call.name}
        yield "contentBlockStart", {"contentBlockIndex": index, "start": {"toolUse": use}}
        yield "contentBlockDelta", {"contentBlockIndex": index, "delta": {"toolUse": {"input": call.arguments or "{}"}}}
        yield "contentBlockStop", {"contentBlockIndex": index}
    # Some servers say `stop` where tools are asked for.
    reason = "tool_use" if heard.calls and not cut else _REASONS.get(heard.finished, "end_turn")
    yield "messageStop", {"stopReason": reason}
    counts = [heard.usage.get(name, 0) for name in ("prompt_tokens", "completion_tokens")]
    usage = {"inputTokens": counts[0], "outputTokens": counts[1], "totalTokens": sum(counts)}
    yield "metadata", {"usage": usage, "metrics": {"latencyMs": int((time.monotonic() - started) * 1000)}}


_REASONS = {"length": "max_tokens", "content_filter": "content_filtered"}


def _whole(call: _Call) -> bool:
    try:
        return bool(call.name) and isinstance(json.loads(call.arguments or "{}"), dict)
    except ValueError:
        return False


async def _chunks(at: Endpoint, answer: httpx.Response) -> AsyncIterator[Mapping[str, Any]]:
    """The chunks of the stream; OpenAI's events have one line of data each."""
    async for line in answer.aiter_lines():
        if not line.startswith("data:"):
            continue
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            return
        try:
            chunk = json.loads(data)
        except ValueError:
            raise _broken(at, "its answer cannot be read") from None
        if not isinstance(chunk, dict):
            raise _broken(at, "its answer cannot be read")
        if "error" in chunk:
            raise _broken(at, f"it ended with an error{_quoted(at, _error(chunk)[1])}")
        yield chunk
