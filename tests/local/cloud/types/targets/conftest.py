"""Targets of each kind that the stand-in knows."""

import json
from typing import Any

from tests.local.cloud.conftest import GOOD, TARGET, tool

PLACE = "arn:aws:bedrock-agentcore:us-east-1:123456789012"
RUNTIME_ARN = f"{PLACE}:runtime/orders-a1B2c3D4e5"
RUNTIME_URL = (
    "https://bedrock-agentcore.us-east-1.amazonaws.com/runtimes/"
    "arn%3Aaws%3Abedrock-agentcore%3Aus-east-1%3A123456789012%3Aruntime%2Forders-a1B2c3D4e5"
    "/invocations?qualifier=DEFAULT"
)


def listing(*tools: Any) -> dict[str, Any]:
    """A target's `mcpToolSchema`."""
    return {"inlinePayload": {"payload": json.dumps({"tools": tools})}}


DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Orders", "version": "1"},
    "servers": [{"url": "https://orders.example.com/v1"}],
    "paths": {"/orders": {"get": {"operationId": "list_orders", "summary": "All.", "responses": {}}}},
}


KINDS: dict[str, dict[str, Any]] = {
    "lambda": GOOD[TARGET]["targetConfiguration"]["mcp"]["lambda"],
    "mcpServer": {"endpoint": RUNTIME_URL, "mcpToolSchema": listing(tool())},
    "openApiSchema": {"inlinePayload": {"payload": json.dumps(DOCUMENT)}},
    "apiGateway": {
        "restApiId": "a1b2c3d4e5",
        "stage": "prod",
        "apiGatewayToolConfiguration": {
            "toolFilters": [{"filterPath": "/orders/*", "methods": ["GET", "POST"]}],
            "toolOverrides": [{"path": "/orders/{id}", "method": "GET", "name": "get_order", "description": "One."}],
        },
    },
    "connector": {
        "source": {"connectorId": "bedrock-knowledge-bases", "version": "1.2.0"},
        "enableds": ["Retrieve"],
        "configurations": [
            {
                "name": "Retrieve",
                "parameterValues": json.dumps({"knowledgeBaseId": "ABCDEFGHIJ", "numberOfResults": 5}),
                "parameterOverrides": [{"path": "/numberOfResults", "visible": False}],
            }
        ],
    },
}
BARE: dict[str, Any] = {"gatewayIamRole": {}}
SIGNED = {"gatewayIamRole": {"service": "bedrock-agentcore", "region": "us-east-1"}}
VAULT = f"{PLACE}:token-vault/default"
KEY = {
    "apiKey": {
        "providerArn": f"{VAULT}/apikeycredentialprovider/orders",
        "credentialLocation": "HEADER",
        "credentialParameterName": "x-api-key",
        "credentialPrefix": "Bearer",
    }
}
TOKEN = {
    "oauth": {
        "providerArn": f"{VAULT}/oauth2credentialprovider/orders",
        "scopes": ["read"],
        "grantType": "CLIENT_CREDENTIALS",
        "customParameters": {"audience": "orders"},
    }
}
SIGN_INS: dict[str, Any] = {
    "none": None,
    "role": BARE,
    "role for a service": SIGNED,
    "API key": KEY,
    "token": TOKEN,
    "token exchange": {"oauth": TOKEN["oauth"] | {"grantType": "TOKEN_EXCHANGE"}},
    "caller's role": {"callerIamCredentials": {"service": "bedrock-agentcore"}},
    "caller's token": {"jwtPassthrough": {}},
}


def changed(kind: str, **changes: Any) -> dict[str, Any]:
    """A `targetConfiguration` of a good target of the kind with some properties changed; None takes one away."""
    settings = {name: value for name, value in (KINDS[kind] | changes).items() if value is not None}
    return {"mcp": {kind: settings}}


def given(kind: str, **changes: Any) -> dict[str, Any]:
    """The inputs that say the kind, and how the gateway signs in, of a good target."""
    sign_in = SIGNED if kind in ("mcpServer", "openApiSchema") else BARE
    return {"targetConfiguration": changed(kind, **changes), "credentialProviderConfiguration": sign_in}
