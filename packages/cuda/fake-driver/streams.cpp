#include "streams.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <list>
#include <map>

#include "graphs.h"
#include "settings.h"

namespace emulated {
namespace {

constexpr uint64_t AS_LATE_AS_POSSIBLE = 0, AT_ONCE = 1;
// How long an event of another process may take.
constexpr int MOST_POLLS = 100'000, POLL_US = 100;

struct Streams {
  std::map<Stream*, std::unique_ptr<Stream>> all;
  std::map<Event*, std::unique_ptr<Event>> events;
  uint64_t random = 0, seed = 0;
};

Streams& streams() {
  static auto* made = new Streams();
  return *made;
}

// SplitMix64, begun anew when the seed changes.
uint64_t draw() {
  Streams& s = streams();
  if (s.seed != settings().schedule) s.random = s.seed = settings().schedule;
  uint64_t x = s.random += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

bool is_held_back(const Stream& stream) {
  if (stream.queue.empty()) return true;
  const Work& next = stream.queue.front();
  return next.awaited != nullptr && next.awaited->completed < next.generation;
}

// Takes the next work of a stream and does it. The context is lost when it fails.
void run_one(Stream& stream) {
  const Work work = std::move(stream.queue.front());
  stream.queue.pop_front();
  Context& context = *stream.context;
  if (work.run && context.lost == SUCCESS) {
    try {
      work.run();
    } catch (const Failure& failure) {
      context.lost = failure.status;
      context.why_lost = failure.why;
    }
  }
  if (work.records != nullptr)
    work.records->completed = std::max(work.records->completed, work.generation);
}

// Returns the stream in which the record waits that a stream is held back by; null when another process makes it.
Stream* recorder_of(const Work& held) {
  for (const auto& [stream, owned] : streams().all)
    for (const Work& work : stream->queue)
      if (work.records == held.awaited && work.generation >= held.generation) return stream;
  return nullptr;
}

// Returns a stream that can go on: one that `wanted` needs, or any, by the schedule. Null: none can.
Stream* choose(Stream& wanted) {
  if (settings().schedule == AS_LATE_AS_POSSIBLE || settings().schedule == AT_ONCE) {
    Stream* stream = &wanted;
    while (stream != nullptr && !stream->queue.empty() && is_held_back(*stream))
      stream = recorder_of(stream->queue.front());
    return stream == nullptr || stream->queue.empty() ? nullptr : stream;
  }
  std::vector<Stream*> able;
  for (const auto& [stream, owned] : streams().all)
    if (!is_held_back(*stream)) able.push_back(stream);
  return able.empty() ? nullptr : able[draw() % able.size()];
}

void drop_finished() {
  auto& all = streams().all;
  for (auto next = all.begin(); next != all.end();)
    next = next->second->is_destroyed && next->second->queue.empty() ? all.erase(next) : ++next;
}

// Runs work until `is_done`, of which `wanted` is needed.
void run_until(Stream& wanted, const std::function<bool()>& is_done) {
  for (int polls = 0; !is_done();) {
    Stream* able = choose(wanted);
    if (able != nullptr) {
      run_one(*able);
      continue;
    }
    if (++polls > MOST_POLLS)
      throw Failure{LAUNCH_FAILED, "the event of another process was not reached in 10 s"};
    usleep(POLL_US);
  }
  drop_finished();
}

// Does as much as the schedule likes to after something was put into a stream.
void work_ahead(Stream& stream) {
  const uint64_t schedule = settings().schedule;
  if (schedule == AT_ONCE) {
    while (!is_held_back(stream)) run_one(stream);
  } else if (schedule != AS_LATE_AS_POSSIBLE && draw() % 4 == 0) {
    Stream* able = choose(stream);
    if (able != nullptr) run_one(*able);
  }
}

void push(Stream& stream, Work work) {
  stream.queue.push_back(std::move(work));
  work_ahead(stream);
}

// Work of the default stream comes behind that of the streams that wait for it.
void finish_blocking() {
  Context& context = current_context();
  std::vector<Stream*> blocking;
  for (const auto& [stream, owned] : streams().all)
    if (stream->context == &context && stream->is_blocking) blocking.push_back(stream);
  for (Stream* stream : blocking) finish(*stream);
}

int64_t now_ns() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}

// The stream in which an event's newest record waits; null when it was reached or another process makes it.
Stream* recorder_of(const Event& event) {
  if (event.state->completed >= event.state->recorded) return nullptr;
  Work newest;
  newest.awaited = event.state;
  newest.generation = event.state->recorded;
  return recorder_of(newest);
}

bool is_reached(const Event& event) { return event.state->completed >= event.state->recorded; }

void must_not_be_captured(const Stream& stream) {
  if (stream.capture == nullptr) return;
  stream.capture->is_invalid = true;
  throw Failure{STREAM_CAPTURE_UNSUPPORTED, "the stream is being captured"};
}

}  // namespace

Stream* stream_of(void* handle) {
  if (handle == nullptr) return nullptr;
  const auto found = streams().all.find(static_cast<Stream*>(handle));
  if (found != streams().all.end() && !found->second->is_destroyed) return found->first;
  throw Failure{INVALID_HANDLE, "this is no stream, or it was destroyed"};
}

Event& event_of(void* handle) {
  const auto found = streams().events.find(static_cast<Event*>(handle));
  if (found != streams().events.end()) return *found->second;
  throw Failure{INVALID_HANDLE, "this is no event, or it was destroyed"};
}

Stream* make_stream(Context& context, bool is_blocking) {
  auto made = std::make_unique<Stream>();
  made->context = &context;
  made->is_blocking = is_blocking;
  Stream* stream = made.get();
  streams().all[stream] = std::move(made);
  return stream;
}

Event* make_event(Context& context) {
  auto made = std::make_unique<Event>();
  made->context = &context;
  Event* event = made.get();
  streams().events[event] = std::move(made);
  return event;
}

void destroy_stream(Stream& stream) {
  must_not_be_captured(stream);
  stream.is_destroyed = true;
  drop_finished();
}

void destroy_event(Event& event) {
  if (event.file >= 0) close(event.file);
  streams().events.erase(&event);
}

void enqueue(Stream* stream, std::function<void()> run) {
  if (stream == nullptr) {
    finish_blocking();
    run();
    return;
  }
  if (stream->capture != nullptr) {
    stream->tail = {stream->capture->add(std::move(run), stream->tail)};
    return;
  }
  Work work;
  work.run = std::move(run);
  push(*stream, std::move(work));
}

void record(Event& event, Stream* stream) {
  if (stream == nullptr) {
    finish_blocking();
    event.state->completed = ++event.state->recorded;
    event.reached_at_ns = now_ns();
    return;
  }
  if (stream->capture != nullptr) {
    event.capture = stream->capture;
    event.captured_tail = stream->tail;
    return;
  }
  event.capture = nullptr;
  Work work;
  work.records = event.state;
  work.generation = ++event.state->recorded;
  Event* at = &event;
  work.run = [at] {
    if (streams().events.count(at) == 1) at->reached_at_ns = now_ns();
  };
  push(*stream, std::move(work));
  // Another process cannot ask this one to go on.
  if (event.is_shared) finish(event);
}

void wait_for(Stream* stream, Event& event) {
  if (event.capture != nullptr && event.capture->is_open) {
    if (stream == nullptr) throw Failure{STREAM_CAPTURE_UNSUPPORTED, "the default stream"};
    if (stream->capture != nullptr && stream->capture != event.capture)
      throw Failure{STREAM_CAPTURE_INVALIDATED, "the stream is captured into another graph"};
    if (stream->capture == nullptr) stream->tail.clear();
    stream->capture = event.capture;
    for (const size_t node : event.captured_tail) stream->tail.push_back(node);
    stream->capture->joined.insert(stream);
    return;
  }
  if (stream == nullptr) {
    finish(event);
    return;
  }
  must_not_be_captured(*stream);
  if (event.state->recorded == 0) return;
  Work work;
  work.awaited = event.state;
  work.generation = event.state->recorded;
  push(*stream, std::move(work));
}

void finish(Stream& stream) {
  must_not_be_captured(stream);
  run_until(stream, [&] { return stream.queue.empty(); });
}

void finish(Event& event) {
  if (event.capture != nullptr && event.capture->is_open)
    throw Failure{CAPTURED_EVENT, "the event was recorded in a stream that is being captured"};
  while (!is_reached(event)) {
    Stream* recorder = recorder_of(event);
    if (recorder != nullptr)
      run_until(*recorder, [&] { return is_reached(event); });
    else
      usleep(POLL_US);
  }
}

void finish(Context& context) {
  for (;;) {
    Stream* busy = nullptr;
    for (const auto& [stream, owned] : streams().all)
      if (stream->context == &context && !stream->queue.empty()) busy = stream;
    if (busy == nullptr) return;
    run_until(*busy, [&] { return streams().all.count(busy) == 0 || busy->queue.empty(); });
  }
}

bool progress(Stream& stream) {
  must_not_be_captured(stream);
  if (stream.queue.empty()) return true;
  Stream* able = choose(stream);
  if (able != nullptr) run_one(*able);
  drop_finished();
  return stream.queue.empty();
}

bool progress(Event& event) {
  Stream* recorder = recorder_of(event);
  if (recorder != nullptr) progress(*recorder);
  return is_reached(event);
}

void forget_streams(Context& context) {
  auto& all = streams().all;
  for (auto next = all.begin(); next != all.end();)
    next = next->second->context == &context ? all.erase(next) : ++next;
  std::vector<Event*> left;
  for (const auto& [event, owned] : streams().events)
    if (event->context == &context) left.push_back(event);
  for (Event* event : left) destroy_event(*event);
}

size_t live_streams() { return streams().all.size(); }
size_t live_events() { return streams().events.size(); }

}  // namespace emulated
