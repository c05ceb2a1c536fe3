#include <cmath>
#include <cstring>
#include <stdexcept>
#include <type_traits>
#include <unordered_map>

#include "ptx.h"

namespace ptx {
namespace {

template <typename T>
T as(uint64_t bits) {
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
template <typename T>
uint64_t bits_of(T value) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  return bits;
}

template <typename Body>
void each_lane(uint32_t mask, const Body& body) {
  for (int lane = 0; lane < LANES; lane++)
    if ((mask >> lane & 1) != 0) body(lane);
}

// d = F(a), F(a, b) or F(a, b, c), in the type T; the result may have another one.
template <typename T, auto F>
void unary(Warp& warp, const Instruction& i, uint32_t mask) {
  each_lane(mask, [&](int lane) {
    warp.set(i.operands[0], lane, bits_of(F(as<T>(warp.get(i.operands[1], lane)))));
  });
}
template <typename T, auto F>
void binary(Warp& warp, const Instruction& i, uint32_t mask) {
  each_lane(mask, [&](int lane) {
    const T a = as<T>(warp.get(i.operands[1], lane)), b = as<T>(warp.get(i.operands[2], lane));
    warp.set(i.operands[0], lane, bits_of(F(a, b)));
  });
}
template <typename T, auto F>
void ternary(Warp& warp, const Instruction& i, uint32_t mask) {
  each_lane(mask, [&](int lane) {
    const T a = as<T>(warp.get(i.operands[1], lane)), b = as<T>(warp.get(i.operands[2], lane));
    const T c = as<T>(warp.get(i.operands[3], lane));
    warp.set(i.operands[0], lane, bits_of(F(a, b, c)));
  });
}
template <typename T>
void select(Warp& warp, const Instruction& i, uint32_t mask) {
  each_lane(mask, [&](int lane) {
    const bool first = (warp.get(i.operands[3], lane) & 1) != 0;
    warp.set(i.operands[0], lane, bits_of(as<T>(warp.get(i.operands[first ? 1 : 2], lane))));
  });
}
// The second factor of a shift is 32 bits wide; larger shifts leave nothing, or the sign.
template <typename T, bool LEFT>
void shift(Warp& warp, const Instruction& i, uint32_t mask) {
  constexpr uint32_t WIDTH = sizeof(T) * 8;
  each_lane(mask, [&](int lane) {
    const T x = as<T>(warp.get(i.operands[1], lane));
    const auto by = static_cast<uint32_t>(warp.get(i.operands[2], lane));
    T result;
    if (by >= WIDTH)
      result = LEFT || x >= 0 ? T(0) : T(-1);
    else
      result = LEFT ? static_cast<T>(static_cast<std::make_unsigned_t<T>>(x) << by)
                    : static_cast<T>(x >> by);
    warp.set(i.operands[0], lane, bits_of(result));
  });
}

// ld and st of one to four numbers of type T.
template <typename T, int COUNT, bool SHARED>
unsigned char* address_of(Warp& warp, const Instruction& i, int operand, int lane) {
  const uint64_t base = warp.get(i.operands[operand], lane) + static_cast<uint64_t>(i.offset);
  constexpr size_t BYTES = sizeof(T) * COUNT;
  return SHARED ? warp.block->at_shared(static_cast<uint32_t>(base), BYTES)
                : warp.block->at_global(base, BYTES);
}
template <typename T, int COUNT, bool SHARED>
void load(Warp& warp, const Instruction& i, uint32_t mask) {
  each_lane(mask, [&](int lane) {
    T values[COUNT];
    std::memcpy(values, address_of<T, COUNT, SHARED>(warp, i, COUNT, lane), sizeof values);
    for (int n = 0; n < COUNT; n++) warp.set(i.operands[n], lane, bits_of(values[n]));
  });
}
template <typename T, int COUNT, bool SHARED>
void store(Warp& warp, const Instruction& i, uint32_t mask) {
  each_lane(mask, [&](int lane) {
    T values[COUNT];
    for (int n = 0; n < COUNT; n++) values[n] = as<T>(warp.get(i.operands[n + 1], lane));
    std::memcpy(address_of<T, COUNT, SHARED>(warp, i, 0, lane), values, sizeof values);
  });
}
// ptx-run.cpp has put the argument into the second operand.
template <typename T>
void load_parameter(Warp& warp, const Instruction& i, uint32_t mask) {
  each_lane(mask,
            [&](int lane) { warp.set(i.operands[0], lane, bits_of(as<T>(i.operands[1].value))); });
}
void atomic_min(Warp& warp, const Instruction& i, uint32_t mask) {
  each_lane(mask, [&](int lane) {
    unsigned char* at = address_of<uint32_t, 1, false>(warp, i, 1, lane);
    uint32_t old;
    std::memcpy(&old, at, sizeof old);
    const auto value = static_cast<uint32_t>(warp.get(i.operands[2], lane));
    if (value < old) std::memcpy(at, &value, sizeof value);
    warp.set(i.operands[0], lane, old);
  });
}

void require_whole(const Warp& warp, uint32_t mask, uint64_t wanted) {
  if (static_cast<uint32_t>(wanted) != ~0U || mask != ~0U || warp.waiting != 0)
    throw std::runtime_error("lanes of a warp are not together at a warp instruction");
}
// shfl.sync: value, operand, clamp and segment mask, lanes.
template <bool DOWN>
void shuffle(Warp& warp, const Instruction& i, uint32_t mask) {
  require_whole(warp, mask, warp.get(i.operands[4], 0));
  uint64_t values[LANES];
  for (int lane = 0; lane < LANES; lane++) values[lane] = warp.get(i.operands[1], lane);
  for (int lane = 0; lane < LANES; lane++) {
    const int by = static_cast<int>(warp.get(i.operands[2], lane) & 31);
    const int clamp = static_cast<int>(warp.get(i.operands[3], lane));
    const int segment = clamp >> 8 & 31;
    const int last = (lane & segment) | (clamp & 31 & ~segment);
    const int from = DOWN ? lane + by : (lane & segment) | (by & ~segment);
    warp.set(i.operands[0], lane, static_cast<uint32_t>(values[from <= last ? from : lane]));
  }
}
void vote_any(Warp& warp, const Instruction& i, uint32_t mask) {
  require_whole(warp, mask, warp.get(i.operands[2], 0));
  uint64_t any = 0;
  for (int lane = 0; lane < LANES; lane++) any |= warp.get(i.operands[1], lane) & 1;
  for (int lane = 0; lane < LANES; lane++) warp.set(i.operands[0], lane, any);
}
void warp_barrier(Warp& warp, const Instruction& i, uint32_t mask) {
  require_whole(warp, mask, warp.get(i.operands[0], 0));
}

// cp.async: to, from, bytes of the copy, bytes that are read; the rest becomes 0.
template <int BYTES>
void begin_copy(Warp& warp, const Instruction& i, uint32_t mask) {
  each_lane(mask, [&](int lane) {
    const int copied = i.count > 3 ? static_cast<int>(warp.get(i.operands[3], lane)) : BYTES;
    const uint64_t to = static_cast<uint32_t>(warp.get(i.operands[0], lane));
    warp.copies[lane].push_back({to, warp.get(i.operands[1], lane), BYTES, copied});
  });
}
void end_copy_group(Warp& warp, const Instruction&, uint32_t mask) {
  each_lane(mask, [&](int lane) { warp.groups[lane].push_back(warp.copies[lane].size()); });
}
void wait_copies(Warp& warp, const Instruction& i, uint32_t mask) {
  each_lane(mask, [&](int lane) {
    auto& groups = warp.groups[lane];
    auto& copies = warp.copies[lane];
    const size_t pending = static_cast<size_t>(i.operands[0].value);
    if (groups.size() <= pending) return;
    const size_t done = groups.size() - pending, count = groups[done - 1];
    for (size_t n = 0; n < count; n++) {
      const Copy& copy = copies[n];
      const auto bytes = static_cast<size_t>(copy.bytes), copied = static_cast<size_t>(copy.copied);
      unsigned char* to = warp.block->at_shared(copy.to, bytes);
      std::memset(to, 0, bytes);
      if (copied > 0) std::memcpy(to, warp.block->at_global(copy.from, bytes), copied);
    }
    copies.erase(copies.begin(), copies.begin() + static_cast<long>(count));
    groups.erase(groups.begin(), groups.begin() + static_cast<long>(done));
    for (size_t& end : groups) end -= count;
  });
}
template <typename T>
void insert_bits(Warp& warp, const Instruction& i, uint32_t mask) {
  each_lane(mask, [&](int lane) {
    const T a = as<T>(warp.get(i.operands[1], lane)), b = as<T>(warp.get(i.operands[2], lane));
    const auto at = static_cast<uint32_t>(warp.get(i.operands[3], lane) & 0xff);
    const auto length = static_cast<uint32_t>(warp.get(i.operands[4], lane) & 0xff);
    const T ones = length >= sizeof(T) * 8 ? ~T(0) : (T(1) << length) - 1;
    const T where = at >= sizeof(T) * 8 ? T(0) : ones << at;
    const T moved = at >= sizeof(T) * 8 ? T(0) : a << at;
    warp.set(i.operands[0], lane, bits_of(static_cast<T>((moved & where) | (b & ~where))));
  });
}

template <typename T>
T larger_of(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a)) return b;
    if (std::isnan(b)) return a;
    if (a == b) return std::signbit(a) ? b : a;
  }
  return a > b ? a : b;
}
template <typename T>
T smaller_of(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a)) return b;
    if (std::isnan(b)) return a;
    if (a == b) return std::signbit(a) ? a : b;
  }
  return a < b ? a : b;
}
// Towards zero, to the nearest end of the range, 0 for NaN.
int32_t truncated(float x) {
  if (std::isnan(x)) return 0;
  if (x >= 2147483648.0F) return INT32_MAX;
  return x < -2147483648.0F ? INT32_MIN : static_cast<int32_t>(x);
}
template <typename T>
uint64_t truncated_to_u64(T x) {
  if (!(x > 0)) return 0;
  return x >= T(18446744073709551616.0) ? UINT64_MAX : static_cast<uint64_t>(x);
}

