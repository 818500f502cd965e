"""What a role of the stand-in account may do, where AWS asks before it makes something."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import NotReproducedError
from toolgate.local.cloud.resource_type import Existing, Record
from toolgate.policy.language import documents, iam, principals
from toolgate.policy.language.agentcore_facts import ASSUME_ROLE, ROLE, ROLE_POLICY
from toolgate.policy.language.arns import account_in
from toolgate.policy.language.documents import Statement
from toolgate.policy.language.evaluation import Request, matches
from toolgate.policy.language.matching import Match
from toolgate.policy.language.principals import Named
from toolgate.policy.language.request_facts import Fact, Facts


@dataclass(frozen=True)
class Caller:
    """Who asks: a role or user by its ARN, if it is a role perhaps by the ARN of a session; or an AWS service."""

    arn: str | None = None
    session: str | None = None
    service: str | None = None


@dataclass(frozen=True)
class Asked:
    """An action on the resource with this ARN, and condition keys (lower case) that the request sets besides."""

    action: str
    resource: str
    env: CloudEnvironment
    keys: Mapping[str, Fact] = field(default_factory=dict)


def role_of(arn: str, existing: Existing) -> Record | None:
    """The role with this ARN, if it exists."""
    return next((role for role in existing(ROLE) if role.outputs["arn"] == arn), None)


def may(role: Record, asked: Asked, existing: Existing) -> bool:
    """Whether the role's own policies let it do what is asked.

    Its permissions boundary is not asked: that document is not in the account that the stand-in knows.

    Raises:
        NotReproducedError: A statement that decides cannot be judged.
    """
    policies = [policy.inputs["policy"] for policy in existing(ROLE_POLICY) if policy.inputs["role"] == role.id]
    statements = (it for policy in policies for it in iam.statements(documents.read(policy)))
    return _allowed(statements, _request(Caller(role.outputs["arn"]), asked))


def lets(policy: object, caller: Caller, asked: Asked) -> bool:
    """Whether a resource's policy, or a role's trust policy, lets the caller do what is asked.

    Raises:
        NotReproducedError: A statement that decides cannot be judged.
    """
    named = (it for it in iam.statements(documents.read(policy)) if _names(it, caller))
    return _allowed(named, _request(caller, asked))


def trusts(role: Record, service: str, source_arn: str, env: CloudEnvironment) -> bool:
    """Whether the role lets `service` (its principal) assume it on behalf of the resource `source_arn`."""
    keys: dict[str, Fact] = {"aws:sourcearn": source_arn, "aws:sourceaccount": env.account}
    asked = Asked(ASSUME_ROLE, role.outputs["arn"], env, keys)
    return lets(role.inputs["assumeRolePolicy"], Caller(service=service), asked)


def _names(statement: Statement, caller: Caller) -> bool:
    if caller.service:
        return principals.names_service(statement, caller.service)
    return principals.named(statement, caller.arn, caller.session) not in {None, Named.UNCLEAR}


def _allowed(statements: Iterable[Statement], asked: Request) -> bool:
    matched = [(statement, matches(statement, asked)) for statement in statements]
    effects = {statement.allow for statement, match in matched if match is Match.YES}
    if False in effects:
        return False
    # What would change the answer and cannot be judged: a Deny, and an Allow where there is no other.
    open_ = [it for it, match in matched if match is Match.UNREADABLE and (it.allow is not True or True not in effects)]
    if open_:
        text = "an operator, a value, a variable or a wildcard of which AWS does not say what it means"
        raise NotReproducedError(f"whether {asked.action} on {asked.resource} is allowed: {open_[0].label} has {text}")
    return True in effects


def _request(caller: Caller, asked: Asked) -> Request:
    """The request with all of its condition keys: what is not here is absent from it."""
    now = datetime.now(UTC)
    made: dict[str, Fact] = {
        "aws:currenttime": now.isoformat(),
        "aws:epochtime": str(int(now.timestamp())),
        "aws:principalisawsservice": "true" if caller.service else "false",
        "aws:requestedregion": asked.env.region,
        "aws:resourceaccount": account_in(asked.resource) or asked.env.account,
        "aws:securetransport": "true",
    }
    if caller.service:
        made["aws:principalservicename"] = caller.service
    else:
        made["aws:principalarn"] = caller.arn
        made["aws:principalaccount"] = asked.env.account
        made["aws:principaltype"] = "AssumedRole"
    return Request(asked.action, asked.resource, Facts({**made, **asked.keys}, complete=True))
