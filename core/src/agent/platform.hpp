// SPDX-License-Identifier: Apache-2.0
//
// Platform: what the environment says about where this process runs: function host or not, provider, names,
// directories, end points. Facts and their sources: docs/policy.md (providers), the platforms' own documentation of
// these variables.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "agent/configuration.hpp"
#include "agent/environment.hpp"
#include "policy/surroundings.hpp"

namespace ap::agent {

struct Platform {
  bool on_function_host = false;  // Lambda or another function runtime
  bool on_lambda = false;
  std::string provider;    // "aws", "gcp", "azure"; empty = none or more than one
  bool ambiguous = false;  // more than one provider's variables are set: provider allowance is off
  std::string function, region;
  std::string runtime;  // tail of AWS_EXECUTION_ENV, lower case
};

Platform detect_platform(const Environment& env);

// The files that are looked at, so that tests can bring their own.
struct HostFiles {
  std::string resolv_conf = "/etc/resolv.conf";
  std::string executable = "/proc/self/exe";
};

// Everything a policy is compiled against. `own_paths`: our log and cache files.
Surroundings surroundings_of(const Environment& env, const Platform& platform, const Places& places,
                             std::vector<std::string> own_paths, const HostFiles& files = {});

// "nameserver" lines of resolv.conf, zone suffix and comments removed; at most three, as the resolver reads.
std::vector<std::string> parse_nameservers(std::string_view resolv_conf);

// "127.0.0.1:9001", "udp:1.2.3.4:2000 tcp:1.2.3.4:2000", "http://[fd00::23]:80/v1/x": the end points that a variable
// names.
std::vector<EndPoint> parse_end_points(std::string_view value, std::string_view source);

}  // namespace ap::agent
