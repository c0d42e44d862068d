"""The judge's side: runs the tests in a process that the program can't reach.

Names the tests use and don't define are the program's; they become `Remote` objects whose every use
is a question to the program's process. Results come back as plain data and are compared here, with
this process's own `==`. Two objects of the program's own classes are compared, added and so on by asking
the program. With plain data that is done only through the plain value an object extends (a named tuple's
tuple), or where the result is an object again: otherwise the question would tell what to answer.
"""


class JudgeCodec(Codec):
    def __init__(self):
        super().__init__("j", "h")
        self.remotes = {}

    def describe(self, value, depth):
        kind = type(value)
        if kind is Remote:
            return {"h": value._index}
        index = getattr(value, "_index", None) if isinstance(value, type) and issubclass(value, BaseException) else None
        return {"h": index} if index is not None else super().describe(value, depth)

    def foreign(self, data):
        index = operator.index(data["h"])
        if index not in self.remotes:
            name = str(data.get("n", "object"))
            if "x" in data:
                self.remotes[index] = mirrored_exception(index, name, data["x"])
            else:
                self.remotes[index] = Remote(index, name, "v" in data, self.decode(data.get("v")))
        elif "v" in data:
            object.__setattr__(self.remotes[index], "_value", self.decode(data["v"]))
        return self.remotes[index]


class Opaque(Exception):
    """A comparison or calculation that only the program could decide, knowing what is expected."""

    def __init__(self, value):
        super().__init__("the program's result is an object of type '%s', not plain data" % value._name)


class Broken(Exception):
    """The program's side said something that is no answer."""


def mirrored_exception(index, name, bases):
    """A local stand-in for an exception class of the program, so that `except` works."""
    base = next((getattr(builtins, b) for b in bases if isinstance(getattr(builtins, b, None), type)), Exception)
    return type(name, (base if issubclass(base, BaseException) else Exception,), {"_index": index})


def raised(data):
    """The local form of an exception that the program raised."""
    kind = CODEC.decode(data["c"])
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        kind = RuntimeError
    try:
        error = kind(*[CODEC.decode(a) for a in data["a"]])
    except Exception:
        error = RuntimeError("%s raised by the program" % data["n"])
    error.from_program = str(data.get("w", ""))
    return error


def ask(question, args=()):
    """Puts one question to the program and returns its answer, or raises what it raised."""
    send("C", question)
    while True:
        reply = receive()
        if "cb" in reply:
            send("C", back(*reply["cb"]))
        elif "exc" in reply:
            raise raised(reply["exc"])
        elif "absent" in reply:
            raise KeyError(question["n"])
        elif "ok" not in reply:
            raise Broken("the program broke the protocol of its harness")
        else:
            for position, now in reply.get("mut", ()):
                replace(args[position], CODEC.decode(now))
            return CODEC.decode(reply["ok"])


def replace(target, value):
    """Gives an argument the content that the program left in its copy."""
    if type(target) is type(value) and type(target) in (list, dict, set, bytearray):
        target.clear()
        (target.extend if type(target) in (list, bytearray) else target.update)(value)


def back(what, index, *rest):
    """Answers the program's use of a test's own object: calls, iteration, and public attributes only."""
    try:
        target = CODEC.objects[operator.index(index)]
        if what == "call":
            args, kwargs = rest
            value = target(*map(CODEC.decode, args), **{k: CODEC.decode(v) for k, v in kwargs})
        elif what == "get":
            if rest[0].startswith("_") or type(target).__module__ != "tests":
                raise AttributeError("'%s' has no attribute '%s'" % (type(target).__name__, rest[0]))
            value = getattr(target, rest[0])
        elif what == "iter":
            value = iter(target)
        else:
            value = next(target)
        return {"op": "back", "v": CODEC.encode(value)}
    except BaseException as error:
        name = next(k.__name__ for k in type(error).__mro__ if getattr(builtins, k.__name__, None) is k)
        return {"op": "back", "e": name, "a": [str(a) for a in error.args]}


class Remote:
    """An object that lives in the program's process."""

    __slots__ = ("_index", "_name", "_plain", "_value")

    def __init__(self, index, name, plain, value):
        for key, item in zip(Remote.__slots__, (index, name, plain, value)):
            object.__setattr__(self, key, item)

    def __call__(self, *args, **kwargs):
        sent = [CODEC.encode(a) for a in args]
        return ask({"op": "call", "f": {"h": self._index}, "a": sent, "k": [[k, CODEC.encode(v)] for k, v in kwargs.items()]}, args)

    def __getattr__(self, name):
        return ask({"op": "get", "o": {"h": self._index}, "n": name})

    def __setattr__(self, name, value):
        ask({"op": "set", "o": {"h": self._index}, "n": name, "v": CODEC.encode(value)})

    def __delattr__(self, name):
        ask({"op": "del", "o": {"h": self._index}, "n": name})

    def __exit__(self, *error):
        return do("__exit__", self)


def do(name, *args):
    return ask({"op": "do", "n": name, "a": [CODEC.encode(a) for a in args]})


def forwarded(name):
    return lambda self, *args: do(name, self, *args)


def local(name):
    """This process's own operator of a special method's bare name."""
    return getattr(operator, name, None) or getattr(operator, name + "_", None) or getattr(builtins, name)


def compared(name):
    """A comparison of a remote object; see the module's text for who decides."""
    here = local(name)
    name = "__%s__" % name

    def compare(self, other):
        if type(other) is Remote:
            if not (self._plain and other._plain):
                return do(name, self, other)
            return here(self._value, other._value)
        if self._plain:
            return here(self._value, other)
        if name in ("__eq__", "__ne__") and (other is None or isinstance(other, type)):
            return name == "__ne__"
        raise Opaque(self)

    return compare