using Table = std::unordered_map<std::string, Handler>;

#define IN(T, expression) [](T a, T b) { return (expression); }

template <typename T>
void add_comparisons(Table& t, const std::string& type) {
  t["setp.eq." + type] = binary<T, IN(T, a == b)>;
  t["setp.ne." + type] = binary<T, IN(T, a != b)>;
  t["setp.lt." + type] = binary<T, IN(T, a < b)>;
  t["setp.le." + type] = binary<T, IN(T, a <= b)>;
  t["setp.gt." + type] = binary<T, IN(T, a > b)>;
  t["setp.ge." + type] = binary<T, IN(T, a >= b)>;
  if constexpr (std::is_floating_point_v<T>) {
    t["setp.ne." + type] = binary<T, IN(T, a < b || a > b)>;
    t["setp.neu." + type] = binary<T, IN(T, a != b)>;
    t["setp.equ." + type] = binary<T, IN(T, !(a < b || a > b))>;
    t["setp.ltu." + type] = binary<T, IN(T, !(a >= b))>;
    t["setp.leu." + type] = binary<T, IN(T, !(a > b))>;
    t["setp.gtu." + type] = binary<T, IN(T, !(a <= b))>;
    t["setp.geu." + type] = binary<T, IN(T, !(a < b))>;
    t["setp.nan." + type] = binary<T, IN(T, std::isnan(a) || std::isnan(b))>;
    t["setp.num." + type] = binary<T, IN(T, !std::isnan(a) && !std::isnan(b))>;
  }
  t["min." + type] = binary<T, smaller_of<T>>;
  t["max." + type] = binary<T, larger_of<T>>;
}

