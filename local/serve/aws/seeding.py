"""What the emulator holds when it starts: the deployment's own resources, made by the requests that made them on AWS.

The requests are those of the stand-in control plane (`local/cloud/types`). A secret that a function is only led to, by
an ARN in one of its variables, exists too; where its value comes from stands in `own_values`.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toolgate.access.deployment.agentcore_resources import Function, Runtime
from toolgate.access.deployment.data_resources import (
    BUCKET,
    DATA_SERVICES,
    PARAMETER,
    POLICIES_OF_OTHERS,
    QUEUE,
    SECRET,
    TABLE,
    TOPIC,
    DataResource,
    policies_of,
    read_data_resources,
)
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.stack_export import Archive, Asset, DeploymentError, Hidden
from toolgate.access.iam.policies import Policy
from toolgate.local.cloud.catalogue import TYPES
from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import NotReproducedError
from toolgate.local.serve.aws import own_values
from toolgate.local.serve.aws.emulator import Emulator, NotEmulatedError
from toolgate.local.serve.aws.needs import DataAccount
from toolgate.local.serve.aws.operations import ACTIONS
from toolgate.policy.language.documents import Statement
from toolgate.policy.language.evaluation import concerns
from toolgate.policy.language.matching import Match

SECRET_VERSION = "aws:secretsmanager/secretVersion:SecretVersion"  # noqa: S105  # a type
OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"
_IGNORED = frozenset({"region", "tagsAll"})
"""What the provider adds to inputs: where they are is checked for all, and nothing here looks at tags."""

_SECRET_ARN = re.compile(
    r"arn:[a-z-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:(?P<name>[\w/+=.@!-]+?)(?P<suffix>-[a-zA-Z0-9]{6})?"
)
_PARAMETER_ARN = re.compile(r"arn:[a-z-]+:ssm:[a-z0-9-]+:\d{12}:parameter/(?P<name>[\w./-]+)")


@dataclass(frozen=True)
class Request:
    """A request to the emulator, and what it is about, for messages."""

    label: str
    service: str
    operation: str
    parameters: Mapping[str, Any] = field(repr=False)
    arn: str | None = None

    @property
    def plain(self) -> bool:
        """Whether it makes a parameter that is no secret."""
        return (self.service, self.operation, self.parameters.get("Type")) == ("ssm", "PutParameter", "String")

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent again when it has changed; what creates may not."""
        return not self.operation.startswith("Create")

    def digest(self) -> str:
        """Tells one content from another, without being it."""
        return hashlib.sha256(repr(sorted(self.parameters.items())).encode()).hexdigest()


@dataclass(frozen=True)
class Seeds:
    """What a deployment has for the emulator.

    Attributes:
        services: The services that a function or runtime may use by its role, or that a policy on a resource opens.
        requests: What makes its resources, in order.
        account: What has to be known of them to decide.
        policies: Policies on them, by ARN.
        notes: In a sentence each, whose value is made up.
        by_others: Whether it is nothing but secrets that another service makes and reads, and parameters that are no
            secrets (`plain_parameters`), so that the emulator can wait until somebody asks for anything else.
    """

    services: frozenset[str]
    requests: tuple[Request, ...]
    account: DataAccount
    policies: Mapping[str, Policy]
    notes: tuple[str, ...] = ()
    by_others: bool = False


def _used_services(allows: Sequence[Statement]) -> frozenset[str]:
    """The services of which the role of some function or runtime may be allowed something."""
    return frozenset(service for service, actions in ACTIONS.items() if any(_concerns(it, *actions) for it in allows))


def refused(deployment: Deployment) -> Iterator[str]:
    """One sentence per resource of a used service that would not behave here as on AWS."""
    data = read_data_resources(deployment.data)
    services = _used_services(_allowing(deployment, data))
    for it in data:
        if _service(it) in services:
            yield from _refused(it)


def _refused(it: DataResource) -> Iterator[str]:
    kind = TYPES.get(it.type)
    if it.type in POLICIES_OF_OTHERS:
        on = it.resource.text(POLICIES_OF_OTHERS[it.type][0])
        yield f"{it.label}: it is on {on}, which is not in the deployment"
        return
    if kind is None:
        yield f"{it.label}: {it.type} is not reproduced"
        return
    for name, value in _inputs(it).items():
        if not kind.reproduces(name):
            yield f"{it.label}: its '{name}' is not reproduced"
        elif isinstance(value, Hidden) and (it.type, name) not in _VALUES:
            yield f"{it.label}: '{name}' is {value.why}"


