"""What the tools need: a table that is theirs, and a key that they read. What they may do with it stands here, too."""

import pulumi
import pulumi_aws as aws

from toolgate import TargetSettings


def settings(opts: pulumi.ResourceOptions) -> TargetSettings:
    """The table and the secret are made, and named to the function."""
    table = aws.dynamodb.Table(
        "orders",
        billing_mode="PAY_PER_REQUEST",
        hash_key="customer",
        range_key="id",
        attributes=[{"name": "customer", "type": "S"}, {"name": "id", "type": "S"}],
        opts=opts,
    )
    # Its value is set by hand (`aws secretsmanager put-secret-value`): it stands in no program and in no state.
    key = aws.secretsmanager.Secret("receipt-key", description="Signs the shop's receipts", opts=opts)
    return {
        "environment": {"ORDERS_TABLE": table.name},
        "secrets": {"RECEIPT_KEY": key.arn},
        "statements": [
            {
                "actions": ["dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"],
                "resources": [table.arn],
            },
        ],
        "timeout": 10,
    }
