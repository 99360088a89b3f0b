# SPDX-License-Identifier: MIT
"""What a result of measure.py looks like: in the terminal, and as docs/benchmarks.md."""
import breakdown
import goals
import tables


def all_tables(result):
    figures = tables.Figures(result)
    made = [goals.table(figures), *(make(figures) for make in (*tables.ALL, *breakdown.ALL))]
    return [table for table in made if table.rows]


def facts(result):
    machine, load = result["machine"], result["load"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    facts_ = [
        ("date", result["date"]),
        ("machine", f"{machine['cpus']} x {machine['cpu']} ({machine['architecture']})"),
        ("system", f"{machine['system']}, Linux {machine['kernel']}, {machine['libc']}"),
        ("versions", versions),
        ("load average", f"{load['first']:.2f} before the run, at the most {load['most']:.2f} "
         f"during it, on {load['cpus']} CPUs"),
        ("disturbed", f"{100 * result['disturbed']:.0f} % of the repetitions: their threads ran for "
         "less than 90 % of the time; they are left out where enough others are there"),
    ]
    if load["first"] > load["cpus"] * 0.75:
        facts_.append(("caution", "other work ran on this machine: trust ratios over absolutes"))
    return facts_


def terminal(result):
    lines = [f"{name}: {fact}" for name, fact in facts(result)]
    for table in all_tables(result):
        rows = [table.head, *table.rows]
        widths = [max(len(row[i]) for row in rows) for i in range(len(table.head))]
        lines += ["", table.title]
        for row in rows:
            cells = [cell.ljust(width) if i < table.names else cell.rjust(width)
                     for i, (cell, width) in enumerate(zip(row, widths))]
            lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)


def markdown(result):
    lines = [
        "<!-- Written by tests/bench/run.sh from what it measured. Do not edit. -->",
        "# Benchmarks", "",
        "promplug beside the metrics libraries of Debian, measured in one run by "
        "`tests/bench/run.sh` on the same work. Medians of CPU time, unless a table says otherwise; "
        "the repetitions of what is compared are interleaved at random.", ""]
    lines += [f"- {name}: {fact}" for name, fact in facts(result)]
    for table in all_tables(result):
        lines += ["", f"## {table.title}", "", table.text, "",
                  "| " + " | ".join(table.head) + " |",
                  "|" + "|".join(["---"] * table.names + ["---:"] * (len(table.head) - table.names))
                  + "|"]
        lines += ["| " + " | ".join(row) + " |" for row in table.rows]
    return "\n".join(lines) + "\n"
