"""Agents on Amazon Bedrock AgentCore whose IAM role is their only credential: the components and their arguments.

A component is loaded when it is first asked for: what only reads deployments, or judges them, needs no Pulumi.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolgate.components.agent_runtime import AgentRuntime, AgentRuntimeArgs
    from toolgate.components.api_gateway_tools import ApiGatewayTools, ApiGatewayToolsArgs
    from toolgate.components.apis.operations import OperationArgs
    from toolgate.components.apis.rest_api import StageMethodArgs
    from toolgate.components.checks.arguments import UsageError
    from toolgate.components.dashboard import Dashboard, DashboardArgs
    from toolgate.components.encryption_key import EncryptionKey, EncryptionKeyArgs
    from toolgate.components.grants.asked_agents import AskedAgent
    from toolgate.components.grants.inbound import Bearer, Inbound
    from toolgate.components.grants.tool_grants import Authorization, GatewayTools
    from toolgate.components.iam.role_statements import RoleStatement
    from toolgate.components.interceptors.gateway_interceptors import GatewayInterceptors, InterceptorArgs
    from toolgate.components.interceptors.interceptor_function import InterceptorSettings
    from toolgate.components.lambda_tools import LambdaTools, LambdaToolsArgs
    from toolgate.components.machine_client import MachineClient, MachineClientArgs
    from toolgate.components.mcp_server import McpServer, McpServerArgs
    from toolgate.components.memory.agent_memory import AgentMemory
    from toolgate.components.memory.agentcore_memory import Memory, MemoryArgs, MemoryStrategy, MemoryStrategyType
    from toolgate.components.memory.conversation_bucket import ConversationBucket, ConversationBucketArgs
    from toolgate.components.observability.alarms import Alarms
    from toolgate.components.observability.log_delivery import LogDelivery
    from toolgate.components.open_api_tools import ApiSettings, OpenApiTools, OpenApiToolsArgs
    from toolgate.components.runtime.agent_bundle import agent_code
    from toolgate.components.runtime.agent_model import Guardrail
    from toolgate.components.runtime.agentcore_runtime import Lifecycle, PlatformVersion
    from toolgate.components.runtime.network import Network
    from toolgate.components.runtime.python_function import FunctionLogLevel
    from toolgate.components.servers.server_settings import ServerSettings, Undecided
    from toolgate.components.targets.api_gateway import ApiGatewayStage, StageMethod
    from toolgate.components.targets.connector import Connector, ConnectorId
    from toolgate.components.targets.connectors import knowledge_base, web_search
    from toolgate.components.targets.credentials import (
        ApiKey,
        IamService,
        KeyLocation,
        OAuth,
        Signature,
        TargetCredential,
    )
    from toolgate.components.targets.kinds import GatewayTarget
    from toolgate.components.targets.mcp_server import McpServerTarget
    from toolgate.components.targets.open_api import OpenApi
    from toolgate.components.targets.recorded_server import recorded_server
    from toolgate.components.token_issuer import TokenIssuer, TokenIssuerArgs
    from toolgate.components.tokens.client_credentials import ClientCredentials
    from toolgate.components.tool_gateway import (
        ExceptionLevel,
        ToolGateway,
        ToolGatewayArgs,
    )
    from toolgate.components.tools.target_settings import TargetSettings
    from toolgate.components.tools.tool_schema import ToolSchema

_MODULES = {
    "AgentMemory": "memory.agent_memory",
    "AgentRuntime": "agent_runtime",
    "AgentRuntimeArgs": "agent_runtime",
    "Alarms": "observability.alarms",
    "ApiGatewayStage": "targets.api_gateway",
    "ApiGatewayTools": "api_gateway_tools",
    "ApiGatewayToolsArgs": "api_gateway_tools",
    "ApiKey": "targets.credentials",
    "ApiSettings": "open_api_tools",
    "AskedAgent": "grants.asked_agents",
    "Authorization": "grants.tool_grants",
    "Bearer": "grants.inbound",
    "ClientCredentials": "tokens.client_credentials",
    "Connector": "targets.connector",
    "ConnectorId": "targets.connector",
    "ConversationBucket": "memory.conversation_bucket",
    "ConversationBucketArgs": "memory.conversation_bucket",
    "Dashboard": "dashboard",
    "DashboardArgs": "dashboard",
    "EncryptionKey": "encryption_key",
    "EncryptionKeyArgs": "encryption_key",
    "ExceptionLevel": "tool_gateway",
    "FunctionLogLevel": "runtime.python_function",
    "GatewayInterceptors": "interceptors.gateway_interceptors",
    "GatewayTarget": "targets.kinds",
    "GatewayTools": "grants.tool_grants",
    "Guardrail": "runtime.agent_model",
    "IamService": "targets.credentials",
    "Inbound": "grants.inbound",
    "InterceptorArgs": "interceptors.gateway_interceptors",
    "InterceptorSettings": "interceptors.interceptor_function",
    "KeyLocation": "targets.credentials",
    "LambdaTools": "lambda_tools",
    "LambdaToolsArgs": "lambda_tools",
    "Lifecycle": "runtime.agentcore_runtime",
    "LogDelivery": "observability.log_delivery",
    "MachineClient": "machine_client",
    "MachineClientArgs": "machine_client",
    "McpServer": "mcp_server",
    "McpServerArgs": "mcp_server",
    "McpServerTarget": "targets.mcp_server",
    "Memory": "memory.agentcore_memory",
    "MemoryArgs": "memory.agentcore_memory",
    "MemoryStrategy": "memory.agentcore_memory",
    "MemoryStrategyType": "memory.agentcore_memory",
    "Network": "runtime.network",
    "OAuth": "targets.credentials",
    "OpenApi": "targets.open_api",
    "OpenApiTools": "open_api_tools",
    "OpenApiToolsArgs": "open_api_tools",
    "OperationArgs": "apis.operations",
    "PlatformVersion": "runtime.agentcore_runtime",
    "RoleStatement": "iam.role_statements",
    "ServerSettings": "servers.server_settings",
    "Signature": "targets.credentials",
    "StageMethod": "targets.api_gateway",
    "StageMethodArgs": "apis.rest_api",
    "TargetCredential": "targets.credentials",
    "TargetSettings": "tools.target_settings",
    "TokenIssuer": "token_issuer",
    "TokenIssuerArgs": "token_issuer",
    "ToolGateway": "tool_gateway",
    "ToolGatewayArgs": "tool_gateway",
    "ToolSchema": "tools.tool_schema",
    "Undecided": "servers.server_settings",
    "UsageError": "checks.arguments",
    "agent_code": "runtime.agent_bundle",
    "knowledge_base": "targets.connectors",
    "recorded_server": "targets.recorded_server",
    "web_search": "targets.connectors",
}

__all__ = [
    "AgentMemory",
    "AgentRuntime",
    "AgentRuntimeArgs",
    "Alarms",
    "ApiGatewayStage",
    "ApiGatewayTools",
    "ApiGatewayToolsArgs",
    "ApiKey",
    "ApiSettings",
    "AskedAgent",
    "Authorization",
    "Bearer",
    "ClientCredentials",
    "Connector",
    "ConnectorId",
    "ConversationBucket",
    "ConversationBucketArgs",
    "Dashboard",
    "DashboardArgs",
    "EncryptionKey",
    "EncryptionKeyArgs",
    "ExceptionLevel",
    "FunctionLogLevel",
    "GatewayInterceptors",
    "GatewayTarget",
    "GatewayTools",
    "Guardrail",
    "IamService",
    "Inbound",
    "InterceptorArgs",
    "InterceptorSettings",
    "KeyLocation",
    "LambdaTools",
    "LambdaToolsArgs",
    "Lifecycle",
    "LogDelivery",
    "MachineClient",
    "MachineClientArgs",
    "McpServer",
    "McpServerArgs",
    "McpServerTarget",
    "Memory",
    "MemoryArgs",
    "MemoryStrategy",
    "MemoryStrategyType",
    "Network",
    "OAuth",
    "OpenApi",
    "OpenApiTools",
    "OpenApiToolsArgs",
    "OperationArgs",
    "PlatformVersion",
    "RoleStatement",
    "ServerSettings",
    "Signature",
    "StageMethod",
    "StageMethodArgs",
    "TargetCredential",
    "TargetSettings",
    "TokenIssuer",
    "TokenIssuerArgs",
    "ToolGateway",
    "ToolGatewayArgs",
    "ToolSchema",
    "Undecided",
    "UsageError",
    "agent_code",
    "knowledge_base",
    "recorded_server",
    "web_search",
]


def __getattr__(name: str) -> Any:
    """The public name `name`, from the module that has it.

    Raises:
        AttributeError: There is no such name.
    """
    if name not in _MODULES:
        raise AttributeError(f"module 'toolgate' has no attribute {name!r}")
    return getattr(import_module(f"toolgate.components.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    """The public names."""
    return __all__
