#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "backend/store/admission_store.h"
#include "backend/store/audit_store.h"
#include "backend/store/device_store.h"
#include "backend/store/directory_log.h"
#include "backend/store/erase_store.h"
#include "backend/store/mark_store.h"
#include "backend/store/message_store.h"
#include "backend/store/notify_store.h"
#include "backend/store/presence_store.h"
#include "backend/store/push_store.h"
#include "backend/store/retention_store.h"
#include "backend/store/room_store.h"
#include "backend/store/search_store.h"
#include "backend/store/shard_status.h"
#include "backend/store/unread_store.h"
#include "backend/store/user_store.h"
#include "base/dependency.h"

namespace parley::backend {

// Everything the backend keeps, over one database.
struct Stores {
  std::unique_ptr<MessageStore> messages;
  std::unique_ptr<SearchStore> search;
  std::unique_ptr<RetentionStore> retention;
  std::unique_ptr<RoomStore> rooms;
  std::unique_ptr<MarkStore> marks;
  std::unique_ptr<UnreadStore> unread;
  std::unique_ptr<UserStore> users;
  std::unique_ptr<DirectoryLog> directory;
  std::unique_ptr<AdmissionStore> admissions;
  std::unique_ptr<AuditStore> audit;
  std::unique_ptr<PresenceStore> presence;
  std::unique_ptr<DeviceStore> devices;
  std::unique_ptr<EraseStore> erasures;
  std::unique_ptr<PushStore> push;
  std::unique_ptr<NotifyStore> notify;
  std::unique_ptr<NotifyDelivery> deliveries;
  std::function<Result<std::vector<ShardStatus>>()> shards;  // null: there is but one database
  std::vector<Dependency> dependencies;  // the databases' breakers; readable as long as the stores live
};

}  // namespace parley::backend
