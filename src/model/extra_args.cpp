#include "model/extra_args.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.h"

namespace ffrtmp::model {
namespace {

constexpr std::array<std::string_view, 12> kFlags{"-g",        "-bf",          "-refs",        "-maxrate",
                                                  "-bufsize",  "-tune",        "-profile:v",   "-level",
                                                  "-movflags", "-x264-params", "-x265-params", "-svtav1-params"};

// Keys of the encoders' own parameter lists that name files; a job reads and writes nothing but its input and output.
// Sources: x264 --fullhelp, x265 documentation "Command Line Options", SVT-AV1 Parameters.md.
constexpr std::array<std::string_view, 20> kFileKeys{"stats",           "dump-yuv",
                                                     "qpfile",          "cqmfile",
                                                     "tcfile-in",       "tcfile-out",
                                                     "opencl-clbin",    "csv",
                                                     "recon",           "analysis-save",
                                                     "analysis-load",   "lambda-file",
                                                     "zonefile",        "scaling-list",
                                                     "dhdr10-info",     "nalu-file",
                                                     "fgs-table",       "analysis-reuse-file",
                                                     "input-stat-file", "output-stat-file"};

bool in_value(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         std::string_view("_.:=,+-").find(c) != std::string_view::npos;
}

Error wrong(std::string message) { return make_error(Errc::kInvalid, std::move(message)); }

Status check_encoder_list(std::string_view flag, std::string_view value) {
  for (const std::string_view item : split(value, ':')) {
    std::string key = to_lower(item.substr(0, item.find('=')));
    std::replace(key.begin(), key.end(), '_', '-');
    if (std::find(kFileKeys.begin(), kFileKeys.end(), key) != kFileKeys.end())
      return wrong(cat(flag, " ", key, " names a file and is not allowed"));
  }
  return {};
}

Status check_value(std::string_view flag, std::string_view value) {
  if (!std::all_of(value.begin(), value.end(), in_value))
    return wrong(cat("the value of ", flag, " may hold only letters, digits and _ . : = , + -"));
  if (value.starts_with('-') && !parse_number(value)) return wrong(cat("the value of ", flag, " reads as an option"));
  return flag.ends_with("-params") ? check_encoder_list(flag, value) : Status();
}

}  // namespace

Status check_extra_args(const std::vector<std::string>& args) {
  if (args.size() > kMaxExtraArgs) return wrong(cat("at most ", kMaxExtraArgs, " items"));
  for (std::size_t i = 0; i < args.size(); i += 2) {
    if (std::find(kFlags.begin(), kFlags.end(), args[i]) == kFlags.end())
      return wrong(cat("\"", escape(args[i]), "\" is not one of the allowed options"));
    if (i + 1 == args.size()) return wrong(cat(args[i], " needs a value"));
    FFRTMP_TRY(check_value(args[i], args[i + 1]));
  }
  return {};
}

}  // namespace ffrtmp::model
