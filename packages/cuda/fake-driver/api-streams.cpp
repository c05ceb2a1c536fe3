// Entry points: streams, events and graphs.
#include "calls.h"
#include "device.h"
#include "graphs.h"
#include "shared-state.h"
#include "streams.h"

using namespace emulated;

namespace {

constexpr unsigned NON_BLOCKING = 1, DISABLE_TIMING = 2, INTERPROCESS = 4;

// The default stream has no handle that could be captured, or asked about.
Stream& real_stream(void* handle) {
  Stream* stream = stream_of(handle);
  if (stream != nullptr) return *stream;
  throw Failure{INVALID_HANDLE, "the default stream"};
}

// What is instantiated from a graph, and what a graph handle is.
struct GraphHandle {
  Graph graph;
  bool is_executable;
};

std::set<GraphHandle*>& graphs() {
  static auto* all = new std::set<GraphHandle*>();
  return *all;
}

GraphHandle& graph_of(GraphHandle* handle, bool is_executable) {
  if (graphs().count(handle) == 1 && handle->is_executable == is_executable) return *handle;
  throw Failure{INVALID_HANDLE, "this is no graph, or it was destroyed"};
}

GraphHandle* make_graph(Graph graph, bool is_executable) {
  auto* made = new GraphHandle{std::move(graph), is_executable};
  graphs().insert(made);
  return made;
}

Status destroy_graph(GraphHandle* handle, bool is_executable) {
  graph_of(handle, is_executable);
  graphs().erase(handle);
  delete handle;
  return SUCCESS;
}

}  // namespace

size_t emulated::live_graphs() { return graphs().size(); }

API cuStreamCreateWithPriority(Stream** stream, unsigned flags, int) {
  return entry_in_context("cuStreamCreateWithPriority", [&] {
    *stream = make_stream(current_context(), (flags & NON_BLOCKING) == 0);
    return SUCCESS;
  });
}
API cuStreamDestroy_v2(void* stream) {
  return entry_in_context("cuStreamDestroy_v2",
                          [&] { return destroy_stream(real_stream(stream)), SUCCESS; });
}
API cuStreamQuery(void* stream) {
  return entry_in_context("cuStreamQuery",
                          [&] { return progress(real_stream(stream)) ? SUCCESS : NOT_READY; });
}
API cuStreamSynchronize(void* stream) {
  return entry_in_context("cuStreamSynchronize",
                          [&] { return finish(real_stream(stream)), SUCCESS; });
}
API cuStreamWaitEvent(void* stream, void* event, unsigned) {
  return entry_in_context("cuStreamWaitEvent",
                          [&] { return wait_for(stream_of(stream), event_of(event)), SUCCESS; });
}
API cuStreamBeginCapture_v2(void* stream, int) {
  return entry_in_context("cuStreamBeginCapture_v2",
                          [&] { return begin_capture(real_stream(stream)), SUCCESS; });
}
API cuStreamEndCapture(void* stream, GraphHandle** graph) {
  return entry_in_context("cuStreamEndCapture", [&] {
    *graph = nullptr;
    *graph = make_graph(end_capture(real_stream(stream)), false);
    return SUCCESS;
  });
}
API cuStreamIsCapturing(void* stream, int* state) {
  return entry_in_context("cuStreamIsCapturing", [&] {
    const Stream& asked = real_stream(stream);
    *state = asked.capture == nullptr ? 0 : asked.capture->is_invalid ? 2 : 1;
    return SUCCESS;
  });
}

API cuEventCreate(Event** event, unsigned flags) {
  return entry_in_context("cuEventCreate", [&] {
    if ((flags & INTERPROCESS) != 0 && (flags & DISABLE_TIMING) == 0)
      throw Failure{INVALID_VALUE, "an event that processes share keeps no time"};
    Event* made = make_event(current_context());
    made->keeps_time = (flags & DISABLE_TIMING) == 0;
    if ((flags & INTERPROCESS) != 0) share(*made);
    return *event = made, SUCCESS;
  });
}
API cuEventDestroy_v2(void* event) {
  return entry_in_context("cuEventDestroy_v2",
                          [&] { return destroy_event(event_of(event)), SUCCESS; });
}
API cuEventRecord(void* event, void* stream) {
  return entry_in_context("cuEventRecord",
                          [&] { return record(event_of(event), stream_of(stream)), SUCCESS; });
}
API cuEventQuery(void* event) {
  return entry_in_context("cuEventQuery",
                          [&] { return progress(event_of(event)) ? SUCCESS : NOT_READY; });
}
API cuEventSynchronize(void* event) {
  return entry_in_context("cuEventSynchronize", [&] { return finish(event_of(event)), SUCCESS; });
}
API cuEventElapsedTime(float* milliseconds, void* start, void* end) {
  return entry_in_context("cuEventElapsedTime", [&] {
    const Event &first = event_of(start), &last = event_of(end);
    if (!first.keeps_time || !last.keeps_time || first.state->recorded == 0 ||
        last.state->recorded == 0)
      throw Failure{INVALID_HANDLE, "an event was not recorded, or keeps no time"};
    if (first.state->completed < first.state->recorded ||
        last.state->completed < last.state->recorded)
      return NOT_READY;
    *milliseconds = static_cast<float>(last.reached_at_ns - first.reached_at_ns) * 1e-6f;
    return SUCCESS;
  });
}

API cuGraphGetNodes(GraphHandle* graph, void** nodes, size_t* count) {
  return entry_in_context("cuGraphGetNodes", [&] {
    if (nodes != nullptr) throw Failure{INVALID_VALUE, "nodes have no handles here"};
    return *count = graph_of(graph, false).graph->size(), SUCCESS;
  });
}
API cuGraphInstantiateWithFlags(GraphHandle** executable, GraphHandle* graph, unsigned long long) {
  return entry_in_context("cuGraphInstantiateWithFlags", [&] {
    return *executable = make_graph(graph_of(graph, false).graph, true), SUCCESS;
  });
}
API cuGraphUpload(GraphHandle* graph, void* stream) {
  return entry_in_context("cuGraphUpload", [&] {
    graph_of(graph, true);
    return stream_of(stream), SUCCESS;
  });
}
API cuGraphLaunch(GraphHandle* graph, void* stream) {
  return entry_in_context("cuGraphLaunch", [&] {
    const Graph launched = graph_of(graph, true).graph;
    enqueue(stream_of(stream), [launched] { run(launched); });
    return SUCCESS;
  });
}
API cuGraphDestroy(GraphHandle* graph) {
  return entry("cuGraphDestroy", [&] { return destroy_graph(graph, false); });
}
API cuGraphExecDestroy(GraphHandle* graph) {
  return entry("cuGraphExecDestroy", [&] { return destroy_graph(graph, true); });
}
