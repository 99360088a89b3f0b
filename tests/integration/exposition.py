# SPDX-License-Identifier: MIT
"""Reading an exposition with python3-prometheus-client, which shares nothing with our encoder."""
from prometheus_client.parser import text_string_to_metric_families


def read_families(text):
    """By name: the family as the parser gives it. A name that comes twice is an error."""
    families = {}
    for family in text_string_to_metric_families(text):
        if family.name in families:
            raise AssertionError(f"the family {family.name} is in two places")
        families[family.name] = family
    return families


def read_samples(text):
    """By (name, sorted labels): the value. A series that comes twice is an error."""
    samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            if key in samples:
                raise AssertionError(f"the series {key} comes twice")
            samples[key] = sample.value
    return samples


def value(text, name, **labels):
    """The sum of the series of that name whose labels include these; None where there is none."""
    wanted = set(labels.items())
    found = [v for (n, have), v in read_samples(text).items() if n == name and wanted <= set(have)]
    return sum(found) if found else None
