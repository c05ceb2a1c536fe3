// Streams and events. Work waits in its stream until something asks for it; the schedule decides which stream
// goes on (settings.h). Every order that can happen here can happen on a GPU.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "device.h"

namespace emulated {

struct Capture;

// What an event is to those who wait for it; in memory that processes share when it is an interprocess event.
struct EventState {
  uint64_t recorded = 0;   // number of records asked for
  uint64_t completed = 0;  // the newest record that was reached
};

struct Event {
  Context* context = nullptr;
  std::shared_ptr<EventState> state = std::make_shared<EventState>();
  bool keeps_time = true;
  bool is_shared = false;
  int file = -1;              // of a shared event's state
  bool is_ours = true;        // false: another process records it
  int64_t reached_at_ns = 0;  // by the monotonic clock
  // Where it was recorded while that stream was captured.
  std::shared_ptr<Capture> capture;
  std::vector<size_t> captured_tail;
};

// One thing that a stream does.
struct Work {
  std::function<void()> run;            // may throw Failure, which loses the context
  std::shared_ptr<EventState> awaited;  // held back until this event has reached `generation`
  std::shared_ptr<EventState> records;  // or: makes this event reach it
  uint64_t generation = 0;
};

struct Stream {
  Context* context = nullptr;
  bool is_blocking = false;  // waits for the default stream, and it for this one
  bool is_destroyed = false;
  std::deque<Work> queue;
  std::shared_ptr<Capture> capture;
  std::vector<size_t> tail;  // nodes of the capture that the next one follows
};

// Returns the stream of a handle; null for the default stream. Throws Failure INVALID_HANDLE.
Stream* stream_of(void* handle);
Event& event_of(void* handle);
Stream* make_stream(Context& context, bool is_blocking);
Event* make_event(Context& context);
void destroy_stream(Stream& stream);
void destroy_event(Event& event);

// Puts work into a stream, or into the graph that is captured from it; what goes into the default stream is done
// before this returns.
void enqueue(Stream* stream, std::function<void()> run);
void record(Event& event, Stream* stream);
void wait_for(Stream* stream, Event& event);

// Runs work, in the order of the schedule, until a stream is empty, an event is reached, or all of a context's
// streams are empty.
void finish(Stream& stream);
void finish(Event& event);
void finish(Context& context);
// Runs some work; returns whether the stream is empty, or the event reached.
bool progress(Stream& stream);
bool progress(Event& event);

// Drops the streams and events of a context that is destroyed.
void forget_streams(Context& context);
size_t live_streams();
size_t live_events();

}  // namespace emulated
