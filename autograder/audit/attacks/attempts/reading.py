"""Attacks that try to read what they must not know, or to carry hidden inputs out into what a student sees."""

# ruff: noqa: E501 -- what a student would hand in is quoted as it is

from __future__ import annotations

from autograder.audit.attacks.catalogue import Target, attack

SHOW_FOUND = "print([str(f)[:2000] for f in found][:200])"


@attack(
    "reading",
    tries="walks all frames above a call and prints their variables",
    stopped_by="checks run in another process",
)
def frames(target: Target) -> Target:
    return (
        target.wrap_all(
            "import sys\nframe = sys._getframe()\nwhile frame:\n    LOG.append(repr(frame.f_locals)[:5000])\n    frame = frame.f_back"
        )
        .first("LOG = []")
        .append("print(LOG)")
    )


@attack("reading", tries="prints every object that the collector knows", stopped_by="checks run in another process")
def objects_of_the_collector(target: Target) -> Target:
    return target.append(
        "import gc\nfound = []\nfor o in gc.get_objects():\n    try:\n        text = repr(o)[:3000] if isinstance(o, (dict, list, tuple)) else ''\n"
        "    except BaseException:\n        continue\n    if 'canary' in text or 'hidden' in text.lower(): found.append(text)\n"
        + SHOW_FOUND
    )


@attack(
    "reading", tries="reads the source of checks with inspect and linecache", stopped_by="checks run in another process"
)
def sources_by_inspection(target: Target) -> Target:
    return (
        target.wrap_all(
            "import inspect, linecache\nfor f in inspect.stack():\n    LOG.append(str(f.code_context))\nLOG.append(str(linecache.cache)[:9999])"
        )
        .first("LOG = []")
        .append("print(LOG)")
    )


@attack(
    "reading",
    tries="reads the environments and command lines of all processes",
    stopped_by="bubblewrap: no other processes",
)
def environments_of_processes(target: Target) -> Target:
    return target.append(
        "import glob, os\nfound = [dict(os.environ)]\nfor path in glob.glob('/proc/[0-9]*/*'):\n"
        "    if path.rsplit('/', 1)[1] in ('environ', 'cmdline', 'status', 'maps'):\n        try: found.append(open(path, 'rb').read())\n"
        "        except OSError: pass\n" + SHOW_FOUND
    )


@attack(
    "reading", tries="reads the memory of the process that it was forked from", stopped_by="Landlock, and no debugging"
)
def memory_of_the_parent(target: Target) -> Target:
    return target.append(
        "import os\nfound = []\nfor pid in (os.getppid(), 1, os.getpid()):\n    try:\n        maps = open(f'/proc/{pid}/maps').read()\n"
        "        memory = open(f'/proc/{pid}/mem', 'rb')\n        for line in maps.splitlines()[:400]:\n"
        "            a, b = (int(x, 16) for x in line.split()[0].split('-'))\n            memory.seek(a)\n"
        "            data = memory.read(min(b - a, 1 << 22))\n            if b'canary' in data: found.append(data[data.find(b'canary'):][:80])\n"
        "    except OSError as error: found.append(error)\n" + SHOW_FOUND
    )


@attack(
    "reading",
    tries="searches its own memory for what the warm process left",
    stopped_by="the warm process never knew it",
)
def memory_of_its_own(target: Target) -> Target:
    return target.append(
        "import ctypes, gc\nfound = []\nfor o in gc.get_objects()[:20000]:\n    data = ctypes.string_at(id(o), 64)\n"
        "    if b'canary' in data: found.append(data)\n" + SHOW_FOUND
    )


@attack("reading", tries="reads from every open descriptor", stopped_by="descriptors are closed before the fork")
def open_descriptors(target: Target) -> Target:
    return target.append(
        "import os\nfound = []\nfor fd in [*range(3), *range(4, 256)]:\n    try: found.append((fd, os.readlink(f'/proc/self/fd/{fd}')))\n"
        "    except OSError: pass\n    try: found.append((fd, os.pread(fd, 4096, 0)))\n    except OSError: pass\n"
        + SHOW_FOUND
    )


@attack(
    "reading",
    tries="opens files on the grader's machine by their path",
    stopped_by="bubblewrap and Landlock: no such file",
)
def files_by_path(target: Target) -> Target:
    c = target.traps.course
    paths = [
        target.traps.canary,
        f"{c}/gradebook.db",
        f"{c}/course.toml",
        f"{c}/.course-secret",
        f"{c}/data/hidden/labels.txt",
    ]
    return target.append(
        f"found = []\nfor path in {[*paths, '/etc/shadow', '/etc/passwd']!r}:\n    try: found.append(open(path, 'rb').read()[:100000])\n"
        "    except OSError as error: found.append(error)\n" + SHOW_FOUND
    )


@attack(
    "reading",
    tries="reads solutions, hidden tests and other submissions from disk",
    stopped_by="bubblewrap and Landlock",
)
def course_on_disk(target: Target) -> Target:
    return target.append(
        f"import glob\nfound = []\nfor path in glob.glob({target.traps.course!r} + '/**/*.*', recursive=True) + glob.glob('../../**/*.ipynb', recursive=True):\n"
        "    try: found.append(open(path).read()[:3000])\n    except OSError as error: found.append(error)\n"
        + SHOW_FOUND
    )


@attack(
    "reading",
    tries="imports the grader's own modules and its secret",
    stopped_by="bubblewrap: the sandbox has lab and isolation only",
)
def modules_of_the_grader(target: Target) -> Target:
    return target.append(
        "import importlib\nfound = []\nfor name in ('secrets', 'course', 'grading', 'gradebook', 'audit', 'engine', 'authoring'):\n"
        "    try:\n        importlib.import_module(f'autograder.{name}')\n        found.append(name)\n    except ImportError: pass\n"
        f"if found: print({target.traps.claim}, found)"
    )


