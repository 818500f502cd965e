"""What a deployment's AgentCore and Lambda resources say, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from toolgate.access.deployment.stack_export import Archive
from toolgate.access.deployment.tokens import JwtAuthorizer
from toolgate.policy.language.agentcore_facts import full_name
from toolgate.policy.language.interceptors import REQUEST, RESPONSE, Declaration


@dataclass(frozen=True)
class Tool:
    """One tool of a target; the schemas are in the API's form (`inputSchema` of a tool definition).

    `others` is what an MCP server says of it besides: title, annotations.
    """

    OWN: ClassVar = frozenset({"name", "description", "inputSchema", "outputSchema"})
    name: str
    description: str
    input_schema: Mapping[str, Any]
    output_schema: Mapping[str, Any] | None = None
    others: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class EngineAttachment:
    """Which policy engine a gateway asks, and whether it heeds the answer (`ENFORCE`) or only logs it (`LOG_ONLY`).

    Source: botocore bedrock-agentcore-control `GatewayPolicyEngineConfiguration`.
    """

    arn: str
    mode: str


ACTIVE, LOG_ONLY = "ACTIVE", "LOG_ONLY"


@dataclass(frozen=True)
class CedarPolicy:
    """A policy of a policy engine.

    Attributes:
        label: The resource's type and name, for messages.
        id: What AWS's denials call it.
        name: Its name.
        statement: Its text; None where it is not in Cedar.
        mode: `ACTIVE`, or `LOG_ONLY` for one that is only logged (AgentCore control API, CreatePolicy,
            `enforcementMode`; that AWS then decides without it was not seen by us).
    """

    label: str
    id: str
    name: str
    statement: str | None
    mode: str = ACTIVE


@dataclass(frozen=True)
class PolicyEngine:
    """A policy engine with its policies."""

    label: str
    arn: str
    id: str
    policies: tuple[CedarPolicy, ...]


@dataclass(frozen=True)
class Interceptor:
    """A function that a gateway asks about its requests, its answers, or both.

    Attributes:
        function_arn: The function; the ARN may end with a version or an alias. Empty where the deployment does not say.
        points: `REQUEST`, `RESPONSE` or both (botocore bedrock-agentcore-control `GatewayInterceptionPoints`).
        headers: Whether it is told the request's headers.
        declared: What the function says that it looks at; None where it does not say, and may look at everything.
        unread: Settings of it that no view covers.
    """

    function_arn: str
    points: tuple[str, ...]
    headers: bool = False
    declared: Declaration | None = None
    unread: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """How a reader is told of it: its function's name, with the version or the alias that the gateway names."""
        return self.function_arn.partition(":function:")[2] or self.function_arn or "that is not named"

    def before(self, tool: str) -> bool:
        """Whether it may refuse or rewrite calls of the tool with this full name."""
        return REQUEST in self.points and (self.declared is None or self.declared.calls_tool(tool))

    def after(self, tool: str) -> bool:
        """Whether it may refuse or rewrite results of the tool with this full name."""
        return RESPONSE in self.points and (self.declared is None or self.declared.results_of(tool))


@dataclass(frozen=True)
class Gateway:
    """A gateway.

    Attributes:
        label: The resource's type and name, for messages.
        arn: `arn:aws:bedrock-agentcore:<region>:<account>:gateway/<id>`.
        id: The gateway's id.
        url: Its MCP endpoint.
        name: The name that the program gave it.
        role_arn: The role that it calls its targets with.
        authorizer: `AWS_IAM`, `CUSTOM_JWT`, `AUTHENTICATE_ONLY` or `NONE`.
        search: Whether the gateway offers semantic tool search.
        session_seconds: How long an MCP session lasts; None where it keeps none.
        versions: MCP protocol versions that it accepts.
        policy_engine: The policy engine that decides on tool calls, if one is attached.
        interceptors: The functions that may refuse or rewrite requests and answers.
        jwt: How it checks tokens, with `CUSTOM_JWT`.
        streams: Whether it streams its answers.
    """

    label: str
    arn: str
    id: str
    url: str
    name: str
    role_arn: str
    authorizer: str
    search: bool
    session_seconds: int | None
    versions: tuple[str, ...]
    policy_engine: EngineAttachment | None
    interceptors: tuple[Interceptor, ...]
    jwt: JwtAuthorizer | None = None
    streams: bool = False


@dataclass(frozen=True)
class SignIn:
    """How a gateway signs in at a target (botocore bedrock-agentcore-control `CredentialProviderConfiguration`).

    Attributes:
        how: `gatewayIamRole`, `apiKey`, `oauth`, another member of the API's union, or `none`.
        service: The name of the service that the gateway's role signs for; of MCP servers and OpenAPI only.
        region: The Region that it signs for, if it is said.
        provider_arn: The credential provider of an API key or of OAuth.
        settings: All that is said.
    """

    how: str = "none"
    service: str | None = None
    region: str | None = None
    provider_arn: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StageMethod:
    """A method of a stage that is a tool: what the target calls and describes it as."""

    name: str
    method: str
    path: str
    description: str = ""


