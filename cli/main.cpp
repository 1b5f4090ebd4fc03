// SPDX-License-Identifier: Apache-2.0
//
// app-protect: check, lint and explain a policy, run a program under one.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "commands.hpp"
#include "output.hpp"

namespace {

constexpr const char* kExamples =
    "Examples:\n"
    "  app-protect check policy.json\n"
    "  app-protect explain policy.json\n"
    "  app-protect explain policy.json outbound api.stripe.com:443\n"
    "  app-protect explain policy.json files read /tmp/x\n"
    "  app-protect explain policy.json command -- /bin/ls -l\n"
    "  app-protect run --policy policy.json -- python app.py\n"
    "A policy is a JSON or YAML file, `-`, or the name of a built-in group (observeAll.ability, denyAll.ability, ...).";

}  // namespace

int main(int argc, char** argv) {
  // Everything behind `--` belongs to somebody else: CLI11 must not look at it.
  std::vector<std::string> own(argv + 1, argv + argc), rest;
  const auto dashes = std::find(own.begin(), own.end(), "--");
  const bool has_rest = dashes != own.end();
  if (has_rest) {
    rest.assign(dashes + 1, own.end());
    own.erase(dashes, own.end());
  }

  CLI::App app{"App Protect: policy work on the command line", "app-protect"};
  app.footer(kExamples);
  app.set_version_flag("--version", "app-protect " APP_PROTECT_VERSION);
  app.require_subcommand(1);

  std::vector<std::string> policies, operation;
  std::string policy, group;
  cli::Where where;

  CLI::App* check = app.add_subcommand("check", "Say what is wrong with a policy, and where");
  check->add_option("policy", policies, "Policy files")->required();
  CLI::App* lint = app.add_subcommand("lint", "As check; what lets through more than it seems to fails too");
  lint->add_option("policy", policies, "Policy files")->required();

  CLI::App* explain = app.add_subcommand("explain", "Show what a policy means, or what it does to one operation");
  explain->add_option("policy", policy, "Policy file")->required();
  explain->add_option("operation", operation,
                      "For example: outbound api.stripe.com:443 | files read /tmp/x | command -- /bin/ls -l");
  explain->add_flag("--here", where.here, "As on this machine, instead of in a Lambda function");
  explain->add_option("--provider", where.provider, "aws, gcp, azure or none")
      ->check(CLI::IsMember({"aws", "gcp", "azure", "none"}))
      ->capture_default_str();
  explain->add_option("--region", where.region, "The function's region")->capture_default_str();
  explain->add_option("--task-root", where.task_root, "The function's folder")->capture_default_str();
  explain->add_option("--answer", where.answers, "HOST=ADDRESS, as if the name had been looked up")
      ->allow_extra_args(false);

  CLI::App* run =
      app.add_subcommand("run", "Run a program under a policy: app-protect run --policy p.json -- python app.py");
  run->add_option("--policy,-p", policy,
                  "Policy file, folder of <group>.json, or built-in group; else what the variables say");
  run->add_option("--group,-g", group, "Policy group (ES_POLICY_GROUP_NAME)");

  try {
    std::reverse(own.begin(), own.end());
    app.parse(own);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    const std::string what = *run ? " (put `--` before the program: app-protect run --policy p.json -- python app.py)"
                                  : "; see app-protect --help";
    return cli::complain(std::string(e.what()) + what, 2);
  }

  const auto library = cli::open_library();
  if (!library) return cli::complain("cannot load the core: " + library.error(), 2);
  if (*check || *lint) return cli::check(library, policies, static_cast<bool>(*lint));
  if (*explain) {
    if (has_rest) {
      if (operation.empty()) operation.push_back("command");
      operation.insert(operation.end(), rest.begin(), rest.end());
    }
    return cli::explain(library, policy, where, operation);
  }
  if (rest.empty()) return cli::complain("no program given: app-protect run --policy p.json -- python app.py", 2);
  return cli::run(library, policy, group, rest);
}
