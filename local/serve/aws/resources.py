"""On which resources a call is decided: how their ARNs and condition keys follow from the call's parameters."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from toolgate.local.serve.aws.needs import DataAccount, On, Operation, Resources, entries, of_key, own, text
from toolgate.local.serve.aws.protocols import Parameters, malformed, not_reproduced
from toolgate.local.serve.guards.iam_guard import NeededPermission
from toolgate.policy.language.request_facts import Fact


def _table_arn(table: str, account: DataAccount) -> str:
    """A table may be named by its ARN, too."""
    if not table.startswith("arn:"):
        return account.env.arn("dynamodb", f"table/{table}")
    resource = own(table, account, "dynamodb")
    if not resource.startswith("table/") or resource.count("/") != 1:
        raise malformed(f"{table} is not the ARN of a table")
    return table


def table(parameters: Parameters, account: DataAccount) -> Iterator[On]:
    """The table that is named."""
    yield On(_table_arn(text(parameters, "TableName"), account))


def table_or_index(parameters: Parameters, account: DataAccount) -> Iterator[On]:
    """A query or scan of an index is authorized on the index."""
    table = _table_arn(text(parameters, "TableName"), account)
    index = text(parameters, "IndexName") if parameters.get("IndexName") is not None else None
    facts: dict[str, Fact] = {_ENCLOSING: None}
    yield On(f"{table}/index/{index}" if index else table, facts, policy_of=table)


_ENCLOSING = "dynamodb:EnclosingOperation"


def _items(table: str, items: Iterable[Any], account: DataAccount, enclosing: str | None = None) -> On:
    """A table with the partition keys of some of its items, where they are texts or numbers."""
    arn = _table_arn(table, account)
    name = account.hash_keys.get(arn.rpartition("/")[2])
    values = [_plain(item.get(name)) if isinstance(item, Mapping) and name else None for item in items]
    known = [value for value in values if value is not None]
    facts: dict[str, Fact] = {_ENCLOSING: enclosing}
    if known and len(known) == len(values):
        facts["dynamodb:LeadingKeys"] = tuple(known)
    return On(arn, facts)


def _plain(value: Any) -> str | None:
    found = value.get("S", value.get("N")) if isinstance(value, Mapping) and len(value) == 1 else None
    return found if isinstance(found, str) else None


def item(member: str) -> Resources:
    """The table of the item in a parameter, with its partition key."""

    def resources(parameters: Parameters, account: DataAccount) -> Iterator[On]:
        yield _items(text(parameters, "TableName"), [parameters.get(member)], account)

    return resources


def requested(items: Callable[[Any], Iterable[Any]]) -> Resources:
    """The tables of a batch, with their items' partition keys."""

    def resources(parameters: Parameters, account: DataAccount) -> Iterator[On]:
        requested = parameters.get("RequestItems")
        if not isinstance(requested, Mapping) or not requested:
            raise malformed("RequestItems must be a map that is not empty")
        for table, asked in requested.items():
            yield _items(str(table), items(asked), account)

    return resources


def keys_of(asked: Any) -> list[Any]:
    """The keys that a batch reads of a table."""
    keys = asked.get("Keys") if isinstance(asked, Mapping) else None
    return keys if isinstance(keys, list) else []


def writes_of(asked: Any) -> Iterator[Any]:
    """The items, or their keys, that a batch writes in a table."""
    for write in asked if isinstance(asked, list) else ():
        if isinstance(write, Mapping):
            yield (write.get("PutRequest") or {}).get("Item") or (write.get("DeleteRequest") or {}).get("Key")


_TRANSACTED = {
    "Get": ("dynamodb:GetItem", "Key"),
    "ConditionCheck": ("dynamodb:ConditionCheckItem", "Key"),
    "Put": ("dynamodb:PutItem", "Item"),
    "Update": ("dynamodb:UpdateItem", "Key"),
    "Delete": ("dynamodb:DeleteItem", "Key"),
}


def transaction(enclosing: str) -> Operation:
    """Each item of a transaction is authorized as if it came alone."""

    def asked(parameters: Parameters, account: DataAccount) -> Iterator[NeededPermission]:
        for entry in entries(parameters, "TransactItems"):
            asked = list(entry.items()) if isinstance(entry, Mapping) else []
            if len(asked) != 1 or asked[0][0] not in _TRANSACTED:
                raise malformed("Each of TransactItems must be one of " + ", ".join(_TRANSACTED))
            kind, what = asked[0]
            action, member = _TRANSACTED[kind]
            item = what.get(member) if isinstance(what, Mapping) else None
            on = _items(text(what, "TableName"), [item], account, enclosing)
            yield NeededPermission(action, on.arn, on.facts)

    return Operation(frozenset(action for action, _member in _TRANSACTED.values()), asked)


