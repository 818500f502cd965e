"""A REST API that is made of a body, with a real engine over the stand-in."""

import json

import pulumi_aws as aws

from tests.local.cloud.conftest import API

from .conftest import Start


def test_an_api_stays_as_it_is_and_a_changed_body_is_deployed_anew(start: Start) -> None:
    titles = ["orders"]

    def program() -> None:
        body = json.dumps({**API, "info": {"title": titles[-1], "version": "1"}})
        api = aws.apigateway.RestApi("orders", body=body)
        deployment = aws.apigateway.Deployment("orders", rest_api=api.id, triggers={"body": body})
        aws.apigateway.Stage("orders", rest_api=api.id, deployment=deployment.id, stage_name="prod")
        aws.lambda_.Permission(
            "orders",
            action="lambda:InvokeFunction",
            function="orders",
            principal="apigateway.amazonaws.com",
            source_arn=api.execution_arn.apply(lambda arn: f"{arn}/prod/*"),
        )

    engine = start(program)
    assert engine.up() == {"create": 5}
    assert engine.up() == {"same": 5}
    assert engine.stack.refresh().summary.resource_changes == {"same": 5}
    assert engine.up() == {"same": 5}
    titles.append("all orders")
    assert engine.up() == {"same": 2, "update": 2, "replace": 1}
    assert engine.up() == {"same": 5}
