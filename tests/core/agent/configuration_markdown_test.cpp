// SPDX-License-Identifier: Apache-2.0
#include "agent/configuration_markdown.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <sstream>

namespace {

// APP_PROTECT_UPDATE_DOCS=1 writes the page (build target configuration_doc).
TEST(ConfigurationMarkdown, ThePageIsTheTable) {
  const std::string path = APP_PROTECT_SOURCE_DIR "/docs/configuration.md";
  const std::string made = ap::agent::configuration_markdown();
  if (getenv("APP_PROTECT_UPDATE_DOCS") != nullptr) std::ofstream(path) << made;
  std::ifstream in(path);
  std::stringstream there;
  there << in.rdbuf();
  EXPECT_EQ(there.str(), made) << "run: ninja configuration_doc";
}

}  // namespace
