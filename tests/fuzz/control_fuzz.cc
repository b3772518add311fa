// Whatever a stranger could put into $CONTROL, the Directory's file, the feed or the journal is refused or
// understood, never more: nothing is read outside of it, and what is understood is written as it was read.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "wire/control.h"
#include "wire/feed.h"
#include "wire/record.h"

using namespace parley;
using namespace parley::wire;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void try_command(std::string_view bytes) {
  const Result<Command> command = parse_command(bytes);
  if (!command) return require(!command.error().message.empty());
  const std::string text = format_command(*command);
  const Result<Command> again = parse_command(text);
  require(again && again->body.index() == command->body.index() && format_command(*again) == text);
}

void try_event(std::string_view bytes) {
  const Result<Event> event = parse_event(bytes);
  if (!event) return;
  const Result<Event> again = parse_event(format_event(*event));
  require(again && format_event(*again) == format_event(*event));
}

void try_changes(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::string_view before = bytes;
    const Result<DirectoryChange> change = read_change(bytes);
    if (!change) return require(bytes.size() == before.size());
    std::string written;
    append_change(written, *change);
    require(written == before.substr(0, before.size() - bytes.size()));
  }
}

void try_records(std::string_view bytes) {
  for (std::size_t size = 0; const Result<Record> record = read_record(bytes, size);) {
    require(record_size(*record) == size);
    std::string written(size, '\0');
    write_record(*record, written.data());
    require(written == bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
}

void try_batch(std::string_view bytes) {
  const Result<FeedBatch> batch = parse_feed_batch(bytes);
  if (!batch) return;
  std::string written;
  append_feed_batch(written, *batch);
  require(written == bytes);
  try_records(batch->records);
}

// A record of the fuzzer's own making, then one with a byte changed: checksums are not guessed by chance.
void try_made_record(std::string_view bytes) {
  const auto take = [&bytes](std::size_t size) {
    const std::string_view part = bytes.substr(0, size);
    bytes.remove_prefix(part.size());
    return part;
  };
  if (bytes.size() < 16) return;
  Record r;
  r.seq = static_cast<unsigned char>(bytes[0]);
  r.ref_hash = ref_hash(r.seq, take(4), take(4), false);
  r.room = take(static_cast<unsigned char>(bytes[0]) % 8);
  r.from = take(3);
  r.type = take(2);
  r.envelope = bytes;
  std::string written(record_size(r), '\0');
  write_record(r, written.data());
  try_records(written);
  const std::size_t place = r.ref_hash[0] % written.size();
  written[place] = static_cast<char>(written[place] ^ (1 << (r.ref_hash[1] % 8)));
  std::size_t size = 0;
  require(!read_record(written, size) && size == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try_command(bytes);
  try_event(bytes);
  try_changes(bytes);
  try_records(bytes);
  try_batch(bytes);
  try_made_record(bytes);
  return 0;
}
