// A libnccl.so.2 of the functions that cuda.js binds, for communicators of one rank: a reduction is a copy.
#include <cstddef>
#include <cstring>

#include "fake-stream-work.h"

#define API extern "C" __attribute__((visibility("default"))) int

namespace {

enum Result { SUCCESS = 0, INTERNAL_ERROR = 3, INVALID_ARGUMENT = 4, INVALID_USAGE = 5 };

struct UniqueId {
  char bytes[128];
};
const char ID[] = "emulated";
int groups = 0;

size_t bytes_of(int type) {
  switch (type) {
    case 0:
      return 1;
    case 2:
    case 7:
      return 4;
    case 8:
      return 8;
    case 9:
      return 2;
    default:
      return 0;
  }
}

int copy(const void* from, void* to, size_t count, int type, int* communicator, void* stream) {
  const size_t bytes = count * bytes_of(type);
  if (bytes == 0 || communicator == nullptr) return INVALID_ARGUMENT;
  return enqueue_in_driver(stream, [=] { memmove(to, from, bytes); }) ? SUCCESS : INTERNAL_ERROR;
}

}  // namespace

API ncclGetVersion(int* version) { return *version = 22'700, SUCCESS; }
extern "C" __attribute__((visibility("default"))) const char* ncclGetErrorString(int result) {
  switch (result) {
    case INVALID_ARGUMENT:
      return "invalid argument";
    case INVALID_USAGE:
      return "invalid usage";
    case INTERNAL_ERROR:
      return "internal error";
    default:
      return "no error";
  }
}
API ncclGetUniqueId(UniqueId* id) {
  *id = {};
  memcpy(id->bytes, ID, sizeof ID);
  return SUCCESS;
}
API ncclCommInitRank(int** communicator, int ranks, UniqueId id, int rank) {
  if (memcmp(id.bytes, ID, sizeof ID) != 0 || ranks != 1 || rank != 0) return INVALID_ARGUMENT;
  return *communicator = new int(rank), SUCCESS;
}
API ncclCommDestroy(int* communicator) { return delete communicator, SUCCESS; }
API ncclGroupStart() { return groups++, SUCCESS; }
API ncclGroupEnd() { return groups-- > 0 ? SUCCESS : INVALID_USAGE; }
API ncclAllReduce(const void* from, void* to, size_t count, int type, int operation,
                  int* communicator, void* stream) {
  if (operation < 0 || operation > 4) return INVALID_ARGUMENT;
  return copy(from, to, count, type, communicator, stream);
}
API ncclBroadcast(const void* from, void* to, size_t count, int type, int root, int* communicator,
                  void* stream) {
  if (root != 0) return INVALID_ARGUMENT;
  return copy(from, to, count, type, communicator, stream);
}
API ncclAllGather(const void* from, void* to, size_t count, int type, int* communicator,
                  void* stream) {
  return copy(from, to, count, type, communicator, stream);
}