def _elsewhere(it: DataResource, env: CloudEnvironment) -> Iterator[str]:
    """A bucket's ARN has neither account nor Region."""
    _, _, _, region, account, _ = (it.arn or ":::::").split(":", 5)
    if (region or env.region, account or env.account) != (env.region, env.account):
        yield f"{it.label}: is in {account}/{region}, not in {env.account}/{env.region} like the rest"


_VALUES = frozenset({(SECRET_VERSION, "secretString"), (SECRET_VERSION, "secretBinary"), (PARAMETER, "value")})


@dataclass(frozen=True)
class Values:
    """Where values come from that the deployment does not say.

    Attributes:
        root: The program's folder, where the deployment's paths start and the file with values is.
        made_up: Values made up so far by name; what is made up now is added.
        issued: What secrets hold that are made on this machine, by ARN: nothing else counts for them.
    """

    root: Path
    made_up: dict[str, str] = field(default_factory=dict, repr=False)
    issued: Mapping[str, str] = field(default_factory=dict, repr=False)


def seeds(deployment: Deployment, env: CloudEnvironment, values: Values) -> Seeds:
    """What the emulator is to hold of a deployment.

    Args:
        deployment: The deployment.
        env: Its account and Region.
        values: Where further values come from.

    Raises:
        DeploymentError: A resource has what is not reproduced, or the file with values is not as it must be.
    """
    data = read_data_resources(deployment.data)
    allows = _allowing(deployment, data)
    services = _used_services(allows)
    used = [it for it in data if _service(it) in services]
    if not services:
        return Seeds(services, (), DataAccount(env), {})
    refusals = (reason for it in used for reason in _refused(it))
    if reasons := [*refusals, *(reason for it in used for reason in _elsewhere(it, env))]:
        raise DeploymentError("; ".join(reasons))
    sowing = _Sowing(deployment, allows, env, values)
    issued = list(sowing.of_issued(used, services))
    requests = [*sowing.of_resources(used), *issued, *sowing.of_variables(used, services)]
    account = DataAccount(
        env,
        hash_keys={it.resource.text("name"): it.resource.text("hashKey") for it in used if it.type == TABLE},
        secrets=frozenset(it.arn for it in requests if it.operation == "CreateSecret" and it.arn),
        keys=_keys(deployment, used),
    )
    by_others = services <= {"secretsmanager", "ssm"} and all(it.plain or it in issued for it in requests)
    return Seeds(services, tuple(requests), account, policies_of(data), tuple(sowing.notes), by_others)


