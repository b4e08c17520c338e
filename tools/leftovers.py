"""What a test run left behind: processes and cgroups. Read by tools/run-tests."""
import os
import pathlib
import signal
import time

CGROUP_ROOTS = [pathlib.Path("/sys/fs/cgroup/unified"), pathlib.Path("/sys/fs/cgroup")]
SETTLE_SECONDS = 3  # a process that is being reaped, a cgroup that is being removed


def processes():
    """(pid, start ticks) of all processes: a pid alone may be another process by now."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = pathlib.Path("/proc", entry, "stat").read_text()
                fields = stat.rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] not in "ZX":
                found.append((int(entry), int(fields[19])))
    return found


def read_bytes(pid, name):
    try:
        return pathlib.Path("/proc", str(pid), name).read_bytes()
    except OSError:
        return b""


def program(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
    except OSError:
        return ""


def cgroups():
    """Directories of the cgroup hierarchies that are named ffrtmp, or ffrtmp-…, and the jobs in the former."""
    found = set()
    for root in CGROUP_ROOTS:
        for directory, names, _ in os.walk(root):
            is_parent = os.path.basename(directory) == "ffrtmp"
            ours = [name for name in names if is_parent or name == "ffrtmp" or name.startswith("ffrtmp-")]
            found.update(os.path.join(directory, name) for name in ours)
            names[:] = [name for name in names if name not in ours or (name == "ffrtmp" and not is_parent)]
    return found


class Leftovers:
    """Made before the run; what was there by then is not its doing."""

    def __init__(self, build, mark):
        self.build = str(build) + "/"
        self.mark = mark.encode()  # NAME=value in the environment of everything that the run starts
        self.before = set(processes())
        self.cgroups_before = cgroups()

    def is_marked(self, pid):
        return self.mark in read_bytes(pid, "environ").split(b"\0")

    def is_ours(self, pid):
        return program(pid).startswith(self.build) or self.is_marked(pid)

    def may_end(self, pid):
        """Without the mark only a fake: a person may have started the real program from the same build meanwhile."""
        return self.is_marked(pid) or os.path.basename(program(pid)).startswith("fake_")

    def living(self):
        return [(pid, ticks) for pid, ticks in processes() if (pid, ticks) not in self.before and self.is_ours(pid)]

    def stale_cgroups(self):
        """New ones that are empty or hold our processes; a populated one of somebody else's is in use."""
        found = []
        for path in cgroups() - self.cgroups_before:
            members = []
            below = 0
            for directory, names, _ in os.walk(path):
                below += len(names)
                try:
                    members += pathlib.Path(directory, "cgroup.procs").read_text().split()
                except OSError:
                    continue
            if os.path.basename(path) == "ffrtmp" and not members and not below:
                continue  # the parent of all attempts' groups stays: another worker on the host may be using it
            if os.path.isdir(path) and (not members or any(self.is_ours(int(pid)) for pid in members)):
                found.append(path)
        return sorted(found)

    def end_and_describe(self, settle_seconds=SETTLE_SECONDS):
        """Descriptions of what is left; ends the processes by their pid and removes the empty cgroups."""
        until = time.monotonic() + settle_seconds
        while (self.living() or self.stale_cgroups()) and time.monotonic() < until:
            time.sleep(0.1)
        found = []
        for pid, _ in self.living():
            line = read_bytes(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()
            ended = self.may_end(pid)
            found.append(f"process {pid}: {line or program(pid)}{'' if ended else ' (not ended: it may be yours)'}")
            if ended:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        for path in self.stale_cgroups():
            found.append(f"cgroup {path}")
            for directory, _, _ in os.walk(path, topdown=False):
                try:
                    os.rmdir(directory)
                except OSError:
                    pass
        return found
