"""The grammar of expressions: a whitelisted part of Python's, compiled to closures; no eval.

`a .. b` is a range, both ends in it. Text longer than `LONGEST` or nested deeper than `DEEPEST` is refused before it
costs anything.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from tcpprobe.marked.problem import did_you_mean
from tcpprobe.scenario.operations import ARITHMETIC, COMPARISONS, CONSTANTS, FUNCTIONS, OF_LISTS, Range, number, shown

if TYPE_CHECKING:
    from tcpprobe.scenario.expression import Scope

LONGEST = 500
DEEPEST = 30
_MOST_ELEMENTS = 64

Evaluate = Callable[["Scope"], Any]


EACH = "[*]"
"""In the path of a `Use`: what is asked is asked of each member of a list."""


class Use(NamedTuple):
    """A name in an expression with what is asked of it: ``first[0].time`` is ``("first", "[]", "time")``.

    Where a list is wanted, ``first.time`` is ``("first", "[*]", "time")``: of each, if `first` is a list.
    ``offset`` is where in the expression's text it stands.
    """

    path: tuple[str, ...]
    offset: int


class NotAllowed(Exception):
    """Text that is no expression of the language: why, where in the text, and a hint."""

    def __init__(self, message: str, offset: int = 0, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint


class Parsed(NamedTuple):
    """An expression that can be evaluated; ``uses`` are the names in it."""

    tree: ast.expr
    evaluate: Evaluate
    uses: tuple[Use, ...]


def parse(text: str) -> Parsed:
    """Parse and compile. Raises NotAllowed."""
    return compile_tree(_parsed(text))


def compile_tree(tree: ast.expr) -> Parsed:
    """Compile a part of what has been parsed. Raises NotAllowed."""
    compiler = _Compiler()
    evaluate = compiler.visit(tree, 0)
    return Parsed(tree, evaluate, tuple(compiler.uses))


_STRING_OR_DOTS = re.compile(r"""'[^']*'|"[^"]*"|\.\.+""")
_GLUED = re.compile(r"\d[^\W\d]")


def _parsed(text: str) -> ast.expr:
    if not text.strip():
        raise NotAllowed("an expression is missing")
    if len(text) > LONGEST:
        raise NotAllowed(f"longer than {LONGEST} characters")
    for index, character in enumerate(text):
        if character in "\\|\0\n" or (not character.isascii() and not character.isprintable()):
            raise NotAllowed(f"{character!r} cannot stand in an expression", index)
    # A range becomes `|`, which binds weaker than + and stronger than `in`, and is no operator of the language.
    source = _STRING_OR_DOTS.sub(_dots, text)
    lead = len(source) - len(source.lstrip())
    try:
        with warnings.catch_warnings():
            if _GLUED.search(source):  # "1or 2" is read with a warning
                warnings.simplefilter("ignore")
            return ast.parse(source.lstrip(), mode="eval").body if not lead else _shifted(source, lead)
    except SyntaxError as error:
        raise NotAllowed(_plain(error.msg), max(0, (error.offset or 1) - 1), _syntax_hint(text)) from None
    except (ValueError, RecursionError, MemoryError):
        raise NotAllowed("cannot be read as an expression") from None


def _shifted(source: str, lead: int) -> ast.expr:
    tree = ast.parse(source.strip(), mode="eval").body
    for node in ast.walk(tree):
        if isinstance(node, ast.expr):
            node.col_offset += lead
    return tree


def _dots(match: re.Match[str]) -> str:
    found = match.group()
    if found[0] != ".":
        return found
    if len(found) > 2:
        raise NotAllowed("a range has two dots, as in 1 .. 5", match.start())
    return " |"


def _plain(message: str) -> str:
    return "no expression" if message.startswith("invalid syntax") else message.split(". ")[0].split(" (")[0]


def _syntax_hint(text: str) -> str:
    for wrong, right in (("&&", "and"), ("||", "or"), ("!", "not")):
        if wrong in text and "!=" not in text:
            return f"write {right!r} for {wrong!r}"
    if re.search(r"(?<![=<>!])=(?!=)", text):
        return "write '==' to compare"
    return ""


