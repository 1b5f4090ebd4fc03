// SPDX-License-Identifier: Apache-2.0
#include "agent/platform.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "event/lines.hpp"

namespace {

using namespace ap::agent;
using Variables = std::vector<Environment::Variable>;

TEST(Platform, Providers) {
  const struct {
    std::vector<Environment::Variable> env;
    const char *provider, *function, *region;
    bool host;
  } cases[] = {
      {{}, "", "", "", false},
      {{{"AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"}, {"AWS_LAMBDA_FUNCTION_NAME", "f"}, {"AWS_REGION", "eu-west-1"}},
       "aws",
       "f",
       "eu-west-1",
       true},
      {{{"AWS_EXECUTION_ENV", "AWS_Lambda_python3.12"}}, "aws", "", "", true},
      {{{"AWS_EXECUTION_ENV", "AWS_ECS_FARGATE"}, {"AWS_REGION", "x"}}, "", "", "", false},
      {{{"K_SERVICE", "svc"}, {"FUNCTION_TARGET", "main"}}, "gcp", "svc", "", true},
      {{{"FUNCTION_NAME", "old"}, {"GCP_PROJECT", "p"}, {"FUNCTION_REGION", "r"}}, "gcp", "old", "r", true},
      {{{"FUNCTION_NAME", "anything"}, {"ES_APP_NAME", "mine"}}, "", "mine", "", false},
      {{{"WEBSITE_SITE_NAME", "site"}, {"FUNCTIONS_WORKER_RUNTIME", "python"}, {"REGION_NAME", "West"}},
       "azure",
       "site",
       "West",
       true},
      {{{"AWS_LAMBDA_RUNTIME_API", "x"}, {"K_SERVICE", "s"}, {"FUNCTION_TARGET", "t"}}, "", "s", "", true},
      {{{"__OW_ACTION_NAME", "ow"}}, "", "ow", "", true},
  };
  for (const auto& c : cases) {
    const Platform p = detect_platform(Environment(c.env));
    const std::string name = c.env.empty() ? "nothing" : c.env[0].first;
    EXPECT_EQ(p.provider, c.provider) << name;
    EXPECT_EQ(p.function, c.function) << name;
    EXPECT_EQ(p.region, c.region) << name;
    EXPECT_EQ(p.on_function_host, c.host) << name;
  }
  EXPECT_TRUE(
      detect_platform(Environment(Variables{{"AWS_LAMBDA_RUNTIME_API", "x"}, {"K_SERVICE", "s"}, {"K_REVISION", "t"}}))
          .ambiguous);
  EXPECT_EQ(detect_platform(Environment(Variables{{"AWS_EXECUTION_ENV", "AWS_Lambda_Nodejs22.x"}})).runtime,
            "nodejs22.x");
}

TEST(Platform, Nameservers) {
  using List = std::vector<std::string>;
  EXPECT_EQ(parse_nameservers("# x\nnameserver 169.254.100.5\nsearch a\nnameserver\t::1%eth0 # c\n nameserver "
                              "1.1.1.1\nnameserver\nnameservers 9.9.9.9\n"),
            (List{"169.254.100.5", "::1"}));
  EXPECT_EQ(parse_nameservers("nameserver 1\nnameserver 2\nnameserver 3\nnameserver 4"), (List{"1", "2", "3"}));
  EXPECT_TRUE(parse_nameservers("").empty());
}

std::string points(std::string_view value) {
  std::string out;
  for (const auto& p : parse_end_points(value, "X")) out += p.host + "|" + std::to_string(p.port) + " ";
  return out;
}

TEST(Platform, EndPoints) {
  EXPECT_EQ(points("127.0.0.1:9001"), "127.0.0.1|9001 ");
  EXPECT_EQ(points("169.254.79.129:2000"), "169.254.79.129|2000 ");
  EXPECT_EQ(points("udp:1.2.3.4:2000 tcp:1.2.3.4:2000"), "1.2.3.4|2000 ");
  EXPECT_EQ(points("http://[fd00:ec2::23]/v1/credentials"), "fd00:ec2::23|80 ");
  EXPECT_EQ(points("http://127.0.0.1:41155/MSI/token/?a=b"), "127.0.0.1|41155 ");
  EXPECT_EQ(points("https://localhost/x"), "localhost|443 ");
  EXPECT_EQ(points("http://trusted@evil:1/"), "evil|1 ");
  for (const char* bad : {"", " ", "host:0", "host:99999", "host:x", "[::1", ":80"}) EXPECT_EQ(points(bad), "") << bad;
}

TEST(Platform, SurroundingsOnLambda) {
  test::TempFile resolv;
  std::ofstream(resolv.path()) << "nameserver 169.254.100.5\n";
  const Environment env({{"AWS_LAMBDA_RUNTIME_API", "169.254.100.1:9001"},
                         {"AWS_REGION", "us-east-1"},
                         {"TMPDIR", "/var/tmp"},
                         {"PATH", "/p"},
                         {"AWS_XRAY_DAEMON_ADDRESS", "169.254.100.1:2000"},
                         {"SSL_CERT_FILE", "/etc/x.pem"},
                         {"NODE_EXTRA_CA_CERTS", "relative"}});
  const ap::Surroundings s =
      surroundings_of(env, detect_platform(env), {"/var/task", "/var/task/src", "/var/task/", ""},
                      {"/tmp/trend_cache", ""}, {resolv.path(), "/proc/self/exe"});
  EXPECT_EQ(s.tmp_dirs, (std::vector<std::string>{"/tmp"})) << "TMPDIR counts elsewhere only";
  EXPECT_EQ(s.app_dirs, (std::vector<std::string>{"/var/task", "/opt"}));
  EXPECT_EQ(s.nameservers, (std::vector<std::string>{"169.254.100.5"}));
  EXPECT_EQ(s.end_points.size(), 2u);
  EXPECT_EQ(s.provider, "aws");
  EXPECT_EQ(s.program_path, "/p");
  EXPECT_EQ(s.own_paths, (std::vector<std::string>{"/tmp/trend_cache"}));
  const auto own_code = [&](const char* library) {
    return surroundings_of(env, detect_platform(env), {"/var/task", "", "", library}, {}, {resolv.path(), ""}).own_code;
  };
  EXPECT_EQ(own_code("/opt/app_protect/lib/libapp_protect.so"), (std::vector<std::string>{"/opt/app_protect"}));
  EXPECT_EQ(own_code("/site/trend_app_protect/native/libapp_protect.so"),
            (std::vector<std::string>{"/site/trend_app_protect"}));
  EXPECT_EQ(own_code("/usr/lib/libapp_protect.so"), (std::vector<std::string>{"/usr/lib/libapp_protect.so"}));
  EXPECT_NE(std::find(s.runtime_read.begin(), s.runtime_read.end(), "/etc/x.pem"), s.runtime_read.end());
  EXPECT_EQ(std::find(s.runtime_read.begin(), s.runtime_read.end(), "relative"), s.runtime_read.end());
}

// An installation below /tmp must not be refused its own files by its own policy.
TEST(Platform, OwnFilesAreANeed) {
  const auto reads = [](const char* library) {
    Places places;
    places.working_directory = "/work";
    places.library = library;
    return surroundings_of(Environment(Variables{}), Platform{}, places, {}).runtime_read;
  };
  const auto has = [](const std::vector<std::string>& list, const char* path) {
    return std::find(list.begin(), list.end(), path) != list.end();
  };
  EXPECT_TRUE(has(reads("/tmp/x/app_protect/lib/libapp_protect.so"), "/tmp/x/app_protect"));
  EXPECT_TRUE(has(reads("/tmp/x/node_modules/trend_app_protect/native/libapp_protect.so"),
                  "/tmp/x/node_modules/trend_app_protect/native"));
  for (const char* other : {"/tmp/lib/libapp_protect.so", "/app_protect/lib/", "/lib/libapp_protect.so", ""})
    for (const std::string& path : reads(other)) EXPECT_EQ(path.find("/tmp"), std::string::npos) << path;
}

TEST(Platform, SurroundingsElsewhere) {
  const Environment env(Variables{{"TMPDIR", "/var/tmp/"}});
  const Platform p = detect_platform(env);
  EXPECT_EQ(surroundings_of(env, p, {"/home/me", "/home/me/app/", "", ""}, {}).app_dirs,
            (std::vector<std::string>{"/home/me/app"}));
  EXPECT_EQ(surroundings_of(env, p, {"/home/me", "", "", ""}, {}).app_dirs, (std::vector<std::string>{"/home/me"}));
  EXPECT_TRUE(surroundings_of(env, p, {"/", "/", "", ""}, {}).app_dirs.empty())
      << "the whole machine is nobody's application";
  EXPECT_EQ(surroundings_of(env, p, {"/x", "", "", ""}, {}).tmp_dirs, (std::vector<std::string>{"/tmp", "/var/tmp"}));
}

}  // namespace