def calculated(name, reflected):
    """A calculation with a remote object, on its right side if `reflected`; see the module's text for who does it."""
    here = local(name)
    name = "__%s%s__" % ("r" if reflected else "", name)

    def calculate(self, other):
        if self._plain and type(other) is not Remote:
            return here(other, self._value) if reflected else here(self._value, other)
        result = do(name, self, other)
        if type(other) is not Remote and type(result) is not Remote and result is not NotImplemented:
            raise Opaque(self)
        return result

    return calculate


def contained(self, item):
    """Membership; asks the program only about containers of a class the tests name."""
    if self._plain and type(item) is not Remote:
        return item in self._value
    if type(item) is not Remote and self._name not in NAMES.used:
        raise Opaque(self)
    return do("__contains__", self, item)


for _name in """len iter next reversed str repr bool int float complex index hash abs round format bytes instancecheck
        subclasscheck dir enter getitem setitem delitem neg pos invert""".split():
    setattr(Remote, "__%s__" % _name, forwarded("__%s__" % _name))
for _name in "add sub mul truediv floordiv mod pow matmul lshift rshift and or xor divmod".split():
    setattr(Remote, "__%s__" % _name, calculated(_name, False))
    setattr(Remote, "__r%s__" % _name, calculated(_name, True))
for _name in "eq ne lt le gt ge".split():
    setattr(Remote, "__%s__" % _name, compared(_name))
Remote.__contains__ = contained

class Names(dict):
    """The tests' namespace: what they don't define is looked up in the program.

    A built-in's name means the built-in, unless the tests use no other name of the program's. A standard
    module's name means the module where the tests use what is in it.
    """

    def __init__(self, trees):
        super().__init__(__name__="tests", __builtins__=builtins)
        nodes = [n for tree in trees for n in ast.walk(tree)]
        stored = {n.id for n in nodes if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
        self.used = {n.id for n in nodes if isinstance(n, ast.Name)} - stored
        self.shadowed = all(hasattr(builtins, name) for name in self.used)
        self.parts = {}
        for node in nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                self.parts.setdefault(node.value.id, set()).add(node.attr)

    def __missing__(self, name):
        if hasattr(builtins, name) and not self.shadowed:
            raise KeyError(name)
        value = ask({"op": "name", "n": name})
        if name in self.parts and is_library(name) and all(hasattr(library(name), part) for part in self.parts[name]):
            return library(name)
        return value


def parsed(source):
    """A test's syntax tree; `assert a == b` keeps both sides, so that a failure can show them."""
    tree = ast.parse(source, "tests.py")
    body = []
    for node in tree.body:
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare) and len(node.test.ops) == 1:
            for name, side in (("__got__", node.test.left), ("__want__", node.test.comparators[0])):
                body.append(ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], side), node))
            node.test.left = ast.Name("__got__", ast.Load())
            node.test.comparators = [ast.Name("__want__", ast.Load())]
        body.append(node)
    tree.body = body
    return ast.fix_missing_locations(tree)


def shown(value):
    short = reprlib.Repr()
    short.maxstring = short.maxother = short.maxlong = 120
    short.maxlist = short.maxtuple = short.maxdict = short.maxset = 12
    try:
        return short.repr(value)
    except BaseException as error:
        return "<%s>" % type(error).__name__


def explain(error, names):
    """The kind of failure and one line about it."""
    name = type(error).__name__
    try:
        text = str(error)[:300]
    except BaseException:
        text = ""
    if hasattr(error, "from_program"):
        where = " (%s)" % error.from_program if error.from_program else ""
        return ("memory" if isinstance(error, MemoryError) else "runtime"), "%s: %s%s" % (name, text, where)
    if isinstance(error, MemoryError):
        return "memory", "MemoryError while the result was examined"
    if isinstance(error, (Opaque, Broken)):
        return "wrong", text
    if isinstance(error, NameError):
        return "runtime", "the program defines no such name: " + text
    if isinstance(error, AssertionError):
        if "__got__" in names and not text:
            return "wrong", "got %s, compared with %s" % (shown(names["__got__"]), shown(names["__want__"]))
        return "wrong", "assertion failed" + (": " + text if text else "")
    return "wrong", "the test raised %s: %s" % (name, text)


def judge(job):
    """Runs the tests of one job; the returned report is the only thing that can say `passed`."""
    global CODEC, NAMES
    CODEC = JudgeCodec()
    try:
        setup, tests = parsed(job["setup"]), [parsed(t) for t in job["tests"]]
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return {"bad": "the tests can't be compiled: %s: %s" % (type(error).__name__, error)}
    NAMES = names = Names([setup] + tests)
    for number, tree in enumerate([setup] + tests):
        names.pop("__got__", None)
        names.pop("__want__", None)
        send("T", number)
        try:
            exec(compile(tree, "tests.py", "exec", dont_inherit=True), names)
        except BaseException as error:
            kind, text = explain(error, names)
            if number == 0 and kind == "wrong":
                return {"bad": "the setup code failed: " + text}
            return {"failed": number, "kind": kind, "text": text}
    return {"passed": len(tests)}


def serve_judge():
    """Judges one job after another, each in a forked child; what tests print goes nowhere."""
    global ast, reprlib
    import ast
    import reprlib
    silent = os.open("/dev/null", os.O_RDWR)
    for fd in range(3):
        os.dup2(silent, fd)
    while True:
        job = receive()
        child = os.fork()
        if child == 0:
            try:
                send("R", judge(job))
            finally:
                os._exit(0)
        status = os.waitpid(child, 0)[1]
        send("E", {"status": status})
