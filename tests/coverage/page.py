# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501
"""docs/coverage.md: written from what was seen, and read back as what is claimed.

write(path, runtimes, channels_of, results)      results: runtime name -> (topic, channel) -> (code, wrong, trials)
claims(path)                                     (runtime name, topic, channel) -> code
"""

import re

ABSENT, OPEN, NOT_COVERED = "–", "open", "**not covered**"

HEAD = """<!-- Made by `tests/coverage/run --all --write`: edit the channels in tests/coverage, not this page. -->
# Coverage: every door

A channel is one way to do what a policy governs. Each is tried for real, and its effect is looked for from outside the program: bytes at a listener, a
question at a name server, a file that changed, a marker that a child left, a random secret that comes back through a pipe. Our own report is never the evidence.

A channel counts as covered when, under a policy that denies it, the effect is not there and exactly one event counts it, without us the effect is there, and
under a policy that grants it the effect is there and no event is. Then each line is tried without the other.

| code | meaning |
|---|---|
| `1+2` | each line refuses it by itself |
| `1`, `2` | refused by that line; the other alone would let it pass |
| `both` | refused by the two together only |
| … `*` | refused; what is known to be wrong about it is listed below |
| `open` | not refused, with the reason below |
| `–` | not available on this runtime without us |

`tests/coverage/run` checks one Python and one Node against this page in every `make test`, `make evidence` all of them.
"""


def is_covered(code):
    return code not in (ABSENT, OPEN, NOT_COVERED, "")


def tidy(text):
    """A reason without what differs from machine to machine and run to run."""
    text = re.sub(r"no effect: .*", "no effect", text)
    text = re.sub(r"(?:…|/)[\w.+-]*(?:/[\w.+-]+)+", "…", text)
    text = re.sub(r"[0-9a-f]{12,}|\d{5,}", "…", text)
    text = re.sub(r"[^ -~…–]", "?", text)
    return text.replace("|", "\\|").replace("<", "&lt;").strip()[:110]


def spans(versions, all_versions):
    return "all" if list(versions) == list(all_versions) else ", ".join(versions)


def table(lines, head, rows):
    lines.append("| " + " | ".join(head) + " |")
    lines.append("|" + "---|" * len(head))
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    lines.append("")


def write(path, runtimes, channels_of, results):
    lines = HEAD.splitlines() + ["", "## In numbers", ""]
    rows = []
    for runtime in runtimes:
        codes = [code for code, _, _ in results[runtime.name].values()]
        plain = [code.replace(" *", "").replace(" !", "") for code in codes]
        known = sum(1 for code in codes if "*" in code or "!" in code)
        rows.append(
            [runtime.name.replace("-", " "), str(len(codes)), str(len(codes) - plain.count(ABSENT))]
            + [str(plain.count(each)) for each in ("1+2", "1", "2", "both", OPEN, "NOT COVERED")]
            + [str(known), str(plain.count(ABSENT))]
        )
    head = [
        "runtime",
        "channels",
        "available",
        "`1+2`",
        "`1`",
        "`2`",
        "`both`",
        "open",
        "not covered",
        "with `*`",
        "not here",
    ]
    table(lines, head, rows)
    for language, title in (("python", "Python"), ("node", "Node.js")):
        own = [runtime for runtime in runtimes if runtime.language == language]
        if own:
            write_language(lines, title, own, channels_of[own[-1].name], results)
    path.write_text("\n".join(lines).rstrip() + "\n", "utf-8")


def write_language(lines, title, runtimes, channels, results):
    versions = [runtime.version for runtime in runtimes]
    remarks = {OPEN: [], "known": [], "meant": []}
    absent = []
    lines += [f"## {title}", ""]
    for topic in dict.fromkeys(each["topic"] for each in channels):
        own = [each for each in channels if each["topic"] == topic]
        lines += [f"### {own[0]['title']} (`{topic}`)", ""]
        for group in dict.fromkeys(each["group"] for each in own):
            rows = []
            for channel in (each for each in own if each["group"] == group):
                seen = [results[runtime.name].get((topic, channel["name"]), (ABSENT, None, {})) for runtime in runtimes]
                cells = [shown(code) for code, _, _ in seen]
                rows.append([name_of(channel["name"]), *cells, channel.get("source", "")])
                remember(channel, topic, versions, seen, remarks, absent)
            table(lines, [f"channel: {group}", *versions, "published as"], rows)
    for heading, key in (
        (f"Open in {title}", OPEN),
        (f"Known to be wrong in {title}", "known"),
        (f"Meant so in {title}", "meant"),
    ):
        if remarks[key]:
            lines += [f"### {heading}", ""]
            table(lines, ["channel", "where", "why"], remarks[key])
    if absent:
        lines += [f"### Not available in {title}", ""]
        table(lines, ["channel", "where", "what happens without us"], absent)


def name_of(name):
    return name.replace("|", "\\|").replace("<", "&lt;").replace("__", "\\_\\_").replace("*", "\\*")


def shown(code):
    return NOT_COVERED if code == "NOT COVERED" else code.replace(" !", " \\*").replace(" *", " \\*")


def remember(channel, topic, versions, seen, remarks, absent):
    """Puts what has to be said about a channel beside its codes into the lists at the end."""
    name = f"{name_of(channel['name'])} (`{topic}`)"

    def where(wanted):
        return [version for version, (code, wrong, _) in zip(versions, seen) if wanted(code, wrong)]

    found = where(lambda code, _: code == OPEN)
    if found:
        remarks[OPEN].append([name, spans(found, versions), channel.get("open", "")])
    found = where(lambda code, wrong: code.endswith("*") and not wrong)
    if found:
        remarks["known"].append([name, spans(found, versions), channel.get("finding", "")])
    for text in dict.fromkeys(wrong for _, wrong, _ in seen if wrong):
        found = where(lambda _, wrong, text=text: wrong == text)
        remarks["known"].append([name, spans(found, versions), tidy(text)])
    here = where(lambda code, _: is_covered(code))
    for key, text in (("silent", "refused without an event: "), ("never_granted", "not granted by any rule: ")):
        if channel.get(key) and here:
            remarks["meant"].append([name, spans(here, versions), text + channel[key]])
    reasons = [reason for _, _, trials in seen for reason in [trials.get("plain", {}).get("reason", "")]]
    for text in dict.fromkeys(tidy(reason) for (code, _, _), reason in zip(seen, reasons) if code == ABSENT):
        found = [v for v, (code, _, _), r in zip(versions, seen, reasons) if code == ABSENT and tidy(r) == text]
        absent.append([name, spans(found, versions), text])


def same(claimed, results):
    """Whether what is read is what was written."""
    written = {
        (runtime, topic, name_of(name)): shown(code).replace("\\", "")
        for runtime, found in results.items()
        for (topic, name), (code, _, _) in found.items()
    }
    return claimed == written


def claims(path):
    """What the page says; nothing where there is no page."""
    found = {}
    language = topic = ""
    versions = []
    if not path.exists():
        return found
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("## "):
            language = {"Python": "python", "Node.js": "node"}.get(line[3:], "")
        elif line.startswith("### "):
            named = re.search(r"\(`(\w+)`\)$", line)
            topic, versions = (named.group(1) if named else ""), []
        elif line.startswith("| channel: ") and topic:
            versions = [cell.strip() for cell in line.strip("| ").split(" | ")][1:-1]
        elif line.startswith("| ") and topic and versions:
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for version, code in zip(versions, cells[1:]):
                found[f"{language}-{version}", topic, cells[0]] = code.replace("\\", "")
    return found
