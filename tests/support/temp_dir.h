#pragma once
// A directory for one test, gone with it; and small file helpers that fail the test loudly.
#include <string>
#include <string_view>

namespace ffrtmp::test {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

// Makes parent directories too.
void write_file(const std::string& path, std::string_view text);
[[nodiscard]] std::string read_file(const std::string& path);

}  // namespace ffrtmp::test
