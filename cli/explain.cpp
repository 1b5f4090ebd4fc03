// SPDX-License-Identifier: Apache-2.0
#include <app_protect/policy.hpp>
#include <app_protect/words.hpp>
#include <iostream>
#include <map>

#include "commands.hpp"
#include "output.hpp"

namespace cli {
namespace {

using app_protect::Answer;
using app_protect::Operation;

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + "\"";
}

std::string surroundings(const Where& where) {
  if (where.here) return "";
  std::string json = "{\"task_root\":" + quoted(where.task_root);
  if (where.provider != "none")
    json += ",\"provider\":" + quoted(where.provider) + ",\"region\":" + quoted(where.region);
  return json + "}";
}

// --- the operation as typed
// -------------------------------------------------------------------------------------------------

const std::map<std::string, ap_kind> kFileKinds = {
    {"read", AP_FILE_READ},         {"write", AP_FILE_WRITE}, {"create", AP_FILE_CREATE},   {"delete", AP_FILE_DELETE},
    {"rename", AP_FILE_RENAME},     {"link", AP_FILE_LINK},   {"symlink", AP_FILE_SYMLINK}, {"stat", AP_FILE_STAT},
    {"metadata", AP_FILE_METADATA}, {"list", AP_FILE_LIST}};
const std::map<std::string, ap_kind> kNativeKinds = {
    {"load", AP_LOAD}, {"exec_memory", AP_EXEC_MEMORY}, {"call_address", AP_CALL_ADDRESS}, {"memfd", AP_MEMFD}};

constexpr const char* kForms =
    "  outbound HOST[:PORT] [udp]      connect or send; HOST is a name or an address\n"
    "  dns NAME [TYPE]                 look a name up\n"
    "  unix PATH                       connect to a unix socket\n"
    "  files OPERATION PATH [TO]       read, write, create, delete, rename, link, symlink, stat, metadata, list\n"
    "  command -- PROGRAM [ARGUMENT]   start a program\n"
    "  fork                            fork without exec\n"
    "  native load PATH                load a library; also exec_memory, call_address, memfd\n";

std::string names_of(const std::map<std::string, ap_kind>& kinds) {
  std::string out;
  for (const auto& [name, kind] : kinds) out += (out.empty() ? "" : ", ") + name;
  return out;
}

bool parse_target(const std::string& text, std::string& host, uint16_t& port, std::string& error) {
  host = text;
  std::string digits;
  if (!text.empty() && text[0] == '[') {
    const std::size_t end = text.find(']');
    if (end == std::string::npos) return error = "`" + text + "` has no closing `]`", false;
    host = text.substr(1, end - 1);
    if (end + 1 < text.size()) digits = text.substr(end + 2);
  } else if (const std::size_t colon = text.find(':');
             colon != std::string::npos && text.find(':', colon + 1) == std::string::npos) {
    host = text.substr(0, colon);
    digits = text.substr(colon + 1);
  }
  port = 443;
  if (host.find("//") != std::string::npos || text.find("://") != std::string::npos)
    return error = "`" + text + "` is a URL, expected HOST or HOST:PORT", false;
  if (digits.empty()) return true;
  const unsigned long number =
      digits.find_first_not_of("0123456789") == std::string::npos ? strtoul(digits.c_str(), nullptr, 10) : 0;
  if (number == 0 || number > 65535) return error = "`" + digits + "` is no port, expected 1 to 65535", false;
  port = static_cast<uint16_t>(number);
  return true;
}

std::optional<Operation> parse(const std::vector<std::string>& words, std::string& error) {
  const std::string& what = words[0];
  const auto need = [&](std::size_t least, std::size_t most, const char* form) {
    if (words.size() >= least && words.size() <= most) return true;
    error = std::string("expected: ") + form;
    return false;
  };
  if (what == "outbound" || what == "connect") {
    if (!need(2, 3, "outbound HOST[:PORT] [udp]")) return std::nullopt;
    if (words.size() == 3 && words[2] != "udp" && words[2] != "tcp")
      return error = "`" + words[2] + "` is no protocol, expected tcp or udp", std::nullopt;
    std::string host;
    uint16_t port = 0;
    if (!parse_target(words[1], host, port, error)) return std::nullopt;
    return Operation::connect(host, port, words.size() == 3 && words[2] == "udp" ? AP_PROTO_UDP : AP_PROTO_TCP);
  }
  if (what == "dns" || what == "resolve") {
    if (!need(2, 3, "dns NAME [TYPE]")) return std::nullopt;
    return Operation::resolve(words[1], words.size() == 3 ? words[2] : "");
  }
  if (what == "unix") {
    if (!need(2, 2, "unix PATH")) return std::nullopt;
    return Operation::unix_socket(words[1]);
  }
  if (what == "files" || what == "file") {
    if (!need(3, 4, "files OPERATION PATH [TO]")) return std::nullopt;
    const auto kind = kFileKinds.find(words[1]);
    if (kind == kFileKinds.end())
      return error = "`" + words[1] + "` is no file operation, expected one of " + names_of(kFileKinds), std::nullopt;
    const bool two = kind->second == AP_FILE_RENAME || kind->second == AP_FILE_LINK;
    if (two && words.size() != 4) return error = words[1] + " takes two paths", std::nullopt;
    return Operation::file(kind->second, words[2], words.size() == 4 ? words[3] : "");
  }
  if (what == "command" || what == "processes" || what == "spawn") {
    std::vector<std::string> argv(words.begin() + 1, words.end());
    if (!argv.empty() && argv.front() == "--") argv.erase(argv.begin());
    if (argv.empty()) return error = "expected: command -- PROGRAM [ARGUMENT]...", std::nullopt;
    const bool shell = argv.size() == 3 && argv[1] == "-c" && (argv[0] == "/bin/sh" || argv[0] == "sh");
    return Operation::spawn(argv, shell ? AP_OP_SHELL : 0);
  }
  if (what == "fork") return Operation::fork();
  if (what == "native") {
    if (!need(2, 3, "native load PATH")) return std::nullopt;
    const auto kind = kNativeKinds.find(words[1]);
    if (kind == kNativeKinds.end())
      return error = "`" + words[1] + "` is no native operation, expected one of " + names_of(kNativeKinds),
             std::nullopt;
    return Operation::native(kind->second, words.size() == 3 ? words[2] : "");
  }
  error = "`" + what + "` is no kind of operation; expected one of:\n" + kForms;
  error.pop_back();
  return std::nullopt;
}

// --- why
// --------------------------------------------------------------------------------------------------------------------

const std::map<std::string, std::string> kReasons = {
    {"outbound.local", "loopback and unix sockets follow outbound.local"},
    {"outbound.allow_cloud_provider", "it belongs to the cloud provider, and outbound.allow_cloud_provider covers it"},
    {"outbound.platform",
     "an end point of the platform itself (Runtime API, resolver, X-Ray, credentials) stays reachable"},
    {"outbound.metadata", "instance metadata is refused whatever else is allowed"},
    {"outbound.answer", "an allowed name that answers loopback or link-local is not followed there"},
    {"outbound.dns", "DNS goes to the configured resolver only"},
    {"files.runtime", "the runtime itself needs it: it stays open for reading"},
    {"files.own", "it is App Protect's own log or cache"},
    {"files.path", "the path cannot be judged (too long)"},
    {"child_processes.unguarded", "the program cannot be guarded (static, another loader, set-uid)"},
};

std::string reason(const Answer& a, const PolicyFile& file) {
  if (a.rule.empty()) return "the policy says nothing about it";
  if (const auto known = kReasons.find(a.rule); known != kReasons.end()) return known->second;
  std::string value = file.document ? printable(file.document->value(a.rule)) : "";
  if (value.empty() && file.document) {  // a short form: "tmp": "deny" stands for tmp.read and tmp.write
    const std::size_t dot = a.rule.rfind('.');
    if (dot != std::string::npos) value = printable(file.document->value(a.rule.substr(0, dot)));
    if (!value.empty() && (value[0] == '{' || value[0] == '[')) value.clear();
  }
  const bool entry = a.rule.find('[') != std::string::npos;
  if (!value.empty())
    return entry ? "it is met by " + a.rule + ", " + value
                 : a.rule + " is " + value + ", and nothing more specific meets it";
  return a.rule + " is not set: " + std::string(app_protect::action_word(a.verdict.action)) +
         " is what that means here";
}

void print_answer(const Answer& a, const std::vector<std::string>& words, const PolicyFile& file) {
  std::string said;
  for (const std::string& w : words) said += (said.empty() ? "" : " ") + printable(w);
  const std::string action(app_protect::action_word(a.verdict.action));
  std::cout << coloured(action, colour_of(action)) << "  " << said << "\n";
  Table table;
  if (!a.rule.empty()) {
    std::string at;
    if (file.document)
      if (!file.document->value(a.rule).empty())
        if (auto p = file.document->position(a.rule))
          at = "  (" + printable(file.name) + ":" + std::to_string(p->line) + ":" + std::to_string(p->column) + ")";
    table.rows.push_back({"rule", a.rule + coloured(at, Colour::dim)});
  }
  table.rows.push_back({"why", reason(a, file)});
  if (a.verdict.cls != AP_CLASS_NONE)
    table.rows.push_back({"class", std::string(app_protect::class_word(a.verdict.cls))});
  if (a.verdict.action != AP_GRANT) {
    table.rows.push_back({"event", std::string(app_protect::policy_word(a.verdict.policy))});
    std::string then = "it goes on and is reported";
    if (a.verdict.action == AP_DENY)
      then = a.verdict.on_deny == AP_ON_DENY_BLOCK ? "the operation fails (EPERM) and the invocation ends as blocked"
             : a.verdict.on_deny == AP_ON_DENY_TERMINATE ? "the event is written and the process ends (exit status 77)"
                                                         : "the operation fails (EPERM)";
    table.rows.push_back({"then", then});
  }
  std::cout << table.text();
}

// What the policy means, asked one operation at a time: nothing is worked out here.
void print_effective(const app_protect::Policy& policy, const PolicyFile& file, const Where& where) {
  const std::string root = where.task_root;
  const struct {
    const char* what;
    Operation operation;
  } questions[] = {
      {"outbound, a name that no entry lists", Operation::connect("unlisted.example", 443)},
      {"outbound, an address that no entry lists", Operation::connect("203.0.113.7", 443)},
      {"outbound, the provider (s3."
       "us-east-1.amazonaws.com)",
       Operation::connect("s3." + where.region + ".amazonaws.com", 443)},
      {"outbound, loopback", Operation::connect("127.0.0.1", 8080)},
      {"outbound, instance metadata", Operation::connect("169.254.169.254", 80)},
      {"look up a name that no entry lists", Operation::resolve("unlisted.example")},
      {"read /tmp", Operation::file(AP_FILE_READ, "/tmp/file")},
      {"write /tmp", Operation::file(AP_FILE_WRITE, "/tmp/file")},
      {"read the application", Operation::file(AP_FILE_READ, root + "/data.txt")},
      {"write the application", Operation::file(AP_FILE_WRITE, root + "/data.txt")},
      {"read elsewhere", Operation::file(AP_FILE_READ, "/srv/file")},
      {"write elsewhere", Operation::file(AP_FILE_WRITE, "/srv/file")},
      {"start a program", Operation::spawn({"/usr/bin/unlisted"})},
      {"start a program that cannot be guarded", Operation::spawn({"/usr/bin/unlisted"}, AP_OP_UNGUARDED)},
      {"fork", Operation::fork()},
      {"load a library from /tmp", Operation::native(AP_LOAD, "/tmp/lib.so")},
      {"run code from new memory", Operation::native(AP_EXEC_MEMORY, "")},
  };
  std::cout << coloured(printable(file.name), Colour::bold) << ": " << policy.summary() << "\n";
  if (where.here)
    std::cout << "  as on this machine\n\n";
  else
    std::cout << "  as on Lambda: application " << root << " and /opt, provider " << where.provider
              << (where.provider == "none" ? "" : " " + where.region) << "\n\n";
  Table table;
  for (const auto& q : questions) {
    const Answer a = policy.check(q.operation);
    const std::string action(app_protect::action_word(a.verdict.action));
    table.rows.push_back({q.what, coloured(action, colour_of(action)), a.rule});
  }
  std::cout << table.text();
  if (file.document) {
    Table rules;
    for (const char* list : {"outbound.allowed_domains", "files.rules", "child_processes.rules"})
      for (int i = 0; i < 1000; ++i) {
        const std::string place = std::string(list) + "[" + std::to_string(i) + "]";
        const std::string value = file.document->value(place);
        if (value.empty()) break;
        rules.rows.push_back({place, printable(value)});
      }
    if (!rules.rows.empty()) std::cout << "\n" << rules.text();
  }
}

}  // namespace

