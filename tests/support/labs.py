"""What tests with labs of their own share."""

import os

PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "")
"""Names this process among those that tests run in: part of its labs' names."""
# As a controller that waits for three seconds, not for two minutes.
HASTY = """
import sys
from nornir_kube_ha.runbooks import deploy
from nornir_kube_ha.tasks import packages
packages.LOCK_TIMEOUT = 3
sys.exit(deploy.main(sys.argv[1:]))
"""
