"""How the gateway signs in to the orders' API: as its role, for exactly the methods that are tools."""

import pulumi

from toolgate import ApiSettings, IamService

# Orders are not deleted by a tool: the gateway is not told of it, and its role may not call it.
OPERATIONS = {
    "getOrder": {},
    "placeOrder": {"description": "Place an order. Ask the customer to confirm it first."},
}


def settings(_opts: pulumi.ResourceOptions) -> ApiSettings:
    """API Gateway verifies the signature of methods with authorization AWS_IAM."""
    stage = pulumi.Config("apis").require("stage")
    return {"credential": {"iam": {"service": IamService.EXECUTE_API, "resources": [stage]}}}
