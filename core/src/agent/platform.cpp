// SPDX-License-Identifier: Apache-2.0
#include "agent/platform.hpp"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>

#include "agent/configuration_file.hpp"

namespace ap::agent {
namespace {

std::string lower(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::string text_of(const Environment& env, std::string_view name) {
  return std::string(env.get(name).value_or(""));
}

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

bool parse_port(std::string_view text, std::uint16_t& port) {
  if (text.empty() || text.size() > 5) return false;
  unsigned value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  port = static_cast<std::uint16_t>(value);
  return value > 0 && value <= 65535;
}

// "host", "host:port", "[v6]:port".
bool parse_host_port(std::string_view text, std::uint16_t default_port, EndPoint& out) {
  out.port = default_port;
  if (!text.empty() && text[0] == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    out.host = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    return text.empty() || (text[0] == ':' && parse_port(text.substr(1), out.port));
  }
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos) {
    out.host = text.substr(0, colon);
    return !out.host.empty() && parse_port(text.substr(colon + 1), out.port);
  }
  out.host = text;
  return !text.empty();
}

// The folder that holds our own files: <...>/app_protect of a layer, or where a package keeps its native code.
std::string own_folder(const std::string& library) {
  const std::size_t slash = library.rfind('/');
  if (slash == std::string::npos) return "";
  const std::string folder = library.substr(0, slash);
  constexpr std::string_view kLibraries = "/lib";
  if (folder.ends_with("/app_protect/lib")) return folder.substr(0, folder.size() - kLibraries.size());
  return folder.ends_with("/native") ? folder : "";
}

// What must stay as it is: who changes our library or a module that is read later is asked no more.
std::string own_code(const std::string& library) {
  const std::string folder = own_folder(library);
  constexpr std::string_view kNative = "/native";  // the package's modules lie beside it
  if (folder.ends_with(kNative)) return folder.substr(0, folder.size() - kNative.size());
  return folder.empty() ? library : folder;
}

void add(std::vector<std::string>& list, std::string path) {
  if (path.empty() || path[0] != '/' || path == "/") return;
  path = without_slash(std::move(path));
  if (std::find(list.begin(), list.end(), path) == list.end()) list.push_back(std::move(path));
}

}  // namespace

Platform detect_platform(const Environment& env) {
  Platform p;
  const std::string execution = text_of(env, "AWS_EXECUTION_ENV");
  const bool aws = env.get("AWS_LAMBDA_RUNTIME_API") || execution.rfind("AWS_Lambda_", 0) == 0;
  const bool google_run =
      env.get("K_SERVICE") && (env.get("FUNCTION_TARGET") || env.get("K_CONFIGURATION") || env.get("K_REVISION"));
  const bool google_old =
      env.get("FUNCTION_NAME") && (env.get("GCP_PROJECT") || env.get("GCLOUD_PROJECT") || env.get("FUNCTION_REGION"));
  const bool google = google_run || google_old || env.get("CLOUD_RUN_JOB");
  const bool azure_functions =
      env.get("WEBSITE_SITE_NAME") && (env.get("FUNCTIONS_EXTENSION_VERSION") || env.get("FUNCTIONS_WORKER_RUNTIME") ||
                                       text_of(env, "WEBSITE_SKU") == "FlexConsumption");
  const bool azure = azure_functions || (env.get("CONTAINER_APP_NAME") && env.get("CONTAINER_APP_REVISION"));
  const bool other = env.get("__OW_ACTION_NAME") || env.get("__OW_API_HOST") || env.get("FC_FUNC_CODE_PATH");

  p.on_lambda = aws;
  p.on_function_host = aws || google || azure || other;
  const int providers = (aws ? 1 : 0) + (google ? 1 : 0) + (azure ? 1 : 0);
  p.ambiguous = providers > 1;
  if (providers == 1) p.provider = aws ? "aws" : google ? "gcp" : "azure";

  for (std::string_view name :
       {"AWS_LAMBDA_FUNCTION_NAME", "K_SERVICE", "CLOUD_RUN_JOB", "FUNCTION_NAME", "WEBSITE_SITE_NAME",
        "CONTAINER_APP_NAME", "__OW_ACTION_NAME", "FC_FUNCTION_NAME", "ES_APP_NAME"}) {
    const bool platform_only = name == "FUNCTION_NAME" && !google_old;
    if (auto value = env.get(name); value && !platform_only) {
      p.function = *value;
      break;
    }
  }
  if (p.provider == "aws") p.region = text_of(env, env.get("AWS_REGION") ? "AWS_REGION" : "AWS_DEFAULT_REGION");
  if (p.provider == "gcp") p.region = text_of(env, "FUNCTION_REGION");
  if (p.provider == "azure") p.region = text_of(env, "REGION_NAME");
  if (execution.rfind("AWS_Lambda_", 0) == 0) p.runtime = lower(std::string_view(execution).substr(11));
  return p;
}

std::vector<std::string> parse_nameservers(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty() && out.size() < 3) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    constexpr std::string_view kWord = "nameserver";
    if (line.substr(0, kWord.size()) != kWord || line.size() == kWord.size())
      continue;  // the resolver takes no blank in front
    line.remove_prefix(kWord.size());
    if (line[0] != ' ' && line[0] != '\t') continue;
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) continue;
    line = line.substr(begin);
    line = line.substr(0, line.find_first_of(" \t\r%#;"));
    if (!line.empty()) out.emplace_back(line);
  }
  return out;
}

