#include <gmock/gmock.h>

#include "tests/contract/store_contract.h"

namespace parley::backend {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DeviceStoreContract : public StoreContract {
 protected:
  static DeviceSeen came(const std::string& device, std::int64_t at, const std::string& token = "",
                         const std::string& user = "alice") {
    return {.user = user, .device = device, .token = token, .at = from_ms(at), .connected = true};
  }
  static DeviceSeen left(const std::string& device, std::int64_t at) {
    return {.user = "alice", .device = device, .at = from_ms(at)};
  }
  void seen(std::initializer_list<DeviceSeen> devices) {
    auto done = this->devices().seen(std::vector(devices));
    ASSERT_TRUE(done) << done.error().message;
  }
  // As "phone 10-20".
  std::vector<std::string> list(const std::string& user = "alice") {
    std::vector<std::string> out;
    const auto rows = devices().list(user).value();
    for (const auto& row : rows)
      out.push_back(row.device + " " + std::to_string(to_ms(row.first_seen)) + "-" +
                    std::to_string(to_ms(row.last_seen)));
    return out;
  }
  std::string add_token(int n, const std::string& user = "alice") {
    auto id = std::string(25, '0') + std::to_string(n);
    EXPECT_TRUE(users().create_token(
        {.id = id, .user = user, .label = "", .sha256 = std::string(31, 's') + std::to_string(n)}));
    return id;
  }
};

TEST_P(DeviceStoreContract, a_device_is_listed_from_its_first_to_its_last_sight) {
  seen({came("phone", 10), left("phone", 15), came("Pad", 12)});
  seen({came("phone", 20)});
  seen({left("phone", 30), left("tv", 40)});
  seen({came("phone", 5)});  // late news
  reopen();
  EXPECT_THAT(list(), ElementsAre("Pad 12-12", "phone 10-30"));
  EXPECT_THAT(list("bob"), IsEmpty());
  seen({});
}

TEST_P(DeviceStoreContract, a_forgotten_device_takes_its_tokens_along) {
  add_user("alice");
  add_user("bob");
  const auto one = add_token(1), two = add_token(2), other = add_token(3), bobs = add_token(4, "bob");
  seen({came("phone", 10, one), came("phone", 11, two), came("phone", 12, two), came("phone", 13, bobs),
        came("phone", 14, "gone before"), came("pad", 10, other)});
  const auto version = *directory().version();
  const auto forgotten = devices().forget("alice", "phone");
  ASSERT_TRUE(forgotten) << forgotten.error().message;
  EXPECT_THAT(forgotten->value, ElementsAre(one, two));
  EXPECT_EQ(forgotten->version, version + 1);
  EXPECT_THAT(steps_after(version)[0].changes, ElementsAre(wire::TokenDrop{one}, wire::TokenDrop{two}));
  EXPECT_THAT(list(), ElementsAre("pad 10-10"));
  EXPECT_EQ(users().tokens("alice")->size(), 1u);
  EXPECT_EQ(users().tokens("bob")->size(), 1u);
  EXPECT_EQ(code_of(devices().forget("alice", "phone")), Errc::not_found);
}

TEST_P(DeviceStoreContract, one_without_tokens_is_forgotten_without_a_step) {
  seen({came("phone", 10)});
  const auto version = *directory().version();
  const auto forgotten = devices().forget("alice", "phone");
  ASSERT_TRUE(forgotten);
  EXPECT_EQ(forgotten->version, 0u);
  EXPECT_EQ(directory().version(), version);
  seen({left("phone", 20)});  // what was on its way
  EXPECT_THAT(list(), IsEmpty());
}

TEST_P(DeviceStoreContract, of_too_many_the_longest_unseen_goes) {
  std::vector<DeviceSeen> all;
  for (int n = 0; n <= static_cast<int>(kDevicesPerUserMax); ++n)
    all.push_back(came("device" + std::to_string(1000 + n), 100 + n));
  all.push_back(came("phone", 10, "", "bob"));
  ASSERT_TRUE(devices().seen(all));
  EXPECT_EQ(list().size(), kDevicesPerUserMax);
  EXPECT_EQ(list().front(), "device1001 101-101");
  EXPECT_THAT(list("bob"), ElementsAre("phone 10-10"));
}

INSTANTIATE_TEST_SUITE_P(Stores, DeviceStoreContract, testing::ValuesIn(store_factories()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace parley::backend
