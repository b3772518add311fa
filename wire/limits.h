#pragma once
#include <cstddef>
#include <cstdint>

// Every limit of the contract that is not an option, in one place. Bytes unless said.
namespace parley::wire {

inline constexpr std::size_t kNameMax = 64;                     // characters of a user, room, device name
inline constexpr std::size_t kRefMax = 128;                     // `ref`
inline constexpr std::size_t kTypeMax = 64;                     // `type`
inline constexpr std::size_t kContentDepthMax = 16;             // levels of nesting; the object itself is level 1
inline constexpr std::size_t kContentMaxDefault = 64 * 1024;    // option max_content_bytes
inline constexpr std::size_t kContentMaxLimit = 256 * 1024;     // what that option may say at most
inline constexpr std::size_t kContentJsonMax = 480 * 1024;      // `content` as JSON: with its envelope it fits kRecordMax
inline constexpr std::size_t kRequestMax = 256 * 1024;          // a request's payload
inline constexpr std::size_t kRequestIdMax = 64;
inline constexpr std::size_t kReplyMax = 256 * 1024;            // pages end before this and say "more"
inline constexpr std::size_t kRoomsReplyMax = 1024 * 1024;      // that of `rooms`: a thousand rooms in one page
inline constexpr std::size_t kDisplayNameMax = 200;             // a room's or user's free-text name, characters' bytes
inline constexpr std::size_t kTopicMax = 1024;                  // a Parley topic or filter
inline constexpr std::size_t kFeedBatchMax = 128 * 1024;        // one feed message
inline constexpr std::uint32_t kDrainSecondsMax = 24 * 3600;
inline constexpr std::size_t kDrainServerMax = 256;  // bytes
inline constexpr std::size_t kControlMax = 512 * 1024;          // one $CONTROL payload
inline constexpr std::size_t kRecordMax = 512 * 1024;           // one journal record
inline constexpr std::uint32_t kHistoryLimitDefault = 50;       // messages of a page
inline constexpr std::uint32_t kHistoryLimitMax = 500;
inline constexpr std::uint32_t kSyncRoomsMax = 1000;
inline constexpr std::uint32_t kListLimitDefault = 100;
inline constexpr std::uint32_t kListLimitMax = 1000;
inline constexpr std::uint32_t kSlowSecondsMax = 6 * 3600;      // of a room's slow mode
inline constexpr std::uint32_t kAppendMax = 500;                // entries of one append

}  // namespace parley::wire
