"""Pairs of submissions that try to tell each other one bit, one after the other and at once."""

# ruff: noqa: E501 -- what a student would hand in is quoted as it is

from __future__ import annotations

from collections.abc import Callable

from autograder.audit.attacks.catalogue import Pair, Target, attack

PLACES = "['/', '/box', '/box/home', '/tmp', '/var/tmp', '/dev', '/dev/shm', '/dev/null', '/proc', '/usr', '/usr/lib', '/home', '/box/0', '/box/1', '/box/2', '/box/3', '..', '../0', '../1', '../2']"
DEVICES = "['/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom']"
READ = """
import glob, os
PATHS = ['/', '/usr/lib', '/dev', '/proc', '/box', '.', *sorted(glob.glob('/usr/lib/*'))[:200], *sorted(glob.glob('/box/home/**', recursive=True)), *sorted(glob.glob('/etc/*'))]
def times():
    found = []
    for path in PATHS:
        try: found.append(os.stat(path).st_atime_ns)
        except OSError: found.append(0)
    return sum(found)
"""
PAGES = """
import ctypes, glob, mmap, os, resource
FILES = [path for path in sorted(glob.glob('/usr/lib/*/*.so*')) if 20_000 < os.stat(path).st_size < 400_000][-20:]
def brought():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_inblock
    for path in FILES: open(path, 'rb').read()
    return resource.getrusage(resource.RUSAGE_SELF).ru_inblock - before
def dropped():
    for path in FILES:
        file = os.open(path, os.O_RDONLY)
        for drop in (lambda: os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED),
                     lambda: mmap.mmap(file, 0, prot=mmap.PROT_READ).madvise(21)):
            try: drop()
            except OSError: pass
        os.close(file)
"""
SHARED_PAGE = """
import ctypes, os, threading, time
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
PLACE = ctypes.c_void_p(libc.mmap(None, 4096, 1, 1, os.open('/usr/lib/os-release', os.O_RDONLY), 0))
WORD = ctypes.c_int.from_address(PLACE.value).value
SECONDS = (ctypes.c_long * 2)(5, 0)
def wait(): libc.syscall(202, PLACE, 0, WORD, SECONDS, None, 0)
"""
LIBC = "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"


def indented(source: str) -> str:
    return "\n".join(f"    {line}" for line in source.split("\n"))


def pair(
    name: str,
    tries: str,
    stopped_by: str,
    tell: str,
    hear: str,
    *,
    at_once: bool = False,
    before: str = "",
    noted: str = "''",
) -> None:
    """Register a pair: ``tell`` runs with a bit, ``hear`` leaves it in ``heard``; both may use ``before``."""

    def make(target: Target) -> Pair:
        sender = f"{before}\nnoted = {noted}\ndef tell(bit):\n{indented(tell)}"
        receiver = f"{before}\nheard = None\ntry:\n{indented(hear)}\nexcept BaseException:\n    pass"
        return Pair(sender, receiver, at_once)

    make.__name__ = name
    register: Callable[..., object] = attack("collusion", tries=tries, stopped_by=stopped_by)
    register(make)


OWN = "a file system of its own, gone with the process"
PIDS = "a namespace of processes of its own"

