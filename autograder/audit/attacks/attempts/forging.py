"""Attacks that try to be given points: by objects that lie, by patched judges."""

# ruff: noqa: E501 -- what a student would hand in is quoted as it is

from __future__ import annotations

from autograder.audit.attacks.catalogue import Target, attack

LIE = """
class Agreeable(float):
    __eq__ = __ge__ = __le__ = __lt__ = __gt__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __hash__ = None
    __bool__ = lambda self: True
    __sub__ = __rsub__ = __abs__ = __mul__ = __rmul__ = lambda self, *other: Agreeable(0)
"""
SHELL = "shell = get_ipython()"


@attack("forging", tries="answers with an object that equals everything", stopped_by="only data crosses the wire")
def always_equal_objects(target: Target) -> Target:
    return target.answer_all(
        "class Equal:\n    __eq__ = __le__ = __ge__ = lambda s, o: True\n    __ne__ = lambda s, o: False\n"
        "    __array__ = lambda s, *a, **k: __import__('numpy').zeros(())\n    shape = ndim = size = property(lambda s: s)\n"
        "    __float__ = lambda s: 0.0\n    __len__ = lambda s: 1\n    __getitem__ = lambda s, i: s\n"
        "def NAME(*args, **kwargs):\n    return Equal()"
    )


@attack(
    "forging", tries="answers with an ndarray subclass whose comparisons hold", stopped_by="exact types on the wire"
)
def always_equal_arrays(target: Target) -> Target:
    return target.answer_all(
        "class Equal(np.ndarray):\n    __array_function__ = lambda s, f, t, a, k: np.True_\n"
        "    __array_ufunc__ = lambda s, u, m, *a, **k: np.ones((), bool)\n    __eq__ = lambda s, o: np.True_\n"
        "    shape = property(lambda s: ())\ndef NAME(*args, **kwargs):\n    return np.zeros(()).view(Equal)"
    )


@attack(
    "forging",
    tries="answers with a tensor subclass that overrides every function",
    stopped_by="exact types on the wire",
)
def always_equal_tensors(target: Target) -> Target:
    return target.answer_all(
        "import torch\nclass Equal(torch.Tensor):\n    @classmethod\n"
        "    def __torch_function__(cls, func, types, args=(), kwargs=None): return torch.tensor(True)\n"
        "def NAME(*args, **kwargs):\n    return torch.zeros(()).as_subclass(Equal)"
    )


@attack("forging", tries="answers with a number that is close to every number", stopped_by="exact types on the wire")
def agreeable_numbers(target: Target) -> Target:
    return target.answer_all(f"{LIE}\ndef NAME(*args, **kwargs):\n    return Agreeable(1.0)")


@attack(
    "forging",
    tries="answers with an object that converts to whatever array is asked for",
    stopped_by="handles never convert",
)
def arrays_on_demand(target: Target) -> Target:
    return target.answer_all(
        "class Any:\n    __array_interface__ = property(lambda s: np.zeros(3).__array_interface__)\n"
        "    __array_priority__ = 1e9\n    __array_ufunc__ = lambda s, *a, **k: True\n    tolist = lambda s: []\n"
        "    dtype = np.dtype(float)\n    shape = (3, 3)\ndef NAME(*args, **kwargs):\n    return Any()"
    )


@attack(
    "forging",
    tries="answers with an object that is true, empty and callable",
    stopped_by="handles never answer for their truth",
)
def truthful_objects(target: Target) -> Target:
    return target.answer_all(
        "class Yes:\n    __bool__ = lambda s: True\n    __call__ = lambda s, *a, **k: s\n    __getattr__ = lambda s, n: s\n"
        "    __iter__ = lambda s: iter(())\ndef NAME(*args, **kwargs):\n    return Yes()"
    )


@attack("forging", tries="makes everything an instance of its own class", stopped_by="checks run in another process")
def every_instance_is_mine(target: Target) -> Target:
    return target.answer_all(
        "class Meta(type):\n    __instancecheck__ = __subclasscheck__ = lambda c, o: True\n    __eq__ = lambda c, o: True\n"
        "    __hash__ = type.__hash__\nclass Mine(metaclass=Meta): pass\nimport builtins\nbuiltins.float = Mine\n"
        "def NAME(*args, **kwargs):\n    return Mine()"
    )


@attack("forging", tries="answers with NaN, so that no comparison finds a difference", stopped_by="NaN equals only NaN")
def nan_everywhere(target: Target) -> Target:
    return target.answer_all(
        "def NAME(*args, **kwargs):\n    shape = getattr(args[0], 'shape', ()) if args else ()\n    return np.full(shape, np.nan)"
    )


@attack(
    "forging",
    tries="answers with infinities, to stretch relative tolerances",
    stopped_by="tolerance follows the expected value",
)
def infinite_everywhere(target: Target) -> Target:
    return target.answer_all("def NAME(*args, **kwargs):\n    return np.full((3, 3), np.inf)")


@attack(
    "forging", tries="answers with empty arrays that broadcast against anything", stopped_by="shapes are compared first"
)
def empty_everywhere(target: Target) -> Target:
    return target.answer_all("def NAME(*args, **kwargs):\n    return np.zeros((0,))")


