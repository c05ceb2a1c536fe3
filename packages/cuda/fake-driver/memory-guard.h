// Turns a kernel's access to memory that is closed into an error, instead of the end of the process.
#pragma once

#include <functional>

namespace emulated {

// Runs `work`. Returns null, or the address that it must not touch: it has then ended in the middle. A thread that
// `work` started is not guarded.
const void* guarded(const std::function<void()>& work);

}  // namespace emulated