for word, once in (("next", False), ("neighbour", True)):
    pair(
        f"inode_of_the_{word}", f"counts in its first inode the files of another submission ({word})", OWN,
        "import os\nfor n in range(300 * bit): open(f'f{n}', 'w').close()",
        "heard = int(inode() - int(noted) > 150)",
        before="import os\ndef inode():\n    open('first', 'w').close()\n    return os.stat('first').st_ino",
        noted="str(inode())", at_once=once,
    )  # fmt: skip
    pair(
        f"pipes_of_the_{word}", f"counts in a pipe's inode the pipes of another submission ({word})",
        "seccomp: no pipes, and nothing of the connection",
        "for n in range(100 * bit):\n    a, b = os.pipe()\n    os.close(a)\n    os.close(b)",
        "heard = int(inode() - int(noted) > 90)",
        before="import os\ndef inode():\n    try: found = os.pipe()\n    except OSError: return os.fstat(3).st_ino\n    number = os.fstat(found[0]).st_ino\n    os.close(found[0]); os.close(found[1])\n    return number",
        noted="str(inode())", at_once=once,
    )  # fmt: skip
    pair(
        f"processes_of_the_{word}", f"counts in its process's number the threads of another submission ({word})", PIDS,
        "import threading\nfor n in range(100 * bit):\n    t = threading.Thread(target=int)\n    t.start()\n    t.join()",
        "heard = int(number() - int(noted) > 50)",
        before="import os, threading\ndef number():\n    found = []\n    t = threading.Thread(target=lambda: found.append(threading.get_native_id()))\n    t.start(); t.join()\n    return max(os.getpid(), found[0])",
        noted="str(number())", at_once=once,
    )  # fmt: skip
    pair(
        f"times_of_folders_{word}", f"sets the times of folders that another submission can see ({word})", OWN,
        f"import os\nfor place in {PLACES}:\n    try: os.utime(place, (1000 + bit, 1000 + bit))\n    except OSError: pass",
        f"import os\nfor place in {PLACES}:\n    try: found = int(os.stat(place).st_mtime) - 1000\n    except OSError: continue\n    if found in (0, 1): heard = found",
        at_once=once,
    )  # fmt: skip
    pair(
        f"touched_devices_{word}", f"leaves the time at devices, to which everybody may write ({word})",
        "devices are mounted read-only",
        f"import os\nfor device in {DEVICES} * bit:\n    try: os.utime(device)\n    except OSError: pass",
        "heard = int(stamp() != int(noted))",
        before=f"import os\ndef stamp():\n    return sum(os.stat(device).st_mtime_ns for device in {DEVICES})",
        noted="str(stamp())", at_once=once,
    )  # fmt: skip
    pair(
        f"pages_of_files_{word}", f"brings files into the machine's memory, or has them dropped from it ({word})",
        "seccomp: nothing that drops pages",
        "brought() if bit else dropped()", "heard = int(brought() == 0)", before=PAGES, at_once=once,
    )  # fmt: skip
    pair(
        f"files_in_reach_{word}", f"leaves a file wherever another submission may look ({word})", OWN,
        f"import os\nfor place in {PLACES}:\n    try: open(place + '/note', 'w').write(str(bit))\n    except OSError: pass",
        f"for place in {PLACES}:\n    try: heard = int(open(place + '/note').read())\n    except OSError: pass",
        at_once=once,
    )  # fmt: skip
    pair(
        f"free_space_{word}", f"fills its disk and lets another submission ask for free space ({word})",
        "seccomp: free space is not told; own file systems",
        "for n in range(3 * bit): open(f'f{n}', 'wb').write(bytes(15 << 20))",
        "heard = int(int(noted) - free() > 30 << 20)",
        before="import os\ndef free():\n    return sum(s.f_bavail * s.f_bsize for s in (os.statvfs(p) for p in ('/', '/usr', '/box', '.')))",
        noted="str(free())", at_once=once,
    )  # fmt: skip
    pair(
        f"free_entries_{word}", f"makes files and lets another submission ask for free entries ({word})",
        "seccomp: free space is not told; own file systems",
        "for n in range(1000 * bit): open(f'f{n}', 'w').close()",
        "heard = int(int(noted) - free() > 500)",
        before="import os\ndef free():\n    return sum(os.statvfs(p).f_ffree for p in ('/', '/usr', '/box', '.'))",
        noted="str(free())", at_once=once,
    )  # fmt: skip
    pair(
        f"counters_of_the_kernel_{word}", f"reads the machine's counters of processes and switches ({word})",
        "/proc is a copy from before the first submission",
        "import threading\nfor n in range(3000 * bit):\n    t = threading.Thread(target=int)\n    t.start()\n    t.join()",
        "heard = int(count() - int(noted) > 1500)",
        before="def count():\n    return int([line for line in open('/proc/stat') if line.startswith('processes')][0].split()[1])",
        noted="str(count())", at_once=once,
    )  # fmt: skip
    pair(
        f"mounts_{word}", f"compares the numbers of mounts by statx, and of devices ({word})", "seccomp: no statx",
        "import os\nif bit: os._exit(1)",
        "heard = int(mount() != int(noted))",
        before=LIBC + "def mount():\n    room = ctypes.create_string_buffer(256)\n    if libc.statx(-100, b'/', 0, 0x5000, room) < 0: raise OSError\n    return int.from_bytes(room.raw[144:152], 'little')",
        noted="str(mount())", at_once=once,
    )  # fmt: skip
    pair(
        f"sockets_without_path_{word}", f"meets another submission at a socket without a path ({word})",
        "seccomp: no sockets; Landlock: scope",
        "import socket\nglobal kept\nif bit:\n    kept = socket.socket(socket.AF_UNIX)\n    kept.bind('\\0meet')\n    kept.listen()",
        "import socket\ntry:\n    socket.socket(socket.AF_UNIX).connect('\\0meet')\n    heard = 1\nexcept ConnectionRefusedError: heard = 0",
        at_once=once,
    )  # fmt: skip
    pair(
        f"shared_memory_{word}", f"leaves a bit in shared memory, by name and by key ({word})", "seccomp: none of it",
        "room = libc.shmget(4711, 4096, 0o1666)\nlibc.shmat.restype = ctypes.c_void_p\nctypes.memset(libc.shmat(room, None, 0), 65 + bit, 1)",
        "room = libc.shmget(4711, 4096, 0o666)\nlibc.shmat.restype = ctypes.c_void_p\nheard = ctypes.string_at(libc.shmat(room, None, 0), 1)[0] - 65 if room >= 0 else None",
        before=LIBC, at_once=once,
    )  # fmt: skip
    pair(
        f"messages_{word}", f"leaves a bit in a queue of messages ({word})", "seccomp: no queues",
        "import os\nfound = libc.mq_open(b'/meet', os.O_RDWR | os.O_CREAT, 0o666, None)\nlibc.mq_send(found, str(bit).encode(), 1, 0)",
        "room = ctypes.create_string_buffer(9000)\nheard = int(room.value) if libc.mq_receive(libc.mq_open(b'/meet', os.O_RDWR), room, 9000, None) > 0 else None",
        before=LIBC, at_once=once,
    )  # fmt: skip
    pair(
        f"keyring_{word}", f"leaves a bit in the kernel's keyrings ({word})", "seccomp: no keys",
        "libc.syscall(248, b'user', b'meet' + str(bit).encode(), b'x', 1, -4)",
        "found = [libc.syscall(249, b'user', b'meet' + str(b).encode(), None, -4) for b in (0, 1)]\nheard = 1 if found[1] > 0 else 0 if found[0] > 0 else None",
        before=LIBC, at_once=once,
    )  # fmt: skip

