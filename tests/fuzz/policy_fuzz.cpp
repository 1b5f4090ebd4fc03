// SPDX-License-Identifier: Apache-2.0
// Policy text -> diagnostics, or a sealed form that its own loader accepts and every question comes back from.
#include <cstdlib>

#include "policy/lint.hpp"
#include "support/ask_everything.hpp"
#include "support/question.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ap;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  ParsedPolicy parsed = parse_policy(text);
  for (const Diagnostic& d : parsed.diagnostics)
    if (d.place.empty() || d.message.empty() || (d.place + d.message).find('\n') != std::string::npos) std::abort();
  if (!parsed.valid()) return 0;
  lint(parsed.policy);
  Result<std::string> blob = compile(parsed.policy, test::lambda());
  if (!blob) std::abort();
  test::Blob bytes(*blob);
  Result<BlobView> view = BlobView::open(bytes.bytes());
  if (!view) std::abort();
  test::ask_everything(*view, text.substr(0, 200));
  return 0;
}
