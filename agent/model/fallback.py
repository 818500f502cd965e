"""The models of an agent that has several: one that gives no answer is followed by the next."""

import asyncio
import copy
import logging
import math
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import boto3
from strands.models import BedrockModel, Model
from strands.types.streaming import StreamEvent
from strands.types.tools import ToolSpec

import contract
import logs
from invocation import Invocation
from settings import Settings
from toolset.offer import takes

from . import bedrock, options
from .bedrock import BoundedModel, ModelError

REMEMBERED_SECONDS = 60.0
"""How long a model that gave no answer is asked after the others, so that not every turn pays for it."""


def build(session: boto3.Session, settings: Settings) -> Model:
    """Make the agent's model: one alone, or several of which one answers.

    Args:
        session: Where credentials come from.
        settings: Models, Region and bounds.
    """
    first = bedrock.build(session, settings)
    if not settings.fallback_model_ids:
        return first
    return FallbackModel([first, *(_beside(first, settings, it) for it in settings.fallback_model_ids)], settings)


def _beside(first: BoundedModel, settings: Settings, model_id: str) -> BoundedModel:
    """Another model, behind the same client: making one takes long, and it knows of no model."""
    model = copy.copy(first)
    model.config = BedrockModel.BedrockConfig(include_tool_result_status="auto", model_id=model_id)
    model.update_config(**options.of_model(settings, model_id))
    return model


class FallbackModel(Model):
    """Asks its models in their order, until one answers.

    The next one is asked only where nothing of an answer was heard: what a caller has read, or a tool was called with,
    is never said again by another model. A throttled first model is asked once more; no other is. Tools that a model
    would refuse are left out for that model only: the first one must not lose a tool over what another would refuse.

    Args:
        models: At least two, the preferred one first.
        settings: The wait before a throttled model is asked again.
    """

    def __init__(self, models: Sequence[BoundedModel], settings: Settings) -> None:
        self._models = models
        self._settings = settings
        self._failed: dict[str, float] = {}
        self._left_out: set[tuple[str, str]] = set()

    @property
    def config(self) -> Any:
        """The configuration of the first one; strands reads the model's id of it for its traces."""
        return self._models[0].config

    def get_config(self) -> Any:
        """The configuration of the first one."""
        return self._models[0].get_config()

    def update_config(self, **model_config: Any) -> None:
        """Change the configuration of all."""
        for model in self._models:
            model.update_config(**model_config)

    def structured_output(self, *args: Any, **kwargs: Any) -> AsyncGenerator[dict[str, Any]]:
        """Not used: strands' own way to structured output (the agent's is `structured`)."""
        return self._models[0].structured_output(*args, **kwargs)

    async def stream(
        self, messages: Any, tool_specs: list[ToolSpec] | None = None, *args: Any, **kwargs: Any
    ) -> AsyncGenerator[StreamEvent]:
        """Stream one model turn of the first model that answers.

        Raises:
            ModelError: That of the last one, if none answers; or that of the one whose answer broke off.
            ContextWindowOverflowException: If the conversation is too long for the one that was asked.
        """
        invocation: Invocation = kwargs["invocation_state"]["invocation"]
        order = self._order()
        again = True
        while True:
            model = order[0]
            model_id = str(model.config["model_id"])
            try:
                events = model.stream(messages, self._offered(tool_specs, model_id), *args, **kwargs)
                async with aclosing(events) as answer:
                    async for event in answer:
                        yield event
            except ModelError as error:
                if error.heard:
                    raise
                if error.fault is contract.MODEL_THROTTLED and again and len(order) == len(self._models):
                    again = False
                    await asyncio.sleep(self._settings.model_retry_seconds)
                    continue
                if len(order) == 1:
                    raise
                self._give_up(error, order)
                order = order[1:]
            else:
                self._failed.pop(model_id, None)
                invocation.model_id = model_id
                return

    def _order(self) -> list[BoundedModel]:
        """The models, those that failed a while ago or never before those that failed just now."""
        now = time.monotonic()
        return sorted(
            self._models,
            key=lambda it: now - self._failed.get(str(it.config["model_id"]), -math.inf) < REMEMBERED_SECONDS,
        )

    def _give_up(self, error: ModelError, order: Sequence[BoundedModel]) -> None:
        here, there = (str(it.config["model_id"]) for it in order[:2])
        logs.event("model_fallback", level=logging.WARNING, **{"from": here, "to": there, "code": error.fault.code})
        if not error.of_this_request:  # what one caller sends must not decide who answers the others
            self._failed[here] = time.monotonic()

    def _offered(self, tool_specs: list[ToolSpec] | None, model_id: str) -> list[ToolSpec] | None:
        if tool_specs is None or model_id == self._settings.model_id:  # its tools are chosen as they are listed
            return tool_specs
        return [spec for spec in tool_specs if takes(spec, model_id, self._left_out)]