# -- the grammar ------------------------------------------------------------------------------------------------------


class _Compiler:
    """An ast to a closure; whatever is not named here is refused."""

    def __init__(self) -> None:
        self.uses: list[Use] = []

    def visit(self, node: ast.expr, depth: int) -> Evaluate:
        if depth > DEEPEST:
            raise NotAllowed(f"nested deeper than {DEEPEST} levels", node.col_offset)
        handler = _GRAMMAR.get(type(node))
        if handler is None:
            what = _REFUSED.get(type(node), "this")
            raise NotAllowed(f"{what} cannot stand in an expression", node.col_offset)
        return handler(self, node, depth + 1)

    def constant(self, node: ast.Constant, _depth: int) -> Evaluate:
        value = node.value
        if value is not None and not isinstance(value, int | float | str):
            raise NotAllowed(f"{node.value!r} cannot stand in an expression", node.col_offset)
        if isinstance(value, int) and value.bit_length() > 128:
            raise NotAllowed("the number is too large", node.col_offset)
        return lambda _scope: value

    def name(self, node: ast.Name | ast.Attribute | ast.Subscript, _depth: int) -> Evaluate:
        """A name and what is asked of it: attributes, one element of a list."""
        path: list[str] = []
        steps: list[Callable[[object], object]] = []
        inner: ast.expr = node
        while not isinstance(inner, ast.Name):
            if isinstance(inner, ast.Attribute):
                if inner.attr.startswith("_"):
                    raise NotAllowed(f"{inner.attr!r} cannot be asked for", inner.col_offset)
                path.append(inner.attr)
                steps.append(_attribute(inner.attr))
            elif isinstance(inner, ast.Subscript):
                path.append("[]")
                steps.append(_element(inner))
            else:
                raise NotAllowed("only names have attributes and elements", inner.col_offset)
            inner = inner.value
            if len(path) > 4:
                raise NotAllowed("too many dots", inner.col_offset)
        root = inner.id
        if root in CONSTANTS and not path:
            value = CONSTANTS[root]
            return lambda _scope: value
        if root in FUNCTIONS:
            raise NotAllowed(f"{root} is a function", inner.col_offset, f"call it: {root}(…)")
        self.uses.append(Use((root, *reversed(path)), inner.col_offset))
        return _walk(root, tuple(reversed(steps)))

    def unary(self, node: ast.UnaryOp, depth: int) -> Evaluate:
        operand = self.visit(node.operand, depth)
        if isinstance(node.op, ast.Not):
            return lambda scope: not operand(scope)
        if isinstance(node.op, ast.USub):
            return lambda scope: -number(operand(scope))
        if isinstance(node.op, ast.UAdd):
            return lambda scope: number(operand(scope))
        raise NotAllowed("'~' is no operator here", node.col_offset)

    def binary(self, node: ast.BinOp, depth: int) -> Evaluate:
        left, right = self.visit(node.left, depth), self.visit(node.right, depth)
        if isinstance(node.op, ast.BitOr):
            return lambda scope: Range(number(left(scope)), number(right(scope)))
        apply = ARITHMETIC.get(type(node.op))
        if apply is None:
            raise NotAllowed("only + - * / // % compute here", node.col_offset)
        return lambda scope: apply(number(left(scope)), number(right(scope)))

    def compare(self, node: ast.Compare, depth: int) -> Evaluate:
        first = self.visit(node.left, depth)
        links = []
        for op, operand in zip(node.ops, node.comparators, strict=True):
            if type(op) not in COMPARISONS:
                raise NotAllowed("'is' cannot stand in an expression", node.col_offset, "write '=='")
            links.append((COMPARISONS[type(op)][1], self.visit(operand, depth)))

        def evaluate(scope: Scope) -> bool:
            left = first(scope)
            for holds, operand in links:
                right = operand(scope)
                if not holds(left, right):
                    return False
                left = right
            return True

        return evaluate

    def boolean(self, node: ast.BoolOp, depth: int) -> Evaluate:
        operands = [self.visit(value, depth) for value in node.values]
        decide = all if isinstance(node.op, ast.And) else any
        return lambda scope: decide(operand(scope) for operand in operands)

    def call(self, node: ast.Call, depth: int) -> Evaluate:
        known = FUNCTIONS.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if known is None:
            hint = did_you_mean(node.func.id, FUNCTIONS) if isinstance(node.func, ast.Name) else ""
            raise NotAllowed("no such function", node.func.col_offset, hint)
        fewest, most, function = known
        if node.keywords or not fewest <= len(node.args) <= most:
            count = str(fewest) if fewest == most else f"{fewest} to {most}"
            raise NotAllowed(f"takes {count} plain argument{'s' if most > 1 else ''}", node.col_offset)
        visit = self.listed if function in OF_LISTS else self.visit
        arguments = [visit(argument, depth) for argument in node.args]
        return lambda scope: function(*(argument(scope) for argument in arguments))

    def listed(self, node: ast.expr, depth: int) -> Evaluate:
        """An argument that may be a list: ``answers.seq`` is what each of them has."""
        if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)):
            return self.visit(node, depth)
        evaluate = self.visit(node, depth)
        root, name = self.uses[-1].path
        self.uses[-1] = Use((root, EACH, name), self.uses[-1].offset)
        ask = _attribute(name)

        def of_each(scope: Scope) -> object:
            value = scope.lookup(root)
            return [ask(one) for one in value] if isinstance(value, list) else evaluate(scope)

        return of_each

    def sequence(self, node: ast.List | ast.Tuple, depth: int) -> Evaluate:
        if len(node.elts) > _MOST_ELEMENTS:
            raise NotAllowed(f"more than {_MOST_ELEMENTS} elements", node.col_offset)
        elements = [self.visit(element, depth) for element in node.elts]
        return lambda scope: [element(scope) for element in elements]


