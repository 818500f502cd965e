"""The components as a Pulumi package: what describes and makes them for programs in any language."""

import json
from dataclasses import replace
from typing import Any

from pulumi import ComponentResource
from pulumi.errors import InputPropertiesError
from pulumi.provider import ConstructResult
from pulumi.provider.experimental.analyzer import PropertyType
from pulumi.provider.experimental.component import ComponentProvider
from pulumi.provider.server import ComponentInitError

from toolgate.components import __version__
from toolgate.components.agent_runtime import AgentRuntime
from toolgate.components.api_gateway_tools import ApiGatewayTools
from toolgate.components.checks.arguments import UsageError
from toolgate.components.dashboard import Dashboard
from toolgate.components.encryption_key import EncryptionKey
from toolgate.components.lambda_tools import LambdaTools
from toolgate.components.machine_client import MachineClient
from toolgate.components.mcp_server import McpServer
from toolgate.components.memory.agentcore_memory import Memory
from toolgate.components.memory.conversation_bucket import ConversationBucket
from toolgate.components.open_api_tools import OpenApiTools
from toolgate.components.package.plain_inputs import opened
from toolgate.components.token_issuer import TokenIssuer
from toolgate.components.tool_gateway import ToolGateway

NAME = "toolgate"
GENERATORS = {"go": {"generateExtraInputTypes": True}}
"""What the generators of SDKs are told beyond the schema (pulumi's schema docs, "Language-specific extensions").

Go: without it nothing declares the types of arguments that take no output, such as the gateway's targets, and the SDK
does not compile.
"""


class Package(ComponentProvider):
    """The SDK's host, which tells what the program's author can put right without a stack trace of ours."""

    def __init__(self, components: list[type[ComponentResource]]) -> None:
        super().__init__(components, NAME, None, __version__)
        self._described: dict[str, Any] = json.loads(self.schema or "")
        for language, settings in GENERATORS.items():
            self._described["language"][language] |= settings
        self.schema = json.dumps(self._described)

    def map_input_properties(self, inputs: Any, properties: Any, *further: Any) -> Any:
        """Map inputs to Python's names.

        The host would make an `int` of each whole number and stumbles over an Output of one; what is none the component
        says in its own words.
        """
        whole, number = PropertyType.INTEGER, PropertyType.NUMBER
        known = {name: replace(it, type=number) if it.type is whole else it for name, it in properties.items()}
        return super().map_input_properties(inputs, known, *further)

    def construct(self, name: str, resource_type: str, inputs: Any, options: Any = None) -> ConstructResult:
        """Make a component.

        Raises:
            InputPropertiesError: The component refuses what it was given.
        """
        try:
            plain = opened(inputs, resource_type, self._described)
            return super().construct(name, resource_type, plain, options)
        except ComponentInitError as error:
            if isinstance(error.inner, UsageError):
                raise InputPropertiesError(str(error.inner), []) from error
            raise


def package() -> Package:
    """The package with every component."""
    targets = [LambdaTools, OpenApiTools, ApiGatewayTools, McpServer]
    agents = [AgentRuntime, Memory, ConversationBucket]
    return Package([*targets, ToolGateway, *agents, Dashboard, EncryptionKey, TokenIssuer, MachineClient])
