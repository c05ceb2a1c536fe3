#include "settings.h"

#include <cstdlib>
#include <functional>
#include <map>

namespace emulated {
namespace {

using Setter = std::function<void(Settings&, const std::string&)>;

int integer(const std::string& text) { return static_cast<int>(strtol(text.c_str(), nullptr, 10)); }
uint64_t large(const std::string& text) { return strtoull(text.c_str(), nullptr, 10); }

const std::map<std::string, Setter>& setters() {
  static const std::map<std::string, Setter> all = {
      {"gpus", [](Settings& s, const std::string& v) { s.gpus = integer(v); }},
      {"memory", [](Settings& s, const std::string& v) { s.memory_bytes = large(v); }},
      {"version", [](Settings& s, const std::string& v) { s.version = integer(v); }},
      {"peers", [](Settings& s, const std::string& v) { s.peers = v != "0"; }},
      {"threads", [](Settings& s, const std::string& v) { s.threads = integer(v); }},
      {"schedule", [](Settings& s, const std::string& v) { s.schedule = large(v); }},
      {"faults", [](Settings& s, const std::string& v) { s.faults = v; }},
      {"log", [](Settings& s, const std::string& v) { s.log = v; }},
  };
  return all;
}

Settings from_environment() {
  Settings made;
  for (const auto& [name, set] : setters()) {
    std::string variable = "GUMSHOE_EMULATED_";
    for (const char letter : name) variable += static_cast<char>(toupper(letter));
    const char* value = getenv(variable.c_str());
    if (value != nullptr && *value != 0) set(made, value);
  }
  return made;
}

}  // namespace

Settings& settings() {
  static auto* all = new Settings(from_environment());
  return *all;
}

bool set_setting(const std::string& name, const std::string& value) {
  const auto found = setters().find(name);
  if (found == setters().end()) return false;
  found->second(settings(), value);
  return true;
}

}  // namespace emulated