def _attribute(name: str) -> Callable[[object], object]:
    def ask(value: object) -> object:
        public = getattr(value, "public_names", None)
        if public is None or name not in public:
            raise TypeError(f"{shown(value)} has no {name!r}")
        return getattr(value, name)

    return ask


def _element(node: ast.Subscript) -> Callable[[object], object]:
    try:
        index = ast.literal_eval(node.slice)
    except (ValueError, TypeError, RecursionError, MemoryError):
        index = None
    if type(index) is not int:
        raise NotAllowed("an index is a whole number", node.col_offset)

    def ask(value: object) -> object:
        if not isinstance(value, list | tuple):
            raise TypeError("only a capture of a step with repeat has elements")
        if not -len(value) <= index < len(value):
            raise LookupError(f"there is no [{index}], only {len(value)}")
        return value[index]

    return ask


def _walk(root: str, steps: tuple[Callable[[object], object], ...]) -> Evaluate:
    if not steps:
        return lambda scope: scope.lookup(root)
    if len(steps) == 1:
        only = steps[0]
        return lambda scope: only(scope.lookup(root))

    def evaluate(scope: Scope) -> object:
        value = scope.lookup(root)
        for step in steps:
            value = step(value)
        return value

    return evaluate


_GRAMMAR: Mapping[type[ast.expr], Callable[[_Compiler, Any, int], Evaluate]] = {
    ast.Constant: _Compiler.constant,
    ast.Name: _Compiler.name,
    ast.Attribute: _Compiler.name,
    ast.Subscript: _Compiler.name,
    ast.UnaryOp: _Compiler.unary,
    ast.BinOp: _Compiler.binary,
    ast.Compare: _Compiler.compare,
    ast.BoolOp: _Compiler.boolean,
    ast.Call: _Compiler.call,
    ast.List: _Compiler.sequence,
    ast.Tuple: _Compiler.sequence,
}

_REFUSED: Mapping[type[ast.expr], str] = {
    ast.Lambda: "lambda",
    ast.IfExp: "if … else",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.JoinedStr: "an f-string",
    ast.Dict: "a dict",
    ast.Set: "a set",
    ast.NamedExpr: "':='",
    ast.Await: "await",
    ast.Yield: "yield",
    ast.Starred: "'*'",
}
