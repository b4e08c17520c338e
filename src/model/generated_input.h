#pragma once
// An input that is generated for a job that names none, where the job does not say what it shall be (contract 2.1).
namespace ffrtmp::model {

inline constexpr int kGeneratedWidth = 1280;
inline constexpr int kGeneratedHeight = 720;
inline constexpr double kGeneratedFps = 30;
inline constexpr double kGeneratedSeconds = 10;

}  // namespace ffrtmp::model
