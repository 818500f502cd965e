"""Lambda functions with a handler of their own, where the tools' dispatcher would be in the way."""

from pathlib import Path

import pulumi
import pulumi_aws as aws

from tests.aws.program.scratch import Scratch, hyphenated
from toolgate.components.iam import iam_documents
from toolgate.components.runtime import wheels

HANDLERS = Path(__file__).parent / "handlers.py"
INTERCEPTOR_SECONDS = 3
"""The timeout of an interceptor's function: one question waits for it."""


def function(
    scratch: Scratch, name: str, *, handler: str = "", seconds: int | None = None, reserved: int | None = None
) -> pulumi.Output[str]:
    """Make a function that runs a handler of `handlers.py`; its ARN.

    Args:
        scratch: Its parent.
        name: Its name in the program.
        handler: The handler's name, if it is another one.
        seconds: Its timeout; None is Lambda's own, 3 seconds.
        reserved: Its reserved concurrency; 0 keeps anybody from invoking it.
    """
    full = hyphenated(name)
    trust = pulumi.Output.json_dumps(iam_documents.function_trust())
    role = aws.iam.Role(f"{name}-role", assume_role_policy=trust, opts=scratch.unhooked)
    logs = aws.cloudwatch.LogGroup(
        f"{name}-logs", name=f"/aws/lambda/{full}", retention_in_days=1, opts=scratch.unhooked
    )
    write_logs = pulumi.Output.json_dumps(iam_documents.function_logs(logs.arn))
    policy = aws.iam.RolePolicy(f"{name}-logs", role=role.name, policy=write_logs, opts=scratch.unhooked)
    made = aws.lambda_.Function(
        f"{name}-function",
        name=full,
        role=role.arn,
        runtime=wheels.LAMBDA_RUNTIME,
        architectures=["arm64"],
        handler=f"handlers.{handler or name}",
        timeout=seconds,
        reserved_concurrent_executions=reserved,
        code=pulumi.AssetArchive({"handlers.py": pulumi.FileAsset(HANDLERS.as_posix())}),
        opts=scratch.after(policy, logs),
    )
    arn: pulumi.Output[str] = made.arn
    return arn
