import pytest

from toolgate.local.serve.agents.ping import Ping, read_ping


@pytest.mark.parametrize(
    ("body", "ping"),
    [
        (b'{"status": "Healthy"}', Ping("Healthy")),
        (b'{"status": "HealthyBusy", "time_of_last_update": 12}', Ping("HealthyBusy", 12)),
        (b'{"status": "HealthyBusy", "time_of_last_update": 1.5}', Ping("HealthyBusy", 1.5)),
        (b'{"status": "HealthyBusy", "time_of_last_update": true}', Ping("HealthyBusy")),
        (b'{"status": "HealthyBusy", "time_of_last_update": "12"}', Ping("HealthyBusy")),
        (b'{"status": "HealthyBusy", "time_of_last_update": -1}', Ping("HealthyBusy")),
        (b'{"status": 1, "time_of_last_update": 2}', Ping("", 2)),
        (b"[]", Ping()),
        (b"{", Ping()),
        (b"\xff", Ping()),
        (b"", Ping()),
    ],
)
def test_what_an_agent_says_of_itself(body: bytes, ping: Ping) -> None:
    assert read_ping(body) == ping


def test_only_busy_with_a_stamp_is_busy() -> None:
    pings = [Ping("HealthyBusy", 1), Ping("HealthyBusy", 0), Ping("HealthyBusy"), Ping("Healthy", 1), Ping()]
    assert [it.busy for it in pings] == [True, True, False, False, False]
    assert [it.unstamped for it in pings] == [False, False, True, False, False]
