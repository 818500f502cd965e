"""How the gateway signs in to the prices' API: with a key that lies in Secrets Manager, and nowhere else."""

import pulumi
import pulumi_aws as aws

from toolgate import ApiSettings


def settings(opts: pulumi.ResourceOptions) -> ApiSettings:
    """The secret has no value here; `aws secretsmanager put-secret-value` gives it one: {"key": "..."}."""
    secret = aws.secretsmanager.Secret("prices-key", description="The key of the prices' API", opts=opts)
    return {"credential": {"api_key": {"secret_arn": secret.arn, "json_key": "key", "name": "x-api-key"}}}
