#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tools/parleyctl/requests.h"

namespace parley::ctl {

// Waits between tries of a batch the server could not take just now; false when it should give up.
using ImportWait = std::function<bool(int tries)>;

// Entries on their way into a room by the backend's `append`, as many at a time as a request holds. A batch whose answer was lost is sent
// again: the refs keep its entries single. Not thread-safe.
class AppendBatch {
 public:
  // What the room numbered, in the order of add(); called after each batch. A failure it gives ends the import.
  using Taken = std::function<Outcome<>(const std::vector<std::uint64_t>& seqs)>;

  AppendBatch(Requests& requests, std::string room, ImportWait wait, Taken taken)
      : requests_(requests), room_(std::move(room)), wait_(std::move(wait)), taken_(std::move(taken)) {}

  // {"from","type","ref","sent_at","content"}. Sends what waits first when there is no room for one more.
  Outcome<> add(Json entry);
  Outcome<> flush();
  std::size_t waiting() const { return entries_.size(); }

 private:
  Outcome<std::vector<std::uint64_t>> send();

  Requests& requests_;
  const std::string room_;
  const ImportWait wait_;
  const Taken taken_;
  Json entries_ = Json::array();
  std::size_t bytes_ = 0;
};

}  // namespace parley::ctl
