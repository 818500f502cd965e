"""What may stand in a report: no account, no key, no id that AWS drew by lot, so that it can be shown to anybody.

What is left is the same in two worlds that answer alike, and so can be compared.
"""

import re

from tests.aws.world import World

_GENERAL = (
    (re.compile(r"http://127\.0\.0\.1:\d+"), "<endpoint>"),
    (re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b"), "<key>"),
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "<id>"),
    (re.compile(r"\b1-[0-9a-f]{8}-[0-9a-f]{24}\b"), "<id>"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"), "<token>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<hash>"),
    (re.compile(r"\b\d{8}T\d{6}Z\b"), "<time>"),
    # A session's name is often a person's. A role that is not one of ours is whoever runs the suite.
    (re.compile(r"(assumed-role/(?:<[^>]*>|[^/\s\"]+)/)[^\s\"\\]+"), r"\1<session>"),
    (re.compile(r"assumed-role/[^/<\s\"]+/"), "assumed-role/<role>/"),
    (re.compile(r"(:user/)[^\s\"\\]+"), r"\1<user>"),
    (re.compile(r"[\w.+-]+@[\w.-]+"), "<mail>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), "<ip>"),
    (re.compile(r"\b(?:[0-9a-fA-F]{1,4}:){3,7}(?::?[0-9a-fA-F]{1,4})+\b"), "<ip>"),
    (re.compile(r"\b\d{12}\b"), "<account>"),
    # What Pulumi puts to a name, and the name of a run.
    (re.compile(r"(?<=-)[0-9a-f]{7}\b"), "<id>"),
    (re.compile(r"\btoolgate([-_])probe[-_](?:local|r[0-9a-f]{5})(?=[-_\s]|$)"), r"toolgate\1probe"),
)


def masked(text: str, world: World | None) -> str:
    """The text on one line, with nothing that tells whose world it is.

    Args:
        text: The text.
        world: Where it comes from: what is known of it is named; None if that is not known.
    """
    for known, name in _names(world) if world else ():
        text = text.replace(known, name)
    for pattern, name in _GENERAL:
        text = pattern.sub(name, text)
    return " ".join(text.split())


def _names(world: World) -> list[tuple[str, str]]:
    stack, scratch = world.stack, world.scratch
    made = [(world.region, "<Region>")]
    made += [(it.id, f"<gateway {it.name.rpartition('-')[2]}>") for it in (*stack.gateways, *scratch.gateways)]
    made += [(it.id, f"<runtime {it.agent}>") for it in stack.runtimes]
    made += [(it.id, f"<runtime {it.name.rpartition('_')[2]}>") for it in scratch.runtimes]
    made += [(it.id, "<policy engine>") for it in (*stack.policy_engines, *scratch.policy_engines)]
    policies = [it for engine in (*stack.policy_engines, *scratch.policy_engines) for it in engine.policies]
    made += [(it.id, "<policy>") for it in policies]
    # The name of a client is that of its agent, which is no secret.
    made += [(it.id, "<client>") for it in (*stack.tokens.clients, *scratch.tokens.clients)]
    made += [(it.id, "<user pool>") for it in (*stack.tokens.user_pools, *scratch.tokens.user_pools)]
    made += [(it.name, f"<role {_last(it.name)}>") for it in (*stack.roles, *scratch.roles)]
    # The longest first: one name may be the beginning of another.
    return sorted(made, key=lambda pair: -len(pair[0]))


def _last(role: str) -> str:
    """A role's name without the project, the stack and what Pulumi puts to it."""
    return re.sub(r"^toolgate(-probe)?-[^-]+-|-[0-9a-f]{7}$", "", role)
