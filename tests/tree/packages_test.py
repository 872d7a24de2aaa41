#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""deploy/apt-packages.txt names what is used, and nothing else.

  packages_test.py BUILD_DIR [PROGRAM]

Used is what the tree and the build show by themselves: headers that our sources include, headers that the
compiler read (ninja -t deps), libraries that the linked program loads (ldd), the runtime that clang links into
the fuzz targets, programs that scripts and tests call, modules that Python files import. Owners come from dpkg's own lists. What a listed package depends on
need not be listed itself, but whatever our code names directly must be.
"""
import collections
import importlib.machinery
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIST = ROOT / "deploy" / "apt-packages.txt"
DPKG_INFO = pathlib.Path("/var/lib/dpkg/info")
PATH = "/usr/bin:/usr/sbin:/bin:/sbin"
LEFT_OUT = 77

# Looked for, used where they are there, never asked for.
OPTIONAL_PROGRAMS = {"sudo", "ccache"}
# Words of other languages inside scripts that happen to be names of programs.
NOT_PROGRAMS = {"import", "from"}
# Called without standing in a script's command position: (file, what shows it, program).
CALLED_BY_CMAKE = [
    ("CMakePresets.json", '"generator": "Ninja"', "ninja"),
    ("CMakePresets.json", '"CMAKE_CXX_COMPILER": "clang++"', "clang++"),
    ("tools/cmake/FaultlineLibraries.cmake", "find_package(PkgConfig", "pkg-config"),
    ("CMakeLists.txt", "LANGUAGES CXX", "g++"),
]

# Within a lookahead, so that `| xargs a` shows both calls.
SHELL_COMMAND = re.compile(
    r"(?=(?:^|[|;&(!`]|\$\(|\b(?:then|do|else|if|while|until|exec|run|env|sudo|as_root|"
    r"xargs(?: -\w+(?: \S+)?)*|setarch -R)\s)\s*@?(?:[A-Z_]+=\S*\s+)*"
    r"([a-z][a-z0-9+._-]*)(?=[\s;)\"'`]|$))")
FUNCTION = re.compile(r"^\s*(?:function\s+)?([a-z_]\w*)\s*\(\)", re.MULTILINE)
LITERAL = re.compile(r"""["']([a-z][a-z0-9+._-]*)(?=["' ])""")
INCLUDE = re.compile(r"^\s*#\s*include\s*<([^>]+)>", re.MULTILINE)
IMPORT = re.compile(r"\b(?:import|from)\s+([a-z_]\w*)")


def normal(path):
    """One spelling for what a merged /usr makes two of."""
    return "/usr" + path if re.match(r"/(bin|sbin|lib\w*)/", path) else path


class Dpkg:
    """What is installed: files, owners, dependencies."""

    def __init__(self):
        self.owner = {}
        for listing in DPKG_INFO.glob("*.list"):
            package = listing.stem.split(":")[0]
            for line in listing.read_text(errors="replace").splitlines():
                self.owner.setdefault(normal(line), package)
        self.depends, self.base = {}, set()
        provides = collections.defaultdict(set)
        form = "${Package}\t${Pre-Depends}, ${Depends}\t${Provides}\t${Essential}\t${Priority}\n"
        shown = subprocess.run(["dpkg-query", "-W", "-f", form], check=True, text=True,
                               capture_output=True).stdout
        for line in shown.splitlines():
            package, depends, provided, essential, priority = line.split("\t")
            self.depends.setdefault(package, set()).update(self.names(depends))
            for name in self.names(provided):
                provides[name].add(package)
            if essential == "yes" or priority in ("required", "important"):
                self.base.add(package)
        for package, names in self.depends.items():
            real = {other for name in names for other in provides.get(name, ())}
            self.depends[package] = {name for name in names | real if name in self.depends}

    @staticmethod
    def names(field):
        return {re.split(r"[ (:]", name.strip())[0] for name in re.split(r"[,|]", field) if name.strip()}

    def owner_of(self, path):
        found = self.owner.get(normal(str(path)))
        return found or self.owner.get(normal(str(pathlib.Path(path).resolve())))

    def closure(self, packages):
        seen, todo = set(), list(packages)
        while todo:
            package = todo.pop()
            if package not in seen:
                seen.add(package)
                todo += self.depends.get(package, ())
        return seen

    def program_owner(self, name):
        path = shutil.which(name, path=PATH)
        return self.owner_of(path) if path else None


def entries():
    """The list: one tuple of alternatives per line."""
    for line in LIST.read_text().splitlines():
        names = tuple(name.strip() for name in line.split("#")[0].split("|") if name.strip())
        if names:
            yield names


def tree(*suffixes):
    skipped = {"build", ".git"}
    for path in sorted(ROOT.rglob("*")):
        if path.relative_to(ROOT).parts[0] in skipped or not path.is_file():
            continue
        if path.suffix in suffixes or path.name in suffixes:
            yield path, path.read_text(encoding="utf-8", errors="replace")


def programs_called(listed_programs):
    """program -> a file that calls it."""
    called = {}
    for path, text in tree(".sh", ".bats", ".bash", "Makefile", "run"):
        own = set(FUNCTION.findall(text))
        for line in text.splitlines():
            for name in SHELL_COMMAND.findall(line.split(" #")[0]):
                if name not in own:
                    called.setdefault(name, path)
    # In code a quoted word is a call only where it is the name of a program that we know we have.
    for path, text in tree(".cc", ".h", ".py", "CMakeLists.txt"):
        if path.name == pathlib.Path(__file__).name or path.relative_to(ROOT).parts[0] not in (
                "tests", "tools", "bench"):
            continue
        for name in LITERAL.findall(text):
            if name in listed_programs:
                called.setdefault(name, path)
    for name, sign, program in CALLED_BY_CMAKE:
        if sign in (ROOT / name).read_text():
            called.setdefault(program, ROOT / name)
    return {name: path for name, path in called.items()
            if name not in OPTIONAL_PROGRAMS | NOT_PROGRAMS}


def programs_of(dpkg, packages):
    """Names under which the packages' programs are called, alternatives such as java included."""
    names = set()
    for path, package in dpkg.owner.items():
        if package in packages and re.fullmatch(r"/usr/(s?bin|lib/jvm/[^/]+/bin|share/\w+/bin)/[^/]+", path):
            names.add(path.rsplit("/", 1)[1])
    return names


def direct_headers(dpkg):
    """package -> one of its headers that our sources name."""
    by_tail = collections.defaultdict(set)
    compilers_own = set()  # such as immintrin.h: every compiler brings them
    for path, package in dpkg.owner.items():
        if "/include/" in path:
            tail = path.split("/include/", 1)[1]
            if path.startswith("/usr/lib/gcc/"):
                compilers_own.add(tail)
            by_tail[tail].add(package)
            by_tail[tail.split("/", 1)[-1]].add(package)  # below an include folder of its own
    used = {}
    for _, text in tree(".cc", ".h"):
        for header in INCLUDE.findall(text):
            if header not in compilers_own and ("." in header or "/" in header):
                exact = dpkg.owner.get(f"/usr/include/{header}")
                for package in {exact} if exact else by_tail.get(header, set()):
                    used.setdefault(package, f"<{header}>")
    return used


def modules_imported(dpkg):
    """package -> a module of it that our Python files import."""
    used = {}
    for _, text in tree(".py", ".sh", ".bats"):
        for name in IMPORT.findall(text):
            spec = importlib.machinery.PathFinder.find_spec(name, ["/usr/lib/python3/dist-packages"])
            owner = dpkg.owner_of(spec.origin) if spec and spec.origin else None
            if owner:
                used.setdefault(owner, f"import {name}")
    return used


def headers_read(build):
    """Every system header that the compiler opened."""
    shown = subprocess.run(["ninja", "-C", str(build), "-t", "deps"], check=True, text=True,
                           capture_output=True).stdout
    return sorted({line.strip() for line in shown.splitlines() if line.startswith("    /usr/")})


def libraries_loaded(program):
    shown = subprocess.run(["ldd", str(program)], check=True, text=True, capture_output=True).stdout
    return [match.group(1) for match in re.finditer(r"(?:=>\s+|^\s+)(/\S+)", shown, re.MULTILINE)]


def clang_runtime():
    """What clang links for -fsanitize=fuzzer, if the fuzz targets ask for it."""
    if "-fsanitize=fuzzer" not in (ROOT / "tests/fuzz/CMakeLists.txt").read_text():
        return None
    return subprocess.run(["clang++", "--rtlib=compiler-rt", "-print-libgcc-file-name"], check=True,
                          text=True, capture_output=True).stdout.strip()


def owners_outside(dpkg, paths, allowed):
    """package -> one of `paths` it owns, for packages that are not in `allowed`."""
    outside = {}
    for path in paths:
        owner = dpkg.owner_of(path)
        if owner and owner not in allowed:
            outside.setdefault(owner, path)
    return outside


def left_out(reason):
    """Where nothing may be left out, a reason to leave out is a failure."""
    print(f"left out: {reason}")
    return 1 if os.environ.get("FAULTLINE_REQUIRE_DATA") == "1" else LEFT_OUT


def main(arguments):
    if not DPKG_INFO.is_dir():
        return left_out("no dpkg on this machine")
    dpkg = Dpkg()
    listed = {}
    for names in entries():
        present = [name for name in names if name in dpkg.depends]
        if not present:
            return left_out(f"{' | '.join(names)} is not installed")
        listed[present[0]] = names
    faults = []
    closure = dpkg.closure(listed) | dpkg.base
    toolchain = dpkg.closure({"g++"}) | dpkg.base

    headers = direct_headers(dpkg)
    modules = modules_imported(dpkg)
    for package, what in sorted({**headers, **modules}.items()):
        if package not in listed and package not in toolchain:
            faults.append(f"missing: {package} ({what})")

    called = programs_called(programs_of(dpkg, dpkg.closure(listed)))
    callees = {}
    for name, path in sorted(called.items()):
        owner = dpkg.program_owner(name)
        if owner:
            callees.setdefault(owner, name)
        if owner and owner not in closure:
            faults.append(f"missing: {owner} ('{name}' in {path.relative_to(ROOT)})")

    runtime = clang_runtime()
    owner = runtime and dpkg.owner_of(runtime)
    if runtime and owner not in closure:
        faults.append(f"missing: {owner or 'the package'} (clang links {runtime})")
    elif owner:
        callees.setdefault(owner, runtime)

    read = headers_read(arguments[0])
    for package, path in owners_outside(dpkg, read, closure).items():
        faults.append(f"missing: {package} (the compiler read {path})")
    loaded = libraries_loaded(arguments[1]) if len(arguments) > 1 else []
    for package, path in owners_outside(dpkg, loaded, closure).items():
        faults.append(f"missing: {package} (the program loads {path})")

    for package, names in sorted(listed.items()):
        faces = dpkg.depends[package] & set(callees)  # python3 stands for python3-minimal
        if package not in headers and package not in modules and package not in callees and not faces:
            faults.append(f"unused: {' | '.join(names)}")

    for fault in faults:
        print(f"{LIST.relative_to(ROOT)}: {fault}")
    print(f"{len(listed)} packages; {len(headers) + len(modules)} by header or module, {len(callees)} by "
          f"program; {len(read)} headers read, {len(loaded)} libraries loaded; {len(faults)} faults")
    # A build that read nothing would prove nothing.
    return 1 if faults or not read else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
