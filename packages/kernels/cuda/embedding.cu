// Rows of a packed table by id. Rows of a table that is not packed, and the gradient: gather_rows and
// scatter_add_rows of rows.cu.
#include "device.h"

// y [rows, width] = table [ids]; the table is packed as [entries / 32][width][32]. One block a row.
KERNEL(128, gather_packed_rows)
(const int32_t* ids, const float* table, float* y, int width, int entries, uint32_t* failure,
 uint32_t operation) {
  const long row = blockIdx.x;
  const int id = ids[row], t = static_cast<int>(threadIdx.x);
  if (id < 0 || id >= entries) {
    if (t == 0) report_bad_id(failure, operation);
    return;
  }
  const float* from = table + static_cast<long>(id / PANEL) * PANEL * width + id % PANEL;
  for (int i = t; i < width; i += 128) y[row * width + i] = from[static_cast<long>(i) * PANEL];
}
EXPORT(gather_packed_rows)
