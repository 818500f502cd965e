"""Whether a request is signed for a gateway, by botocore's own canonicalisation."""

import hmac
from collections.abc import Mapping

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from starlette.requests import Request


def signed(request: Request, body: bytes, secrets: Mapping[str, str]) -> bool:
    """Whether one of the keys in `secrets` signed the request."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    parts = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
    scope = parts.get("Credential", "").split("/")
    names = parts.get("SignedHeaders", "").split(";")
    if scheme != "AWS4-HMAC-SHA256" or len(scope) != 5 or scope[0] not in secrets or "host" not in names:
        return False
    key, _, region, service, _ = scope
    path = request.scope.get("raw_path", request.scope["path"].encode()).decode()  # as it came: it is encoded once more
    copy = AWSRequest(request.method, str(request.url.replace(path=path)), data=body)
    for name in names:
        copy.headers[name] = request.headers.get(name, "")
    copy.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(Credentials(key, secrets[key]), service, region)
    signature = signer.signature(signer.string_to_sign(copy, signer.canonical_request(copy)), copy)
    return service == "bedrock-agentcore" and hmac.compare_digest(signature, parts.get("Signature", ""))
