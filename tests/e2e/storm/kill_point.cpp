#include "tests/e2e/storm/kill_point.h"

#include <array>
#include <iterator>

#include "base/text.h"

namespace ffrtmp::test {
namespace {

// What the store and the wire of a master are made of.
constexpr const char* kCommit = "pwrite64,fdatasync,fsync,ftruncate,sendto,futex";
// Requests are read where they arrive (the storm speaks plain HTTP), so that a phase is a phase of that very request.
constexpr KillPoint kPoints[] = {
    {Victim::kMaster, "submit", "recvfrom:POST /api/v1/jobs ", kCommit, 8},
    {Victim::kMaster, "submit answer", "recvfrom:POST /api/v1/jobs ", "sendto", 2},
    {Victim::kMaster, "claim", "recvfrom:POST /api/v1/claims", kCommit, 8},
    {Victim::kMaster, "claim answer", "recvfrom:POST /api/v1/claims", "sendto", 2},
    {Victim::kMaster, "progress", "recvfrom:/progress ", kCommit, 6},
    {Victim::kMaster, "publish", "recvfrom:/publish ", kCommit, 8},
    {Victim::kMaster, "publish answer", "recvfrom:/publish ", "sendto", 2},
    {Victim::kMaster, "result", "recvfrom:/result ", kCommit, 8},
    {Victim::kMaster, "result answer", "recvfrom:/result ", "sendto", 2},
    {Victim::kWorker, "claim", "sendto:POST /api/v1/claims", "recvfrom,mkdir,mkdirat,openat,sendto,connect", 12},
    {Victim::kWorker, "start", "openat:plan.json", "write,rename,clone3,sendto,sendmsg,recvfrom,recvmsg,openat", 16},
    {Victim::kWorker, "publish", "openat:result.json", "openat,write,fsync,rename,sendto,recvfrom,flock", 24},
    {Victim::kWorker, "rename", "-", "renameat2", 1},
    {Victim::kWorker, "rename", "renameat2", "fsync,close,sendto,recvfrom", 6},
    {Victim::kWorker, "result", "sendto:/result ", "recvfrom,openat,unlink,unlinkat,rmdir,sendto", 6},
    {Victim::kWorker, "end", "renameat2", "unlink,unlinkat,rmdir", 8},
    {Victim::kSupervisor, "birth", "openat:plan.json", "openat,write,rename,socket,bind,listen,epoll_ctl,mkdir,clone3",
     24},
    {Victim::kSupervisor, "run", "clone3", "read,write,pwrite64,openat,sendmsg,sendto,epoll_ctl,rename", 20},
    {Victim::kSupervisor, "end", "wait4", "unlinkat,rmdir,openat,write,fsync,rename,sendmsg,sendto,unlink", 12},
    {Victim::kEngine, "write", "openat:.part.", "write,lseek,close,read", 30},
    {Victim::kEngine, "birth", "-", "openat,read,close", 30},
};

}  // namespace

std::string_view name_of(Victim victim) {
  constexpr std::array<std::string_view, 4> kNames{"master", "worker", "supervisor", "engine"};
  return kNames[static_cast<std::size_t>(victim)];
}

std::string Kill::describe() const {
  return cat(name_of(point.victim), " ", point.phase, " #", nth, at_exit ? " after " : " before ", point.calls);
}

Kill choose_kill(std::mt19937_64& random) {
  Kill kill{kPoints[random() % std::size(kPoints)], 1, false};
  kill.nth = 1 + static_cast<int>(random() % static_cast<std::uint64_t>(kill.point.most));
  kill.at_exit = random() % 2 == 0;
  return kill;
}

}  // namespace ffrtmp::test