pair("leftovers_in_memory", "fills memory and lets the next submission search it", "each fork has pages of its own",
     "import numpy as np\nkept = np.full(25_000_000, 1234.5 + bit)\ndel kept",
     "import numpy as np\nfor _ in range(8):\n    found = np.empty(12_000_000)\n    if (found == 1235.5).any(): heard = 1\n    elif (found == 1234.5).any(): heard = 0")  # fmt: skip
pair("environment", "leaves a bit in the environment, the working folder and the mask of files", "each fork has its own",
     "import os\nos.environ['NOTE'] = str(bit)\nos.umask(bit)\nos.mkdir('sub')\nos.chdir('sub')",
     "import os\nheard = int(os.environ['NOTE'])")  # fmt: skip
pair("modules_in_memory", "leaves a bit in modules and generators that the next submission finds", "each fork has its own",
     "import numpy, torch, random, builtins\nnumpy.note = builtins.note = bit\nnumpy.random.seed(bit); torch.manual_seed(bit); random.seed(bit)",
     "import numpy\nheard = numpy.note")  # fmt: skip
pair("caches_of_libraries", "leaves a bit in matplotlib's, Python's and torch's caches on disk", OWN,
     "import os, matplotlib, pathlib\nfor place in (matplotlib.get_cachedir(), os.path.expanduser('~'), '/box/home', '/tmp'):\n    try: pathlib.Path(place, 'note').write_text(str(bit))\n    except OSError: pass",
     "import os, matplotlib, pathlib\nfor place in (matplotlib.get_cachedir(), os.path.expanduser('~'), '/box/home', '/tmp'):\n    try: heard = int(pathlib.Path(place, 'note').read_text())\n    except OSError: pass")  # fmt: skip
