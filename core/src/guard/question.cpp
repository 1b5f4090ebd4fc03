// SPDX-License-Identifier: Apache-2.0
#include "guard/question.hpp"

#include <cstring>

#include "policy/compile.hpp"
#include "policy/groups.hpp"
#include "policy/lint.hpp"

namespace ap {

OpenedPolicy PolicyQuestion::open(std::string_view text, std::string_view surroundings) {
  OpenedPolicy opened;
  auto problem = [&](std::string place, std::string message) {
    opened.diagnostics.push_back({Diagnostic::Severity::error, std::move(place), std::move(message)});
  };
  Result<Surroundings> here = surroundings_from_json(surroundings);
  if (!here) {
    problem("surroundings", here.error().message);
    return opened;
  }
  std::string_view json = text;
  // A name has no brace and no white space around one: whatever has is taken for JSON.
  if (!text.empty() && text.size() <= 80 && text.find_first_of("{}[]\" \t\r\n") == text.npos) {
    json = built_in_group(text);
    if (json.empty()) {
      std::string known;
      for (std::string_view name : built_in_group_names()) known += (known.empty() ? "`" : ", `") + std::string(name) + "`";
      problem("policy", "`" + std::string(text) + "` is no built-in group (" + known + ") and no JSON object");
      return opened;
    }
  }
  ParsedPolicy parsed = parse_policy(json);
  opened.diagnostics = std::move(parsed.diagnostics);
  if (!opened.diagnostics.empty()) return opened;
  Result<std::string> blob = compile(parsed.policy, *here);
  if (!blob) {
    problem("policy", blob.error().message);
    return opened;
  }
  auto bytes = std::make_unique<std::uint64_t[]>(blob->size() / 8 + 1);
  std::memcpy(bytes.get(), blob->data(), blob->size());
  Result<BlobView> view = BlobView::open({reinterpret_cast<const char *>(bytes.get()), blob->size()});
  if (!view) {
    problem("policy", view.error().message);
    return opened;
  }
  opened.question.reset(new PolicyQuestion(std::move(bytes), *view));
  opened.diagnostics = lint(parsed.policy);
  return opened;
}

}  // namespace ap
