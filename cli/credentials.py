"""`toolgate credentials`: what an MCP client needs to call tools in an agent's place, of what is served here."""

import json
import os
import shlex
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import click

from toolgate.cli import options
from toolgate.cli.call import caller_of, served_here
from toolgate.cli.options import CommandError
from toolgate.cli.output import say
from toolgate.local.serve.environment import shell_lines
from toolgate.local.serve.serving_file import Caller, ClientToken

_MARK = "# written by toolgate credentials"


@click.command()
@options.program
@click.option("--as", "agent", metavar="NAME", help="an agent, or a client (needed only where there are several)")
@click.option(
    "--format",
    "form",
    type=click.Choice(["env", "profile", "process"]),
    default="env",
    show_default=True,
    help="lines for a shell to evaluate; a profile for AWS's configuration file; JSON for `credential_process`",
)
@click.option("--write", "file", type=options.FILE, help="write the profile into a file of its own, for its owner only")
def credentials(program: Path, agent: str | None, form: str, file: Path | None) -> int:
    """Print an agent's credentials and gateways, of what `toolgate up` serves; or a client's, outside of AgentCore.

    They end with `toolgate up`, and are worth nothing anywhere else.
    """
    if file and form != "profile":
        raise click.UsageError("--write takes --format profile")
    served = served_here(program)
    if agent is None and len(served.callers) > 1:
        raise CommandError(
            f"there are several agents or clients. Name one with --as: {', '.join(sorted(served.callers))}"
        )
    name = agent or next(iter(served.callers))
    caller = caller_of(served, name) or served.callers[name]
    if not caller.credentials and form != "env":
        raise CommandError(f"{name} is a client with tokens, and has no AWS credentials: leave --format out")
    if form == "process":
        say(_process(caller))
        return options.OK
    urls = [gateway.url for gateway in caller.gateways if gateway.token is None]
    region = served.environment["AWS_REGION"]
    if not caller.credentials:
        say("\n".join(_of_client(caller)))
        return options.OK
    if form == "env":
        endpoints = {key: value for key, value in served.environment.items() if key not in caller.credentials}
        variables = {**endpoints, **caller.credentials, "GATEWAY_URL": " ".join(urls), **caller.variables}
        say("\n".join([*shell_lines(variables, os.environ), *client_lines(urls, region)]))
        return options.OK
    profile = f"toolgate-{name}"
    block = [f"{key.lower()} = {value}" for key, value in caller.credentials.items()]
    block += [f"region = {region}", f"endpoint_url = {served.environment['AWS_ENDPOINT_URL']}"]
    text = "\n".join([_MARK, f"[profile {profile}]", *block, *client_lines(urls, region, profile)])
    if file:
        options.written(lambda path: _write(path, text), file, "--write")
    else:
        say(text)
    return options.OK


def _process(caller: Caller) -> str:
    # https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
    found = caller.credentials
    return json.dumps(
        {
            "Version": 1,
            "AccessKeyId": found["AWS_ACCESS_KEY_ID"],
            "SecretAccessKey": found["AWS_SECRET_ACCESS_KEY"],
            "SessionToken": found["AWS_SESSION_TOKEN"],
        }
    )


def _of_client(caller: Caller) -> list[str]:
    """The lines of a client outside of AgentCore: what its secret in Secrets Manager holds, as it is here."""
    urls = " ".join(gateway.url for gateway in caller.gateways)
    token = next((it.token for it in caller.gateways if isinstance(it.token, ClientToken)), None)
    if token is None:
        return ["# no gateway takes this client's tokens"]
    variables = {
        "TOKEN_ENDPOINT": token.token_endpoint,
        "CLIENT_ID": token.client_id,
        "CLIENT_SECRET": token.client_secret,
        "SCOPE": token.scope,
        "GATEWAY_URL": urls,
    }
    return [
        "# Made by toolgate up, and worth nothing anywhere else: the client's secret on AWS is another one.",
        *(f"export {name}={shlex.quote(value)}" for name, value in variables.items()),
        '# A token: curl -s -u "$CLIENT_ID:$CLIENT_SECRET" -d grant_type=client_credentials "$TOKEN_ENDPOINT"',
    ]


def client_lines(urls: Sequence[str], region: str, profile: str = "") -> list[str]:
    """Comments with the command for an MCP client that speaks to a process, and for MCP's Inspector."""
    proxy = f"uvx mcp-proxy-for-aws@{version('mcp-proxy-for-aws')}"
    # Of a URL on this machine the proxy cannot tell the service.
    rest = f"--service bedrock-agentcore --region {region}" + (f" --profile {profile}" if profile else "")
    # The Inspector hands few of its variables on to the server that it starts. The proxy wants the Region there: by
    # --region it signs, and yet it ends where neither profile, variable nor URL names one (its determine_aws_region).
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION")
    names = ("AWS_CONFIG_FILE",) if profile else keys
    passed = " ".join(f'-e {name}="${name}"' for name in names)
    return [
        line
        for url in urls
        for line in (
            f"# MCP client: {proxy} {url} {rest}",
            f"# Inspector: npx @modelcontextprotocol/inspector {passed} {proxy} {url} {rest}",
        )
    ]


def _write(file: Path, text: str) -> None:
    if file.exists() and not file.read_text(encoding="utf-8", errors="replace").startswith(_MARK):
        raise CommandError(f"{file} is not one that `toolgate credentials` has written; give another --write")
    new = file.with_name(f"{file.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as opened:
        opened.write(f"{text}\n")
    new.replace(file)
