"""What a gateway's role needs for a call of a target, and what IAM says of each: as the local gateway asks at the call.

Servers in a runtime and gateways behind a gateway are `far_side`'s: those ask for themselves. What a provider keeps
that is not in the deployment is not asked for; nor is the key of a secret.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from toolgate.access.chain.hops import OPENNESS, Check, check, told
from toolgate.access.chain.tool_functions import function_policy, url_behind
from toolgate.access.deployment import stages
from toolgate.access.deployment.agentcore_resources import Gateway, Target
from toolgate.access.deployment.client_secrets import Secrets, read_secrets
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.roles import Role
from toolgate.access.iam.evaluation import Access
from toolgate.access.iam.policies import Policy
from toolgate.access.matrix.tool_access import ToolAccess, stricter
from toolgate.policy.language import iam, open_api, patterns, rest_api, target_rights
from toolgate.policy.language.agentcore_facts import AUTHORIZE_CALL
from toolgate.policy.language.target_rights import SIGNS, TAKES, Right


@dataclass(frozen=True)
class Behind:
    """What IAM says of a gateway's role for a tool.

    Attributes:
        checks: What the role is asked.
        access: What that comes to.
    """

    checks: tuple[Check, ...]
    access: ToolAccess


@dataclass(frozen=True)
class FarRights:
    """The rights of a deployment's gateways behind them.

    Attributes:
        deployment: The deployment.
    """

    deployment: Deployment

    def of(self, gateway: Gateway, target: Target, tool: str) -> Behind | None:
        """What the gateway's role may do for a tool, where its documents are in the deployment and it needs any.

        Args:
            gateway: The gateway.
            target: The target.
            tool: The tool's own name.
        """
        return self._behind(gateway, tuple(self.needed(gateway, target, tool)))

    def of_engine(self, gateway: Gateway) -> Behind | None:
        """Whether the gateway's role may have calls decided by the engine that it heeds, if it has one."""
        engine = gateway.policy_engine
        if engine is None or engine.mode != "ENFORCE":
            return None
        return self._behind(gateway, target_rights.of_engine(AUTHORIZE_CALL, engine.arn, gateway.arn))

    def _behind(self, gateway: Gateway, rights: tuple[Right, ...]) -> Behind | None:
        role = self.deployment.role(gateway.role_arn)
        if role is None or not rights:
            return None
        checks = tuple(self._checked(role, it) for it in self._named(role, rights))
        access = Access.ALLOW
        for each in checks:
            access = stricter(access, self._answer(role, each))
        return Behind(checks, told(access, checks))

    def needed(self, gateway: Gateway, target: Target, tool: str) -> Iterator[Right]:
        """What the gateway's role needs for a call of a tool."""
        how = target.sign_in
        if target.kind == "mcp.lambda":
            yield from target_rights.of_function(target.function_arn)
        elif target.kind == "mcp.connector":
            _, partition, _, region, account, _ = gateway.arn.split(":", 5)
            base = f"arn:{partition}:bedrock:{region}:{account}:knowledge-base"
            asked = target.place.knowledge_base
            yield from target_rights.of_connector(tool, region, partition, f"{base}/{asked}" if asked else None)
        elif how.how in TAKES and how.provider_arn:
            yield from self._credential(gateway, TAKES[how.how], how.provider_arn)
        elif how.how == SIGNS:
            yield from self._signed(gateway, target, tool)

    def _credential(self, gateway: Gateway, action: str, provider: str) -> Iterator[Right]:
        here = target_rights.here_of(gateway.arn)
        yield from target_rights.of_workload_token(here, gateway.id)
        yield from target_rights.of_credential(action, here, gateway.id, provider)
        kept = self._kept.get(provider, ())
        yield from target_rights.of_secrets(self._secrets.arns.get(it, it) for it in kept)

    @cached_property
    def _kept(self) -> Mapping[str, tuple[str, ...]]:
        """The secrets that each provider keeps."""
        tokens = self.deployment.tokens
        return {it.arn: it.secret_arns for it in tokens.providers} | {it.arn: it.secret_arns for it in tokens.api_keys}

    @cached_property
    def _secrets(self) -> Secrets:
        return read_secrets(self.deployment.data)

    def _signed(self, gateway: Gateway, target: Target, tool: str) -> Iterator[Right]:
        place = target.place
        if target.kind == stages.KIND:
            here = target_rights.here_of(gateway.arn, "execute-api")
            api = self.deployment.rest_api(place.rest_api_id)
            for name, method, path in _methods(target):
                made = api.method(method, path) if api else None
                if name == tool and (made is None or made.authorization == rest_api.IAM):
                    yield from target_rights.of_method(here, f"{place.rest_api_id}/{place.stage}/{method}{path}")
        elif target.sign_in.service == "lambda":
            yield from self._by_url(target)
        elif target.sign_in.service == "execute-api":
            for verb, url in _requests(target, tool):
                yield from target_rights.of_request(gateway.arn, verb, url)

    def _named(self, role: Role, rights: tuple[Right, ...]) -> tuple[Right, ...]:
        """The rights with the resource that nobody says: the one of those that the role names that opens most."""
        if all(it.resource is not None for it in rights):
            return rights
        named = [arn for policy in role.policies for arn in sorted(policy.granted(rights[0].action)[0])]
        tried = [tuple(Right(it.action, it.resource or arn, it.facts) for it in rights) for arn in named or ["*"]]
        return max(tried, key=lambda it: min(OPENNESS.index(self._checked(role, one).access) for one in it))

    def by_url(self, role: Role, target: Target) -> tuple[Right, ...]:
        """What a request to a function's URL takes; of one that is not here, on the function that the role names."""
        return self._named(role, self._by_url(target))

    def _by_url(self, target: Target) -> tuple[Right, ...]:
        url = url_behind(self.deployment, target)
        if url and url.public:
            return ()
        arns = (it.arn for it in self.deployment.functions if url and url.function.means(it.arn))
        return target_rights.of_function_url(next((url.function.qualified(it) for it in arns), None) if url else None)

    def _checked(self, role: Role, right: Right) -> Check:
        arn = right.resource or "*"
        return check(role, right.action, arn, self._policy(arn), right.facts)

    def _policy(self, arn: str) -> Policy | None:
        if ":function:" in arn:
            return function_policy(self.deployment, arn)
        if ":execute-api:" in arn:
            api = self.deployment.rest_api(arn.rpartition(":")[2].partition("/")[0])
            return api.policy if api else None
        return self._secrets.policies.get(arn)

    def _answer(self, role: Role, asked: Check) -> Access:
        """What is not known of a path with parameters before a call, where statements tell their values apart."""
        arn, action = asked.request.resource, asked.request.action
        family = target_rights.values_of(arn)
        statements = (it for policy in role.policies for it in policy.concerning(action))
        for statement in statements if family else ():
            some = iam.may_reach(statement.resources, family)
            if some and not iam.reaches(statement.resources, patterns.one(arn)):
                return Access.UNDECIDED
        return asked.access


def _methods(target: Target) -> list[tuple[str, str, str]]:
    """The methods of a stage that are tools: name, method and path of each."""
    named = [(it.name, it.method, it.path) for it in target.place.methods]
    return named or [(name, it.method, it.path) for name, it in stages.stage_operations(target).items()]


def _requests(target: Target, tool: str) -> Iterator[tuple[str, str]]:
    """The method and the URL of a tool's call."""
    if target.place.endpoint:
        yield "POST", target.place.endpoint
    for it in open_api.operations(open_api.document(target.place.document or "") or {}):
        if it.name == tool:
            yield it.method, f"{(it.server or '').rstrip('/')}{it.path}"
