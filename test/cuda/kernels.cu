// Kernels of the tests of cuda.js. Their threads do not wait for each other.

// c = a + b, all [n]
extern "C" __global__ void add(const float* a, const float* b, float* c, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) c[i] = a[i] + b[i];
}

// x *= by, [n]
extern "C" __global__ void scale(float* x, float by, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] = x[i] * by;
}

struct Wide {
  int values[16];
};

// One of each type of parameter, added up.
extern "C" __global__ void every_type(double* sum, int a, unsigned b, long long c, unsigned long long d, float e,
                                      double f, Wide g) {
  *sum = a + static_cast<double>(b) + c + d + e + f + g.values[0] + g.values[15];
}
