"""How long a scan of an account takes by itself: `python -m bench.scan`.

The account is in this process: what is measured is everything but AWS. The reference is the same calls made by plain
boto3, one after the other, with the same answers. Ends with 1 if a figure does not hold.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from botocore.exceptions import ClientError

from tests.access.scan.fake_account import ACCOUNT, REGION, FakeAccount, allow, document, gateway_arn, role
from toolgate.access.deployment.deployment import read
from toolgate.access.deployment.stack_export import write
from toolgate.access.matrix.access_matrix import matrix
from toolgate.access.scan.calls import CALLS
from toolgate.access.scan.scan import scan

ROLES, GATEWAYS, AGENTS, POLICIES, MANAGED = 1000, 100, 100, 10, 20
SECONDS, MOST = 30.0, 4.0


def main() -> int:
    """Measure and print; 1 if a figure does not hold."""
    fake = _account()
    session = fake.session()
    made, scanned = _timed(lambda: scan(session, (REGION,), lambda _: None))
    calls = list(fake.asked)
    clients = {it.service: session.client(it.service) for it in CALLS}
    services = {client.meta.service_model.service_id.hyphenize(): client for client in clients.values()}
    what = f"a scan of {ROLES} roles and {GATEWAYS} gateways, {len(calls)} calls / the same calls by boto3"

    def plainly() -> None:
        for service, operation, given in calls:
            client = services[service]
            method = next(name for name, it in client.meta.method_to_api_mapping.items() if it == operation)
            with suppress(ClientError):  # there is no resource policy
                getattr(client, method)(**given)

    _, plain = _timed(plainly)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "account.json"
        write(made, file)
        megabytes = file.stat().st_size / 1e6
        found, judged = _timed(lambda: sum(1 for _ in matrix(read(file)).entries))
    holds = scanned < SECONDS and scanned / plain <= MOST
    print("| what | CPU s | reference | ratio | at most | |\n|---|---|---|---|---|---|")
    ratio = f"{scanned:.2f} | {plain:.2f} | {scanned / plain:.2f} | {MOST:g}"
    print(f"| {what} | {ratio} | {'holds' if holds else 'MISSED'} |")
    print(f"| its matrix, {found} entries of a file of {megabytes:.1f} MB | {judged:.2f} | | | | |")
    return 0 if holds else 1


def _timed[T](what: Callable[[], T]) -> tuple[T, float]:
    """What it gives, and CPU seconds of all threads."""
    started = time.process_time()
    given = what()
    return given, time.process_time() - started


def _account() -> FakeAccount:
    arns = [f"arn:aws:iam::{ACCOUNT}:policy/managed{it}" for it in range(MANAGED)]
    managed = [
        {
            **{"Arn": arn, "PolicyName": arn.rpartition("/")[2], "Path": "/"},
            "PolicyVersionList": [
                {"VersionId": "v1", "IsDefaultVersion": True, "Document": document(allow("s3:GetObject"))}
            ],
        }
        for arn in arns
    ]
    names = [f"tools{it}" for it in range(GATEWAYS)]
    logs = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": "arn:aws:logs:*:*:*",
    }
    roles = [
        role(
            f"role{number}",
            logs,
            allow("bedrock:InvokeModel"),
            *(
                allow("bedrock-agentcore:InvokeGateway", gateway_arn(names[(number + it) % GATEWAYS]))
                for it in range(5)
            ),
            AttachedManagedPolicies=[{"PolicyName": "m", "PolicyArn": arns[number % MANAGED]}],
        )
        for number in range(ROLES)
    ]
    return FakeAccount(
        roles=roles,
        policies=managed,
        gateways=names,
        engines={name: [_policy(number, name) for number in range(POLICIES)] for name in names},
        runtimes={f"agent{number}": f"role{number}" for number in range(AGENTS)},
        page=100,
    )


def _policy(number: int, gateway: str) -> dict[str, object]:
    who = f'principal == AgentCore::IamEntity::"arn:aws:sts::{ACCOUNT}:assumed-role/role{number}"'
    where = f'resource == AgentCore::Gateway::"{gateway_arn(gateway)}"'
    statement = f'permit({who}, action == AgentCore::Action::"math___add", {where});'
    return {"name": f"p{number}", "definition": {"cedar": {"statement": statement}}}


if __name__ == "__main__":
    sys.exit(main())