class _Sowing:
    """Collects the requests, and the sentences about values that were made up."""

    def __init__(
        self, deployment: Deployment, allows: Sequence[Statement], env: CloudEnvironment, values: Values
    ) -> None:
        self._made_up = values.made_up
        self._issued = values.issued
        self._deployment = deployment
        self._allows = allows
        self._env = env
        self._root = values.root
        self._values = own_values.read_values(values.root)
        self.notes: list[str] = []

    def of_resources(self, used: Sequence[DataResource]) -> Iterator[Request]:
        with_value = {it.resource.text("secretId") for it in used if it.type == SECRET_VERSION}
        names = {it.arn: it.resource.text("name") for it in used if it.type == SECRET}
        for it in used:
            inputs: Mapping[str, Any] = _inputs(it)
            arn = it.arn
            if it.type == OBJECT and (not self._may_be_read(it) or self._in_parts(it)):
                continue
            if it.type == SECRET_VERSION:
                arn = it.resource.text("secretId")
                inputs = self._valued(inputs, "secretString", "secret", (names.get(arn, arn), arn))
            elif it.type == PARAMETER:
                inputs = self._valued(inputs, "value", "parameter", (it.resource.text("name"), arn or ""))
            yield from self._requests(it, inputs, arn)
            if it.type == SECRET and arn and arn not in with_value:
                value = self._value("secret", (names[arn], arn))
                yield Request(
                    it.label, "secretsmanager", "PutSecretValue", {"SecretId": arn, "SecretString": value}, arn
                )

    def of_issued(self, used: Sequence[DataResource], services: frozenset[str]) -> Iterator[Request]:
        """Secrets with values of this machine that another service makes on AWS."""
        made = {it.arn for it in used}
        for arn, value in self._issued.items() if "secretsmanager" in services else ():
            secret = _SECRET_ARN.fullmatch(arn)
            if secret and arn not in made:
                whole = arn if secret["suffix"] else f"{arn}-aaaaaa"
                parameters = {"Name": secret["name"], "SecretString": value}
                yield Request(f"secret {secret['name']}", "secretsmanager", "CreateSecret", parameters, whole)

    def of_variables(self, used: Sequence[DataResource], services: frozenset[str]) -> Iterator[Request]:
        """What functions and agents are led to by an ARN in a variable, and nobody of the deployment makes."""
        made = {*(it.arn for it in used), *self._issued}
        users = _users(self._deployment)
        found = {value: user.label for user in users for value in user.environment.values() if value not in made}
        for arn, label in found.items():
            secret, parameter = _SECRET_ARN.fullmatch(arn), _PARAMETER_ARN.fullmatch(arn)
            if secret and "secretsmanager" in services:
                self._refuse_elsewhere(arn, label, "secretsmanager")
                whole = arn if secret["suffix"] else f"{arn}-aaaaaa"
                value = self._value("secret", (secret["name"], arn))
                parameters = {"Name": secret["name"], "SecretString": value}
                yield Request(label, "secretsmanager", "CreateSecret", parameters, whole)
            elif parameter and "ssm" in services:
                self._refuse_elsewhere(arn, label, "ssm")
                name = f"/{parameter['name']}" if "/" in parameter["name"] else parameter["name"]
                value = self._value("parameter", (name, arn))
                yield Request(label, "ssm", "PutParameter", {"Name": name, "Value": value, "Type": "SecureString"}, arn)

    def _refuse_elsewhere(self, arn: str, label: str, service: str) -> None:
        if not arn.startswith(self._env.arn(service, "")):
            raise DeploymentError(f"{label}: a variable leads to {arn}, which is in another account or Region")

    def _requests(self, it: DataResource, inputs: Mapping[str, Any], arn: str | None) -> Iterator[Request]:
        for request in TYPES[it.type].requests:
            try:
                made = request.made_of(inputs)
            except (NotReproducedError, AttributeError, KeyError, TypeError, ValueError) as error:
                raise DeploymentError(f"{it.label}: its '{error}' is not reproduced") from error
            if made is None:
                continue
            if request.operation == "CreateBucket" and self._env.region != "us-east-1":
                made["CreateBucketConfiguration"] = {"LocationConstraint": self._env.region}
            content = {name: self._content(it, value) for name, value in made.items()}
            yield Request(it.label, request.service, request.operation, content, arn)

    def _content(self, it: DataResource, value: Any) -> Any:
        if isinstance(value, Asset) and value.text is not None:
            return value.text.encode()
        if not isinstance(value, Asset | Archive):
            return value
        path = self._root / value.path if value.path else None
        if path is None or not path.is_file():
            raise DeploymentError(f"{it.label}: its content is neither a text nor a file on this machine")
        return path.read_bytes()

    def _valued(self, inputs: Mapping[str, Any], key: str, kind: str, names: tuple[str, ...]) -> Mapping[str, Any]:
        """The inputs with the value from the file, else the deployment's own, else one that is made up."""
        given = next((self._issued[it] for it in names if it in self._issued), None) or self._given(names)
        if given is None and not any(isinstance(value, Hidden) for value in inputs.values()):
            return inputs
        value = given if given is not None else self._value(kind, names)
        others = {name: it for name, it in inputs.items() if name not in {"secretBinary", "insecureValue"}}
        return {**others, key: value}

    def _given(self, names: tuple[str, ...]) -> str | None:
        return next((self._values[name] for name in names if name in self._values), None)

    def _value(self, kind: str, names: tuple[str, ...]) -> str:
        given = self._given(names)
        if given is not None:
            return given
        self.notes.append(own_values.hint(kind, names[0]))
        return self._made_up.setdefault(names[-1], own_values.made_up())

    def _in_parts(self, it: DataResource) -> bool:
        source = it.resource.inputs.get("source")
        in_parts = isinstance(source, Archive) and not (source.path and (self._root / source.path).is_file())
        if in_parts:
            self.notes.append(f"{it.label}: it is not in its bucket here: the engine would pack it from several files")
        return in_parts

    def _may_be_read(self, it: DataResource) -> bool:
        """An object that no policy can open need not be loaded: the agents' own code is such."""
        bucket = _bucket_arn(self._env, it.resource.text("bucket"))
        arn = f"{bucket}/{it.resource.text('key')}"
        return any(
            _concerns(s, "s3:GetObject") and (s.resources.negated or s.resources.inexact or arn in s.resources.exact)
            for s in self._allows
        )


def _users(deployment: Deployment) -> list[Function | Runtime]:
    """What runs here and can call a service."""
    return [*deployment.functions, *deployment.runtimes]


def _allowing(deployment: Deployment, data: Sequence[DataResource]) -> list[Statement]:
    """What allows functions and agents something, but for the reading of an agent's own code, which AgentCore does."""
    arns = {user.role_arn for user in _users(deployment)}
    policies = [policy for role in deployment.roles if role.arn in arns for policy in role.policies]
    policies += [it.policy for it in data if it.policy]
    code = {"/".join(runtime.code_at) for runtime in deployment.runtimes if runtime.code_at}
    return [it for policy in policies for it in policy.statements if it.allow and not _only_reads(it, code)]