@dataclass(frozen=True)
class Place:
    """What stands behind a target that is no function; which of these there are goes by its kind.

    Attributes:
        endpoint: URL of an MCP server.
        runtime_arn: The runtime that the MCP server runs in, where the endpoint is one of AgentCore Runtime.
        gateway_id: The gateway that the endpoint is of, where it is one.
        document: The text of an OpenAPI document.
        methods: The methods of a stage that the target gives names to.
        rest_api_id: The REST API of Amazon API Gateway.
        stage: Its stage.
        connector: The connector's id.
        knowledge_base: The id of the knowledge base that its tool `Retrieve` asks, whatever a caller says.
    """

    endpoint: str | None = None
    runtime_arn: str | None = None
    gateway_id: str | None = None
    document: str | None = None
    rest_api_id: str | None = None
    stage: str | None = None
    connector: str | None = None
    knowledge_base: str | None = None
    methods: tuple[StageMethod, ...] = ()


PROMPTS, RESOURCES = "prompts", "resources"
"""What an MCP server may have besides tools."""
RESOURCE_PRIORITY = 1000
"""Of a target that says nothing (botocore bedrock-agentcore-control McpServerTargetConfiguration)."""


@dataclass(frozen=True)
class Target:
    """A gateway's target.

    Attributes:
        label: The resource's type and name, for messages.
        id: The target's id.
        name: The target's name, the first part of its tools' full names.
        gateway_id: The gateway that it belongs to.
        kind: `mcp.lambda`, or another member of the API's union TargetConfiguration.
        credentials: How the gateway signs in at the target, e.g. `gatewayIamRole`.
        function_arn: The Lambda function, for the kind `mcp.lambda`.
        tools: Its tools; None when the deployment does not say (a schema in S3, an MCP server that is asked).
        sign_in: How the gateway signs in there, in full.
        place: What stands behind it, for kinds but `mcp.lambda`.
        undecided: `PROMPTS`, `RESOURCES`: what its server may serve besides tools, as the program says it.
        resource_priority: Of targets with the same resource the one with the lowest has it.
    """

    label: str
    id: str
    name: str
    gateway_id: str
    kind: str
    credentials: str
    function_arn: str | None
    tools: tuple[Tool, ...] | None
    sign_in: SignIn = SignIn()
    place: Place = Place()
    undecided: frozenset[str] = frozenset()
    resource_priority: int = RESOURCE_PRIORITY

    def full_name(self, tool: Tool) -> str:
        """The name under which the gateway offers the tool."""
        return full_name(self.name, tool.name)


@dataclass(frozen=True)
class FunctionLog:
    """How a function logs; the defaults are Lambda's (botocore lambda `LoggingConfig`).

    Attributes:
        format: `Text` or `JSON`.
        application_level: The lowest level of the function's own lines; counts for JSON only.
        system_level: The lowest level of Lambda's lines, `DEBUG`, `INFO` or `WARN`; counts for JSON only.
    """

    format: str = "Text"
    application_level: str = "INFO"
    system_level: str = "INFO"


@dataclass(frozen=True)
class Function:
    """A Lambda function.

    `hidden` names the environment variables whose values the file does not show; `layers` says whether it has any,
    `in_vpc` whether it runs in a VPC; `reserved_concurrency` is None where none is reserved, and 0 lets nobody call it.
    """

    label: str
    arn: str
    name: str
    role_arn: str
    handler: str | None
    language: str | None
    code: Archive | None
    layers: bool
    environment: Mapping[str, str]
    hidden: tuple[str, ...]
    timeout_seconds: int
    in_vpc: bool
    memory_mb: int = 128
    log: FunctionLog = FunctionLog()
    reserved_concurrency: int | None = None


@dataclass(frozen=True)
class Runtime:
    """An AgentCore runtime.

    Attributes:
        label: The resource's type and name, for messages.
        arn: `arn:aws:bedrock-agentcore:<region>:<account>:runtime/<id>`.
        id: The runtime's id.
        name: The name that the program gave it.
        agent: The name that people know it by: the one in the stack's output `agents`, that of the target which leads
            there, or else `name`.
        role_arn: The execution role.
        environment: The agent's environment variables.
        hidden: Names of variables whose values the file does not show.
        entry_points: What is started, e.g. `("main.py",)`; empty for a container.
        code: Its files, if the deployment uploads them; None where they lie elsewhere, and for a container.
        code_at: The bucket and the key of its code; None for a container.
        network: `PUBLIC` or `VPC`.
        protocol: `HTTP`, `MCP`, `A2A` or `AGUI`.
        jwt: Whether callers come with a JWT instead of an IAM signature.
        idle_seconds: How long a session lasts without a sign of life.
        longest_seconds: How long it lasts at most.
        image: The URI of its container; None for code.
    """

    label: str
    arn: str
    id: str
    name: str
    agent: str
    role_arn: str
    environment: Mapping[str, str]
    hidden: tuple[str, ...]
    entry_points: tuple[str, ...]
    code: Archive | None
    code_at: tuple[str, str] | None
    network: str
    protocol: str
    jwt: bool
    idle_seconds: int = 900
    longest_seconds: int = 28_800
    image: str | None = None
