# SPDX-License-Identifier: MIT
"""A result beside an earlier one."""
from drivers import PEERS
from tables import number

# Repeats of one work on a machine that is not quiet differ by this share.
NOISE = 0.15
MORE_IS_BETTER = {"MB/s", "x"}


def terminal(now, earlier):
    """What of promplug's differs by more than noise."""
    lines = [f"against {earlier['date']}, promplug {earlier['versions']['promplug']}:"]
    if now["machine"] != earlier["machine"]:
        lines.append("  on another machine or system: only ratios to the peers can be compared")
    same = 0
    for key, measure in now["measures"].items():
        before = earlier["measures"].get(key)
        if before is None or any(peer in key for peer in PEERS):
            continue
        change = measure["value"] - before["value"]
        if abs(change) <= NOISE * abs(before["value"]):
            same += 1
            continue
        better = (change > 0) == (measure["unit"] in MORE_IS_BETTER)
        share = f" ({100 * change / before['value']:+.0f} %)" if before["value"] else ""
        lines.append(f"  {'better' if better else 'WORSE '}  {key}: {number(before['value'])} -> "
                     f"{number(measure['value'])} {measure['unit']}{share}")
    lines.append(f"  {same} figures within {NOISE:.0%}")
    return "\n".join(lines)