def _only_reads(statement: Statement, code: Set[str]) -> bool:
    on = statement.resources
    return not (on.negated or on.inexact) and bool(on.exact) and {it.rpartition(":::")[2] for it in on.exact} <= code


def _concerns(statement: Statement, *actions: str) -> bool:
    return any(concerns(statement, action) is not Match.NO for action in actions)


def _service(it: DataResource) -> str:
    return next(service for service in DATA_SERVICES if it.type.startswith(f"aws:{service}/"))


def _inputs(it: DataResource) -> dict[str, Any]:
    return {
        name: value
        for name, value in it.resource.inputs.items()
        if not name.startswith("__") and name not in _IGNORED and value is not None
    }


def _bucket_arn(env: CloudEnvironment, name: str) -> str:
    return f"arn:{env.partition}:s3:::{name}"


_KEY_OF: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    SECRET: lambda inputs: inputs.get("kmsKeyId"),
    QUEUE: lambda inputs: inputs.get("kmsMasterKeyId"),
    TOPIC: lambda inputs: inputs.get("kmsMasterKeyId"),
    PARAMETER: lambda inputs: inputs.get("keyId"),
}
_BUCKET_ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"


def _keys(deployment: Deployment, used: Sequence[DataResource]) -> Mapping[str, str]:
    """Customer managed keys by the ARNs of what they encrypt. AWS's own (`alias/aws/...`) ask nothing of anybody.

    Raises:
        DeploymentError: A key is named by something else than its ARN.
    """
    keys: dict[str, str] = {}
    buckets = {it.resource.text("bucket"): it.arn for it in used if it.type == BUCKET}
    for it in used:
        named = _KEY_OF[it.type](it.resource.inputs) if it.type in _KEY_OF else None
        owner = it.arn
        if it.type == _BUCKET_ENCRYPTION:
            owner = buckets.get(it.resource.text("bucket"))
            rules: Any = it.resource.inputs.get("rules") or []
            named = next(
                (rule.get("applyServerSideEncryptionByDefault", {}).get("kmsMasterKeyId") for rule in rules), None
            )
        if not named or not owner or str(named).startswith("alias/aws/"):
            continue
        if not re.fullmatch(r"arn:[a-z-]+:kms:[^:]+:\d{12}:key/.+", str(named)):
            raise DeploymentError(f"{it.label}: its KMS key is named as {named}; name it by its ARN (…:key/…)")
        keys[owner] = str(named)
    return keys


class Sower:
    """Puts seeds into an emulator; what is there already keeps its data."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._clients: dict[str, Any] = {}
        self._sown: dict[tuple[str, str, str], str] = {}

    def sow(self, seeds_: Seeds) -> tuple[str, ...]:
        """Make what is not there yet.

        Returns:
            A sentence for each resource whose change cannot be made while its data are kept.

        Raises:
            DeploymentError: The emulator does not have what a resource needs, or refuses it.
        """
        left: list[str] = []
        for request in seeds_.requests:
            where = (request.service, request.operation, request.arn or request.label)
            digest, before = request.digest(), self._sown.get(where)
            if before == digest:
                continue
            if before is not None and not request.repeatable:
                left.append(f"{request.label}: its data are kept; what was changed of it is made at the next start")
                continue
            self._send(request, again=before is not None)
            self._sown[where] = digest
        return tuple(left)

    def _send(self, request: Request, *, again: bool) -> None:
        from botocore import xform_name  # noqa: PLC0415  # with moto
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        if request.service not in self._clients:
            self._clients[request.service] = self._emulator.client(request.service)
        parameters = dict(request.parameters)
        if request.operation == "PutParameter" and again:
            parameters["Overwrite"] = True
        if request.operation == "CreateSecret" and request.arn:
            self._emulator.name_secret(parameters["Name"], request.arn)
        try:
            getattr(self._clients[request.service], xform_name(request.operation))(**parameters)
        except NotEmulatedError as error:
            raise DeploymentError(f"{request.label}: the emulator does not have {request.operation}") from error
        except ClientError as error:
            # Only the code: a message may repeat what was sent, which may be a secret.
            code = error.response["Error"]["Code"]
            raise DeploymentError(f"{request.label}: {request.operation} was refused ({code})") from None
        except BotoCoreError as error:
            kind = type(error).__name__
            raise DeploymentError(f"{request.label}: {request.operation} cannot be sent ({kind})") from None
