// SPDX-License-Identifier: Apache-2.0
#include "agent/questions.hpp"

#include <limits.h>
#include <unistd.h>

#include "agent/environment.hpp"
#include "agent/platform.hpp"
#include "policy/compile.hpp"
#include "policy/groups.hpp"
#include "policy/lint.hpp"
#include "policy/parse.hpp"

namespace ap::agent {
namespace {

Surroundings surroundings_here() {
  const Environment env = Environment::of_this_process();
  Places places;
  char here[PATH_MAX];
  if (getcwd(here, sizeof here) != nullptr) places.working_directory = here;
  places.task_root = env.get("LAMBDA_TASK_ROOT").value_or("");
  return surroundings_of(env, detect_platform(env), places, {});
}

}  // namespace

std::unique_ptr<ap_policy> open_policy(std::string_view text, std::string_view surroundings, std::string& diagnostics) {
  if (text.size() < 100)
    if (const std::string_view group = built_in_group(text); !group.empty()) text = group;
  ParsedPolicy parsed = parse_policy(text);
  if (!parsed.valid()) {
    diagnostics = to_text(parsed.diagnostics);
    return nullptr;
  }
  Surroundings here;
  if (surroundings.data() == nullptr) {
    here = surroundings_here();
  } else {
    auto given = surroundings_from_json(surroundings);
    if (!given) {
      diagnostics = "surroundings: " + given.error().message + "\n";
      return nullptr;
    }
    here = std::move(*given);
  }
  auto blob = compile(parsed.policy, here);
  if (!blob) {
    diagnostics = blob.error().message + "\n";
    return nullptr;
  }
  // The view is made once the bytes are where they stay.
  std::string bytes = std::move(*blob);
  bytes.reserve(64);  // on the heap, hence aligned, however short
  auto view = BlobView::open(bytes);
  if (!view) {
    diagnostics = view.error().message + "\n";
    return nullptr;
  }
  diagnostics = to_text(lint(parsed.policy));
  return std::unique_ptr<ap_policy>(new ap_policy{std::move(bytes), *view, nullptr});
}

}  // namespace ap::agent
