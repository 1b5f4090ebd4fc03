#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Renders the YAML cases of this folder as one flat JSON for the runners (README.md has the format).

Strict, because a misspelt key would make a case that cannot fail: unknown and duplicate keys and names are errors.
"""

import argparse
import glob
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "..", "..", "build", "cache", "pytools"))
try:
    import yaml
except ImportError:
    sys.exit("to_json.py: PyYAML is missing: apt-get install python3-yaml (or pip install pyyaml)")

SURROUNDINGS = {
    "task_root": "/var/task",
    "tmp": "/tmp",
    "nameservers": ["169.254.100.5"],
    "end_points": ["127.0.0.1:9001"],
    "provider": "aws",
    "region": "us-east-1",
}
SURROUNDINGS_KEYS = {
    *SURROUNDINGS,
    "app_dirs",
    "account",
    "runtime_read",
    "own_paths",
    "own_code",
    "local_names",
    "path",
}
KINDS = {
    "outbound": "resolve connect",
    "files": "read write create delete rename link symlink stat metadata list",
    "processes": "spawn fork",
    "native": "load exec_memory call_address memfd",
}
RESOURCE = {kind: resource for resource, kinds in KINDS.items() for kind in kinds.split()}
FILE_KEYS = {"about", "surroundings", "policy", "policies", "cases"}
DECISION_KEYS = {"name", "policy", "surroundings", "answers", "operation", "expect"}
POLICY_KEYS = {"name", "policy", "surroundings", "valid", "diagnostics", "silent", "summary"}
TEXT_FIELDS = {  # which field is ap_operation.text
    "outbound": {"host", "path"},
    "files": {"path"},
    "processes": {"program"},
    "native": {"path"},
}
FLAGS = {"shell", "unguarded", "async", "canonical", "read_too"}
OPERATION_KEYS = {
    "outbound": {"address", "port", "protocol", "query_type"},
    "files": {"to", "cwd"},
    "processes": {"cwd", "argv", "real"},
    "native": {"cwd"},
}
EXPECT = {
    "action": {"grant", "observe", "deny"},
    "class": {"none", "name", "literal", "local", "provider", "tenant", "hosting"},
    "on_deny": {"raise", "block", "terminate"},
    "policy": {
        "outbound_data",
        "read_write_tmp",
        "read_write_app",
        "read_write_other",
        "create_child_process",
        "native_code",
    },
    "rule": None,
}


class StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses duplicate keys and reads only `true` and `false` as booleans (`off`, `no` stay text)."""


def mapping(loader, node):
    seen = set()
    for key, _ in node.value:
        if key.value in seen:
            raise yaml.MarkedYAMLError(problem=f"duplicate key `{key.value}`", problem_mark=key.start_mark)
        seen.add(key.value)
    loader.flatten_mapping(node)
    return {loader.construct_object(k, True): loader.construct_object(v, True) for k, v in node.value}