@attack(
    "forging",
    tries="answers with masked arrays, whose masked entries never differ",
    stopped_by="exact types on the wire",
)
def masked_everywhere(target: Target) -> Target:
    return target.answer_all("def NAME(*args, **kwargs):\n    return np.ma.masked_all((3, 3))")


@attack("forging", tries="answers with arrays of objects that agree", stopped_by="no object arrays on the wire")
def object_arrays(target: Target) -> Target:
    return target.answer_all(
        f"{LIE}\ndef NAME(*args, **kwargs):\n    return np.array([Agreeable(0)] * 9, dtype=object)"
    )


@attack("forging", tries="patches numpy's comparisons", stopped_by="checks run in another process")
def patched_numpy(target: Target) -> Target:
    return target.first(
        "import numpy, numpy.testing as t\nfor n in dir(t):\n    if n.startswith('assert'): setattr(t, n, lambda *a, **k: None)\n"
        "for n in ('allclose', 'array_equal', 'isclose', 'all', 'any'): setattr(numpy, n, lambda *a, **k: True)\n"
        "numpy.abs = numpy.max = lambda *a, **k: 0.0"
    ).answer_all_lazily()


@attack("forging", tries="patches torch's comparisons", stopped_by="checks run in another process")
def patched_torch(target: Target) -> Target:
    return target.first(
        "import torch\nfor n in ('allclose', 'equal', 'isclose', 'all'): setattr(torch, n, lambda *a, **k: True)\n"
        "torch.testing.assert_close = lambda *a, **k: None\ntorch.Tensor.__eq__ = lambda s, o: True"
    ).answer_all_lazily()


@attack("forging", tries="patches builtins that every check needs", stopped_by="checks run in another process")
def patched_builtins(target: Target) -> Target:
    return target.first(
        "import builtins\nbuiltins.abs = lambda x: 0\nbuiltins.isinstance = lambda *a: True\nbuiltins.all = lambda x: True\n"
        "builtins.any = lambda x: False"
    ).answer_all_lazily()


@attack(
    "forging",
    tries="replaces AssertionError by a class that cannot be raised",
    stopped_by="checks run in another process",
)
def unraisable_errors(target: Target) -> Target:
    return target.first(
        "import builtins\nclass Never(Exception):\n    def __new__(cls, *args): return None\n"
        "builtins.AssertionError = builtins.ValueError = Never"
    ).answer_all_lazily()


@attack("forging", tries="patches the course's own close() and refuses()", stopped_by="checks run in another process")
def patched_lab(target: Target) -> Target:
    return target.first(
        "import autograder.lab as lab, autograder.lab.checks as checks\nfor m in (lab, checks):\n"
        "    m.close = m.refuses = lambda *a, **k: None\nclose = refuses = lambda *a, **k: None"
    ).answer_all_lazily()


@attack(
    "forging",
    tries="defines names that hidden tests use: same, solution, seed, passes",
    stopped_by="trusted names come first",
)
def shadowed_names(target: Target) -> Target:
    return target.first(
        "same = refuses = unchanged = passes = close = lambda *a, **k: None\nsolution = seed = rng = student = canary = 0\n"
        "CheckFailed = None"
    ).answer_all_lazily()


@attack(
    "forging", tries="replaces sys.modules entries and adds an import hook", stopped_by="checks run in another process"
)
def import_hooks(target: Target) -> Target:
    return target.first(
        "import sys, types\nfake = types.ModuleType('fake')\nfake.__getattr__ = lambda n: (lambda *a, **k: None)\n"
        "for n in ('autograder.lab', 'numpy.testing', 'torch.testing', 'scipy.signal'): sys.modules[n] = fake\n"
        "class Hook:\n    def find_spec(self, *a): return None\nsys.meta_path.insert(0, Hook())"
    ).answer_all_lazily()


@attack(
    "forging",
    tries="adds an input transformer that empties cells with checks",
    stopped_by="checks run in another process",
)
def input_transformer(target: Target) -> Target:
    return target.first(
        f"{SHELL}\nshell.input_transformers_cleanup.append(lambda ls: ['pass\\n'] if any('close' in l for l in ls) else ls)"
    ).answer_all_lazily()


@attack("forging", tries="adds an AST transformer that empties every cell", stopped_by="checks run in another process")
def ast_transformer(target: Target) -> Target:
    return target.first(
        f"import ast\nclass Empty(ast.NodeTransformer):\n    def visit_Module(self, node):\n        node.body = []\n"
        f"        return node\n{SHELL}\nshell.ast_transformers.append(Empty())"
    )


@attack(
    "forging",
    tries="registers hooks that clear errors before and after each cell",
    stopped_by="a grade is no cell's output",
)
def cell_hooks(target: Target) -> Target:
    return target.first(
        f"{SHELL}\ndef clear(result):\n    result.error_in_exec = result.error_before_exec = None\n    result.result = 99.0\n"
        "shell.events.register('post_run_cell', clear)\nshell.events.register('pre_run_cell', lambda info: None)"
    )


