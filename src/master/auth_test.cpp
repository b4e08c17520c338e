#include "master/auth.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "net/digest.h"
#include "tests/support/manual_clock.h"

namespace ffrtmp::master {
namespace {

store::KeyRecord key(const std::string& name, const std::string& secret) {
  store::KeyRecord record;
  record.id = name;
  record.name = name;
  record.role = "admin";
  record.hash = net::sha256_hex(secret);
  return record;
}

TEST(Auth, KnowsAKeyByItsSecretAlone) {
  Auth auth;
  EXPECT_FALSE(auth.authenticate("Bearer ffk_a")) << "nobody is known at first";
  auth.add_key(key("ann", "ffk_a"));
  const auto caller = auth.authenticate("Bearer ffk_a");
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->key_name, "ann");
  EXPECT_FALSE(caller->is_node());
  EXPECT_EQ(caller->actor(), "key:ann");
  EXPECT_TRUE(auth.authenticate("bearer   ffk_a ")) << "the scheme's case and spaces do not matter: RFC 9110, 11.1";
}

TEST(Auth, NothingElseIsLetIn) {
  Auth auth;
  auth.add_key(key("ann", "ffk_a"));
  const std::string hash = net::sha256_hex("ffk_a");
  const std::string hash_as_secret = cat("Bearer ", hash);
  for (const char* text : {"", "Bearer", "Bearer ", "Bearer  ", "ffk_a", "Basic ffk_a", "Bearer ffk_A",
                           "Bearer ffk_a b", "Bearer ffk_", "Bearerffk_a", "Bearer\tffk_a x", hash_as_secret.c_str()})
    EXPECT_FALSE(auth.authenticate(text)) << "\"" << text << "\"";
  EXPECT_FALSE(auth.authenticate(std::nullopt));
}

TEST(Auth, AKeyWithoutAHashOpensNothing) {
  Auth auth;
  store::KeyRecord broken = key("ann", "x");
  broken.hash.clear();
  auth.add_key(broken);
  for (const char* text : {"Bearer ", "Bearer  ", "Bearer x"}) EXPECT_FALSE(auth.authenticate(text)) << text;
}

TEST(Auth, ANodeHasOneToken) {
  Auth auth;
  test::SeededIds ids;
  const Uuid node = ids.next(UtcTime{});
  const Uuid other = ids.next(UtcTime{});
  auth.set_node_token(node, net::sha256_hex("ffn_1"));
  auth.set_node_token(other, net::sha256_hex("ffn_other"));
  const auto caller = auth.authenticate("Bearer ffn_1");
  ASSERT_TRUE(caller);
  EXPECT_TRUE(caller->is_node());
  EXPECT_EQ(caller->node_id, node);
  EXPECT_EQ(caller->actor(), cat("node:", node.str()));
  auth.set_node_token(node, net::sha256_hex("ffn_2"));
  EXPECT_FALSE(auth.authenticate("Bearer ffn_1")) << "the former token is over";
  EXPECT_EQ(auth.authenticate("Bearer ffn_2")->node_id, node);
  EXPECT_EQ(auth.authenticate("Bearer ffn_other")->node_id, other);
  auth.set_node_token(node, net::sha256_hex("ffn_2"));
  EXPECT_TRUE(auth.authenticate("Bearer ffn_2")) << "set again, still valid";
}

}  // namespace
}  // namespace ffrtmp::master
