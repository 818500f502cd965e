"""What a runtime runs: code from S3, or a container image in Amazon ECR. One or the other, each with its grant."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws

from toolgate.components.checks import identifiers
from toolgate.components.checks.arguments import UsageError
from toolgate.components.iam import iam_documents
from toolgate.components.iam.iam_documents import AwsEnvironment, Statement
from toolgate.components.runtime import wheels

ENTRY_POINTS = ["main.py"]


def zip_digest(args: Mapping[str, Any], where: str) -> str | None:
    """The SHA-256 of the zip that the arguments name; None where they name an image.

    Raises:
        UsageError: They name both or none, the zip cannot be read, or the image's URI is none.
    """
    if ("code" in args) is ("image" in args):
        said = "has both code and image" if "code" in args else "has neither code nor image"
        raise UsageError(f"{where}: {said}. Write code, the path of its zip, or image, the URI of its image in ECR.")
    if "code" in args:
        return _digest(Path(args["code"]), where)
    identifiers.check(identifiers.IMAGE, args["image"], f"{where}.image")
    if "entry_points" in args:
        raise UsageError(
            f"{where}.entry_points: are of code. What a container starts its image says (CMD, ENTRYPOINT)."
        )
    return None


def configuration(args: Mapping[str, Any], code: aws.s3.BucketObjectv2 | None) -> dict[str, Any]:
    """The runtime's artifact as the provider takes it.

    Args:
        args: The agent's arguments.
        code: Its code in S3, if it is no image.
    """
    if code is None:
        return {"container_configuration": {"container_uri": args["image"]}}
    return {
        "code_configuration": {
            # Of an object that was put before its bucket had versions the provider has an empty one, which AWS refuses.
            "code": {"s3": {"bucket": code.bucket, "prefix": code.key, "version_id": code.version_id.apply(_given)}},
            "entry_points": args.get("entry_points", ENTRY_POINTS),
            "runtime": wheels.AGENTCORE_RUNTIME,
        }
    }


def grant(
    here: AwsEnvironment, args: Mapping[str, Any], code: aws.s3.BucketObjectv2 | None, where: str
) -> list[Statement]:
    """What the agent's role needs so that the runtime gets what it runs.

    Args:
        here: Where the stack is deployed.
        args: The agent's arguments.
        code: Its code in S3, if it is no image.
        where: Its place, for messages.
    """
    if code is not None:
        return iam_documents.read_code(code.arn)
    image = pulumi.Output.from_input(args["image"])
    parts = image.apply(lambda uri: _parts(uri, f"{where}.image"))
    of_repository = pulumi.Output.concat("repository/", parts["repository"])
    return iam_documents.pull_image(here.arn("ecr", of_repository, region=parts["region"], account=parts["account"]))


def _parts(uri: str, where: str) -> dict[str, str]:
    identifiers.check(identifiers.IMAGE, uri, where)
    found = re.fullmatch(identifiers.IMAGE.pattern, uri, re.ASCII)
    assert found is not None  # noqa: S101  # as just checked
    return {name: found[name] for name in ("account", "region", "repository")}


def _given(text: str | None) -> str | None:
    return text or None


def _digest(path: Path, where: str) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"{where}.code: {path} cannot be read ({error}). `make bundle` builds it.") from error