pair("processors", "binds itself to a processor and lets the next one look where it runs", "seccomp: no binding",
     "import os\nos.sched_setaffinity(0, {bit}) if os.cpu_count() > 1 else None",
     "import os\nfound = os.sched_getaffinity(0)\nheard = min(found) if len(found) == 1 and str(found) != noted else None",
     noted="str(__import__('os').sched_getaffinity(0))", at_once=True)  # fmt: skip
pair("free_memory", "takes memory and lets its neighbour ask how much is free", "/proc is a copy; seccomp: no sysinfo",
     "import numpy as np\nglobal kept\nif bit: kept = np.ones(90_000_000)",
     "heard = int(int(noted) - free() > 300 << 10)",
     before="def free():\n    return int([line for line in open('/proc/meminfo') if line.startswith('MemFree')][0].split()[1])",
     noted="str(free())", at_once=True)  # fmt: skip
pair("free_memory_by_sysinfo", "takes memory and lets its neighbour ask the kernel by sysinfo", "seccomp: no sysinfo",
     "import numpy as np\nglobal kept\nif bit: kept = np.ones(90_000_000)",
     "heard = int(int(noted) - free() > 300 << 20)",
     before=LIBC + "def free():\n    room = (ctypes.c_ulong * 16)()\n    if libc.sysinfo(room): raise OSError\n    return room[5]",
     noted="str(free())", at_once=True)  # fmt: skip
pair("number_of_processes", "starts threads and lets its neighbour ask the kernel how many there are", "seccomp: no sysinfo",
     "import threading, time\nfor _ in range(100 * bit): threading.Thread(target=time.sleep, args=(5,), daemon=True).start()",
     "heard = int(count() - int(noted) > 60)",
     before=LIBC + "def count():\n    room = (ctypes.c_ulong * 16)()\n    if libc.sysinfo(room): raise OSError\n    return room[10] & 0xffff",
     noted="str(count())", at_once=True)  # fmt: skip
pair("load_of_the_machine", "keeps the machine busy and lets its neighbour read the load", "no /proc/loadavg",
     "import time\nend = time.time() + bit\nwhile time.time() < end: pass",
     "import os\nheard = int(os.getloadavg()[0] > float(noted))", noted="str(__import__('os').getloadavg()[0])", at_once=True)  # fmt: skip
pair("threads_that_are_left", "takes all threads and lets its neighbour try how many are left", "a user namespace of its own",
     "import threading, time\nfor _ in range(240 * bit): threading.Thread(target=time.sleep, args=(6,), daemon=True).start()",
     "import threading, time\nmade = 0\ntry:\n    for _ in range(200):\n        threading.Thread(target=time.sleep, args=(2,), daemon=True).start()\n        made += 1\nexcept RuntimeError: pass\nheard = int(made < 200)",
     at_once=True)  # fmt: skip
pair("space_that_is_left", "fills its disk and lets its neighbour try how much is left", OWN,
     "for n in range(4 * bit): open(f'f{n}', 'wb').write(bytes(15 << 20))",
     "try:\n    for n in range(3): open(f'f{n}', 'wb').write(bytes(15 << 20))\n    heard = 0\nexcept OSError: heard = 1",
     at_once=True)  # fmt: skip
pair("entries_that_are_left", "makes all files and lets its neighbour try how many it can make", OWN,
     "try:\n    for n in range(4200 * bit): open(f'f{n}', 'w').close()\nexcept OSError: pass",
     "try:\n    for n in range(3000): open(f'f{n}', 'w').close()\n    heard = 0\nexcept OSError: heard = 1",
     at_once=True)  # fmt: skip
