#include "backend/store/sqlite_stores.h"

#include "backend/store/sqlite_admission_store.h"
#include "backend/store/sqlite_audit_store.h"
#include "backend/store/sqlite_database.h"
#include "backend/store/sqlite_device_store.h"
#include "backend/store/sqlite_directory_log.h"
#include "backend/store/sqlite_erase_store.h"
#include "backend/store/sqlite_mark_store.h"
#include "backend/store/sqlite_message_store.h"
#include "backend/store/sqlite_notify_delivery.h"
#include "backend/store/sqlite_notify_store.h"
#include "backend/store/sqlite_presence_store.h"
#include "backend/store/sqlite_push_store.h"
#include "backend/store/sqlite_retention.h"
#include "backend/store/sqlite_room_store.h"
#include "backend/store/sqlite_search.h"
#include "backend/store/sqlite_unread_store.h"
#include "backend/store/sqlite_user_store.h"

namespace parley::backend {

Result<Stores> open_sqlite_stores(const std::filesystem::path& path, const SqliteOptions& options,
                                  const Clock& clock) {
  auto database = SqliteDatabase::open(path, options, clock);
  if (!database) return std::unexpected(database.error());
  auto work = sqlite_search_work(*database);
  Stores stores;
  stores.messages = std::make_unique<SqliteMessageStore>(*database, work);
  stores.search = std::make_unique<SqliteSearchStore>(*database, work);
  stores.rooms = std::make_unique<SqliteRoomStore>(*database, options.directory_steps_kept, clock);
  stores.marks = std::make_unique<SqliteMarkStore>(*database);
  stores.unread = std::make_unique<SqliteUnreadStore>(*database);
  stores.retention = std::make_unique<SqliteRetentionStore>(*database, clock);
  stores.users = std::make_unique<SqliteUserStore>(*database, options.directory_steps_kept, clock);
  stores.directory = std::make_unique<SqliteDirectoryLog>(*database);
  stores.admissions = std::make_unique<SqliteAdmissionStore>(*database, clock);
  stores.audit = std::make_unique<SqliteAuditStore>(*database, clock);
  stores.devices = std::make_unique<SqliteDeviceStore>(*database, options.directory_steps_kept);
  stores.erasures = std::make_unique<SqliteEraseStore>(*database, options.directory_steps_kept, clock);
  stores.presence = std::make_unique<SqlitePresenceStore>(*database);
  stores.push = std::make_unique<SqlitePushStore>(*database, clock);
  stores.notify = std::make_unique<SqliteNotifyStore>(*database);
  stores.deliveries = std::make_unique<SqliteNotifyDelivery>(*database);
  stores.dependencies = {{"store", [database = *database] { return database->breaker(); }}};
  return stores;
}

}  // namespace parley::backend
