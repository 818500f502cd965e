"""The provider's own acceptance sequences, on the stand-in provider without an engine."""

from collections.abc import Mapping
from typing import Any
from unittest.mock import Mock

import pytest
from pulumi.runtime.proto import provider_pb2 as pb

from tests.sequence_steps import Out, Step, With, outs, pattern
from tests.sequences import SEQUENCES
from toolgate.local.cloud.store import MemoryStore
from toolgate.local.engine.provider import Provider
from toolgate.local.engine.wire import from_struct, to_struct


class UpdateError(Exception):
    """What the provider answers instead of an operation."""


class Life:
    """A stack whose engine is as simple as can be: what is to be replaced is deleted first, with what hangs on it."""

    def __init__(self) -> None:
        self._provider = Provider(MemoryStore(), {})
        self._context = Mock(abort=self._abort)
        self._stack: dict[str, dict[str, Any]] = {}

    @staticmethod
    def _abort(_code: Any, text: str) -> None:
        raise UpdateError(text)

    def up(self, step: Step) -> dict[str, str]:
        """What was done, by resource; resources that stay as they are have no entry."""
        done: dict[str, str] = {}
        for name, (kind, inputs) in step.resources.items():
            self._register(name, kind, inputs, done)
        for name in [it for it in reversed(self._stack) if it not in step.resources]:
            self._delete(name)
            done[name] = "delete"
        return done

    def refresh(self) -> None:
        """Take over what the account holds."""
        for it in self._stack.values():
            known = {"inputs": to_struct(it["inputs"]), "properties": to_struct(it["state"])}
            read = self._provider.Read(pb.ReadRequest(urn=it["urn"], id=it["id"], **known), self._context)
            it["inputs"], it["state"] = from_struct(read.inputs), from_struct(read.properties)

    def _register(self, name: str, kind: str, inputs: Any, done: dict[str, str]) -> None:
        old = self._stack.get(name)
        urn = f"urn:pulumi:dev::p::{kind}::{name}"
        news = to_struct(self._resolved(inputs))
        olds = {"olds": to_struct(old["inputs"])} if old else {}
        checked = self._provider.Check(pb.CheckRequest(urn=urn, news=news, randomSeed=b"s", **olds), self._context)
        if checked.failures:
            raise UpdateError("; ".join(it.reason for it in checked.failures))
        if old is None:
            made = self._provider.Create(pb.CreateRequest(urn=urn, properties=checked.inputs), self._context)
            self._keep(name, urn, made.id, (checked.inputs, made.properties), inputs)
            return
        known = {"olds": to_struct(old["state"]), "old_inputs": to_struct(old["inputs"])}
        diff = self._provider.Diff(pb.DiffRequest(urn=urn, id=old["id"], news=checked.inputs, **known), self._context)
        if diff.replaces:
            for other in [it for it, made in self._stack.items() if name in made["uses"]]:
                self._delete(other)
            self._delete(name)
            made = self._provider.Create(pb.CreateRequest(urn=urn, properties=checked.inputs), self._context)
            self._keep(name, urn, made.id, (checked.inputs, made.properties), inputs)
            done[name] = "replace"
        elif diff.changes == pb.DiffResponse.DIFF_SOME:
            request = pb.UpdateRequest(urn=urn, id=old["id"], news=checked.inputs, **known)
            changed = self._provider.Update(request, self._context)
            self._keep(name, urn, old["id"], (checked.inputs, changed.properties), inputs)
            done[name] = "update"

    def _keep(self, name: str, urn: str, made: str, properties: tuple[Any, Any], given: Any) -> None:
        inputs, state = properties
        kept = {"urn": urn, "id": made, "inputs": from_struct(inputs), "state": from_struct(state)}
        self._stack[name] = {**kept, "uses": {it.resource for it in outs(given)}}

    def _delete(self, name: str) -> None:
        it = self._stack[name]
        self._provider.Delete(
            pb.DeleteRequest(urn=it["urn"], id=it["id"], properties=to_struct(it["state"])), self._context
        )
        del self._stack[name]

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, Out):
            return self._stack[value.resource]["state"][value.name]
        if isinstance(value, With):
            return value.make(*(self._resolved(it) for it in value.outs))
        if isinstance(value, Mapping):
            return {key: self._resolved(item) for key, item in value.items()}
        return [self._resolved(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("refreshing", [False, True], ids=["", "refreshed"])
@pytest.mark.parametrize("name", SEQUENCES)
def test_a_sequence(name: str, *, refreshing: bool) -> None:
    life = Life()
    for number, step in enumerate(SEQUENCES[name]):
        if step.error:
            with pytest.raises(UpdateError, match=pattern(step)):
                life.up(step)
            continue
        done = life.up(step)
        if number:
            assert done == step.does, f"step {number + 1}"
        if refreshing:
            life.refresh()
