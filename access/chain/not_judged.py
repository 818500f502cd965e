"""What has a say about the ways around a gateway but cannot be judged here, in a sentence each."""

from collections.abc import Iterator

from toolgate.access.chain.graph import Graph
from toolgate.access.chain.tool_secrets import ToolSecrets
from toolgate.access.deployment.deployment import Deployment
from toolgate.access.iam.policies import sid
from toolgate.access.matrix.principals import others
from toolgate.policy.language.principals import other_principals


def not_judged(graph: Graph) -> Iterator[str]:
    """One sentence per feature or document."""
    deployment = graph.deployment
    for runtime in deployment.runtimes:
        if runtime.jwt:
            what = "call the server" if runtime.arn in deployment.server_arns else "ask the agent"
            yield f"{runtime.label}: callers come with a token; who may {what} is not judged"
    yield from _functions(graph)
    yield from _servers(graph)
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
