// Graphs: work with an order between its parts, captured from streams and run as a whole.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <vector>

namespace emulated {

struct Stream;

struct GraphNode {
  std::function<void()> run;
  std::vector<size_t> after;  // nodes that must have run
};

// What is being captured, or was.
struct Capture {
  Stream* origin = nullptr;
  std::set<Stream*> joined;  // streams that wait for an event of it
  std::vector<GraphNode> nodes;
  bool is_open = true, is_invalid = false;

  // Returns the node's index.
  size_t add(std::function<void()> run, const std::vector<size_t>& after);
};

using Graph = std::shared_ptr<const std::vector<GraphNode>>;

void begin_capture(Stream& stream);
// Ends it; throws Failure when another stream began it, or a joined stream has work that nothing of it waits for.
Graph end_capture(Stream& stream);
// Runs all nodes, in an order that the schedule chooses among those that are legal.
void run(const Graph& graph);

}  // namespace emulated
