"""Values that cross between the program's process and the judge's process.

Plain data crosses by value as tagged JSON. Everything else crosses by reference: the side that owns
the object keeps it in a table and sends the index, {"h": n} for the program's objects and {"j": n}
for the judge's. Only plain data is ever rebuilt, so a hostile peer can lie about its own values and
nothing more.
"""
import _operator as operator
import builtins
import os
import sys
from _sitebuiltins import Quitter

Module, Builtin = type(sys), type(len)


class Syntax:
    """JSON's own scanner and encoder without the `json` package: its imports cost more than all else here."""

    strict, object_hook, object_pairs_hook, memo = True, None, None, {}
    parse_float, parse_int = float, int
    parse_constant = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.__getitem__


try:
    import _json
    _scan = _json.make_scanner(Syntax)
    _encode = _json.make_encoder(None, None, _json.encode_basestring_ascii, None, ":", ",", False, False, True)
    if _scan("".join(_encode({"a": [1, "x", 0.5, None]}, 0)), 0)[0] != {"a": [1, "x", 0.5, None]}:
        raise ImportError
    loads, dumps = lambda text: _scan(text, 0)[0], lambda value: "".join(_encode(value, 0))
except (ImportError, AttributeError, TypeError):
    from json import dumps, loads

FD = 3
MAX_DEPTH = 150
BASES = (bool, int, float, complex, str, bytes, bytearray, tuple, list, dict, set, frozenset)
DATES = ("date", "time", "datetime", "timedelta", "timezone")
INCOMING = os.fdopen(FD, "rb", closefd=False)
builtins.exit = builtins.quit = Quitter("exit", "")


def send(tag, message):
    """Writes one line: a tag byte, then the message as JSON."""
    view = memoryview((tag + dumps(message) + "\n").encode("ascii"))
    while view:
        view = view[os.write(FD, view):]


def receive():
    """Reads one JSON line; leaves at once when the other side is gone."""
    line = INCOMING.readline()
    if not line.endswith(b"\n"):
        os._exit(3)
    message = loads(line.decode("utf-8"))
    if "stop" in message:
        os._exit(0)
    return message


def library(name):
    """A standard module, imported when it is first needed."""
    __import__(name)
    return sys.modules[name]


def is_library(name):
    return name in getattr(sys, "stdlib_module_names", sys.builtin_module_names)


class Codec:
    """Encodes and decodes values for one side; `own` and `other` are the reference tags."""

    def __init__(self, own, other):
        self.own, self.other = own, other
        self.objects, self.index = [], {}

    def reference(self, value):
        """The table index of an object, the same for the same object."""
        if id(value) not in self.index:
            self.index[id(value)] = len(self.objects)
            self.objects.append(value)
        return self.index[id(value)]

    def describe(self, value, depth):
        """How an object that is not plain data is sent; sides add what the other should know."""
        return {self.own: self.reference(value)}

    def many(self, values, depth):
        return [self.encode(v, depth) for v in values]

    def pairs(self, mapping, depth):
        return [[self.encode(k, depth), self.encode(v, depth)] for k, v in mapping.items()]

    def encode(self, value, depth=0):
        kind, depth = type(value), depth + 1
        if value is None or kind is bool or kind is str or kind is float:
            return value
        if kind is int:
            return value if -(1 << 62) < value < 1 << 62 else {"i": hex(value)}
        if depth > MAX_DEPTH:
            raise ValueError("the value is nested too deeply to be examined")
        if kind is list:
            return self.many(value, depth)
        if kind is tuple:
            return {"t": self.many(value, depth)}
        if kind is dict:
            return {"d": self.pairs(value, depth)}
        if kind is set:
            return {"s": self.many(value, depth)}
        if kind is frozenset:
            return {"f": self.many(value, depth)}
        if kind is bytes or kind is bytearray:
            return {"y" if kind is bytes else "Y": value.hex()}
        if kind is complex:
            return {"c": [value.real, value.imag]}
        if kind is range:
            return {"r": self.many([value.start, value.stop, value.step], depth)}
        origin, name = kind.__module__, kind.__name__
        if origin in ("decimal", "fractions", "collections", "array", "datetime") and getattr(library(origin), name, None) is kind:
            if name == "Decimal":
                return {"D": str(value)}
            if name == "Fraction":
                return {"F": self.many([value.numerator, value.denominator], depth)}
            if name == "deque":
                return {"q": self.many(value, depth)}
            if name == "OrderedDict":
                return {"o": self.pairs(value, depth)}
            if name == "Counter":
                return {"K": self.pairs(value, depth)}
            if name == "array":
                return {"A": [value.typecode, self.many(value, depth)]}
            if name in DATES:
                return {"p": [name, self.many(value.__reduce__()[1], depth)]}
        if kind is type(Ellipsis) or kind is type(NotImplemented):
            return {"B": repr(value)}
        if kind is type or kind is Builtin:
            name = value.__name__
            if getattr(builtins, name, None) is value:
                return {"B": name}
        if kind is Module and is_library(value.__name__):
            return {"m": value.__name__}
        return self.describe(value, depth)

    def lookup(self, data):
        """An object of this side, by its reference."""
        return self.objects[operator.index(data[self.own])]

    def foreign(self, data):
        """An object of the other side, by its reference."""
        raise NotImplementedError

    def decode(self, data):
        if type(data) is list:
            return [self.decode(d) for d in data]
        if type(data) is not dict:
            return data
        if self.own in data:
            return self.lookup(data)
        if self.other in data:
            return self.foreign(data)
        (tag, body), = data.items()
        if tag == "i":
            return int(body, 16)
        if tag == "t":
            return tuple(map(self.decode, body))
        if tag == "d":
            return {self.decode(k): self.decode(v) for k, v in body}
        if tag == "s":
            return set(map(self.decode, body))
        if tag == "f":
            return frozenset(map(self.decode, body))
        if tag == "y":
            return bytes.fromhex(body)
        if tag == "Y":
            return bytearray.fromhex(body)
        if tag == "c":
            return complex(*body)
        if tag == "r":
            return range(*map(self.decode, body))
        if tag == "D":
            return library("decimal").Decimal(body)
        if tag == "F":
            return library("fractions").Fraction(*map(self.decode, body))
        if tag == "q":
            return library("collections").deque(map(self.decode, body))
        if tag == "o":
            return library("collections").OrderedDict((self.decode(k), self.decode(v)) for k, v in body)
        if tag == "K":
            return library("collections").Counter({self.decode(k): self.decode(v) for k, v in body})
        if tag == "A":
            return library("array").array(body[0], map(self.decode, body[1]))
        if tag == "p":
            return getattr(library("datetime"), DATES[DATES.index(body[0])])(*map(self.decode, body[1]))
        if tag == "B":
            return getattr(builtins, body)
        if tag == "m" and is_library(body):
            return library(body)
        raise ValueError("unknown value tag " + repr(tag))
