"""The look-ups that the program makes: what is asked of AWS without making anything."""

from collections.abc import Callable, Mapping
from typing import Any

from toolgate.local.cloud.cloud_environment import CloudEnvironment
from toolgate.local.cloud.failures import NotReproducedError, RefusalError
from toolgate.local.cloud.values import Properties

US_DESTINATIONS = ("us-east-1", "us-east-2", "us-west-2")
"""Where a `us.` profile leads (Bedrock user guide, "Supported Regions and models for inference profiles")."""


def answer(token: str, arguments: Properties, env: CloudEnvironment) -> dict[str, Any]:
    """What AWS answers to a look-up.

    Args:
        token: Pulumi's function token.
        arguments: Its arguments (camelCase).
        env: The account and Region.

    Raises:
        NotReproducedError: The stand-in does not know this look-up.
        RefusalError: AWS would refuse it.
    """
    if token not in _ANSWERS:
        raise NotReproducedError(token)
    return _ANSWERS[token]({key: value for key, value in arguments.items() if value is not None}, env)


def _caller(_arguments: Properties, env: CloudEnvironment) -> dict[str, Any]:
    arn = env.global_arn("iam", "user/deployer")
    return {"accountId": env.account, "arn": arn, "id": env.account, "userId": "AIDADEPLOYERSTANDIN0"}


def _region(arguments: Properties, env: CloudEnvironment) -> dict[str, Any]:
    region = arguments.get("region", env.region)
    return {
        "region": region,
        "name": region,
        "id": region,
        "description": region,
        "endpoint": f"ec2.{region}.amazonaws.com",
    }


def _partition(_arguments: Properties, env: CloudEnvironment) -> dict[str, Any]:
    if env.partition != "aws":
        raise NotReproducedError(f"partition {env.partition}")
    return {"partition": "aws", "id": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws"}


def _inference_profile(arguments: Properties, env: CloudEnvironment) -> dict[str, Any]:
    profile = arguments["inferenceProfileId"].removeprefix(env.arn("bedrock", "inference-profile/"))
    area, _, model = profile.partition(".")
    if area == "us" and env.region not in US_DESTINATIONS:
        raise RefusalError(f"ResourceNotFoundException: Inference profile {profile} not found in {env.region}")
    regions = {"us": US_DESTINATIONS, "global": ("", env.region)}.get(area)
    if regions is None or not model:
        text = f"inference profile {profile}: known are us. (from {', '.join(US_DESTINATIONS)}) and global."
        raise NotReproducedError(text)
    arns = [f"arn:{env.partition}:bedrock:{region}::foundation-model/{model}" for region in regions]
    return {
        "id": profile,
        "inferenceProfileId": profile,
        "inferenceProfileArn": env.arn("bedrock", f"inference-profile/{profile}"),
        "inferenceProfileName": profile,
        "description": "",
        "models": [{"modelArn": arn} for arn in arns],
        "region": env.region,
        "status": "ACTIVE",
        "type": "SYSTEM_DEFINED",
        "createdAt": "",
        "updatedAt": "",
    }


_ANSWERS: Mapping[str, Callable[[Properties, CloudEnvironment], dict[str, Any]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getPartition:getPartition": _partition,
    "aws:bedrock/getInferenceProfile:getInferenceProfile": _inference_profile,
}