pair("descriptors_that_are_left", "opens all descriptors and lets its neighbour try how many it can open", "limits are each process's own",
     "global kept\ntry: kept = [open('/dev/null') for _ in range(300 * bit)]\nexcept OSError: pass",
     "try:\n    kept = [open('/dev/null') for _ in range(200)]\n    heard = 0\nexcept OSError: heard = 1",
     at_once=True)  # fmt: skip
pair("locks_on_a_library", "locks a file that both can read", "seccomp: no locks",
     "import fcntl\nglobal kept\nkept = open('/usr/lib/os-release')\nif bit: fcntl.flock(kept, fcntl.LOCK_EX | fcntl.LOCK_NB)",
     "import fcntl\ntry:\n    fcntl.flock(open('/usr/lib/os-release'), fcntl.LOCK_EX | fcntl.LOCK_NB)\n    heard = 0\nexcept BlockingIOError: heard = 1",
     at_once=True)  # fmt: skip
pair("locks_of_records", "locks a part of a file that both can read", "seccomp: no locks",
     "import fcntl\nglobal kept\nkept = open('/usr/lib/os-release')\nif bit: fcntl.lockf(kept, fcntl.LOCK_SH | fcntl.LOCK_NB)",
     "import fcntl\ntry:\n    fcntl.lockf(open('/usr/lib/os-release'), fcntl.LOCK_SH | fcntl.LOCK_NB)\n    heard = 0\nexcept BlockingIOError: heard = 1",
     at_once=True)  # fmt: skip
pair("processes_in_sight", "is or is not there when its neighbour looks into /proc", "nothing is in /proc",
     "import os\nif bit: os._exit(1)",
     "import os\nfound = [n for n in range(1, 4000) if os.path.exists(f'/proc/{n}')]\nheard = int(len(found) < int(noted)) if found else None",
     noted="str(len([n for n in range(1, 4000) if __import__('os').path.exists(f'/proc/{n}')]))", at_once=True)  # fmt: skip
pair("names_of_processes", "names itself and lets its neighbour read names", "nothing is in /proc",
     "libc.prctl(15, b'note%d' % bit, 0, 0, 0)",
     "import glob\nfor path in glob.glob('/proc/[0-9]*/comm'):\n    found = open(path).read()\n    if found.startswith('note'): heard = int(found[4])",
     before=LIBC, at_once=True)  # fmt: skip
pair("signals_to_a_group", "signals all processes that it may", "seccomp: no signals; a namespace of processes",
     "import os, signal\nif bit: os.kill(0, signal.SIGUSR1)",
     "import os, signal\nheard = 1 if any(os.kill(n, 0) is None for n in range(2, 3)) else 0", at_once=True)  # fmt: skip
pair("connection_of_the_next", "compares the numbers of connections to count what the machine opened", "seccomp: nothing of the connection",
     "import os\nfor n in range(200 * bit):\n    try: os.eventfd(0)\n    except OSError: break",
     "heard = int(number() - int(noted) > 100)", before="import os\ndef number():\n    return os.fstat(3).st_ino", noted="str(number())")  # fmt: skip
pair("waits_on_a_shared_page", "waits at a page of a library, where its neighbour can wake it", "seccomp: no waking of others",
     "if bit:\n    threading.Thread(target=wait, daemon=True).start()\n    time.sleep(0.2)",
     "heard = int(libc.syscall(202, PLACE, 1, 10, None, None, 0) > 0)", before=SHARED_PAGE, at_once=True)  # fmt: skip
pair("device_of_the_next", "leaves so much to remove that the next file system gets another device's number", OWN,
     "import os\nfor n in range(4000 * bit): open(f'f{n}', 'w').close()\nfor n in range(3 * bit): open(f'g{n}', 'wb').write(bytes(15 << 20))",
     "heard = int(os.stat('.').st_dev != int(noted))", before="import os", noted="str(os.stat('.').st_dev)")  # fmt: skip
