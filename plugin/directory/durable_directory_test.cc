#include "plugin/directory/durable_directory.h"

#include <gmock/gmock.h>

#include <fstream>

#include "plugin/directory/test_world.h"

namespace parley::plugin {
namespace {

using testing::Changes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kick_user;
using testing::TempDir;
using Reason = Effect::Reason;
using wire::MemberPut;
using wire::Role;
using wire::RoomPut;
using wire::UserPut;

const Changes kWorld{UserPut{"alice"}, UserPut{"bob"}, RoomPut{1, "lab", wire::RoomKind::group, "e", 0},
                     MemberPut{1, "alice", Role::owner}, MemberPut{1, "bob", Role::member}};

class Durable : public ::testing::Test {
 protected:
  Durable() { open(); }
  void open() {
    d.reset();
    auto opened = DurableDirectory::open(dir.path(), options);
    ASSERT_TRUE(opened) << opened.error().message;
    d = std::move(*opened);
  }
  Effects replace(const Changes& changes, std::string id = "dirid", std::uint64_t to = 7) {
    EXPECT_TRUE(d->begin_replace(id, to));
    for (const auto& change : changes) EXPECT_TRUE(d->replace_part({&change, 1}));
    EXPECT_TRUE(d->finish_replace());
    const auto told = d->wait_idle();
    EXPECT_TRUE(told && *told) << (told ? told->error().message : "nothing told");
    return told && *told ? **told : Effects{};
  }
  Effects apply(std::uint64_t to, const Changes& changes) {
    const auto effects = d->apply(d->version(), to, changes);
    EXPECT_TRUE(effects) << effects.error().message;
    return effects.value_or(Effects{});
  }
  Role role(std::string_view user, std::string_view room = "lab") {
    const auto u = d->live().find_user(user);
    const auto r = d->live().find_room(room);
    return u && r ? d->live().role(u->ref, r->ref) : Role::none;
  }

