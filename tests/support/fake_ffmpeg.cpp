#include "tests/support/fake_ffmpeg.h"

#include <filesystem>

#include "tests/support/temp_dir.h"

namespace ffrtmp::test {

std::string install_fake_ffmpeg(const std::string& dir, std::string_view behaviour, std::string_view name) {
  const std::string program = dir + "/" + std::string(name);
  std::filesystem::create_directories(dir);
  std::filesystem::copy_file(FFRTMP_FAKE_FFMPEG, program, std::filesystem::copy_options::overwrite_existing);
  set_fake_behaviour(program, behaviour);
  return program;
}

void set_fake_behaviour(const std::string& program, std::string_view behaviour) {
  write_file(program + ".behaviour", behaviour);
}

}  // namespace ffrtmp::test
