#include "backend/requests/handlers.h"
#include "backend/requests/params.h"

namespace parley::backend {
namespace {

wire::Json shard_json(const ShardStatus& shard) {
  wire::Json json = {{"shard", shard.id}, {"database", shard.database}, {"answers", shard.answers}};
  if (!shard.answers) return json;
  json["rooms"] = shard.rooms;
  json["messages"] = shard.messages;
  json["offset"] = shard.offset;
  return json;
}

}  // namespace

// Apart from server.status, which needs all of them to answer.
Outcome server_shards(const RequestContext& context) {
  Params params(context.request);
  if (auto bad = params.finish()) return std::unexpected(*bad);
  if (auto allowed = admin_only(context); !allowed) return std::unexpected(allowed.error());
  auto list = wire::Json::array();
  if (const auto& shards = context.services.stores.shards) {
    auto status = shards();
    if (!status) return refuse(context, status.error());
    for (const auto& shard : *status) list.push_back(shard_json(shard));
  }
  return wire::Json{{"shards", std::move(list)}}.dump();
}

}  // namespace parley::backend