StrictLoader.add_constructor("tag:yaml.org,2002:map", mapping)
StrictLoader.yaml_implicit_resolvers = {
    first: [
        (tag, regexp)
        for tag, regexp in resolvers
        if tag in ("tag:yaml.org,2002:null", "tag:yaml.org,2002:int", "tag:yaml.org,2002:merge")
        or tag == "tag:yaml.org,2002:bool"
        and first in "tf"
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def need(condition, where, text):
    if not condition:
        raise ValueError(f"{where}: {text}")


def known(mapping_, keys, where):
    need(isinstance(mapping_, dict), where, "is not a mapping")
    unknown = set(mapping_) - set(keys)
    need(not unknown, where, f"unknown key {', '.join(map(repr, sorted(map(str, unknown))))}")


def built(value):
    """{repeat: [text, times], before, then} becomes the text that nobody wants to read in YAML."""
    if not isinstance(value, dict) or "repeat" not in value:
        return value
    text, times = value["repeat"]
    return value.get("before", "") + text * times + value.get("then", "")


def policy_text(policy, policies, where):
    """The text for policy_open: an object becomes JSON, a string is a name in `policies` or stands for itself.

    {text: "..."} is raw text, {hex: "..."} raw bytes.
    """
    need(policy is not None, where, "has no policy")
    if isinstance(policy, str):
        return policy_text(policies[policy], {}, where) if policy in policies else policy
    policy = built(policy)
    if isinstance(policy, str):
        return policy
    if isinstance(policy, dict) and set(policy) == {"text"}:
        return policy["text"]
    if isinstance(policy, dict) and set(policy) == {"hex"}:
        return policy
    return json.dumps(policy, ensure_ascii=False)


def surroundings_text(where, *layers):
    merged = dict(SURROUNDINGS)
    for layer in layers:
        known(layer or {}, SURROUNDINGS_KEYS, where)
        merged.update(layer or {})
    return json.dumps({key: value for key, value in merged.items() if value is not None}, ensure_ascii=False)


def operation_of(given, where):
    kind = given.get("kind")
    need(kind in RESOURCE, where, f"kind `{kind}` is unknown")
    resource = RESOURCE[kind]
    known(given, {"resource", "kind", "line"} | TEXT_FIELDS[resource] | OPERATION_KEYS[resource] | FLAGS, where)
    need(given.get("resource", resource) == resource, where, f"`{kind}` belongs to `{resource}`")
    given = {key: built(value) for key, value in given.items()}
    for key, value in given.items():
        if key in {"host", "path", "to", "cwd", "program", "real", "address", "query_type"}:
            need(
                isinstance(value, str) or isinstance(value, dict) and set(value) == {"hex"},
                where,
                f"`{key}` is not a text: quote it",
            )
        elif key == "argv":
            need(
                all(isinstance(a, (str, dict)) for a in value),
                where,
                "`argv` holds something that is not a text: quote it",
            )
    default = {"connect": "tcp", "resolve": "dns"}.get(kind)
    extra = {"protocol": given.get("protocol", default)} if default else {}
    need(
        extra.get("protocol") in {None, "tcp", "udp", "dns", "unix"},
        where,
        f"protocol `{extra.get('protocol')}` is unknown",
    )
    return {"resource": resource, "line": 1, **given, **extra}


def render(path):
    """Yields ("decisions" | "policies", flat case) for each case of one file."""
    file = os.path.basename(path)
    with open(path, encoding="utf-8") as stream:
        document = yaml.load(stream, StrictLoader)
    known(document, FILE_KEYS, file)
    names = set()
    for case in document["cases"]:
        where = f"{file}: {case.get('name')}"
        need(isinstance(case.get("name"), str) and case["name"] not in names, where, "needs a name of its own")
        names.add(case["name"])
        flat = {
            "id": where,
            "policy": policy_text(case.get("policy", document.get("policy")), document.get("policies", {}), where),
            "surroundings": surroundings_text(where, document.get("surroundings"), case.get("surroundings")),
        }
        if "operation" in case:
            known(case, DECISION_KEYS, where)
            known(case.get("expect"), EXPECT, where)
            need("action" in case["expect"], where, "expects no action")
            for key, value in case["expect"].items():
                need(EXPECT[key] is None or value in EXPECT[key], where, f"expects an unknown {key} `{value}`")
            for answer in case.get("answers", []):
                known(answer, {"host", "addresses"}, where)
            yield (
                "decisions",
                {
                    **flat,
                    "answers": case.get("answers", []),
                    "operation": operation_of(case["operation"], where),
                    "expect": case["expect"],
                },
            )
        else:
            known(case, POLICY_KEYS, where)
            need(isinstance(case.get("valid"), bool), where, "has neither `operation` nor `valid`")
            need(case["valid"] or case.get("diagnostics"), where, "an invalid policy needs a diagnostic")
            for entry in case.get("diagnostics", []):
                known(entry, {"place", "says"}, where)
            yield (
                "policies",
                {
                    **flat,
                    "valid": case["valid"],
                    "diagnostics": case.get("diagnostics", []),
                    "silent": case.get("silent", False),
                    "summary": case.get("summary", []),
                },
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", help="file to write (default: standard output)")
    options = parser.parse_args()
    cases = {"decisions": [], "policies": []}
    try:
        for path in sorted(glob.glob(os.path.join(HERE, "*.yaml"))):
            for kind, case in render(path):
                cases[kind].append(case)
    except (ValueError, yaml.YAMLError) as error:
        sys.exit(f"to_json.py: {error}")
    text = json.dumps(cases, ensure_ascii=False, indent=1) + "\n"
    if options.output:
        with open(options.output, "w", encoding="utf-8") as stream:
            stream.write(text)
        print(f"{len(cases['decisions'])} decisions, {len(cases['policies'])} policies", file=sys.stderr)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