# What moto takes and passes over, or would do as nobody has decided: a request with one of them is refused.
_S3_REFUSED = frozenset(
    {
        *("ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWriteACP"),
        *("SSECustomerAlgorithm", "SSECustomerKey", "CopySourceSSECustomerAlgorithm", "SSEKMSKeyId"),
        *("ObjectLockMode", "ObjectLockRetainUntilDate", "ObjectLockLegalHoldStatus", "BypassGovernanceRetention"),
        *("ExpectedBucketOwner", "ExpectedSourceBucketOwner", "RequestPayer", "MFA", "WebsiteRedirectLocation"),
        "WriteOffsetBytes",
    }
)


def _bucket_arn(name: str, account: DataAccount) -> str:
    return f"arn:{account.env.partition}:s3:::{name}"


def bucket(parameters: Parameters, account: DataAccount) -> Iterator[On]:
    """The bucket that is named."""
    _refuse_passed_over(parameters)
    yield On(_bucket_arn(text(parameters, "Bucket"), account), _of_any_request(account))


def listed(parameters: Parameters, account: DataAccount) -> Iterator[On]:
    """The bucket whose objects are listed, with what narrows the list."""
    given = {"s3:prefix": "Prefix", "s3:delimiter": "Delimiter", "s3:max-keys": "MaxKeys"}
    facts: dict[str, Fact] = {key: parameters.get(name) for key, name in given.items()}
    for on in bucket(parameters, account):
        yield On(on.arn, {**on.facts, **facts})


def object_(parameters: Parameters, account: DataAccount) -> Iterator[On]:
    """The object that is named."""
    _refuse_passed_over(parameters)
    yield _object_in(parameters, account)


def _object_in(names: Any, account: DataAccount, facts: Mapping[str, Fact] | None = None) -> On:
    bucket = _bucket_arn(text(names, "Bucket"), account)
    return On(f"{bucket}/{text(names, 'Key')}", {**_of_any_request(account), **(facts or {})}, policy_of=bucket)


def _of_any_request(account: DataAccount) -> dict[str, Fact]:
    """S3's keys that are the same for whatever is taken here."""
    return {
        "s3:authType": "REST-HEADER",
        "s3:ResourceAccount": account.env.account,
        "s3:signatureversion": "AWS4-HMAC-SHA256",
    }


def written(parameters: Parameters, account: DataAccount) -> Iterator[On]:
    """The object that is written."""
    _refuse_passed_over(parameters)
    yield _object_in(parameters, account, {"s3:x-amz-server-side-encryption": parameters.get("ServerSideEncryption")})


def _refuse_passed_over(parameters: Parameters) -> None:
    if refused := sorted(_S3_REFUSED & parameters.keys()):
        raise not_reproduced(f"{refused[0]} of a request to S3")


def versioned(plain: str, of_version: str, where: str | None = None, kms: tuple[str, ...] = ()) -> Operation:
    """An action on an object, or the other one on one version of it."""

    def asked(parameters: Parameters, account: DataAccount) -> Iterator[NeededPermission]:
        _refuse_passed_over(parameters)
        names = parameters[where] if where else parameters
        version = names.get("VersionId")
        on = _object_in(names, account, {"s3:VersionId": version} if version else {})
        yield NeededPermission(of_version if version else plain, on.arn, on.facts, on.policy_of)
        yield from of_key(on.policy_of or on.arn, kms, account)

    return Operation(frozenset({plain, of_version}), asked)


def tagged(parameters: Parameters, account: DataAccount) -> Iterator[On]:
    """Whoever writes an object with tags must be allowed to tag it, too."""
    if parameters.get("Tagging"):
        yield from object_(parameters, account)


DELETE_OBJECT = versioned("s3:DeleteObject", "s3:DeleteObjectVersion")


def deleted(parameters: Parameters, account: DataAccount) -> Iterator[NeededPermission]:
    """Each object that a request deletes, refused all together; S3 says of each alone whether it was."""
    _refuse_passed_over(parameters)
    for named in parameters["Delete"]:
        one = {"Bucket": parameters.get("Bucket"), **named}
        yield from DELETE_OBJECT.needs(one, account)


def queue(parameters: Parameters, account: DataAccount) -> Iterator[On]:
    """A queue is named by its URL, whose last two parts are the account and the name."""
    *_, owner, name = ("", *text(parameters, "QueueUrl").split("/"))
    if owner != account.env.account or not name:
        raise not_reproduced("a QueueUrl that does not end in this account and a queue's name")
    yield On(account.env.arn("sqs", name))


