"""Where the stack is deployed, asked of the provider."""

import pulumi
import pulumi_aws as aws

from toolgate.components.iam.iam_documents import AwsEnvironment


def current(component: pulumi.ComponentResource) -> AwsEnvironment:
    """Partition, Region and account of the component's AWS provider."""
    # Invokes do not inherit the component's provider by themselves.
    opts = pulumi.InvokeOutputOptions(parent=component)
    return AwsEnvironment(
        partition=aws.get_partition_output(opts=opts).partition,
        region=aws.get_region_output(opts=opts).region,
        account=aws.get_caller_identity_output(opts=opts).account_id,
    )
