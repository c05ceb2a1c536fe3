// What every entry point does: take the driver's lock, count and log the call, return a planted fault instead
// of working, and turn a Failure into its status.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "status.h"

// An entry point of the driver's interface.
#define API extern "C" __attribute__((visibility("default"))) int

namespace emulated {

// Runs an entry point. `work` may throw Failure.
int entry(const char* name, const std::function<Status()>& work);

// The same, for a call that fails with INVALID_CONTEXT when no context is current in this thread, and with the
// context's own failure when it is lost.
int entry_in_context(const char* name, const std::function<Status()>& work);

// Number of calls of an entry point so far.
uint64_t calls_of(const std::string& name);
// Plants faults, "NAME@N=STATUS" by commas: the Nth call from now on returns STATUS and does nothing else. NAME
// may be * for any entry point. Returns false when the text is none of that.
bool plant_faults(const std::string& text);
// What the last failure was.
std::string& last_failure();

}  // namespace emulated
