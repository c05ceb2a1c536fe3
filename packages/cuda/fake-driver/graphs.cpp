#include "graphs.h"

#include "settings.h"
#include "streams.h"

namespace emulated {
namespace {

// Marks the nodes that must run before those of `tail` have run, and these.
std::vector<bool> reachable(const Capture& capture, std::vector<size_t> tail) {
  std::vector<bool> reached(capture.nodes.size(), false);
  while (!tail.empty()) {
    const size_t node = tail.back();
    tail.pop_back();
    if (reached[node]) continue;
    reached[node] = true;
    for (const size_t before : capture.nodes[node].after) tail.push_back(before);
  }
  return reached;
}

}  // namespace

size_t Capture::add(std::function<void()> run, const std::vector<size_t>& after) {
  nodes.push_back({std::move(run), after});
  return nodes.size() - 1;
}

void begin_capture(Stream& stream) {
  if (stream.capture != nullptr) throw Failure{ILLEGAL_STATE, "the stream is being captured"};
  stream.capture = std::make_shared<Capture>();
  stream.capture->origin = &stream;
  stream.tail.clear();
}

Graph end_capture(Stream& stream) {
  if (stream.capture == nullptr) throw Failure{ILLEGAL_STATE, "the stream is not being captured"};
  const std::shared_ptr<Capture> capture = stream.capture;
  if (capture->origin != &stream)
    throw Failure{STREAM_CAPTURE_UNMATCHED, "another stream began this capture"};
  const std::vector<bool> reached = reachable(*capture, stream.tail);
  capture->is_open = false;
  stream.capture = nullptr;
  for (Stream* joined : capture->joined) joined->capture = nullptr;
  if (capture->is_invalid)
    throw Failure{STREAM_CAPTURE_INVALIDATED, "a call that cannot be captured came between"};
  for (const bool is_joined : reached)
    if (!is_joined)
      throw Failure{STREAM_CAPTURE_UNJOINED, "a stream has work that the first does not wait for"};
  return std::make_shared<const std::vector<GraphNode>>(std::move(capture->nodes));
}

void run(const Graph& graph) {
  const size_t count = graph->size();
  std::vector<bool> has_run(count, false);
  uint64_t random = settings().schedule;
  for (size_t done = 0; done < count; done++) {
    std::vector<size_t> able;
    for (size_t i = 0; i < count; i++) {
      bool can = !has_run[i];
      for (const size_t before : (*graph)[i].after) can = can && has_run[before];
      if (can) able.push_back(i);
    }
    // The last one first when work is done late: what was captured in order has no other order than its own.
    random = random * 6364136223846793005ull + 1442695040888963407ull;
    const size_t place = settings().schedule == 0   ? able.size() - 1
                         : settings().schedule == 1 ? 0
                                                    : (random >> 33) % able.size();
    has_run[able[place]] = true;
    (*graph)[able[place]].run();
  }
}

}  // namespace emulated