// Integer arithmetic wraps around, so it is done without signs where that makes no difference.
template <typename T>
void add_integers(Table& t, const std::string& type) {
  using U = std::make_unsigned_t<T>;
  t["add." + type] = binary<U, IN(U, static_cast<U>(a + b))>;
  t["sub." + type] = binary<U, IN(U, static_cast<U>(a - b))>;
  t["mul.lo." + type] = binary<U, IN(U, static_cast<U>(a * b))>;
  t["mad.lo." + type] = ternary<U, [](U a, U b, U c) { return static_cast<U>(a * b + c); }>;
  t["neg." + type] = unary<U, [](U a) { return static_cast<U>(0 - a); }>;
  t["div." + type] = binary<T, IN(T, b == 0 ? T(-1) : static_cast<T>(a / b))>;
  t["rem." + type] = binary<T, IN(T, b == 0 ? a : static_cast<T>(a % b))>;
  t["shr." + type] = shift<T, false>;
  add_comparisons<T>(t, type);
}
template <typename T>
void add_floats(Table& t, const std::string& type) {
  t["add.rn." + type] = binary<T, IN(T, a + b)>;
  t["sub.rn." + type] = binary<T, IN(T, a - b)>;
  t["mul.rn." + type] = binary<T, IN(T, a * b)>;
  t["div.rn." + type] = binary<T, IN(T, a / b)>;
  t["fma.rn." + type] = ternary<T, [](T a, T b, T c) { return std::fma(a, b, c); }>;
  t["sqrt.rn." + type] = unary<T, [](T a) { return std::sqrt(a); }>;
  t["neg." + type] = unary<T, [](T a) { return -a; }>;
  t["abs." + type] = unary<T, [](T a) { return std::fabs(a); }>;
  add_comparisons<T>(t, type);
}
template <typename T>
void add_bits(Table& t, const std::string& type) {
  t["and." + type] = binary<T, IN(T, static_cast<T>(a & b))>;
  t["or." + type] = binary<T, IN(T, static_cast<T>(a | b))>;
  t["xor." + type] = binary<T, IN(T, static_cast<T>(a ^ b))>;
  t["not." + type] = unary<T, [](T a) { return static_cast<T>(~a); }>;
  t["shl." + type] = shift<T, true>;
  t["setp.eq." + type] = binary<T, IN(T, a == b)>;
  t["setp.ne." + type] = binary<T, IN(T, a != b)>;
}
template <typename T, bool SHARED>
void add_accesses(Table& t, const std::string& space, const std::string& type) {
  t["ld." + space + type] = load<T, 1, SHARED>;
  t["st." + space + type] = store<T, 1, SHARED>;
  t["ld." + space + "v2." + type] = load<T, 2, SHARED>;
  t["st." + space + "v2." + type] = store<T, 2, SHARED>;
  t["ld." + space + "v4." + type] = load<T, 4, SHARED>;
  t["st." + space + "v4." + type] = store<T, 4, SHARED>;
}
template <typename T>
void add_moves(Table& t, const std::string& type) {
  t["mov." + type] = unary<T, [](T a) { return a; }>;
  t["selp." + type] = select<T>;
  t["ld.param." + type] = load_parameter<T>;
  t["ld.global.nc." + type] = load<T, 1, false>;
  add_accesses<T, false>(t, "global.", type);
  add_accesses<T, true>(t, "shared.", type);
}
template <typename TO, typename FROM>
void add_conversion(Table& t, const std::string& types) {
  t["cvt." + types] = unary<FROM, [](FROM a) { return static_cast<TO>(a); }>;
}