  TempDir dir;
  DurableDirectoryOptions options;
  std::unique_ptr<DurableDirectory> d;
};

TEST_F(Durable, a_new_folder_is_an_empty_directory_that_wants_everything) {
  EXPECT_EQ(d->id(), "");
  EXPECT_EQ(d->version(), 0u);
  EXPECT_EQ(d->open_problem(), "");
  EXPECT_EQ(d->apply(0, 1, kWorld).error().code, Errc::invalid_argument);
  open();
  EXPECT_EQ(d->id(), "");
}

TEST_F(Durable, what_was_replaced_and_applied_is_there_after_a_restart) {
  EXPECT_THAT(replace(kWorld), IsEmpty());
  EXPECT_EQ(d->id(), "dirid");
  EXPECT_EQ(d->version(), 7u);
  EXPECT_EQ(role("bob"), Role::member);
  EXPECT_THAT(apply(9, {UserPut{"carol"}, MemberPut{1, "bob"}}),
              ElementsAre(kick_user(Reason::removed, "bob")));
  open();
  EXPECT_EQ(d->id(), "dirid");
  EXPECT_EQ(d->version(), 9u);
  EXPECT_EQ(role("bob"), Role::none);
  EXPECT_EQ(role("alice"), Role::owner);
  EXPECT_TRUE(d->live().find_user("carol"));
  apply(10, {MemberPut{1, "carol", Role::reader}});
  open();
  EXPECT_EQ(role("carol"), Role::reader);
}

TEST_F(Durable, versions_say_what_is_new) {
  replace(kWorld);
  EXPECT_EQ(d->apply(8, 9, {}).error().code, Errc::invalid_argument) << "version 8 was never here";
  apply(8, {MemberPut{1, "bob"}});
  EXPECT_THAT(*d->apply(6, 8, Changes{MemberPut{1, "bob", Role::owner}}), IsEmpty());
  EXPECT_EQ(role("bob"), Role::none) << "a repeat changes nothing";
  EXPECT_TRUE(d->apply(7, 9, Changes{MemberPut{1, "bob"}, UserPut{"carol"}})) << "goes over what is known";
  EXPECT_EQ(d->version(), 9u);
}

TEST_F(Durable, changes_of_which_one_can_not_be_made_leave_everything_as_it_was) {
  replace(kWorld);
  const auto before = testing::contents(d->live());
  const auto refused = d->apply(7, 8, Changes{MemberPut{1, "bob"}, UserPut{"ALICE"}});
  EXPECT_EQ(refused.error().code, Errc::already_exists);
  EXPECT_EQ(d->version(), 7u);
  EXPECT_EQ(testing::contents(d->live()), before);
  open();
  EXPECT_EQ(testing::contents(d->live()), before);
}

TEST_F(Durable, a_replacement_tells_whose_rights_it_takes) {
  replace(kWorld);
  EXPECT_THAT(
      replace({UserPut{"alice"}}, "other", 3),
      ::testing::UnorderedElementsAre(kick_user(Reason::removed, "alice"), kick_user(Reason::gone, "bob")));
  EXPECT_EQ(d->id(), "other");
  EXPECT_EQ(d->version(), 3u);
  open();
  EXPECT_EQ(d->id(), "other");
  EXPECT_EQ(d->live().user_count(), 1u);
}

TEST_F(Durable, the_old_directory_rules_until_the_new_one_is_in_place) {
  replace(kWorld);
  ASSERT_TRUE(d->begin_replace("other", 1));
  EXPECT_EQ(role("bob"), Role::member);
  ASSERT_TRUE(d->finish_replace());
  EXPECT_TRUE(d->replacing());
  EXPECT_EQ(role("bob"), Role::member);
  EXPECT_EQ(d->apply(7, 8, {}).error().code, Errc::unavailable);
  EXPECT_EQ(d->begin_replace("third", 1).error().code, Errc::unavailable);
  EXPECT_TRUE(d->wait_idle());
  EXPECT_FALSE(d->replacing());
  EXPECT_EQ(role("bob"), Role::none);
}

TEST_F(Durable, a_replacement_is_given_up_when_it_can_not_be_or_when_changes_come) {
  replace(kWorld);
  ASSERT_TRUE(d->begin_replace("other", 1));
  EXPECT_EQ(d->replace_part(Changes{MemberPut{1, "nobody", Role::member}}).error().code,
            Errc::invalid_argument);
  EXPECT_EQ(d->finish_replace().error().code, Errc::invalid_argument);
  ASSERT_TRUE(d->begin_replace("other", 1));
  apply(8, {UserPut{"carol"}});
  EXPECT_EQ(d->replace_part({}).error().code, Errc::invalid_argument);
  ASSERT_TRUE(d->begin_replace("other", 1));
  d->abandon_replace();
  EXPECT_FALSE(std::filesystem::exists(dir / "replacement.new"));
  EXPECT_EQ(d->begin_replace("", 1).error().code, Errc::invalid_argument);
  open();
  EXPECT_EQ(d->version(), 8u);
}

TEST_F(Durable, provisional_users_outlive_a_replacement_but_not_a_restart) {
  replace(kWorld);
  EXPECT_TRUE(d->add_provisional("zoe"));
  replace(kWorld, "dirid", 8);
  EXPECT_TRUE(d->live().find_user("zoe"));
  open();
  EXPECT_FALSE(d->live().find_user("zoe"));
}

TEST_F(Durable, the_live_directory_is_used_while_a_new_one_is_compared_with_it) {
  Changes many = kWorld;
  for (int i = 0; i < 2'000; ++i) many.push_back(UserPut{"user" + std::to_string(i)});
  replace(many);
  ASSERT_TRUE(d->begin_replace("other", 1));
  ASSERT_TRUE(d->replace_part(kWorld));
  ASSERT_TRUE(d->finish_replace());
  std::optional<Result<Effects>> told;
  for (int i = 0; !(told = d->tick()); ++i) {
    EXPECT_TRUE(d->live().find_user("user7"));
    const auto added = d->add_provisional("new" + std::to_string(i));
    EXPECT_TRUE(added || added.error().code == Errc::unavailable);
  }
  ASSERT_TRUE(*told);
  EXPECT_EQ((*told)->size(), 2'000u);
  EXPECT_FALSE(d->live().find_user("user7"));
}

TEST_F(Durable, a_long_log_is_folded_into_a_new_snapshot) {
  options.log_bytes_min = 1;
  open();
  replace(kWorld);
  for (std::uint64_t to = 8; to < 300; ++to) {
    apply(to, {UserPut{"user" + std::to_string(to)}});
    d->tick();
  }
  d->wait_idle();
  EXPECT_LE(d->log_bytes(), d->snapshot_bytes());
  EXPECT_GT(d->snapshot_bytes(), 292u * 10);
  const auto before = testing::contents(d->live());
  open();
  EXPECT_EQ(d->version(), 299u);
  EXPECT_EQ(testing::contents(d->live()), before);
}

TEST_F(Durable, damaged_files_mean_that_nobody_is_known_until_all_was_sent_anew) {
  replace(kWorld);
  apply(8, {UserPut{"carol"}});
  apply(9, {UserPut{"dave"}});
  d.reset();
  std::fstream(dir / "log.2", std::ios::in | std::ios::out | std::ios::binary).seekp(60).put('?');
  std::string logged;
  options.log = [&](LogLevel level, std::string_view line) {
    if (level == LogLevel::error) logged = line;
  };
  open();
  EXPECT_THAT(logged, HasSubstr("log.2"));
  EXPECT_EQ(d->open_problem().empty(), false);
  EXPECT_EQ(d->id(), "");
  EXPECT_EQ(d->live().user_count(), 0u);
  open();
  EXPECT_EQ(d->id(), "") << "still, for nothing was sent";
  replace(kWorld);
  EXPECT_EQ(d->open_problem(), "");
  apply(8, {UserPut{"carol"}});
  open();
  EXPECT_EQ(d->version(), 8u);
  EXPECT_EQ(role("alice"), Role::owner);
}

TEST_F(Durable, a_folder_has_one_user_at_a_time) {
  EXPECT_EQ(DurableDirectory::open(dir.path()).error().code, Errc::unavailable);
}

TEST_F(Durable, a_folder_that_can_not_be_made_is_an_error) {
  std::ofstream(dir / "file");
  EXPECT_FALSE(DurableDirectory::open(dir / "file" / "below"));
}

TEST_F(Durable, a_log_that_can_not_be_written_changes_nothing_and_recovers) {
  replace(kWorld);
  std::filesystem::create_directory(dir / "log.2");  // where the log should go
  EXPECT_EQ(d->apply(7, 8, Changes{MemberPut{1, "bob"}}).error().code, Errc::unavailable);
  EXPECT_EQ(role("bob"), Role::member);
  EXPECT_EQ(d->version(), 7u);
  std::filesystem::remove(dir / "log.2");
  apply(8, {MemberPut{1, "bob"}});
  open();
  EXPECT_EQ(role("bob"), Role::none);
}

TEST_F(Durable, too_many_changes_at_once_are_refused) {
  replace(kWorld);
  Changes many;
  for (int i = 0; i < 150'000; ++i) many.push_back(UserPut{"a-user-with-a-long-name-" + std::to_string(i)});
  EXPECT_EQ(d->apply(7, 8, many).error().code, Errc::invalid_argument);
  apply(8, {});
}

}  // namespace
}  // namespace parley::plugin
