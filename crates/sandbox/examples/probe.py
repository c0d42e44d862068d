# Prints what each tested expression gives, in a form in which equal values print the same.
import ast
import re


def canonical(value):
    if isinstance(value, (int, float)) and value == value and abs(value) != float("inf") and value == int(value):
        return str(int(value))
    if isinstance(value, (list, tuple)):
        return type(value).__name__ + "(" + ",".join(map(canonical, value)) + ")"
    if isinstance(value, (set, frozenset)):
        return "set(" + ",".join(sorted(map(canonical, value))) + ")"
    if isinstance(value, dict):
        return "dict(" + ",".join(sorted(canonical(k) + ":" + canonical(v) for k, v in value.items())) + ")"
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


scope = {"__name__": "solution"}
try:
    exec(CODE, scope)
    exec(SETUP, scope)
except BaseException as error:
    print("load", type(error).__name__)
    raise SystemExit
for test in TESTS:
    for node in ast.parse(test).body:
        if isinstance(node, ast.Assert):
            tested = node.test
            sides = [tested.left] if isinstance(tested, ast.Compare) and isinstance(tested.ops[0], ast.Eq) else [tested]
            for side in sides:
                try:
                    print(canonical(eval(compile(ast.Expression(side), "test", "eval"), scope))[-150:])
                except BaseException as error:
                    print(type(error).__name__)
        else:
            exec(compile(ast.Module([node], []), "test", "exec"), scope)
