"""Lambda functions with a handler of their own, where the tools' dispatcher would be in the way."""

from pathlib import Path

import pulumi
import pulumi_aws as aws

from tests.aws.program.scratch import Scratch, hyphenated
from toolgate.components.iam import iam_documents
from toolgate.components.runtime import wheels

HANDLERS = Path(__file__).parent / "handlers.py"


def function(scratch: Scratch, name: str) -> pulumi.Output[str]:
    """The ARN of a function that runs `handlers.<name>`."""
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
        handler=f"handlers.{name}",
        code=pulumi.AssetArchive({"handlers.py": pulumi.FileAsset(HANDLERS.as_posix())}),
        opts=scratch.after(policy, logs),
    )
    arn: pulumi.Output[str] = made.arn
    return arn
