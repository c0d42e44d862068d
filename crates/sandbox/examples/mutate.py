# Prints single-token edits of CODE, at most MOST of them spread over it: [start, length, new text] a line.
import io
import json
import tokenize

MOST = 12
SWAP = {
    "+": "-", "-": "+", "*": "//", "//": "*", "/": "*", "%": "//", "**": "*", "<": "<=", "<=": "<", ">": ">=", ">=": ">",
    "==": "!=", "!=": "==", "+=": "-=", "-=": "+=", "*=": "+=", "and": "or", "or": "and", "not": "", "True": "False",
    "False": "True", "min": "max", "max": "min", "break": "continue", "continue": "break", "&": "|", "|": "&", "^": "&",
    "<<": ">>", ">>": "<<", "in": "not in",
}
starts = [0]
for line in CODE.split("\n"):
    starts.append(starts[-1] + len(line) + 1)
edits = []
try:
    previous = ""
    for token in tokenize.generate_tokens(io.StringIO(CODE).readline):
        new = SWAP.get(token.string) if token.type in (tokenize.OP, tokenize.NAME) else None
        if token.type == tokenize.NUMBER and token.string.isdigit():
            new = str(int(token.string) + 1)
        if new is not None and not (token.string == "in" and previous in ("not", "for")):
            edits.append([starts[token.start[0] - 1] + token.start[1], len(token.string), new])
        previous = token.string
except (tokenize.TokenError, IndentationError):
    pass
step = max(1, -(-len(edits) // MOST))
for edit in edits[::step]:
    print(json.dumps(edit))