Table make_table() {
  Table t;
  add_integers<int32_t>(t, "s32");
  add_integers<uint32_t>(t, "u32");
  add_integers<int64_t>(t, "s64");
  add_integers<uint64_t>(t, "u64");
  add_integers<int16_t>(t, "s16");
  add_integers<uint16_t>(t, "u16");
  add_floats<float>(t, "f32");
  add_floats<double>(t, "f64");
  add_bits<uint16_t>(t, "b16");
  add_bits<uint32_t>(t, "b32");
  add_bits<uint64_t>(t, "b64");
  add_bits<uint8_t>(t, "pred");
  for (const char* type : {"b16", "u16", "s16"}) add_moves<uint16_t>(t, type);
  for (const char* type : {"b32", "u32", "s32", "f32"}) add_moves<uint32_t>(t, type);
  for (const char* type : {"b64", "u64", "s64", "f64"}) add_moves<uint64_t>(t, type);
  add_moves<uint8_t>(t, "pred");
  t["cvta.to.global.u64"] = t["cvta.to.shared.u64"] = t["mov.u64"];
  t["mul.wide.s32"] = binary<int32_t, IN(int32_t, int64_t{a} * b)>;
  t["mul.wide.u32"] = binary<uint32_t, IN(uint32_t, uint64_t{a} * b)>;
  t["mul.hi.s32"] = binary<int32_t, IN(int32_t, static_cast<int32_t>((int64_t{a} * b) >> 32))>;
  t["mul.hi.u32"] = binary<uint32_t, IN(uint32_t, static_cast<uint32_t>((uint64_t{a} * b) >> 32))>;
  add_conversion<int64_t, int32_t>(t, "s64.s32");
  add_conversion<uint64_t, uint32_t>(t, "u64.u32");
  add_conversion<uint32_t, uint64_t>(t, "u32.u64");
  add_conversion<uint32_t, uint64_t>(t, "s32.s64");
  add_conversion<uint32_t, uint16_t>(t, "u32.u16");
  add_conversion<int32_t, int16_t>(t, "s32.s16");
  add_conversion<uint16_t, uint32_t>(t, "u16.u32");
  add_conversion<double, float>(t, "f64.f32");
  add_conversion<float, double>(t, "rn.f32.f64");
  add_conversion<double, uint32_t>(t, "rn.f64.u32");
  add_conversion<double, int32_t>(t, "rn.f64.s32");
  add_conversion<float, int32_t>(t, "rn.f32.s32");
  add_conversion<float, uint32_t>(t, "rn.f32.u32");
  add_conversion<double, uint64_t>(t, "rn.f64.u64");
  t["cvt.rzi.s32.f32"] = unary<float, truncated>;
  t["cvt.rzi.u64.f32"] = unary<float, truncated_to_u64<float>>;
  t["cvt.rzi.u64.f64"] = unary<double, truncated_to_u64<double>>;
  t["cvt.rni.f32.f32"] = unary<float, [](float a) { return std::nearbyint(a); }>;
  t["bfi.b32"] = insert_bits<uint32_t>;
  t["bfi.b64"] = insert_bits<uint64_t>;
  t["atom.global.min.u32"] = atomic_min;
  t["shfl.sync.down.b32"] = shuffle<true>;
  t["shfl.sync.idx.b32"] = shuffle<false>;
  t["vote.sync.any.pred"] = vote_any;
  t["bar.warp.sync"] = warp_barrier;
  t["cp.async.ca.shared.global"] = begin_copy<4>;
  t["cp.async.cg.shared.global"] = begin_copy<16>;
  t["cp.async.commit_group"] = end_copy_group;
  t["cp.async.wait_group"] = wait_copies;
  return t;
}

}  // namespace

Handler handler_of(const std::string& opcode) {
  static const Table table = make_table();
  const auto found = table.find(opcode);
  return found == table.end() ? nullptr : found->second;
}

}  // namespace ptx
