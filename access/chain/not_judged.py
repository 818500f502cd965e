"""What has a say about the ways around a gateway but cannot be judged here, in a sentence each."""

from collections.abc import Iterator

from toolgate.access.chain.graph import Graph
from toolgate.access.chain.tool_secrets import ToolSecrets
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.deployment.stages import KIND as STAGE
from toolgate.access.iam.policies import sid
from toolgate.access.matrix.principals import others
from toolgate.policy.language.principals import other_principals
from toolgate.policy.language.rest_api import NONE


def not_judged(graph: Graph) -> Iterator[str]:
    """One sentence per feature or document."""
    deployment = graph.deployment
    for runtime in deployment.runtimes:
        if runtime.jwt:
            what = "call the server" if runtime.arn in deployment.server_arns else "ask the agent"
            yield f"{runtime.label}: callers come with a token; who may {what} is not judged"
    yield from _functions(graph)
    yield from _servers(graph)
    yield from _rest_apis(deployment)
    yield from ToolSecrets(deployment).not_judged()
    yield from _interceptors(graph)
    if graph.functions or graph.servers or deployment.runtimes:
        yield from _unread(deployment)


def _functions(graph: Graph) -> Iterator[str]:
    for function in graph.functions:
        if not function.known:
            yield (
                f"Function {function.arn} is not in the deployment: only identity policies are judged of who invokes it"
                " past a gateway"
            )
        for statement in function.policy.statements if function.policy else ():
            for other in other_principals(statement):
                yield f"Function {function.arn}: permission '{sid(statement)}' lets {other} invoke it; not judged"


def _servers(graph: Graph) -> Iterator[str]:
    for server in graph.servers:
        if server.runtime is None:
            yield (
                f"Server {server.arn} is not in the deployment: only identity policies are judged of who invokes it"
                " past a gateway"
            )


def _rest_apis(deployment: Deployment) -> Iterator[str]:
    """APIs behind stages: which of their methods are open to anybody, and that who else may sign is not judged."""
    behind = {target.place.rest_api_id for target in deployment.targets if target.kind == STAGE}
    for api in deployment.rest_apis:
        if api.id in behind:
            unsigned = [it.label for it in api.methods if it.authorization == NONE]
            if unsigned:
                limit = ", as far as the API's own policy lets them in" if api.policy else ""
                yield f"{api.label}: anybody may call {', '.join(unsigned)} past a gateway, unsigned{limit}"
            yield f"{api.label}: who besides its gateways may call its signed methods is not judged"


def _interceptors(graph: Graph) -> Iterator[str]:
    for function in graph.interceptors:
        if not function.known:
            yield (
                f"Interceptor {function.name}: {function.arn} is not in the deployment: only identity policies are"
                " judged of who may change it"
            )


def _unread(deployment: Deployment) -> Iterator[str]:
    """Documents of roles and users that may open a way; the matrix tells of those of agents."""
    attached: dict[str, list[str]] = {}
    for caller in others(deployment):
        for document in caller.identity.unread:
            attached.setdefault(document, []).append(caller.identity.name)
    for document, names in attached.items():
        yield (
            f"The document of {document}, attached to {', '.join(names)}, is not in the deployment: ways around a"
            " gateway that it opens are not judged"
        )
