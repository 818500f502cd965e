"""The look-ups that the program makes: what is asked of AWS without making anything."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from toolgate.local.cloud import inference_profiles
from toolgate.local.cloud.cloud_environment import CloudEnvironment, dns_suffix
from toolgate.local.cloud.failures import NotReproducedError, RefusalError
from toolgate.local.cloud.values import Properties

# botocore bedrock InferenceProfileIdentifier.
_PROFILE_ARN = re.compile(
    r"arn:(?P<partition>aws[^:]*):bedrock:(?P<region>[a-z0-9-]+):\d{12}:(?P<resource>(application-)?inference-profile/(?P<id>[a-zA-Z0-9.:-]+))"
)


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
        "endpoint": f"ec2.{region}.{dns_suffix(region)}",
    }


def _partition(_arguments: Properties, env: CloudEnvironment) -> dict[str, Any]:
    reverse = ".".join(reversed(env.dns_suffix.split(".")))
    return {
        "partition": env.partition,
        "id": env.partition,
        "dnsSuffix": env.dns_suffix,
        "reverseDnsPrefix": reverse,
    }


def _inference_profile(arguments: Properties, env: CloudEnvironment) -> dict[str, Any]:
    identifier = arguments["inferenceProfileId"]
    by_arn = _PROFILE_ARN.fullmatch(identifier)
    if by_arn and (by_arn["partition"], by_arn["region"]) != (env.partition, env.region):
        raise RefusalError(f"ResourceNotFoundException: Inference profile {identifier} not found in {env.region}")
    # Whatever account the ARN names, it is the one that the stand-in stands for: profiles are of one account.
    resource = by_arn["resource"] if by_arn else f"inference-profile/{identifier}"
    profile = by_arn["id"] if by_arn else identifier
    own = resource.startswith("application-")
    return {
        "id": profile,
        "inferenceProfileId": profile,
        "inferenceProfileArn": env.arn("bedrock", resource),
        "inferenceProfileName": profile,
        "description": "",
        "models": [{"modelArn": arn} for arn in _models(profile, env, own=own)],
        "region": env.region,
        "status": "ACTIVE",
        "type": "APPLICATION" if own else "SYSTEM_DEFINED",
        "createdAt": "",
        "updatedAt": "",
    }


def _models(profile: str, env: CloudEnvironment, *, own: bool) -> list[str]:
    named = inference_profiles.PROFILE_ID.fullmatch(profile)
    if own:  # its account alone knows which model it is for
        return [_model(env.region, inference_profiles.made_up(f"application-inference-profile.{profile}"), env)]
    if named is None:
        raise RefusalError(f"ResourceNotFoundException: Inference profile {profile} not found in {env.region}")
    try:
        regions = inference_profiles.destinations(profile, env.region)
    except LookupError as error:
        raise RefusalError(f"ResourceNotFoundException: {error}") from error
    if regions is None:
        return [_model(env.region, inference_profiles.made_up(named["model"]), env)]
    return [_model(region, named["model"], env) for region in regions]


def _model(region: str, model: str, env: CloudEnvironment) -> str:
    return f"arn:{env.partition}:bedrock:{region}::foundation-model/{model}"


_ANSWERS: Mapping[str, Callable[[Properties, CloudEnvironment], dict[str, Any]]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getPartition:getPartition": _partition,
    "aws:bedrock/getInferenceProfile:getInferenceProfile": _inference_profile,
}
