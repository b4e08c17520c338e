#include "config/document.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace ffrtmp::config {
namespace {

TEST(Document, RemembersPlaces) {
  const auto root = parse_document("a: 1\nb:\n  - x\n  - {c: \"\"}\na: ~\n", "f.yaml");
  ASSERT_TRUE(root) << root.error().message;
  ASSERT_EQ(root->entries.size(), 3u);
  EXPECT_EQ(root->entries[0].second.place.str(), "f.yaml:1:4");
  EXPECT_EQ(root->entries[1].second.items[1].entries[0].first.place.str(), "f.yaml:4:6");
  EXPECT_EQ(root->entries[1].second.items[1].entries[0].second.kind, Node::Kind::kScalar);
  EXPECT_EQ(root->entries[2].first.text, "a");
  EXPECT_EQ(root->entries[2].second.kind, Node::Kind::kNull);
}

TEST(Document, RefusesWhatHasNoBottom) {
  EXPECT_EQ(parse_document("a: &x [*x]\n", "f").error().code, Errc::kCorrupt);
  std::string laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) laughs += (k == 0 ? "" : ", ") + last;
    laughs += "]\n";
  }
  EXPECT_EQ(parse_document(laughs, "f").error().code, Errc::kCorrupt);
}

TEST(Document, SaysWhereItIsNoYaml) {
  const auto root = parse_document("a: 1\nb: [\n", "f.yaml");
  ASSERT_FALSE(root);
  EXPECT_TRUE(root.error().message.starts_with("f.yaml:")) << root.error().message;
  const test::TempDir dir;
  EXPECT_EQ(read_document(dir / "none").error().code, Errc::kGone);
  EXPECT_FALSE(read_document(dir.path()));
  test::write_file(dir / "empty", "");
  EXPECT_EQ(read_document(dir / "empty")->kind, Node::Kind::kNull);
}

}  // namespace
}  // namespace ffrtmp::config