int explain(const app_protect::Library& library, const std::string& name, const Where& where,
            const std::vector<std::string>& words) {
  PolicyFile file;
  std::string error;
  if (!read_policy(name, library, file, error)) return complain(error, 2);
  if (file.document && !file.document->error().empty()) return complain(file.name + ": " + file.document->error(), 2);
  const auto policy = app_protect::Policy::open(library, file.text, surroundings(where));
  if (!policy) {
    check(library, {name}, false);
    return 2;
  }
  for (const std::string& answer : where.answers) {
    const std::size_t sign = answer.find('=');
    uint8_t address[16] = {};
    const std::string value = sign == std::string::npos ? "" : answer.substr(sign + 1);
    const int family = inet_pton(AF_INET, value.c_str(), address) == 1    ? 4
                       : inet_pton(AF_INET6, value.c_str(), address) == 1 ? 6
                                                                          : 0;
    if (family == 0) return complain("`" + answer + "`: expected HOST=ADDRESS", 2);
    policy.note_answer(answer.substr(0, sign), address, static_cast<uint8_t>(family));
  }
  if (words.empty()) {
    print_effective(policy, file, where);
    return 0;
  }
  auto operation = parse(words, error);
  if (!operation) return complain(error, 2);
  const Answer answer = policy.check(*operation);
  print_answer(answer, words, file);
  return answer.verdict.action == AP_DENY ? 1 : 0;
}

}  // namespace cli
