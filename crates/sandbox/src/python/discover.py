# Run once by the host's interpreter, outside the sandbox: says what the interpreter needs to run, and
# compiles the harness (given on standard input) so that sandboxed interpreters need not.
import glob, json, marshal, os, subprocess, sys, sysconfig
exe = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
stdlib = {os.path.realpath(sysconfig.get_path(k)) for k in ("stdlib", "platstdlib")}
modules = [m for p in sorted(stdlib) for m in glob.glob(p + "/lib-dynload/*.so") if "_tkinter" not in m]
env = {"LD_TRACE_LOADED_OBJECTS": "1", "LD_PRELOAD": ":".join(modules)}
listed = subprocess.run([exe], env=env, stdin=subprocess.DEVNULL, capture_output=True).stdout.decode().splitlines()
libraries = set()
for line in listed:
    words = line.split()
    path = next((w for w in words if w.startswith("/")), None)
    if path and not any(path.startswith(p + "/") for p in stdlib):
        libraries.add(path)
cache = [p for p in ["/etc/ld.so.cache"] if os.path.exists(p)]
code = compile(sys.stdin.read(), "harness.py", "exec", dont_inherit=True, optimize=2)
print(json.dumps({
    "executable": exe, "version": list(sys.version_info[:3]), "implementation": sys.implementation.name,
    "library_path": [os.path.dirname(p) for p in libraries if "/libpython" in p],
    "paths": sorted(stdlib) + sorted(libraries) + cache, "harness": marshal.dumps(code).hex(),
}))
