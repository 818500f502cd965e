"""A report can be shown to anybody."""

import pytest

from tests.aws.masking import masked
from tests.aws.world import World

ROLE = "arn:aws:sts::111122223333:assumed-role"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("account 111122223333.", "account <account>."),
        ("key ASIAABCDEFGHIJKLMNOP and AKIAABCDEFGHIJKLMNOP", "key <key> and <key>"),
        (
            f"User: {ROLE}/Administrator/alice@example.com is",
            "User: arn:aws:sts::<account>:assumed-role/<role>/<session> is",
        ),
        ('"arn:aws:iam::111122223333:user/alice"', '"arn:aws:iam::<account>:user/<user>"'),
        ("request 0f8fad5b-d9cb-469f-a165-70867728950e", "request <id>"),
        ("Root=1-5759e988-bd862e3fe1be46a994272793", "Root=<id>"),
        ("from 203.0.113.9 or 2001:db8:85a3:0:0:8a2e:370:7334", "from <ip> or <ip>"),
        ("write to alice@example.com", "write to <mail>"),
        ("at 20261124T180000Z", "at <time>"),
        (
            "toolgate-probe-r0a1b2-plain-role-0123abc, toolgate_probe_local_x",
            "toolgate-probe-plain-role-<id>, toolgate_probe_x",
        ),
        ("Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln-X_, eyJh.e30", "Bearer <token>, <token>"),
        ("two\n lines", "two lines"),
        ("HTTP 403, code -32002, port 8080", "HTTP 403, code -32002, port 8080"),
    ],
)
def test_what_tells_whose_it_is_is_left_out(text: str, shown: str) -> None:
    assert masked(text, None) == shown


def test_what_is_known_of_a_world_is_named(local: World) -> None:
    gateway, role = local.scratch_gateway("plain"), local.caller_role("stranger")
    denied = f"{role.session_arn('s')} on {gateway.arn}"
    assert masked(denied, local) == (
        "arn:aws:sts::<account>:assumed-role/<role stranger>/<session> on "
        "arn:aws:bedrock-agentcore:<Region>:<account>:gateway/<gateway plain>"
    )
    assert "stack" not in masked(local.front.id, local)
    assert masked(local.stack.runtimes[0].id, local) == "<runtime assistant>"
    assert masked(local.scratch_runtime("unread").id, local) == "<runtime unread>"
    assert masked(local.scratch.policy_engines[0].policies[0].id, local) == "<policy>"
    assert masked(f"{local.client.id} of {local.pool.id}", local) == "<client> of <user pool>"
