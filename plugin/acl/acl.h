#pragma once
#include <string_view>

#include "plugin/directory/directory.h"
#include "wire/content.h"

// Who may publish, read and subscribe to what (topics.md §2), against the Directory as it is now. Pure
// functions; decide() neither blocks nor allocates. acl_bench tells what it costs.
namespace parley::plugin {

enum class Access { read, write, subscribe, unsubscribe };
enum class AclDecision { allow, deny, defer };  // defer: the operator's own rules decide

struct AclQuery {
  Access access = Access::read;
  std::string_view user;    // user name; empty when the session has none
  bool backend = false;     // the session logged in with the backend's own secret
  std::string_view topic;   // of subscribe and unsubscribe: the filter as sent, $share/group/ included
  std::string_view device;  // client id; matters to device status only
  // Option other_topics: what holds outside Parley's topics, $SYS included. `allow` never opens $CONTROL/ of
  // other plugins: there it means defer.
  AclDecision other_topics = AclDecision::defer;
};

// Rules beyond the table of topics.md §2:
//
// Whoever is not in the Directory (and not the backend) has no access to Parley's topics; a disabled account
// has access to nothing. A provisional user (Directory) has their own space, and no room.
//
// subscribe: the filter must name one room or one user literally (administrators and the backend need not),
// and be able to match at least one topic that the asker may read: "rooms/lab/send" or "rooms/lab/mesages" is
// refused to a member too. What a wide filter matches beyond that is held back delivery by delivery (read).
//
// unsubscribe: always allowed on Parley's topics; elsewhere deferred unless other_topics is allow.
AclDecision decide(const Directory& directory, const AclQuery& query);

// Why `query` was denied, for the asker to read. Only to be asked after a `deny`. Tells nobody whether a room
// they are not in exists.
wire::Refusal explain(const Directory& directory, const AclQuery& query);

}  // namespace parley::plugin
