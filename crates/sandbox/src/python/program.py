"""The program's side: runs untrusted code and answers the judge's questions about it.

Nothing here is trusted. The expected results never enter this process; it sees only the calls the
tests make, so the worst it can do is answer them wrongly.
"""


class ProgramCodec(Codec):
    def __init__(self):
        super().__init__("h", "j")
        self.callbacks = {}

    def describe(self, value, depth):
        data = {"h": self.reference(value), "n": type(value).__name__}
        if isinstance(value, type):
            data["n"] = value.__name__
            if issubclass(value, BaseException):
                data["x"] = [b.__name__ for b in value.__mro__ if getattr(builtins, b.__name__, None) is b]
            return data
        for base in BASES:
            if isinstance(value, base):
                try:
                    data["v"] = self.encode(base(value), depth)
                except Exception:
                    pass
                break
        return data

    def foreign(self, data):
        index = data["j"]
        if index not in self.callbacks:
            self.callbacks[index] = Callback(index)
        return self.callbacks[index]


class Callback:
    """An object of the test's own (a function, an instance) that was passed to the program."""

    def __init__(self, index):
        object.__setattr__(self, "_index", index)

    def __call__(self, *args, **kwargs):
        return ask_back("call", self._index, [CODEC.encode(a) for a in args], [[k, CODEC.encode(v)] for k, v in kwargs.items()])

    def __getattr__(self, name):
        return ask_back("get", self._index, name)

    def __iter__(self):
        return ask_back("iter", self._index)

    def __next__(self):
        return ask_back("next", self._index)


def ask_back(what, index, *rest):
    """Asks the judge about one of its objects, and answers its questions meanwhile."""
    send("", {"cb": [what, index] + list(rest)})
    while True:
        message = receive()
        if message["op"] == "back":
            if "e" in message:
                raise getattr(builtins, message["e"], RuntimeError)(*message["a"])
            return CODEC.decode(message["v"])
        send("", answer(message))


def flush():
    """Hands on what was printed, so that a report can show it even if the process is stopped."""
    try:
        sys.stdout.flush()
    except BaseException:
        pass


def reflected(function):
    return lambda a, b: function(b, a)


DO = {
    "__len__": len, "__iter__": iter, "__next__": next, "__reversed__": reversed, "__str__": str, "__repr__": repr,
    "__bool__": bool, "__int__": int, "__float__": float, "__complex__": complex, "__index__": operator.index,
    "__hash__": hash, "__abs__": abs, "__round__": round, "__format__": format, "__bytes__": bytes,
    "__divmod__": divmod, "__rdivmod__": reflected(divmod), "__instancecheck__": lambda c, o: isinstance(o, c),
    "__subclasscheck__": lambda c, o: issubclass(o, c), "__dir__": dir,
    "__enter__": lambda o: type(o).__enter__(o), "__exit__": lambda o: type(o).__exit__(o, None, None, None),
}
for _name in "getitem setitem delitem contains eq ne lt le gt ge neg pos invert iadd isub imul".split():
    DO["__%s__" % _name] = getattr(operator, _name)
for _name in "add sub mul truediv floordiv mod pow matmul lshift rshift and or xor".split():
    DO["__%s__" % _name] = getattr(operator, _name, None) or getattr(operator, _name + "_")
    DO["__r%s__" % _name] = reflected(DO["__%s__" % _name])


def failure(error):
    """An exception of the program as the judge is told about it."""
    import traceback
    kind = type(error)
    try:
        args = [CODEC.encode(a) for a in error.args]
    except Exception:
        args = []
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == "solution.py"]
    where = "line %s" % frames[-1].lineno if frames else ""
    return {"c": CODEC.encode(kind), "n": kind.__name__, "a": args, "w": where}


def call(message):
    """Calls a function of the program; arguments it changed in place are sent back."""
    sent = message["a"]
    args = [CODEC.decode(a) for a in sent]
    result = CODEC.decode(message["f"])(*args, **{k: CODEC.decode(v) for k, v in message["k"]})
    reply = {"ok": CODEC.encode(result)}
    changed = []
    for position, value in enumerate(args):
        if type(value) in (list, dict, set, bytearray):
            now = CODEC.encode(value)
            if now != sent[position]:
                changed.append([position, now])
    if changed:
        reply["mut"] = changed
    return reply


def answer(message):
    """Answers one question of the judge."""
    try:
        op = message["op"]
        if op == "call":
            return call(message)
        if op == "name":
            scope = sys.modules["solution"].__dict__
            return {"ok": CODEC.encode(scope[message["n"]])} if message["n"] in scope else {"absent": 1}
        if op == "get":
            return {"ok": CODEC.encode(getattr(CODEC.decode(message["o"]), message["n"]))}
        if op == "set":
            setattr(CODEC.decode(message["o"]), message["n"], CODEC.decode(message["v"]))
            return {"ok": None}
        if op == "del":
            delattr(CODEC.decode(message["o"]), message["n"])
            return {"ok": None}
        return {"ok": CODEC.encode(DO[message["n"]](*[CODEC.decode(a) for a in message["a"]]))}
    except BaseException as error:
        return {"exc": failure(error)}


def compiled(source):
    """The program as a code object; ends the process with a report when it can't be compiled."""
    try:
        return compile(source, "solution.py", "exec", dont_inherit=True)
    except MemoryError:
        send("", {"compile": "MemoryError: the source is too large or too deeply nested"})
    except BaseException as error:
        where = getattr(error, "lineno", None)
        text = "%s: %s" % (type(error).__name__, getattr(error, "msg", None) or error)
        send("", {"compile": text + (" (line %s)" % where if where else "")})
    os._exit(0)


def serve_program(job):
    """Loads a program, then answers the judge until it goes away."""
    global CODEC
    CODEC = ProgramCodec()
    code = compiled(job["code"])
    module = Module("solution")
    sys.modules["solution"] = module
    try:
        exec(code, module.__dict__)
        reply = {"ok": None}
    except BaseException as error:
        reply = {"exc": failure(error)}
        if isinstance(error, SystemExit):
            reply["exc"]["w"] = "the program left before the tests could run"
    flush()
    send("", reply)
    if "exc" in reply:
        return
    while True:
        reply = answer(receive())
        flush()
        send("", reply)


def run_script(job):
    """Runs a whole program as `python solution.py arg…` would, in a directory with the given files."""
    code = compiled(job["code"])
    for name, content in job["files"].items():
        with open(name, "w", encoding="utf-8", errors="surrogatepass", newline="") as file:
            file.write(content)
    sys.argv = ["solution.py"] + job["args"]
    module = Module("__main__")
    sys.modules["__main__"] = module
    send("", {"ok": None})
    INCOMING.close()
    os.close(FD)
    exec(code, module.__dict__)
