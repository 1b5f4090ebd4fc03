// SPDX-License-Identifier: Apache-2.0
#include "event/mask.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using ap::event::Line;
using ap::event::MaskScope;

std::string masked(std::string_view value, MaskScope scope = MaskScope::command) {
  Line line;
  line.open(4000);
  write_masked(line, value, scope);
  return std::string(line.view().substr(1));
}

struct Case {
  const char *value, *expected;
};

TEST(Mask, Commands) {
  const Case cases[] = {
      {"aws configure set x AKIAIOSFODNN7EXAMPLE", "aws configure set x AKIA***"},
      {"curl -H Authorization:\\ Bearer\\ abc", "curl -H Authorization:\\ ***"},
      {"curl -H 'Authorization: Bearer abc.def.ghi' http://x/", "curl -H 'Authorization: ***' http://x/"},
      {"curl -H 'X-Auth: bearer abcdefghijkl'", "curl -H 'X-Auth: ***'"},
      {"echo Bearer abcdefghijkl now", "echo Bearer *** now"},
      {"psql postgres://user:hunter2@db:5432/x", "psql postgres://user:***@db:5432/x"},
      {"mysqldump --password=hunter2 shop", "mysqldump --password=*** shop"},
      {"mysqldump --password hunter2 shop", "mysqldump --password *** shop"},
      {"DB_PASSWORD='two words' ./run", "DB_PASSWORD='***' ./run"},
      {"{\"client_secret\": \"s3cr3t\", \"id\": 4}", "{\"client_secret\": \"***\", \"id\": 4}"},
      {"export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "export AWS_SECRET_ACCESS_KEY=***"},
      {"echo wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "echo ***"},
      {"curl -u alice:hunter2 http://x/", "curl -u alice:*** http://x/"},
      {"git clone https://ghp_0123456789abcdefABCDEF0123456789abcd@github.com/x/y",
       "git clone https://***@github.com/x/y"},
      {"node -e 1 eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig", "node -e 1 eyJ***"},
      {"x 0123456789abcdef0123456789abcdef01234567", "x ***"},
      {"openssl -----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
       "openssl -----BEGIN RSA PRIVATE KEY-----***-----END RSA PRIVATE KEY-----"},
      {"curl 'https://x/?access_token=abc&page=2'", "curl 'https://x/?access_token=***&page=2'"},
      {"curl 'https://b.s3.amazonaws.com/k?X-Amz-Signature=abcdef&x=1'",
       "curl 'https://b.s3.amazonaws.com/k?X-Amz-Signature=***&x=1'"},
      // What is no secret stays readable.
      {"ls -l /tmp/secret/token.txt", "ls -l /tmp/secret/token.txt"},
      {"python3 -m http.server --bind 127.0.0.1:8000", "python3 -m http.server --bind 127.0.0.1:8000"},
      {"mkdir -p /opt/a/b", "mkdir -p /opt/a/b"},
      {"design=4 monkey=5 compass", "design=4 monkey=5 compass"},
      {"/opt/python/lib/python3.12/site-packages/somepackage/module/file1.py",
       "/opt/python/lib/python3.12/site-packages/somepackage/module/file1.py"},
      {"", ""},
  };
  for (const Case& c : cases) {
    Line expected;
    expected.open(4000);
    expected.text(c.expected);
    EXPECT_EQ(masked(c.value), expected.view().substr(1)) << c.value;
  }
}

TEST(Mask, PathsAndHosts) {
  EXPECT_EQ(masked("/tmp/cache/0123456789abcdef0123456789abcdef01234567.bin", MaskScope::path),
            "/tmp/cache/0123456789abcdef0123456789abcdef01234567.bin")
      << "a digest in a path is a name";
  EXPECT_EQ(masked("/tmp/AKIAIOSFODNN7EXAMPLE", MaskScope::path), "/tmp/AKIA***");
  EXPECT_EQ(masked("/tmp/password=x/y", MaskScope::path), "/tmp/password=***");
  EXPECT_EQ(masked("api.stripe.com", MaskScope::host), "api.stripe.com");
  EXPECT_EQ(masked("abcdef0123456789abcdef0123456789abcdef0123456789.evil.example", MaskScope::host),
            "***.evil.example");
}

TEST(Mask, LongInputIsCutFirst) {
  std::string value(1 << 20, 'a');
  value += " --password=hunter2";
  const std::string out = masked(value);
  EXPECT_LT(out.size(), 4100u);
  EXPECT_EQ(out.find("hunter2"), std::string::npos);
}

TEST(Mask, MoreSecretsThanSpansMaskTheRest) {
  std::string value;
  for (int i = 0; i < 60; ++i) value += "token=hunter" + std::to_string(i) + " ";
  EXPECT_EQ(masked(value).find("hunter"), std::string::npos);
}

TEST(Mask, AnyBytesAreSafe) {
  unsigned seed = 1;
  for (int round = 0; round < 3000; ++round) {
    std::string value;
    for (int i = 0; i < 60; ++i) {
      seed = seed * 1103515245u + 12345u;
      const char* pieces[] = {":", "=",       "//",   "@",           "-u ",  "--password", " ", "\"",
                              "'", "Bearer ", "AKIA", "-----BEGIN ", "\x80", "a",          "9"};
      value += pieces[(seed >> 16) % 15];
    }
    for (MaskScope scope : {MaskScope::command, MaskScope::url, MaskScope::path, MaskScope::host}) {
      const auto spans = ap::event::mask(value, scope);
      std::size_t at = 0;
      for (std::size_t i = 0; i < spans.count; ++i) {
        ASSERT_LE(at, spans.spans[i].begin);
        ASSERT_LT(spans.spans[i].begin, spans.spans[i].end);
        at = spans.spans[i].end;
      }
      ASSERT_LE(at, value.size());
    }
  }
}

TEST(Mask, FlagsWhoseValueIsTheNextArgument) {
  using ap::event::Flag;
  EXPECT_EQ(ap::event::flag_kind("--password"), Flag::secret_follows);
  EXPECT_EQ(ap::event::flag_kind("--client-secret"), Flag::secret_follows);
  EXPECT_EQ(ap::event::flag_kind("-u"), Flag::user_and_password_follow);
  EXPECT_EQ(ap::event::flag_kind("--verbose"), Flag::ordinary);
  EXPECT_EQ(ap::event::flag_kind("--password=x"), Flag::ordinary);
  EXPECT_EQ(ap::event::flag_kind("password"), Flag::ordinary);
}

}  // namespace
