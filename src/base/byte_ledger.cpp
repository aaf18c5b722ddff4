#include "candor/base/byte_ledger.hpp"

namespace candor {

ByteLedger& operator+=(ByteLedger& sum, const ByteLedger& part) {
  if (sum.size && part.size)
    *sum.size += *part.size;
  else
    sum.size.reset();
  sum.position += part.position;
  sum.cached += part.cached;
  sum.hashed += part.hashed;
  sum.verified += part.verified;
  sum.kept += part.kept;
  sum.restored += part.restored;
  sum.fresh += part.fresh;
  sum.repeated += part.repeated;
  sum.wasted += part.wasted;
  sum.discarded += part.discarded;
  return sum;
}

}  // namespace candor
