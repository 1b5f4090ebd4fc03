// SPDX-License-Identifier: Apache-2.0
#include "agent/configuration_markdown.hpp"

#include "agent/options.hpp"

namespace ap::agent {
namespace {

std::string code(std::string_view text) {
  return text.empty() ? std::string() : "`" + std::string(text) + "`";
}

std::string type_word(OptionType type) {
  switch (type) {
    case OptionType::text:
      return "text";
    case OptionType::secret:
      return "text, never shown";
    case OptionType::boolean:
      return "`true`, `false`";
    case OptionType::count:
      return "whole number";
    case OptionType::seconds:
      return "seconds";
    case OptionType::log_level:
      return "level";
    case OptionType::destination:
      return "path, `STDOUT`, `STDERR`";
    case OptionType::names:
      return "comma list";
    case OptionType::group:
      return "group name";
  }
  return "text";
}

}  // namespace

std::string configuration_markdown() {
  std::string out =
      "<!-- Made from core/src/agent/options.cpp by the build target configuration_doc: edit the table, not this page. "
      "-->\n"
      "# Configuration\n\n"
      "Each option is a variable, or the same key in lower case in a configuration file. The variable wins over the "
      "file; the older\n"
      "prefix `IMMUNIO_` in place of `TREND_AP_` is read last. Everything is read once, when the agent starts: what a "
      "function does to\n"
      "its environment later changes nothing.\n\n"
      "**File.** `TREND_AP_CONFIG_FILE`, else the first of: `trend_app_protect.ini` in the task root, in the main "
      "module's folder, in the\n"
      "working directory; `trend_app_protect.json` in the working directory, in the main module's folder, beside "
      "`node_modules`;\n"
      "`/etc/trend_app_protect.ini`. The ini form has a section `[trend_app_protect]`; the JSON form is one object, in "
      "which `policy` may be\n"
      "the policy object itself. A configuration file that is there and cannot be read or understood fails the "
      "start.\n\n"
      "**Mistakes.** An unknown `TREND_AP_*` variable or key is a warning with the nearest known name. A bad value is "
      "a warning that names the\n"
      "variable, the value and what is expected, and the default applies; where the value decides whether the function "
      "may run unprotected\n"
      "(`TREND_AP_FAIL_CLOSED`, a policy that is named but cannot be used), the start fails.\n";
  for (std::string_view wanted : {"Policy", "Agent", "Output", "Console", "Accepted without effect"}) {
    out +=
        "\n## " + std::string(wanted) + "\n\n| variable | key | values | default | meaning |\n|---|---|---|---|---|\n";
    for (const Option& o : options()) {
      if (o.section != wanted) continue;
      out += "| " + code(o.variable) + (o.alias.empty() ? "" : ", " + code(o.alias));
      out += " | " + code(o.key) + (o.key_alias.empty() ? "" : ", " + code(o.key_alias));
      out += " | " + type_word(o.type) + " | " + code(o.default_text) + " | " + std::string(o.help) + " |\n";
    }
  }
  return out;
}

}  // namespace ap::agent
