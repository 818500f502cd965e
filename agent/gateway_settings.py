"""Which gateways the agent was handed and the way in to each, as its environment says it.

`GATEWAY_URL` has those that are entered with the process's AWS credentials, separated by blanks; `TOKEN_GATEWAYS` those
that are entered with a token, as JSON: the agent's workload identity, and for each issuer the credential provider that
has the agent's client there, what is asked of it, and the gateways that take its tokens.
"""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import strict_json

if TYPE_CHECKING:
    from token_gateways import Tokens

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_EXAMPLE = (
    'Write {"identity": "<workload identity>", "tokens": [{"provider": "<credential provider>", '
    '"scopes": ["tools/invoke"], "gateways": ["https://.../mcp"]}]}'
)


def read_signed(text: str, faults: list[str]) -> tuple[str, ...]:
    """Read `GATEWAY_URL`; what is wrong with it is added to `faults`."""
    urls = tuple(dict.fromkeys(text.split()))
    faults += _url_faults("GATEWAY_URL", urls)
    return urls


def read_tokens(text: str, signed: Iterable[str], faults: list[str]) -> "Tokens | None":
    """Read `TOKEN_GATEWAYS`; what is wrong with it is added to `faults`.

    Args:
        text: The variable; blank where no gateway takes a token.
        signed: The gateways of `GATEWAY_URL`, none of which may stand here, too.
        faults: Gets a sentence for each fault.
    """
    if not text.strip():
        return None
    # The port is opened once the settings are read, and pydantic takes as long to import as all the rest until then.
    from pydantic import ValidationError  # noqa: PLC0415

    from token_gateways import Tokens  # noqa: PLC0415

    try:
        strict_json.loads(text)  # pydantic takes a name twice
        read = Tokens.model_validate_json(text)
    except ValidationError as error:
        faults += [f"TOKEN_GATEWAYS: {_place(one['loc'])}{one['msg']}. {_EXAMPLE}" for one in error.errors()]
        return None
    except ValueError as error:
        faults.append(f"TOKEN_GATEWAYS {error}. {_EXAMPLE}")
        return None
    urls = [url for entry in read.tokens for url in entry.gateways]
    faults += _url_faults("TOKEN_GATEWAYS", urls)
    faults += [f"TOKEN_GATEWAYS names {url!r}, which is named before. Name it once." for url in _twice(signed, urls)]
    providers = [entry.provider for entry in read.tokens]
    faults += [f"TOKEN_GATEWAYS names {name!r} twice. Write one entry for it." for name in _twice(providers)]
    return read


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) + ": " if location else ""


def _twice(*names: Iterable[str]) -> list[str]:
    every = [name for group in names for name in group]
    return sorted({name for name in every if every.count(name) > 1})


def _url_faults(variable: str, urls: Iterable[str]) -> Iterator[str]:
    for url in urls:
        try:
            scheme, host = urlsplit(url).scheme, urlsplit(url).hostname
        except ValueError:  # brackets without an IPv6 address between them
            scheme, host = "", None
        if re.search(r"[\x00-\x20\x7f]", url) or not host:
            yield f"{variable} holds {url!r}, which is no URL. Write the gateway's MCP endpoint: https://.../mcp"
        elif scheme != "https" and not (scheme == "http" and host in LOOPBACK):
            yield f"{variable} holds {url!r}. Write https://: requests go unencrypted to this machine only."
