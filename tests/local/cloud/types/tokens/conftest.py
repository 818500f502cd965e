"""A user pool with a resource server, and its domain."""

import pytest

from tests.local.cloud.conftest import GOOD, RESOURCE_SERVER, USER_POOL, USER_POOL_DOMAIN
from toolgate.local.cloud.control_plane import ControlPlane
from toolgate.local.cloud.resource_type import Made


@pytest.fixture
def pool(plane: ControlPlane) -> Made:
    """A user pool in the account, with the scope `toolgate-dev-tools/invoke`."""
    made = plane.create(USER_POOL, GOOD[USER_POOL])
    plane.create(RESOURCE_SERVER, GOOD[RESOURCE_SERVER] | {"userPoolId": made.id})
    return made


@pytest.fixture
def domain(plane: ControlPlane, pool: Made) -> Made:
    """Its domain."""
    return plane.create(USER_POOL_DOMAIN, GOOD[USER_POOL_DOMAIN] | {"userPoolId": pool.id})
