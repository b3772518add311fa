#pragma once
#include <cstddef>
#include <string_view>

#include "wire/record.h"

namespace parley::plugin {

struct ScanEnd {
  std::size_t at = 0;  // behind the last sound record
  bool clean = true;   // zeros (or nothing) begin there; else bytes that are no record
};

// Reads records from the front of `area` until one is missing or unsound. visit(const wire::Record&) for
// each.
template <class Visit>
ScanEnd scan_records(std::string_view area, Visit visit) {
  ScanEnd end;
  for (;;) {
    std::size_t size = 0;
    const Result<wire::Record> record = wire::read_record(area.substr(end.at), size);
    if (!record) {
      end.clean = record.error().code == Errc::not_found;
      return end;
    }
    visit(*record);
    end.at += size;
  }
}

// Is there a sound record anywhere in `area` behind `from`? Then what stands at `from` is damage and not a
// torn end. A client can't fake one: what it writes holds no zero bytes. Checks at most 1 GiB worth of
// checksums, then says yes.
bool record_follows(std::string_view area, std::size_t from);

// The whole size of the record at the front of `bytes`, by its length alone; 0 when none can be there.
std::size_t record_extent(std::string_view bytes);

}  // namespace parley::plugin
