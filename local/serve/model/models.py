"""Which model answers: what `--model` says, checked, and the app behind Converse and ConverseStream."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.types import ASGIApp

from toolgate.local.serve.model import converse_api, openai_model, scripted_model
from toolgate.local.serve.model.openai_model import KEY_VARIABLE, Endpoint, EndpointError

SCRIPTED, BEDROCK = "scripted", "bedrock"


class ModelChoiceError(ValueError):
    """No such model can be asked; the text is one line that says what to write or to do."""


@dataclass(frozen=True)
class Model:
    """A model behind Converse and ConverseStream, and in one line which one it is."""

    app: ASGIApp
    says: str


def check(choice: str, variables: Mapping[str, str] = os.environ) -> Endpoint | None:
    """See that a choice names a model; the endpoint where it is one's URL.

    Args:
        choice: `scripted`, `bedrock`, or an OpenAI-compatible `URL#MODEL`.
        variables: Where the key of such a URL is.

    Raises:
        ModelChoiceError: It names none.
    """
    if choice in {SCRIPTED, BEDROCK}:
        return None
    if "://" not in choice:
        raise ModelChoiceError(
            f"no model {choice!r}: write {SCRIPTED}, {BEDROCK}, or the URL of an OpenAI-compatible API and a model's"
            " name, such as http://127.0.0.1:11434/v1#llama3.2"
        )
    try:
        return openai_model.endpoint(choice, variables.get(KEY_VARIABLE))
    except EndpointError as error:
        raise ModelChoiceError(str(error)) from error


def chosen(choice: str, region: str) -> Model:
    """The model of a choice.

    Args:
        choice: As `check` takes it.
        region: The deployment's Region, in which Bedrock is asked.

    Raises:
        ModelChoiceError: It names none, or there are no credentials for it.
    """
    endpoint = check(choice)
    if endpoint:
        key = f", with the key of {KEY_VARIABLE}" if endpoint.key else ""
        says = f"{endpoint.model} at {endpoint.url}{key}"
        return Model(converse_api.model_app(openai_model.model(endpoint)), says)
    if choice == SCRIPTED:
        return Model(converse_api.model_app(scripted_model.turn), "a script (--model takes a real one)")
    from toolgate.local.serve.model import bedrock_model  # noqa: PLC0415  # boto3 takes a while, and this is rare

    try:
        return Model(*bedrock_model.model_app(region))
    except bedrock_model.NoCredentialsError as error:
        raise ModelChoiceError(f"--model {BEDROCK}: {error}") from error
