#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes aws.strict.json, the API hosts that `allow_cloud_provider: strict` opens, from botocore's end point rule sets.

    cd core/src/policy/providers && python3 aws_strict.py <folder that holds botocore/> > aws.strict.json

`labels` stand in front of the own region and a partition's suffixes; `hosts` have no region; `account_labels` follow
the own account number. Service models' host prefixes (`stream-logs`, `sync-states`) are labels of their own.
"""

import gzip
import json
import pathlib
import re
import sys


def load(path):
    return json.loads(gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes())


def urls(node):
    if isinstance(node, dict):
        if isinstance(node.get("url"), str):
            yield node["url"]
        for value in node.values():
            yield from urls(value)
    elif isinstance(node, list):
        for value in node:
            yield from urls(value)


def main():
    package = pathlib.Path(sys.argv[1]) / "botocore"
    version = re.search(r"__version__ = '([^']+)'", (package / "__init__.py").read_text())[1]
    suffix = r"(?:\{PartitionResult#(?:dnsSuffix|dualStackDnsSuffix)\}|amazonaws\.com|api\.aws)"
    labels, hosts, account = set(), set(), set()
    for path in sorted(package.glob("data/*/*/endpoint-rule-set-1.json*")):
        for url in urls(load(path)):
            if match := re.fullmatch(r"https://([a-z0-9.-]+)\.\{Region\}\." + suffix, url):
                labels.add(match[1])
            elif match := re.fullmatch(
                r"https://\{(?:ParsedArn#a|A)ccountId\}\.([a-z0-9.-]+)\.\{Region\}\." + suffix, url
            ):
                account.add(match[1])
            elif match := re.fullmatch(r"https://([a-z0-9-]+(?:\.global)?\.(?:amazonaws\.com|api\.aws))", url):
                hosts.add(match[1])
            elif match := re.fullmatch(
                r"https://([a-z0-9-]+)\.\{PartitionResult#implicitGlobalRegion\}\." + suffix, url
            ):
                hosts |= {f"{match[1]}.us-east-1.{end}" for end in ("amazonaws.com", "api.aws")}
    for path in sorted(package.glob("data/*/*/service-2.json*")):
        model = load(path)
        label = model["metadata"].get("endpointPrefix", "")
        for operation in model["operations"].values():
            prefix = operation.get("endpoint", {}).get("hostPrefix", "")
            if prefix and "{" not in prefix and label in labels:
                labels.add(prefix + label)
            elif prefix == "{AccountId}.":
                account.add(label)
    json.dump(
        {
            "source": f"botocore {version}",
            "labels": sorted(labels),
            "hosts": sorted(hosts),
            "account_labels": sorted(account),
        },
        sys.stdout,
        indent=0,
    )
    print()


if __name__ == "__main__":
    main()
