# SPDX-License-Identifier: MIT
"""What the scenarios for all hosts share. PROMPLUG_HOST_KIND says which host they run with."""
from case import StackCase
from exposition import value
from stack.servers import Pushgateway

# The first push comes within 5 s of the start; the rest is for a loaded machine.
FIRST_PUSH_SECONDS = 20
WAIT_SECONDS = 20


class HostCase(StackCase):
    def counted(self, host):
        """How many good answers of good_path a scrape says."""
        return value(host.metrics().text, host.requests_family, **host.good_labels) or 0

    def ask(self, host, number):
        for _ in range(number):
            self.assertEqual(host.request(host.good_path).status, 200)


class GatewayCase(HostCase):
    """With a Pushgateway for all its tests."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway = cls.class_server(Pushgateway)

    def pushed(self, host, job, instance):
        """counted(), of the group on the Pushgateway; None: there is no such group."""
        group = self.gateway.group(job, instance)
        if group is None:
            return None
        metrics = group.get(host.requests_family, {"metrics": []})["metrics"]
        return sum(float(metric["value"]) for metric in metrics
                   if host.good_labels.items() <= metric["labels"].items())

    def wait_group(self, host, job, instance):
        return self.eventually(
            lambda: self.gateway.group(job, instance), FIRST_PUSH_SECONDS,
            lambda: f"{job}, {instance} of {list(self.gateway.groups())}; log:\n{host.log()}")
