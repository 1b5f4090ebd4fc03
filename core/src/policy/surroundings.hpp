// SPDX-License-Identifier: Apache-2.0
//
// Surroundings: what a policy is compiled against. The policy says "tmp", "application", "the provider"; this says what
// these are in this process. Plain values, filled once by the agent layer before user code runs (never read again from
// the environment), or from JSON for questions that must not depend on the machine (`app-protect explain`,
// conformance).
//
//   Surroundings here;
//   here.app_dirs = {"/var/task", "/opt"};
//   here.end_points.push_back({"127.0.0.1", 9001, "AWS_LAMBDA_RUNTIME_API"});
//   Result<std::string> blob = compile(policy, here);
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace ap {

// A platform end point that is reachable under any policy: it comes before every other rule for addresses.
struct EndPoint {
  std::string host;    // IP literal or host name
  std::uint16_t port;  // 0 = every port
  std::string source;  // who says so, for messages: "AWS_LAMBDA_RUNTIME_API", "console"
};

// What lies at an absolute path whose directory is real: a link (its text into `target`), something else, or nothing.
enum class Entry : std::uint8_t { absent, link, other };
using ReadLink = Entry (*)(const std::string& path, std::string& target);
Entry read_link_of_this_machine(const std::string& path, std::string& target);

struct Surroundings {
  // Directories, absolute, without trailing slash. Both the spelled and the real form become part of the policy.
  std::vector<std::string> tmp_dirs = {"/tmp"};  // "/tmp", and TMPDIR outside a function host
  std::vector<std::string> app_dirs;  // LAMBDA_TASK_ROOT and "/opt"; elsewhere the directory of the main module
  // Open for reading under any policy, beside runtime_needs.json: the interpreter's own library directories
  // (sys.prefix/lib/ python3.x, the folder of the node binary's lib), and certificate files that variables name
  // (SSL_CERT_FILE, NODE_EXTRA_CA_CERTS).
  std::vector<std::string> runtime_read;
  // Our own log and cache files or directories: user code reaches them in no direction while the policy denies
  // anything.
  std::vector<std::string> own_paths;
  // Our own library and modules: user code does not write to them while the policy denies anything.
  std::vector<std::string> own_code;

  std::vector<std::string> nameservers;  // addresses from resolv.conf; reachable on port 53 only
  std::vector<EndPoint>
      end_points;  // Runtime API, X-Ray, credentials and identity end points from variables; our console
  std::vector<std::string> local_names;  // names of this machine beside localhost, e.g. gethostname()

  std::string provider;  // "aws", "gcp", "azure"; empty = none or ambiguous: allow_cloud_provider grants nothing
  std::string region;    // "eu-west-1"; empty = unknown
  std::string account;   // AWS account number where known before the first invocation; else empty

  // PATH as it was before user code: where the first word of a command is looked for.
  std::string program_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

  ReadLink read_link = read_link_of_this_machine;  // nullptr: nothing is looked up on this machine
};

// "127.0.0.1:9001", "[fd00::1]:80", "host" -> EndPoint; false when it is none of these.
bool parse_end_point(std::string_view text, std::string_view source, EndPoint& out);

// {"task_root":"/var/task","tmp":"/tmp","app_dirs":[...],"nameservers":[...],"provider":"aws","region":"eu-west-1",
//  "account":..., "runtime_read":[...], "own_paths":[...], "own_code":[...], "runtime_api":"127.0.0.1:9001",
//  "end_points":["10.0.0.9:4317"], "local_names":[...], "path":"/usr/bin"}
// `tmp` and `app_dirs` take a string or a list; `task_root` adds itself and /opt to the application. Missing members
// keep the defaults above; app_dirs then is {"/var/task", "/opt"}. read_link is nullptr: answers are the same on every
// machine.
Result<Surroundings> surroundings_from_json(std::string_view json);

}  // namespace ap
