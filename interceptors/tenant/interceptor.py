"""The tenant of a call is the one that the caller's token names, whatever the model wrote.

Cedar and the tool see the call as it is after that. It is for gateways that take tokens: there the gateway has verified
the claims. A token without a tenant is refused.

To make it your own, name the tools that have such an argument. The claim and the argument are named by the function's
variables `TENANT_CLAIM` and `TENANT_ARGUMENT`; both are `tenant` where it has none. To have it beside another
interceptor, copy the function and the two names into the other's file, and above what reads the argument: functions run
in the order of the file.
"""

import os

from intercept import Call, Claims, Verdict, deny, on_call, rewrite

CLAIM = os.environ.get("TENANT_CLAIM", "tenant")
ARGUMENT = os.environ.get("TENANT_ARGUMENT", "tenant")
if not CLAIM or not ARGUMENT:
    raise ValueError("TENANT_CLAIM or TENANT_ARGUMENT is empty. Write a name, or leave the variable out.")


@on_call("orders___*")
def of_tenant(call: Call, claims: Claims) -> Verdict:
    """Put the caller's tenant into the call."""
    tenant = claims.get(CLAIM)
    if not isinstance(tenant, str) or not tenant.strip():
        return deny(f"the token names no tenant in {CLAIM}")
    return rewrite({**call.arguments, ARGUMENT: tenant})
