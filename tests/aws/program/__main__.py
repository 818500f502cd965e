"""The throw-away program: what the questions of `make test-aws` need and the stack under test does not have.

Made by our own components where they make it, and of raw resources where it is something that they forbid. Every
resource is named after the project `toolgate-probe` and the run. The configuration `probe:`:

- `trusted`: ARN of the one principal that may take the callers' roles.
- `everything`: false leaves out what the local deployment has no need of: the packages in the agent's zip.
- `key`: ARN of a KMS key, for a gateway and a memory that are encrypted with it; without one there are none.
"""

from pathlib import Path

import pulumi

from tests.aws.program import callers, functions, gateways, memories, runtimes, servers, tokens, tools
from tests.aws.program.scratch import Scratch
from toolgate.components.grants.tool_grants import Authorization
from toolgate.components.iam import iam_documents
from toolgate.components.lambda_tools import LambdaTools
from toolgate.components.targets.kinds import GatewayTarget
from toolgate.components.tool_gateway import ToolGateway

MATH = Path(__file__).parents[2] / "sample" / "lambdas" / "math"
ADD = "math___add_numbers"

config = pulumi.Config("probe")
trusted = config.require("trusted")
everything = config.require_bool("everything")

scratch = Scratch()
math: GatewayTarget = LambdaTools("math", {"directory": str(MATH), "log_retention_days": 1}).target
broken: GatewayTarget = {"function_arn": functions.function(scratch, "broken"), "tools": [tools.BROKEN]}
echo: GatewayTarget = {"function_arn": functions.function(scratch, "echo"), "tools": [tools.NESTED]}

# Without an engine; with the tool search.
plain = ToolGateway("plain", {"targets": {"math": math, "broken": broken}})
# With an engine in ENFORCE; without the tool search.
ruled = ToolGateway("ruled", {"targets": {"math": math}, "authorization": Authorization.TOOL})
engine_id = pulumi.Output.from_input(ruled.policy_engine_id).apply(str)
engine_arn = scratch.here.arn("bedrock-agentcore", pulumi.Output.concat("policy-engine/", engine_id))
# With both: what the component refuses to make.
searching = gateways.gateway(scratch, "searching", engine_arn, {"math": math}, opts=scratch.opts, search=True)
# A schema of three levels; on a gateway of its own, so that a refusal of it keeps nothing else from being made.
nested = gateways.gateway(scratch, "nested", engine_arn, {"echo": echo}, opts=scratch.opts)
# Nobody waits for IAM before it, and nobody tries again: what the provider does by itself.
gateways.gateway(scratch, "racing", engine_arn, {}, opts=scratch.unhooked)
gateways.role_for(scratch, "versions")

zipped = runtimes.code(scratch)
unversioned = runtimes.runtime(scratch, "unversioned", zipped)
runtimes.runtime(scratch, "unread", zipped, reads_code=False)

callers.caller(scratch, "stranger", trusted)
callers.caller(scratch, "knocker", trusted, callers.may_knock(plain.gateway_arn, ruled.gateway_arn))
adder = callers.caller(scratch, "adder", trusted, callers.may_knock(ruled.gateway_arn, searching, nested))
bounded = callers.caller(scratch, "bounded", trusted, callers.may_knock(ruled.gateway_arn))
callers.caller(scratch, "runtime-only", trusted, callers.may_ask(unversioned))
for form in ("runtime-endpoint", "endpoint"):
    endpoint = pulumi.Output.concat(unversioned, f"/{form}/DEFAULT")
    callers.caller(scratch, f"by-{form}", trusted, callers.may_ask(unversioned, endpoint))
    callers.caller(scratch, f"for-users-by-{form}", trusted, callers.may_ask_for_users(unversioned, endpoint))

# Known once its tools are there, which policies name.
ruled_arn = pulumi.Output.all(ruled.gateway_arn, ruled.gateway_url).apply(lambda known: str(known[0]))
gateways.permit(scratch, "adder-ruled", gateways.as_role(scratch, adder), ruled_arn, engine_id, actions=[ADD])
gateways.permit(scratch, "adder-searching", gateways.as_role(scratch, adder), searching, engine_id, actions=[ADD])
gateways.permit(scratch, "adder-nested", gateways.as_role(scratch, adder), nested, engine_id, actions=["echo___order"])
below_hundred = 'context.input.a.lessThan(decimal("100.0"))'
gateways.permit(
    scratch,
    "bounded-ruled",
    gateways.as_role(scratch, bounded),
    ruled_arn,
    engine_id,
    actions=[ADD],
    when=below_hundred,
)

interceptor = functions.function(scratch, "act", seconds=functions.INTERCEPTOR_SECONDS)
tokens.make(scratch, math, interceptor, packed=everything)

# With an interceptor at both points, an engine and the search: whom may what, in which order, and what fails how.
intercepted = gateways.gateway(
    scratch, "intercepted", engine_arn, {"math": math}, opts=scratch.opts, search=True, interceptor=interceptor
)
# Interceptors that no gateway gets to run: one for want of a right, one for want of concurrency.
unable = gateways.gateway(
    scratch, "unable", engine_arn, {}, opts=scratch.opts, interceptor=interceptor, invokes_interceptor=False
)
never = functions.function(scratch, "never", handler="act", reserved=0)
throttled = gateways.gateway(scratch, "throttled", engine_arn, {}, opts=scratch.opts, interceptor=never)
# One caller for each: AWS may refuse to make one of these gateways, and with it the rights on it.
told = callers.caller(scratch, "told", trusted, callers.may_knock(intercepted))
callers.caller(scratch, "unable", trusted, callers.may_knock(unable))
callers.caller(scratch, "throttled", trusted, callers.may_knock(throttled))
gateways.permit(
    scratch,
    "told-intercepted",
    gateways.as_role(scratch, told),
    intercepted,
    engine_id,
    actions=[ADD],
    when=below_hundred,
)

memories.make(scratch, trusted, config.get("key"))
servers.make(scratch, trusted)
# Which model and which guardrail, the stack under test says; a guardrail's id has twelve characters.
model = iam_documents.allow("InvokeModel", "bedrock:InvokeModel", "*")
guardrail = scratch.here.arn("bedrock", "guardrail/????????????")
callers.caller(scratch, "unguarded", trusted, [model])
applied = iam_documents.allow("ApplyGuardrail", iam_documents.APPLY_GUARDRAIL, guardrail)
callers.caller(scratch, "guarded", trusted, [model, applied])

if key := config.get("key"):
    gateways.gateway(scratch, "sealed", engine_arn, {"math": math}, opts=scratch.opts, key_arn=key)