def queue_by_name(parameters: Parameters, account: DataAccount) -> Iterator[On]:
    """The queue of a name."""
    if parameters.get("QueueOwnerAWSAccountId", account.env.account) != account.env.account:
        raise not_reproduced("a queue of another account")
    yield On(account.env.arn("sqs", text(parameters, "QueueName")))


def topic(parameters: Parameters, account: DataAccount) -> Iterator[On]:
    """The topic that is published to."""
    if "PhoneNumber" in parameters:
        raise not_reproduced("text messages to a PhoneNumber")
    named = [name for name in ("TopicArn", "TargetArn") if name in parameters]
    if len(named) != 1:
        raise malformed("One of TopicArn and TargetArn must be given")
    arn = text(parameters, named[0])
    if any(mark in own(arn, account, "sns") for mark in "/:"):
        raise not_reproduced("an SNS target other than a topic")
    yield On(arn)


def secret(parameters: Parameters, account: DataAccount) -> Iterator[On]:
    """A secret's name, or a part of its ARN, stands for the secret that there is.

    On what AWS asks about a name that no secret has, it is asked here too as if the name were one; nobody has seen it.
    """
    arn = secret_arn(text(parameters, "SecretId"), account)
    stages, version = parameters.get("VersionStage"), parameters.get("VersionId")
    facts: dict[str, Fact] = {"secretsmanager:SecretId": parameters["SecretId"]}
    if isinstance(stages, str):
        facts["secretsmanager:VersionStage"] = stages
    if isinstance(version, str):
        facts["secretsmanager:VersionId"] = version
    yield On(arn, facts)


def secret_arn(secret_id: str, account: DataAccount) -> str:
    """The ARN of the secret with this ARN, ARN without its six last characters, or name."""
    arn = secret_id
    if secret_id.startswith("arn:"):
        own(secret_id, account, "secretsmanager")
    else:
        arn = account.env.arn("secretsmanager", f"secret:{secret_id}")
    if arn in account.secrets and secret_id.startswith("arn:"):
        return arn
    return next((known for known in sorted(account.secrets) if known[:-7] == arn), arn)


def _parameter_arn(name: str, account: DataAccount) -> str:
    """The ARN of a parameter by its name, or its ARN, either perhaps with a version or label behind a colon."""
    if name.startswith("arn:"):
        resource = own(name, account, "ssm")
        if not resource.startswith("parameter/"):
            raise malformed(f"{name} is not the ARN of a parameter")
        name = resource.removeprefix("parameter/")
    return account.env.arn("ssm", f"parameter/{name.partition(':')[0].removeprefix('/')}")


def parameter(parameters: Parameters, account: DataAccount) -> Iterator[On]:
    """The parameter that is named."""
    yield On(_parameter_arn(text(parameters, "Name"), account))


def parameter_written(parameters: Parameters, account: DataAccount) -> Iterator[On]:
    """The parameter that is written."""
    if refused := sorted({"KeyId", "Policies", "Tags"} & parameters.keys()):
        raise not_reproduced(f"{refused[0]} of ssm:PutParameter")
    overwrite = parameters.get("Overwrite")
    for on in parameter(parameters, account):
        yield On(on.arn, {"ssm:Overwrite": _truth(overwrite)})


def parameters_(parameters: Parameters, account: DataAccount) -> Iterator[On]:
    """Each parameter that is named."""
    for name in entries(parameters, "Names"):
        yield On(_parameter_arn(text({"Names": name}, "Names"), account))


def path(parameters: Parameters, account: DataAccount) -> Iterator[On]:
    """By path, the path itself is asked about: who may read it, may read what is below it."""
    path = text(parameters, "Path")
    if not path.startswith("/"):
        raise malformed("Path must begin with '/'")
    yield On(account.env.arn("ssm", f"parameter{path}"), {"ssm:Recursive": _truth(parameters.get("Recursive"))})


def _truth(value: Any) -> str | None:
    return str(value).lower() if isinstance(value, bool) else None


def decrypted(reads: Operation, arns: Resources) -> Operation:
    """Without `WithDecryption` a parameter is read as it is stored, and its key is not used."""

    def asked(parameters: Parameters, account: DataAccount) -> Iterator[NeededPermission]:
        yield from reads.needs(parameters, account)
        for on in arns(parameters, account) if parameters.get("WithDecryption") else ():
            yield from of_key(on.arn, ("kms:Decrypt",), account)

    return Operation(reads.actions, asked)


def below(parameters: Parameters, account: DataAccount) -> Iterator[On]:
    """The encrypted parameters below a path."""
    for above in path(parameters, account):
        yield from (On(arn) for arn in account.keys if arn.startswith(above.arn.rstrip("/") + "/"))
