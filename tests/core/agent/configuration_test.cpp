// SPDX-License-Identifier: Apache-2.0
#include "agent/configuration.hpp"

#include <app_protect/api.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "event/lines.hpp"

namespace {

using namespace ap::agent;
namespace fs = std::filesystem;
using List = std::vector<Environment::Variable>;

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/app_protect_test_XXXXXX";
    path_ = mkdtemp(name);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  std::string write(const std::string& name, const std::string& text) const {
    const std::string file = path_ + "/" + name;
    fs::create_directories(fs::path(file).parent_path());
    std::ofstream(file) << text;
    return file;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

FinalConfig config_of(std::vector<Environment::Variable> variables, const Places& places = {}) {
  auto read = read_configuration(Environment(std::move(variables)), places);
  EXPECT_TRUE(read) << read.error().message;
  if (!read) return {};
  auto final = finalize(std::move(*read));
  EXPECT_TRUE(final) << final.error().message;
  return final ? *final : FinalConfig{};
}

std::string error_of(std::vector<Environment::Variable> variables, const Places& places = {}) {
  auto read = read_configuration(Environment(std::move(variables)), places);
  if (!read) return read.error().message;
  auto final = finalize(std::move(*read));
  return final ? "" : final.error().message;
}

bool warns(const FinalConfig& config, const std::string& text) {
  for (const std::string& w : config.warnings)
    if (w.find(text) != std::string::npos) return true;
  return false;
}

TEST(Configuration, Defaults) {
  const FinalConfig c = config_of({});
  EXPECT_FALSE(c.fail_closed);
  EXPECT_FALSE(c.policy);
  EXPECT_EQ(c.log_level, ap::LogLevel::info);
  EXPECT_EQ(c.log.kind, Destination::Kind::standard_error);
  EXPECT_FALSE(c.events);
  EXPECT_EQ(c.cache_dir, "/tmp/trend_cache");
  EXPECT_EQ(c.ready_timeout.count(), 1000);
  EXPECT_EQ(c.transaction_finish_timeout.count(), 250);
  EXPECT_EQ(c.hooks_disabled, 0);
  EXPECT_TRUE(c.warnings.empty());
}

TEST(Configuration, VariableBeatsFileBeatsOlderPrefix) {
  Folder folder;
  folder.write("trend_app_protect.ini", "[trend_app_protect]\nlog_level = debug\ncache_dir = /from/file\n");
  const Places here{.working_directory = folder.path(), .main_dir = "", .task_root = "", .library = ""};
  FinalConfig c = config_of(
      {{"TREND_AP_LOG_LEVEL", "ERROR"}, {"IMMUNIO_CACHE_DIR", "/older"}, {"IMMUNIO_READY_TIMEOUT", "3"}}, here);
  EXPECT_EQ(c.log_level, ap::LogLevel::error);
  EXPECT_EQ(c.cache_dir, "/from/file");
  EXPECT_EQ(c.ready_timeout.count(), 3000);
  EXPECT_EQ(c.file, folder / "trend_app_protect.ini");
  c = config_of({{"ES_LOG_LEVEL", "Trace"}}, here);
  EXPECT_EQ(c.log_level, ap::LogLevel::trace) << "the second variable also beats the file";
}

TEST(Configuration, FilesAreFoundWhereTheInterfaceSays) {
  for (const char* place : {"task/trend_app_protect.ini", "main/trend_app_protect.ini", "cwd/trend_app_protect.ini"}) {
    Folder folder;
    folder.write(place, "[trend_app_protect]\napp_name=found\n");
    EXPECT_EQ(config_of({}, {folder / "cwd", folder / "main", folder / "task", ""}).app_name, "found") << place;
  }
  for (const char* place : {"cwd/trend_app_protect.json", "main/trend_app_protect.json", "trend_app_protect.json"}) {
    Folder folder;
    folder.write(place, R"({"app_name":"found"})");
    EXPECT_EQ(
        config_of({}, {folder / "cwd", folder / "main", "", folder / "node_modules/trend_app_protect/lib.so"}).app_name,
        "found")
        << place;
  }
  Folder folder;
  folder.write("cwd/trend_app_protect.json", R"({"app_name":"searched"})");
  const std::string named = folder.write("other.json", R"({"app_name":"named","defence":{"log_file":"/x/e.log"}})");
  const FinalConfig c = config_of({{"TREND_AP_CONFIG_FILE", named}}, {folder / "cwd", "", "", ""});
  EXPECT_EQ(c.app_name, "named");
  ASSERT_TRUE(c.events);
  EXPECT_EQ(c.events->path, "/x/e.log");
}

TEST(Configuration, ABrokenFileIsAnError) {
  Folder folder;
  EXPECT_NE(error_of({{"TREND_AP_CONFIG_FILE", folder / "none.ini"}}).find("no such file"), std::string::npos);
  EXPECT_NE(error_of({{"TREND_AP_CONFIG_FILE", folder.path()}}).find("it is a folder"), std::string::npos);
  const std::string fifo = folder / "fifo.ini";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_NE(error_of({{"TREND_AP_CONFIG_FILE", fifo}}).find("it is a FIFO"), std::string::npos);
  const std::string broken = folder.write("broken.json", "{\"a\":");
  EXPECT_NE(error_of({{"TREND_AP_CONFIG_FILE", broken}}).find("broken.json`: line 1"), std::string::npos);
  folder.write("trend_app_protect.ini", "[trend_app_protect]\nnonsense\n");
  EXPECT_NE(error_of({}, {folder.path(), "", "", ""}).find("line 2: `nonsense`"), std::string::npos);
}

TEST(Configuration, UnknownNamesAreWarningsWithTheNearest) {
  const FinalConfig c = config_of({{"TREND_AP_LOGLEVEL", "x"},
                                   {"TREND_AP_QQQ", "x"},
                                   {"ES_POLICYGROUP_NAME", "x"},
                                   {"ES_HOST", "x"},
                                   {"ES_JAVA_OPTS", "x"},
                                   {"IMMUNIO_NOTHING", "x"}});
  EXPECT_TRUE(warns(
      c, "`TREND_AP_LOGLEVEL` is not a variable of App Protect and is ignored; did you mean `TREND_AP_LOG_LEVEL`?"));
  EXPECT_TRUE(warns(c, "`TREND_AP_QQQ` is not a variable"));
  EXPECT_TRUE(warns(c, "did you mean `ES_POLICY_GROUP_NAME`?"));
  EXPECT_EQ(c.warnings.size(), 3u);
  Folder folder;
  folder.write("trend_app_protect.json", R"({"loglevel":"x"})");
  EXPECT_TRUE(warns(config_of({}, {folder.path(), "", "", ""}), "did you mean `log_level`?"));
}

TEST(Configuration, ABadValueNamesVariableValueAndExpectation) {
  const FinalConfig c = config_of({{"TREND_AP_LOG_LEVEL", "loud\n"},
                                   {"TREND_AP_READY_TIMEOUT", "30s"},
                                   {"TREND_AP_MAX_DELAY_MS", "-1"},
                                   {"TREND_AP_HTTP_PROXY_PORT", "70000"},
                                   {"TREND_AP_AGENT_ENABLED", "flase"},
                                   {"ES_POLICY_GROUP_NAME", "a/b"},
                                   {"TREND_AP_HTTP_TIMEOUT", "1e9"}});
  EXPECT_TRUE(warns(c,
                    "TREND_AP_LOG_LEVEL is `loud `, expected `error`, `warn`, `info`, `debug` or `trace`; the default "
                    "`info` is used"));
  EXPECT_TRUE(warns(c, "TREND_AP_READY_TIMEOUT is `30s`, expected a number of seconds"));
  EXPECT_TRUE(warns(c, "TREND_AP_MAX_DELAY_MS is `-1`"));
  EXPECT_TRUE(warns(c, "TREND_AP_HTTP_PROXY_PORT is `70000`"));
  EXPECT_TRUE(warns(c, "TREND_AP_AGENT_ENABLED is `flase`, expected `true` or `false`; the default `true` is used"));
  EXPECT_TRUE(warns(c, "ES_POLICY_GROUP_NAME is `a/b`"));
  EXPECT_FALSE(c.group_is_valid);
  EXPECT_EQ(c.warnings.size(), 7u);
  EXPECT_EQ(error_of({{"TREND_AP_FAIL_CLOSED", "maybe"}}),
            "TREND_AP_FAIL_CLOSED is `maybe`, expected `true` or `false`");
  EXPECT_TRUE(warns(config_of({{"TREND_AP_POLICY_FILE", ""}}), "TREND_AP_POLICY_FILE is set but empty: ignored"));
}

TEST(Configuration, TheSwitch) {
  for (const char* off : {"false", "FALSE", "0", "no", "off", " false "})
    EXPECT_FALSE(agent_enabled(*read_configuration(Environment(List{{"TREND_AP_AGENT_ENABLED", off}}), {}))) << off;
  for (const char* on : {"true", "1", "nonsense", ""})
    EXPECT_TRUE(agent_enabled(*read_configuration(Environment(List{{"TREND_AP_AGENT_ENABLED", on}}), {}))) << on;
}

TEST(Configuration, Plugins) {
  EXPECT_EQ(config_of({{"TREND_AP_PLUGINS_DISABLED", "network, interpose"}}).hooks_disabled,
            AP_NEED_NETWORK | kInterposeDisabled);
  EXPECT_EQ(config_of({{"TREND_AP_PLUGINS_ENABLED", "files,network"}}).hooks_disabled,
            AP_NEED_PROCESSES | AP_NEED_NATIVE);
  EXPECT_EQ(config_of({{"TREND_AP_PLUGINS_ENABLED", "file_io,sqli"}}).hooks_disabled, AP_NEED_PROCESSES)
      << "an older list cannot mean the network";
  EXPECT_EQ(config_of({{"TREND_AP_PLUGINS_DISABLED", "sqli,redirect"}}).hooks_disabled, 0);
  EXPECT_EQ(config_of({{"TREND_AP_PLUGINS_DISABLED", "rce"}}).hooks_disabled, AP_NEED_PROCESSES);
  const FinalConfig c = config_of({{"TREND_AP_PLUGINS_DISABLED", "netwrok"}});
  EXPECT_EQ(c.hooks_disabled, 0) << "a misspelt name switches nothing off";
  EXPECT_TRUE(warns(c, "did you mean `network`?"));
  EXPECT_EQ(config_of({{"IMMUNIO_CODE_PROTECTION_PLUGINS_ENABLED", "file_io,shell_command"}}).hooks_disabled, 0);
}

TEST(Configuration, Destinations) {
  FinalConfig c = config_of({{"TREND_AP_LOG_FILE", "stdout"}, {"TREND_AP_EVENT_LOG_FILE", "STDERR"}});
  EXPECT_EQ(c.log.kind, Destination::Kind::standard_output);
  EXPECT_EQ(c.events->kind, Destination::Kind::standard_error);
  c = config_of({{"TREND_AP_LOG_FILE", "/x/y.log"}});
  EXPECT_EQ(c.log.path, "/x/y.log");
}

TEST(Configuration, SecretsAreNeverShown) {
  const FinalConfig c = config_of({{"TREND_AP_SECRET", "hunter2"}, {"TREND_AP_KEY", "hunter3"}});
  for (const auto& list : {c.warnings, c.details})
    for (const std::string& text : list) EXPECT_EQ(text.find("hunter"), std::string::npos);
  EXPECT_EQ(c.secret->value, "hunter2");
}

TEST(Configuration, AcceptedOptionsAreDebugDetails) {
  const FinalConfig c = config_of({{"TREND_AP_PREFORK_MODE", "True"}, {"TREND_AP_REPORT_ON_SIZE_COUNT", "7"}});
  EXPECT_TRUE(c.warnings.empty());
  EXPECT_EQ(c.details.size(), 2u);
}

TEST(Configuration, GroupNames) {
  EXPECT_EQ(normal_group("Orders.ABILITY"), "orders");
  EXPECT_EQ(normal_group(" a_1 "), "a_1");
  for (const char* bad : {"", ".ability", "a b", "../x", "a.b", "\xC3\xBC"}) EXPECT_EQ(normal_group(bad), "") << bad;
}

TEST(Configuration, OneTableNamesEverything) {
  for (const Option& o : options()) {
    EXPECT_FALSE(o.help.empty()) << o.variable;
    EXPECT_TRUE(o.variable.substr(0, 9) == "TREND_AP_" || o.variable.substr(0, 3) == "ES_") << o.variable;
    for (const Option& other : options()) EXPECT_TRUE(&o == &other || o.variable != other.variable) << o.variable;
  }
}

}  // namespace