@attack(
    "reading",
    tries="reads the shell's history and the warm process's cells",
    stopped_by="no history; only the student's cells",
)
def history_of_the_shell(target: Target) -> Target:
    return target.append(
        "shell = get_ipython()\nfound = [In, Out, dir(shell), str(shell.user_ns)[:20000], list(shell.history_manager.input_hist_raw)]\n"
        + SHOW_FOUND
    )


@attack(
    "reading", tries="looks into the folders of other workers", stopped_by="Landlock: each worker sees its own folder"
)
def folders_of_others(target: Target) -> Target:
    return target.append(
        "import glob, os\nfound = []\nfor pattern in ('/box/*/*', '../*/*', '/tmp/*', '/tmp/*/*', '/box/*'):\n    for path in glob.glob(pattern):\n"
        "        try: found.append(open(path).read())\n        except OSError as error: found.append(error)\n"
        + SHOW_FOUND
    )


@attack(
    "reading",
    tries="leaves a note in its folder for the next submission, and reads those of earlier ones",
    stopped_by="a fresh folder each",
)
def notes_for_the_next(target: Target) -> Target:
    return target.append(
        "import os\nprint([open(f).read() for f in os.listdir('.') if f.startswith('note')])\nopen('note.txt', 'w').write('seen')"
    )


@attack(
    "reading",
    tries="prints what it is given in hidden tests",
    stopped_by="a quiet worker: prints are dropped",
    honest=True,
)
def printed_inputs(target: Target) -> Target:
    return target.wrap_all(
        "import sys\nprint(args)\nprint(args, file=sys.stderr)\nsys.__stdout__ and sys.__stdout__.write(str(args))"
    )


@attack(
    "reading",
    tries="draws and displays what it is given in hidden tests",
    stopped_by="a quiet worker: outputs are dropped",
    honest=True,
)
def displayed_inputs(target: Target) -> Target:
    return target.wrap_all(
        "from IPython.display import display, Markdown\ndisplay(Markdown(str(args)))\ndisplay({'text/plain': str(args)}, raw=True)"
    )


@attack(
    "reading",
    tries="keeps what it is given and prints it in a later cell",
    stopped_by="hidden parts run after all cells",
    honest=True,
)
def inputs_kept_for_later(target: Target) -> Target:
    return target.first("KEPT = []").wrap_all("KEPT.append(repr(args))").append("print(KEPT)")


@attack(
    "reading", tries="raises what it is given as an error's text", stopped_by="a quiet worker: only the error's type"
)
def inputs_in_errors(target: Target) -> Target:
    return target.answer_all("def NAME(*args, **kwargs):\n    raise RuntimeError(str(args))")


@attack(
    "reading", tries="names an error class after what it is given", stopped_by="a quiet worker: only whitelisted names"
)
def inputs_in_names_of_errors(target: Target) -> Target:
    return target.answer_all(
        "def NAME(*args, **kwargs):\n    raise type(str(args)[:80], (RuntimeError,), {})(str(args))"
    )


@attack("reading", tries="returns what it is given, to see it in the message", stopped_by="hidden parts tell no values")
def inputs_as_results(target: Target) -> Target:
    return target.answer_all(
        "SEEN = []\ndef NAME(*args, **kwargs):\n    SEEN.append(str(args))\n    return ''.join(SEEN)"
    )


@attack(
    "reading", tries="returns objects named after what it is given", stopped_by="a quiet worker: handles have no title"
)
def inputs_in_names_of_objects(target: Target) -> Target:
    return target.answer_all(
        "def NAME(*args, **kwargs):\n    made = type(str(args)[:90], (), {})()\n    made.__name__ = str(args)[:90]\n    return made"
    )


@attack(
    "reading", tries="returns dictionaries whose keys are what it is given", stopped_by="hidden parts tell no values"
)
def inputs_as_keys(target: Target) -> Target:
    return target.answer_all("def NAME(*args, **kwargs):\n    return {str(args)[:500]: str(args)[:500]}")


@attack("reading", tries="warns with what it is given", stopped_by="a quiet worker: outputs are dropped", honest=True)
def inputs_as_warnings(target: Target) -> Target:
    return target.wrap_all("import warnings, logging\nwarnings.warn(str(args))\nlogging.getLogger().error(str(args))")


@attack(
    "reading",
    tries="prints what it was given when the process ends",
    stopped_by="workers are killed, not asked to end",
    honest=True,
)
def inputs_at_exit(target: Target) -> Target:
    return target.first("import atexit\nKEPT = []\natexit.register(lambda: print(KEPT))").wrap_all(
        "KEPT.append(repr(args))"
    )


@attack(
    "reading",
    tries="keeps what it is given, kills its process, and prints it when its cells run again",
    stopped_by="nothing outlives a worker",
)
def inputs_across_a_restart(target: Target) -> Target:
    return target.answer_all(
        "import os\nif os.path.exists('kept'): print(open('kept').read())\n"
        "def NAME(*args, **kwargs):\n    open('kept', 'a').write(str(args))\n    os._exit(1)"
    )


@attack(
    "reading",
    tries="tells one bit of a hidden input by taking time or failing",
    stopped_by="feedback holds no times; see what is not defended",
)
def one_bit_by_time(target: Target) -> Target:
    return target.answer_all(
        "import time\ndef NAME(*args, **kwargs):\n    time.sleep(0.02 * (hash(str(args)) % 2))\n    return str(args)"
    )
