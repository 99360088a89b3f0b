# SPDX-License-Identifier: MIT
"""Real servers on loopback for the demo and for tests/integration: started, polled, ended by pid."""
