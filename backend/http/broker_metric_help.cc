#include "backend/http/broker_metric_help.h"

#include <algorithm>
#include <array>
#include <utility>

namespace parley::backend {
namespace {

// In byte order of the names.
constexpr auto kHelp = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"appended", "Entries of the backend that were numbered: joins, leaves, imports."},
    {"bans_client", "Client ids banned."},
    {"bans_network", "Addresses and networks banned."},
    {"bans_user", "Users banned."},
    {"client_ids", "Client ids that belong to somebody, connected or asleep."},
    {"client_ids_flapping", "Client ids that came and went too often, and were banned for a while."},
    {"client_ids_given_up", "Client ids taken from a sleeping session because its user has too many."},
    {"connects_banned", "Connects refused because of a ban."},
    {"connects_rate_limited", "Connects refused because their address connects too often."},
    {"data_dir_free_bytes", "Free space where the plugin's data_dir lies."},
    {"data_dir_size_bytes", "Size of the file system where the plugin's data_dir lies."},
    {"deliveries", "Messages of rooms handed to a reader's queue."},
    {"directory_bytes", "Memory of the Directory: users, rooms, memberships."},
    {"directory_changes", "Changes of users, rooms and memberships the plugin took over."},
    {"directory_version", "Version of the Directory the plugin enforces."},
    {"drain_left", "Clients still to be moved off."},
    {"draining", "1 while clients are moved off (server.drain)."},
    {"duplicates", "Messages not taken because their ref was known: retries."},
    {"events_dropped", "Events for the backend dropped because too many waited; it asks for the whole then."},
    {"exceptions", "Callbacks that ended with an exception, and denied. A bug: look into the broker's log."},
    {"feed_acks_refused", "Acknowledgements of an older or wrong backend."},
    {"feed_batches", "Batches of messages sent to the backend, repeats included."},
    {"feed_in_flight", "Batches on their way to the backend."},
    {"feed_lag_bytes", "Bytes of messages accepted and not stored yet."},
    {"feed_resends", "Times everything on its way to the backend was sent again."},
    {"floods_ended", "Users put out for a while because they sent on and on above their rate."},
    {"journal_age_seconds", "Age of the oldest message that is not stored yet; 0: all are."},
    {"journal_backlog_bytes", "Bytes of the journal that are not stored yet."},
    {"journal_max_bytes", "Bytes not stored at which new messages are refused (journal_max_bytes)."},
    {"journal_refs", "Refs remembered, by which retries are known."},
    {"journal_refs_max", "Refs remembered at most (ref_max)."},
    {"journal_segments", "Files of the journal that hold messages."},
    {"kicks", "Sessions ended by the plugin: removals, revoked tokens, ends of JWTs, kicks."},
    {"logins", "Logins accepted, the backend's included."},
    {"logins_busy", "Logins not looked at because too many passwords were being checked."},
    {"logins_denied", "Logins denied."},
    {"logins_drained", "Logins refused because clients are being moved off (server.drain)."},
    {"logins_failed", "Logins with a wrong password, token or JWT."},
    {"logins_slowed", "Logins not looked at because of failures before: of their user or address."},
    {"messages", "Messages accepted: numbered, in the journal."},
    {"notices_dropped", "Refusals whose sender was not told, being refused too often."},
    {"process_max_fds", "File descriptors the broker may open at most; each session takes one."},
    {"process_resident_memory_bytes", "Resident memory of the broker."},
    {"reads_denied",
     "Deliveries denied: what was queued or retained for somebody who may no longer read it."},
    {"refs_evicted", "Refs forgotten before their time because of ref_max."},
    {"requests", "Requests passed on to the backend."},
    {"rooms", "Rooms in the Directory."},
    {"sessions", "Connected clients, the backend included."},
    {"sessions_refused", "Logins refused because their user has too many sessions."},
    {"subscriptions_denied", "Subscriptions denied."},
    {"tracked_addresses", "Addresses whose connects are counted now."},
    {"tracked_failed_logins", "Users and addresses whose failed logins are remembered now."},
    {"users", "Users in the Directory."},
});
static_assert(std::ranges::is_sorted(kHelp, {}, [](const auto& entry) { return entry.first; }));

}  // namespace

std::string broker_metric_help(std::string_view name) {
  const auto at = std::ranges::lower_bound(kHelp, name, {}, [](const auto& entry) { return entry.first; });
  if (at != kHelp.end() && at->first == name) return std::string(at->second);
  return "Told by the broker's plugin as " + std::string(name) + ".";
}

}  // namespace parley::backend
