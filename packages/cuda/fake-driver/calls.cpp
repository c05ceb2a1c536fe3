#include "calls.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <mutex>
#include <vector>

#include "device.h"
#include "memory.h"
#include "settings.h"

namespace emulated {
namespace {

struct Fault {
  std::string call;
  uint64_t left = 0;  // calls until it strikes
  int status = 0;
};

struct Log {
  std::recursive_mutex mutex;
  std::map<std::string, uint64_t> counts;
  std::vector<Fault> faults;
  bool has_read_faults = false;
  std::string failure;
  std::string file;
  int descriptor = -1;
};

Log& log() {
  static auto* made = new Log();
  return *made;
}

// Returns the status of a fault that strikes now, or -1.
int struck(const std::string& name) {
  if (!log().has_read_faults) plant_faults(settings().faults);
  int status = -1;
  for (Fault& fault : log().faults) {
    if ((fault.call != "*" && fault.call != name) || fault.left == 0) continue;
    if (--fault.left == 0 && status < 0) status = fault.status;
  }
  return status;
}

void append(const std::string& name, int status) {
  Log& all = log();
  const std::string& file = settings().log;
  if (file != all.file) {
    if (all.descriptor >= 0) close(all.descriptor);
    all.file = file;
    all.descriptor = file.empty() ? -1 : open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT, 0644);
  }
  if (all.descriptor < 0) return;
  const std::string line =
      std::to_string(getpid()) + " " + name + " " + std::to_string(status) + "\n";
  if (write(all.descriptor, line.data(), line.size()) < 0) all.descriptor = -1;
}

}  // namespace

std::string& last_failure() { return log().failure; }

uint64_t calls_of(const std::string& name) {
  const std::lock_guard<std::recursive_mutex> lock(log().mutex);
  return log().counts[name];
}

bool plant_faults(const std::string& text) {
  std::vector<Fault> faults;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(',', at), text.size());
    const std::string one = text.substr(at, end - at);
    char name[128];
    Fault fault;
    unsigned long long left = 0;
    if (sscanf(one.c_str(), "%127[^@]@%llu=%d", name, &left, &fault.status) != 3) return false;
    fault.call = name;
    fault.left = left;
    faults.push_back(fault);
    at = end + 1;
  }
  log().faults = faults;
  log().has_read_faults = true;
  return true;
}

int entry(const char* name, const std::function<Status()>& work) {
  const std::lock_guard<std::recursive_mutex> lock(log().mutex);
  log().counts[name]++;
  int status = struck(name);
  if (status >= 0) {
    last_failure() = std::string(name) + ": a planted fault";
  } else {
    try {
      status = work();
    } catch (const Failure& failure) {
      last_failure() = std::string(name) + ": " + failure.why;
      status = failure.status;
    } catch (const std::bad_alloc&) {
      last_failure() = std::string(name) + ": the host has no memory left";
      status = OUT_OF_MEMORY;
    }
  }
  close_memory();
  append(name, status);
  return status;
}

int entry_in_context(const char* name, const std::function<Status()>& work) {
  return entry(name, [&] {
    Context& context = current_context();
    if (context.lost != SUCCESS) throw Failure{context.lost, context.why_lost};
    const Status status = work();
    if (context.lost != SUCCESS) throw Failure{context.lost, context.why_lost};
    return status;
  });
}

}  // namespace emulated