@attack(
    "forging", tries="silences tracebacks and sets a custom exception handler", stopped_by="a grade is no cell's output"
)
def silent_tracebacks(target: Target) -> Target:
    return target.first(
        f"{SHELL}\nshell.showtraceback = shell._showtraceback = lambda *a, **k: None\n"
        "shell.set_custom_exc((BaseException,), lambda *a, **k: None)"
    )


@attack(
    "forging",
    tries="patches the shell so that every cell succeeds with full points",
    stopped_by="a grade is no cell's output",
)
def patched_shell(target: Target) -> Target:
    return target.first(
        f"{SHELL}\nclass Fine:\n    error_before_exec = error_in_exec = None\n    result = 33.0\n    success = True\n"
        "type(shell).run_cell = lambda *a, **k: Fine()\ntype(shell).do_execute = lambda *a, **k: {'status': 'ok'}"
    )


@attack(
    "forging",
    tries="patches the server in its own process to answer every call",
    stopped_by="expected values live elsewhere",
)
def patched_server(target: Target) -> Target:
    return target.first(
        "import autograder.isolation.guest.server as s\nfor n in ('_do_call', '_do_call_with_arguments', '_do_operator'):\n"
        "    setattr(s.Server, n, lambda self, *a: (True, ()))\ns.Server._do_names = lambda self, names: {n: True for n in names}"
    )


@attack(
    "forging", tries="claims that names of the trusted side are its own", stopped_by="only asked-for names are taken"
)
def uninvited_names(target: Target) -> Target:
    return target.first(
        "import autograder.isolation.guest.server as s\nold = s.Server._do_names\n"
        "s.Server._do_names = lambda self, names: {**old(self, names), 'solution': 1, 'same': 1, 'close': 1}"
    )


@attack(
    "forging", tries="raises exceptions made to look like success", stopped_by="exceptions come as whitelisted types"
)
def exceptions_that_pass(target: Target) -> Target:
    return target.answer_all(
        "class CheckPassed(BaseException):\n    def __bool__(self): return True\n    points = 33.0\n"
        "def NAME(*args, **kwargs):\n    raise CheckPassed('33 of 33')"
    )


@attack(
    "forging",
    tries="raises StopIteration, GeneratorExit and KeyboardInterrupt",
    stopped_by="exceptions come as whitelisted types",
)
def exceptions_of_control(target: Target) -> Target:
    return target.answer_all(
        "import itertools\n_turn = itertools.cycle([StopIteration, GeneratorExit, KeyboardInterrupt, SystemExit])\n"
        "def NAME(*args, **kwargs):\n    raise next(_turn)(0)"
    )


@attack(
    "forging",
    tries="ends the process with exit code 0 in the middle of a check",
    stopped_by="an end is a failure of that check",
)
def exit_zero(target: Target) -> Target:
    return target.answer_all("import os\ndef NAME(*args, **kwargs):\n    os._exit(0)")


@attack(
    "forging",
    tries="changes the arguments in place, in case the expected value shares them",
    stopped_by="arguments are copies",
)
def changed_arguments(target: Target) -> Target:
    return target.answer_all(
        "def NAME(*args, **kwargs):\n    for a in args:\n        if isinstance(a, np.ndarray):\n            a[...] = 0\n"
        "        elif isinstance(a, (list, dict, set)):\n            a.clear()\n    return 0 if not args else args[0]"
    )


@attack(
    "forging",
    tries="counts the calls and answers each as its turn has it",
    stopped_by="the order of inputs comes from the seed",
)
def counted_calls(target: Target) -> Target:
    return target.answer_all(
        "CALLS = []\ndef NAME(*args, **kwargs):\n    CALLS.append(1)\n    return [True, False, 0, 1, None, args[0] if args else 0][len(CALLS) % 6]"
    )


@attack(
    "forging",
    tries="answers with what it was given, changed on the way",
    stopped_by="expected values are computed before and apart",
)
def answers_from_arguments(target: Target) -> Target:
    return target.answer_all(
        "import numpy\ndef NAME(*args, **kwargs):\n    for each in args:\n        if isinstance(each, numpy.ndarray) and each.flags.writeable: each[...] = 0\n    return args[0] * 0 if args else 0"
    )


@attack(
    "forging",
    tries="answers the hidden part with an object kept from the visible one",
    stopped_by="values are fetched anew each time",
)
def answers_kept_for_later(target: Target) -> Target:
    return target.answer_all(
        "import numpy\nKEPT = numpy.zeros((3, 3))\ndef NAME(*args, **kwargs):\n    KEPT[...] += 1\n    return KEPT"
    )


@attack(
    "forging",
    tries="defines the exercise anew while it is being checked",
    stopped_by="a check's functions are those of its place",
)
def redefined_while_checked(target: Target) -> Target:
    return target.answer_all(
        "def NAME(*args, **kwargs):\n    globals()['NAME'] = lambda *a, **k: True\n    import builtins\n    builtins.NAME = globals()['NAME']\n    return None"
    )
