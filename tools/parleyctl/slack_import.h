#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "tools/parleyctl/append_batch.h"
#include "tools/parleyctl/imported_refs.h"
#include "tools/parleyctl/slack_export.h"
#include "tools/parleyctl/speakers.h"

// Puts channels of a Slack export into rooms by the backend's `append`, so that any number of tries ends with each message there once. An
// entry's ref is "slack:<channel>:<ts>", a reaction's that and what tells it from others: what is in the room's history already is passed over.
namespace parley::ctl {

// The room a channel becomes: its name where that is a legal one, by the rule for IRC nicks otherwise.
std::string slack_room(const SlackChannel& channel);

// Makes the room if it is not there, and its members if they are not in it: the creator its owner besides the administrator who
// imports. Existing rooms and roles stay as they are.
Outcome<> prepare_slack_room(Requests& requests, const SlackExport& exported, const SlackChannel& channel,
                             Speakers& speakers);

struct SlackCount {
  std::uint64_t imported = 0, reactions = 0, already_there = 0, skipped = 0;
};

// Called after each batch with the messages done so far; false stops the import (Failure `interrupted`).
using SlackProgress = std::function<bool(const SlackCount& count)>;

// One channel into its room, which must be there. Messages in order of time; a reaction after what it is about. Holds a line for each imported
// message of the room in memory (about 100 bytes).
class SlackImport {
 public:
  SlackImport(Requests& requests, const SlackExport& exported, const SlackChannel& channel,
              Speakers& speakers, SlackProgress progress, ImportWait wait);
  Outcome<SlackCount> run();

 private:
  struct Waiting {
    std::string ref;
    bool reaction = false;
  };

  Outcome<> day(const std::filesystem::path& file);
  Outcome<> message(const SlackMessage& message);
  Outcome<> reactions(const SlackMessage& message);
  Outcome<> put(Json entry, const std::string& ref, bool reaction);
  Outcome<std::string> name_of(const std::string& user);
  Outcome<std::uint64_t> seq_of(const std::string& ref);
  Outcome<Json> entry(const SlackMessage& message, const std::string& ref);

  Requests& requests_;
  const SlackExport& exported_;
  const SlackChannel& channel_;
  Speakers& speakers_;
  const SlackProgress progress_;
  const std::string room_;
  AppendBatch batch_;
  std::vector<Waiting> waiting_;  // what is in batch_
  RefSeqs seqs_;                  // ref → seq, of what is in the room
  SlackCount count_;
};

}  // namespace parley::ctl
