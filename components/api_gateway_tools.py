"""ApiGatewayTools: methods of a REST API in API Gateway as tools behind a gateway."""

from dataclasses import dataclass
from typing import NotRequired, TypedDict

import pulumi

from toolgate.components.apis import rest_api
from toolgate.components.apis.rest_api import StageMethodArgs
from toolgate.components.checks import arguments
from toolgate.components.checks.arguments import UsageError
from toolgate.components.grants import tool_grants
from toolgate.components.targets import credentials
from toolgate.components.targets.api_gateway import ApiGatewayStage, StageMethod
from toolgate.components.targets.credentials import TargetCredential
from toolgate.components.targets.kinds import GatewayTarget
from toolgate.components.tools.listed_schema import ToolSchema


class ApiGatewayToolsArgs(TypedDict):
    """A stage of a REST API of this account and Region, and its tools."""

    rest_api_id: pulumi.Input[str]
    """Id of the REST API."""
    stage: pulumi.Input[str]
    """Name of the stage. Deploy it before: what is deployed later is not seen until the target changes."""
    document: str
    """The OpenAPI document that the API is made of (its `body`), as JSON."""
    operations: NotRequired[dict[str, StageMethodArgs]]
    """The methods that are tools, by their tools' names: their operationIds, or others with `path` and `method`. The
    gateway is told of no other, and its role may call no other. Default: every one."""
    credential: NotRequired[TargetCredential]
    """An API key, of methods that need no signature. Default: the signature of the gateway's role."""


@dataclass(frozen=True)
class _Wanted:
    """What the arguments come to, checked: the methods, their tools, what the author should know."""

    methods: list[StageMethod]
    tools: list[ToolSchema]
    warnings: list[str]


class ApiGatewayTools(pulumi.ComponentResource):
    """A stage of a REST API whose methods are tools behind a gateway."""

    methods: list[StageMethod]
    """The methods that are tools."""
    tools: list[ToolSchema]
    """The tools it serves."""

    def __init__(self, name: str, args: ApiGatewayToolsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        wanted = _checked(name, args)
        super().__init__("toolgate:index:ApiGatewayTools", name, arguments.plain(args), opts)
        for warning in wanted.warnings:
            pulumi.warn(warning, self)
        self._args = args
        self.methods, self.tools = wanted.methods, wanted.tools
        self.register_outputs({"methods": self.methods, "tools": self.tools})

    @property
    def target(self) -> GatewayTarget:
        """What a ToolGateway takes as one of its targets."""
        return _target(self._args, self.methods, self.tools)


def read(name: str, args: ApiGatewayToolsArgs) -> GatewayTarget:
    """What a component of these arguments is as a target, before it is made.

    Raises:
        UsageError: AgentCore would refuse the document, a method or a name.
    """
    wanted = _checked(name, args)
    return _target(args, wanted.methods, wanted.tools)


def _target(args: ApiGatewayToolsArgs, methods: list[StageMethod], tools: list[ToolSchema]) -> GatewayTarget:
    stage: ApiGatewayStage = {"rest_api_id": args["rest_api_id"], "stage": args["stage"], "methods": methods}
    if "credential" in args:
        stage["credential"] = args["credential"]
    return {"api_gateway": stage, "tools": tools}


def _checked(name: str, args: ApiGatewayToolsArgs) -> _Wanted:
    """Derive all that can be wrong, before anything is made.

    Raises:
        UsageError: AgentCore would refuse the document, a method or a name.
    """
    where = f"ApiGatewayTools {name!r}"
    arguments.check(args, ApiGatewayToolsArgs, where)
    if "credential" in args:
        credentials.check(args["credential"], f"{where}.credential", ("api_key",))
    chosen = args.get("operations")
    if chosen is not None and not chosen:
        raise UsageError(f"{where}.operations: is empty. Name a method, or leave the key out for every one.")
    api, warnings = rest_api.read(args["document"], f"{where}.document", name, chosen)
    tool_grants.full_names({name: [tool["name"] for tool in api.tools]}, where)
    methods: list[StageMethod] = [
        {"path": it.path, "method": it.method, "name": it.tool["name"]} for it in api.operations
    ]
    return _Wanted(methods, api.tools, warnings)