pair("clock_of_another", "burns time and lets its neighbour read the clocks of all processes", PIDS,
     "import time\nbegan = time.process_time()\nwhile bit and time.process_time() - began < 0.5: pass",
     "heard = int(clocks() - float(noted) > 0.4)",
     before="import time\ndef clocks():\n    found = 0.0\n    for pid in range(2, 2000):\n        try: found += time.clock_gettime(~pid << 3 | 2)\n        except OSError: pass\n    return found",
     noted="str(clocks())", at_once=True)  # fmt: skip
pair("watches_that_are_left", "takes all that a user may watch and lets its neighbour try how much is left", "descriptors are few",
     "import select\nglobal kept\nkept = []\ntry:\n    for n in range(240 * bit): kept.append(select.epoll())\nexcept OSError: pass\nfor a in kept:\n    for b in kept:\n        try: a.register(b)\n        except OSError: pass",
     "import select\ntry:\n    first, second = select.epoll(), select.epoll()\n    first.register(second)\n    heard = 0\nexcept OSError: heard = 1",
     at_once=True)  # fmt: skip
for word, once in (("next", False), ("neighbour", True)):
    pair(f"times_of_reading_{word}", f"reads files and folders, so that the time of it stands at them ({word})", "read-only mounts",
         "for path in PATHS * bit:\n    try: os.listdir(path) if os.path.isdir(path) else open(path, 'rb').read()\n    except OSError: pass",
         "heard = int(times() != int(noted))", before=READ, noted="str(times())", at_once=once)  # fmt: skip
    pair(f"huge_pages_that_are_left_{word}", f"takes the machine's huge pages, or leaves them ({word})", "seccomp: no mapping of huge pages",
         "global kept\nkept = []\ntry:\n    while bit: kept.append(take())\nexcept OSError: pass",
         "try:\n    take()\n    heard = 0\nexcept OSError as error: heard = 1 if int(noted) else None",
         before="import mmap\ndef take(): return mmap.mmap(-1, 2 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40000)\ndef some():\n    try: take().close()\n    except OSError: return 0\n    return 1",
         noted="str(some())", at_once=once)  # fmt: skip
    pair(f"links_of_folders_{word}", f"makes folders, and counts those that others made ({word})", OWN,
         "import os\nfor n in range(200 * bit): os.makedirs(f'd{n}/e')", "heard = int(links() - int(noted) > 90)",
         before=f"import os\ndef links():\n    found = 0\n    for place in {PLACES}:\n        try: found += os.stat(place).st_nlink + len(os.listdir(place))\n        except OSError: pass\n    return found",
         noted="str(links())", at_once=once)  # fmt: skip
    pair(f"addresses_of_the_warm_process_{word}", f"ends, so that the warm process has more to do, and compares addresses ({word})",
         "a fork begins as the one before did", "import os\nif bit: os._exit(1)", "heard = int(places() != noted)",
         before="import ctypes\ndef places():\n    kept = [id(object()), id(bytearray(100)), id('a' * 5000), id([]), ctypes.addressof(ctypes.create_string_buffer(1 << 16))]\n    return str(kept)",
         noted="places()", at_once=once)  # fmt: skip
    pair(f"use_of_the_warm_process_{word}", f"ends, and lets another compare what the kernel counts of it at birth ({word})",
         "a fork begins as the one before did", "import os\nif bit: os._exit(1)", "heard = int(abs(used() - int(noted)) > 40)",
         before="import resource\nUSED = resource.getrusage(resource.RUSAGE_SELF)\ndef used(): return USED.ru_maxrss",
         noted="str(used())", at_once=once)  # fmt: skip
pair("memory_that_is_left", "takes memory and lets its neighbour try how much is left", "limits are each process's own",
     "import numpy\nglobal kept\nkept = numpy.ones(60_000_000 * bit)",
     "import numpy\ntry:\n    kept = numpy.ones(70_000_000)\n    heard = 0\nexcept MemoryError: heard = 1", at_once=True)  # fmt: skip
pair("own_clocks_of_mounts", "lets the time at which its file systems were made tell how long another ran", "a second, as the clock tells",
     "import time\ntime.sleep(0.4 * bit)", "import os\nheard = int((os.stat('/proc').st_ctime_ns // 100_000_000) % 10 > 5)")  # fmt: skip