std::vector<EndPoint> parse_end_points(std::string_view value, std::string_view source) {
  std::vector<EndPoint> out;
  while (!value.empty()) {
    const std::size_t blank = value.find(' ');
    std::string_view word = value.substr(0, blank);
    value.remove_prefix(blank == std::string_view::npos ? value.size() : blank + 1);
    if (word.empty()) continue;
    std::uint16_t default_port = 0;
    if (const std::size_t scheme = word.find("://"); scheme != std::string_view::npos) {
      default_port = word.substr(0, scheme) == "https" ? 443 : 80;
      word.remove_prefix(scheme + 3);
      word = word.substr(0, word.find_first_of("/?#"));
      if (const std::size_t user = word.rfind('@'); user != std::string_view::npos) word.remove_prefix(user + 1);
    } else if (word.substr(0, 4) == "udp:" || word.substr(0, 4) == "tcp:") {
      word.remove_prefix(4);
    }
    word = word.substr(0, word.find('/'));
    EndPoint point{"", 0, std::string(source)};
    if (!parse_host_port(word, default_port, point)) continue;
    const auto same = [&](const EndPoint& e) { return e.host == point.host && e.port == point.port; };
    if (std::find_if(out.begin(), out.end(), same) == out.end()) out.push_back(std::move(point));
  }
  return out;
}

Surroundings surroundings_of(const Environment& env, const Platform& platform, const Places& places,
                             std::vector<std::string> own_paths, const HostFiles& files) {
  Surroundings s;
  if (!platform.on_function_host)
    if (auto dir = env.get("TMPDIR")) add(s.tmp_dirs, std::string(*dir));

  if (!places.task_root.empty()) {
    add(s.app_dirs, places.task_root);
    add(s.app_dirs, "/opt");
  } else {
    add(s.app_dirs, places.main_dir.empty() ? places.working_directory : places.main_dir);
  }

  // The interpreter's own library: <prefix>/lib beside <prefix>/bin/python3.x or node.
  char executable[PATH_MAX];
  const ssize_t n = readlink(files.executable.c_str(), executable, sizeof executable);
  if (n > 0 && n < static_cast<ssize_t>(sizeof executable)) {
    const std::string path(executable, static_cast<std::size_t>(n));
    add(s.runtime_read, path);
    const std::size_t slash = path.rfind('/');
    if (slash != std::string::npos && slash >= 4 && path.compare(slash - 4, 4, "/bin") == 0)
      add(s.runtime_read, path.substr(0, slash - 4) + "/lib");
  }
  add(s.runtime_read, own_folder(places.library));
  for (std::string_view name : {"SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE",
                                "AWS_CA_BUNDLE", "CURL_CA_BUNDLE"})
    if (auto file = env.get(name)) add(s.runtime_read, std::string(*file));
  add(s.own_code, own_code(places.library));
  for (std::string& path : own_paths) add(s.own_paths, std::move(path));

  if (const FileText resolv = read_file(files.resolv_conf, 1u << 20); resolv.state == FileState::read)
    s.nameservers = parse_nameservers(resolv.text);

  for (std::string_view name : {"AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_METADATA_API", "AWS_XRAY_DAEMON_ADDRESS",
                                "AWS_CONTAINER_CREDENTIALS_FULL_URI", "IDENTITY_ENDPOINT", "MSI_ENDPOINT"})
    if (auto value = env.get(name))
      for (EndPoint& point : parse_end_points(*value, name)) s.end_points.push_back(std::move(point));
  if (env.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"))  // SDKs join it to this address (ECS)
    s.end_points.push_back({"169.254.170.2", 80, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"});
  if (platform.provider == "gcp")
    for (std::string_view name : {"GCE_METADATA_HOST", "GCE_METADATA_IP"})
      if (auto value = env.get(name))
        for (EndPoint& point : parse_end_points(*value, name)) s.end_points.push_back(std::move(point));

  char host[256] = "";
  if (gethostname(host, sizeof host - 1) == 0 && host[0] != '\0') s.local_names.emplace_back(host);
  s.provider = platform.provider;
  s.region = platform.region;
  if (auto path = env.get("PATH")) s.program_path = *path;
  return s;
}

}  // namespace ap::agent
