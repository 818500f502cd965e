"""What holds for every test."""

import hypothesis

# A busy machine is no defect: no example has a deadline, and none is drawn too slowly.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")
